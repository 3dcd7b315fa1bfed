#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tercet::openapi {

using NamedText = std::pair<std::string, std::string>;
using NamedTexts = std::vector<NamedText>;

/// What a raw `+` stands for: itself in a query (the official SDKs write %20 there), a blank in a form body.
enum class Plus : bool { itself, blank };

/// Strict percent-encoding of both signatures: only A-Z a-z 0-9 - _ . ~ stay as they are, digits in upper case.
std::string percent_encode(std::string_view text);
/// A `%` that is not followed by two hexadecimal digits stands for itself: Node's querystring reads it so, too.
std::string percent_decode(std::string_view text, Plus plus);
/// More than any action takes: arrays hold 1000 elements.
constexpr std::size_t kMostFields = 2048;
/// "a=1&b=x%20y" taken apart, in order, names and values decoded. A name without '=' has an empty value. What comes
/// after the first `most` fields is left out.
NamedTexts parse_fields(std::string_view text, Plus plus, std::size_t most = kMostFields);

}  // namespace tercet::openapi
