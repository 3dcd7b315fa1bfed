#pragma once
#include <array>
#include <cstddef>
#include <cstring>

namespace tercet::idf {

/// Hands the head of a TLS record (RFC 5246, 6.2.1) to mbedTLS whole or not at all. ESP-IDF's dynamic buffers
/// (MBEDTLS_DYNAMIC_BUFFER) read it into a local variable of theirs, so that of a head that comes in two pieces the
/// first would be lost.
class RecordHead {
 public:
  static constexpr std::size_t kBytes = 5;

  void clear() { bytes_ = 0; }

  /// As mbedTLS's receive callback: how many bytes, or what `read(into, size)` says if that is 0 or less.
  template <typename Read>
  int receive(unsigned char* into, std::size_t size, Read read) {
    if (size != kBytes) return read(into, size);
    while (bytes_ < kBytes) {
      const int got = read(head_.data() + bytes_, kBytes - bytes_);
      if (got <= 0) return got;
      bytes_ += static_cast<std::size_t>(got);
    }
    bytes_ = 0;
    std::memcpy(into, head_.data(), kBytes);
    return static_cast<int>(kBytes);
  }

 private:
  std::array<unsigned char, kBytes> head_ = {};
  std::size_t bytes_ = 0;
};

}  // namespace tercet::idf
