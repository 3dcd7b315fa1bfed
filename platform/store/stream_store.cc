#include "platform/store/stream_store.h"

#include <cstring>

#include "tercet/base/check.h"

namespace tercet::store {
namespace {

// An operation is: kind (high four bits) and family (low four), key length and value length (four bytes each, native
// order: the text never leaves the process), key, value.
constexpr std::size_t kHead = 1 + 4 + 4;

std::uint32_t length_at(std::string_view in, std::size_t at) {
  std::uint32_t length;
  std::memcpy(&length, in.data() + at, sizeof length);
  return length;
}

}  // namespace

void Mutations::add(Op::Kind kind, Family family, std::string_view key, std::string_view value) {
  TERCET_CHECK(key.size() <= UINT32_MAX && value.size() <= UINT32_MAX);
  const auto key_size = static_cast<std::uint32_t>(key.size());
  const auto value_size = static_cast<std::uint32_t>(value.size());
  char head[kHead];
  head[0] = static_cast<char>(static_cast<unsigned>(kind) << 4 | static_cast<unsigned>(family));
  std::memcpy(head + 1, &key_size, sizeof key_size);
  std::memcpy(head + 5, &value_size, sizeof value_size);
  ops_.append(head, kHead).append(key).append(value);
  ++count_;
}

void Mutations::put(Family family, std::string_view key, std::string_view value) {
  add(Op::Kind::put, family, key, value);
}

void Mutations::erase(Family family, std::string_view key) { add(Op::Kind::erase, family, key, {}); }

void Mutations::erase_range(Family family, std::string_view from, std::string_view to) {
  if (from < to) add(Op::Kind::erase_range, family, from, to);
}

void Mutations::append(const Mutations& other) {
  ops_.append(other.ops_);
  count_ += other.count_;
}

Mutations::Op Mutations::next(std::string_view& in) {
  const auto head = static_cast<unsigned char>(in[0]);
  const std::size_t key_size = length_at(in, 1);
  const std::size_t value_size = length_at(in, 5);
  const Op op{static_cast<Op::Kind>(head >> 4), static_cast<Family>(head & 15), in.substr(kHead, key_size),
              in.substr(kHead + key_size, value_size)};
  in.remove_prefix(kHead + key_size + value_size);
  return op;
}

}  // namespace tercet::store
