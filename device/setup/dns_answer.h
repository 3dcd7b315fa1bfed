#pragma once
#include <array>
#include <cstdint>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"

namespace tercet::setup {

/// The answer to a DNS question of one name: this address, whatever the name, for a minute; no address for questions of
/// another type than A, which makes a telephone ask for A. Bytes written. Errors: malformed, not one question;
/// no_space.
Result<std::size_t> answer_dns(Bytes question, const std::array<std::uint8_t, 4>& address, MutableBytes into);

}  // namespace tercet::setup
