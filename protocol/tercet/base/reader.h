#pragma once
#include <cstdint>

#include "tercet/base/bytes.h"
#include "tercet/base/one_copy.h"

namespace tercet {

/// Takes big-endian fields off the front of a byte view. The first field that is not whole makes the reader fail for
/// good: later reads give zeros and empty views, so a decoder reads straight down and checks ok() once. Copies nothing.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return bytes_.size(); }
  bool at_end() const { return bytes_.empty(); }
  void refuse() { ok_ = false, bytes_ = {}; }

  TERCET_ONE_COPY std::uint8_t u8() {
    const Bytes b = bytes(1);
    return b.empty() ? std::uint8_t{0} : b[0];
  }
  TERCET_ONE_COPY std::uint16_t u16() {
    const Bytes b = bytes(2);
    return b.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>((b[0] << 8) | b[1]);
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return (high << 16) | u16();
  }
  std::uint64_t u64() {
    const std::uint64_t high = u32();
    return (high << 32) | u32();
  }
  /// Exactly `count` bytes, or a failed reader and an empty view.
  TERCET_ONE_COPY Bytes bytes(std::size_t count) {
    if (count > bytes_.size()) {
      refuse();
      return {};
    }
    const Bytes taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  /// A two-byte length and that many bytes.
  Bytes binary() { return bytes(u16()); }
  Bytes rest() { return bytes(bytes_.size()); }

 private:
  Bytes bytes_;
  bool ok_ = true;
};

}  // namespace tercet
