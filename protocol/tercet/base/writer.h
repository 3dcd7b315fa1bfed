#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/one_copy.h"

namespace tercet {

/// Puts big-endian fields and text into a buffer of fixed size. The first field that does not fit makes the writer fail
/// for good; written() is then empty. Never allocates.
class Writer {
 public:
  explicit Writer(MutableBytes buffer) : buffer_(buffer) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return at_; }
  Bytes written() const { return ok_ ? Bytes{buffer_.data(), at_} : Bytes{}; }
  std::string_view text() const { return as_text(written()); }

  TERCET_ONE_COPY void u8(std::uint8_t value) {
    if (room(1)) buffer_[at_++] = value;
  }
  TERCET_ONE_COPY void u16(std::uint16_t value) {
    if (!room(2)) return;
    buffer_[at_++] = static_cast<std::uint8_t>(value >> 8);
    buffer_[at_++] = static_cast<std::uint8_t>(value);
  }
  void u32(std::uint32_t value) {
    u16(static_cast<std::uint16_t>(value >> 16));
    u16(static_cast<std::uint16_t>(value));
  }
  void u64(std::uint64_t value) {
    u32(static_cast<std::uint32_t>(value >> 32));
    u32(static_cast<std::uint32_t>(value));
  }
  TERCET_ONE_COPY void bytes(Bytes value) {
    if (value.empty() || !room(value.size())) return;
    std::memcpy(buffer_.data() + at_, value.data(), value.size());
    at_ += value.size();
  }
  void text(std::string_view value) { bytes(as_bytes(value)); }
  void ch(char value) { u8(static_cast<std::uint8_t>(value)); }
  /// A decimal number.
  TERCET_ONE_COPY void decimal(std::uint64_t value) {
    char digits[20];
    std::size_t n = 0;
    do {
      digits[n++] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    if (!room(n)) return;
    while (n > 0) buffer_[at_++] = static_cast<std::uint8_t>(digits[--n]);
  }
  TERCET_ONE_COPY void decimal(std::int64_t value) {
    if (value < 0) ch('-');
    decimal(value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value));
  }
  /// A two-byte length and the bytes; fails over 65535.
  TERCET_ONE_COPY void binary(Bytes value) {
    if (value.size() > 0xFFFF) return refuse();
    u16(static_cast<std::uint16_t>(value.size()));
    bytes(value);
  }
  void utf8(std::string_view value) { binary(as_bytes(value)); }
  void refuse() { ok_ = false; }

 private:
  bool room(std::size_t count) {
    if (!ok_ || count > buffer_.size() - at_) ok_ = false;
    return ok_;
  }
  MutableBytes buffer_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace tercet
