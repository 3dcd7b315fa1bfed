#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/thing/things.h"

namespace tercet::thing {

/// What property sets and service calls share on their way to a device.

/// A ticket of a command that was not sent.
SetTicket refused(Error error, std::string detail, alink::Code code = alink::Code::success);

/// Without the blanks between tokens, which the vendor's text scanner takes for parts of values. json is well formed.
std::string compact(std::string_view json);

/// The number in an `id` of ours; nothing for anything else.
std::optional<std::uint32_t> message_id_of(std::string_view text);

/// Longer answers are kept in the history by id and code alone.
inline constexpr std::size_t kMaxKeptReply = 4096;

}  // namespace tercet::thing
