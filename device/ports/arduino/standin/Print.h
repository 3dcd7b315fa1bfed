#pragma once
#include <cstddef>
#include <cstdint>

/// What the library uses of the core's Print.
class Print {
 public:
  virtual ~Print() = default;
  virtual std::size_t write(std::uint8_t byte) = 0;
  virtual std::size_t write(const std::uint8_t* bytes, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) write(bytes[i]);
    return size;
  }
};
