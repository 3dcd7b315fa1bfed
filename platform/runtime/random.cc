#include "platform/runtime/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "tercet/base/check.h"

namespace tercet::runtime {

StrongRandom::~StrongRandom() { OPENSSL_cleanse(pool_.data(), pool_.size()); }

void StrongRandom::fill(MutableBytes into) {
  while (!into.empty()) {
    if (used_ == pool_.size()) {
      TERCET_CHECK(RAND_bytes(pool_.data(), static_cast<int>(pool_.size())) == 1);
      used_ = 0;
    }
    const std::size_t n = std::min(into.size(), pool_.size() - used_);
    std::memcpy(into.data(), pool_.data() + used_, n);
    OPENSSL_cleanse(pool_.data() + used_, n);
    used_ += n;
    into = into.subspan(n);
  }
}

std::uint64_t StrongRandom::next() {
  std::uint8_t bytes[8];
  fill(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {  // splitmix64
    seed += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededRandom::fill(MutableBytes into) {
  for (std::uint8_t& byte : into) byte = static_cast<std::uint8_t>(next() >> 32);
}

bool SeededRandom::chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

}  // namespace tercet::runtime
