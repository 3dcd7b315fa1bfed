#include "platform/broker/output.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tercet::broker {

BufferPool::~BufferPool() {
  for (auto& blocks : free_)
    for (std::uint8_t* block : blocks) delete[] block;
}

std::uint8_t* BufferPool::take(std::size_t bytes, std::uint8_t& log2) {
  const unsigned size = std::max(kSmallest, static_cast<unsigned>(std::bit_width(bytes - 1)));
  log2 = static_cast<std::uint8_t>(size);
  if (size <= kLargest) {
    auto& blocks = free_[size - kSmallest];
    if (!blocks.empty()) {
      std::uint8_t* block = blocks.back();
      blocks.pop_back();
      return block;
    }
  }
  return new std::uint8_t[std::size_t{1} << size];
}

void BufferPool::give(std::uint8_t* block, std::uint8_t log2) {
  if (log2 <= kLargest) {
    auto& blocks = free_[log2 - kSmallest];
    if (blocks.size() < (kKeepBytesPerSize >> log2)) return blocks.push_back(block);
  }
  delete[] block;
}

std::size_t BufferPool::kept_bytes() const {
  std::size_t bytes = 0;
  for (unsigned i = 0; i < free_.size(); ++i) bytes += free_[i].size() << (i + kSmallest);
  return bytes;
}

void Output::append(BufferPool& pool, Bytes bytes) {
  if (bytes.empty()) return;
  std::memcpy(reserve(pool, bytes.size()), bytes.data(), bytes.size());
  commit(bytes.size());
}

void Output::consume(BufferPool& pool, std::size_t bytes) {
  begin_ += static_cast<std::uint32_t>(bytes);
  if (empty()) clear(pool);
}

void Output::clear(BufferPool& pool) {
  if (block_ != nullptr) {
    usual_ = std::min<std::uint8_t>(
        static_cast<std::uint8_t>(std::bit_width(static_cast<std::uint32_t>(end_ > 0 ? end_ - 1 : 0))), 16);
    pool.give(block_, log2_);
  }
  block_ = nullptr;
  begin_ = end_ = 0;
}

void Output::grow(BufferPool& pool, std::size_t bytes) {
  const std::size_t held = size();
  if (block_ != nullptr && begin_ > held && (std::size_t{1} << log2_) - held >= bytes) {
    std::memcpy(block_, block_ + begin_, held);  // mostly written already: move the rest to the front
  } else {
    std::size_t want = held + bytes;
    if (block_ == nullptr)
      want = std::max(want, std::size_t{1} << usual_);
    else
      want = std::max(want, std::size_t{2} << log2_);
    std::uint8_t log2 = 0;
    std::uint8_t* block = pool.take(want, log2);
    if (held > 0) std::memcpy(block, block_ + begin_, held);
    if (block_ != nullptr) pool.give(block_, log2_);
    block_ = block;
    log2_ = log2;
  }
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(held);
}

}  // namespace tercet::broker
