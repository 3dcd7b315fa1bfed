#include "platform/runtime/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

namespace tercet::runtime {
namespace {

bool fill(std::span<std::uint8_t> bytes) { return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1; }

bool is_within(const TicketKeys::Key& key, UnixMillis now, Seconds time) {
  // A clock that was set back does not make a key live longer.
  return now.ms >= key.made.ms && now.ms - key.made.ms < time.count() * 1000;
}

bool carries(const TicketKeys::Key& key, Bytes name) {
  return name.size() == key.name.size() && std::equal(name.begin(), name.end(), key.name.begin());
}

}  // namespace

TicketKeys::~TicketKeys() {
  for (auto* key : {&newest_, &before_})
    if (*key) OPENSSL_cleanse(&**key, sizeof **key);
}

/// Makes a new key when the newest has had its time; the one before goes when it can be of no use any more.
bool TicketKeys::turn(UnixMillis now) {
  if (before_ && !is_within(*before_, now, kLife)) before_.reset();
  if (newest_ && is_within(*newest_, now, kUse)) return true;
  Key made;
  made.made = now;
  if (!fill(made.name) || !fill(made.cipher) || !fill(made.mac)) return false;
  before_ = newest_ && is_within(*newest_, now, kLife) ? newest_ : std::nullopt;
  newest_ = made;
  OPENSSL_cleanse(&made, sizeof made);
  return true;
}

std::optional<TicketKeys::Key> TicketKeys::current(UnixMillis now) {
  const std::lock_guard lock(mutex_);
  if (!turn(now)) return std::nullopt;
  return newest_;
}

std::optional<TicketKeys::Found> TicketKeys::find(Bytes name, UnixMillis now) {
  const std::lock_guard lock(mutex_);
  if (!turn(now)) return std::nullopt;
  if (carries(*newest_, name)) return Found{*newest_, false};
  if (before_ && carries(*before_, name)) return Found{*before_, true};
  return std::nullopt;
}

}  // namespace tercet::runtime
