#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tercet/base/bytes.h"

namespace tercet::broker {

/// Blocks for output, in sizes of powers of two, kept for the next connection that needs one. One per shard.
class BufferPool {
 public:
  static constexpr unsigned kSmallest = 10;  ///< 1 KB
  static constexpr unsigned kLargest = 20;   ///< larger ones are not kept
  BufferPool() = default;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A block of at least `bytes`; its size is 2^log2.
  std::uint8_t* take(std::size_t bytes, std::uint8_t& log2);
  void give(std::uint8_t* block, std::uint8_t log2);
  std::size_t kept_bytes() const;

 private:
  static constexpr std::size_t kKeepBytesPerSize = 8u << 20;
  std::array<std::vector<std::uint8_t*>, kLargest - kSmallest + 1> free_;
};

/// What a connection has yet to write. Holds a block only while there is something in it.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }
  Bytes pending() const { return {block_ + begin_, size()}; }

  /// Room for `bytes` more at the end; write there, then commit().
  std::uint8_t* reserve(BufferPool& pool, std::size_t bytes) {
    if (block_ == nullptr || (std::size_t{1} << log2_) - end_ < bytes) grow(pool, bytes);
    return block_ + end_;
  }
  void commit(std::size_t bytes) { end_ += static_cast<std::uint32_t>(bytes); }
  void append(BufferPool& pool, Bytes bytes);
  /// The first `bytes` are on their way; gives the block back when nothing is left.
  void consume(BufferPool& pool, std::size_t bytes);
  void clear(BufferPool& pool);

 private:
  void grow(BufferPool& pool, std::size_t bytes);

  std::uint8_t* block_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint8_t log2_ = 0;
  std::uint8_t usual_ = 0;  ///< size of the last block given back: what the next pass will probably need
};

}  // namespace tercet::broker
