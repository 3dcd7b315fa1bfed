#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/script/scripts.h"

// What goes between the platform and its script worker: a length of four bytes, big-endian, and so many bytes.
namespace tercet::script {

inline constexpr std::size_t kMaxFrame = std::size_t{1} << 20;

std::string encode(const Request& request);
std::string encode(const Outcome& outcome);
/// Of a frame without its length. Nothing for one that is malformed. The product stays "": the worker has no use for
/// it.
std::optional<Request> decode_request(std::string_view frame);
std::optional<Outcome> decode_outcome(std::string_view frame);
/// The length of the frame that begins here; nothing while less than four bytes are there.
std::optional<std::size_t> frame_size(std::string_view bytes);

}  // namespace tercet::script
