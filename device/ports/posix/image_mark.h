#pragma once
#include <string>

#include "tercet/base/result.h"
#include "tercet/ota/slot.h"

namespace tercet::posix {

/// How an image for this machine says what it is, be it a program, a script or data: the line
///
///   tercet-image VERSION [PROJECT]
///
/// anywhere in it, ended by a line end, a zero byte or the end of the file. VERSION and PROJECT are 1 to 64 bytes
/// without blanks; VERSION has a digit in it. The first such line counts.
inline constexpr std::string_view kImageMark = "tercet-image ";

/// Errors: malformed, it has no such line.
Result<ota::ImageIdentity> find_image_mark(std::string_view image);
/// Errors: malformed, no such line; not_found; too_large, over most_bytes; io_failed.
Result<ota::ImageIdentity> read_image_mark(const std::string& file, std::uint32_t most_bytes);

}  // namespace tercet::posix
