#include <algorithm>

#include "tercet/ota/updater.h"

namespace tercet::ota {
namespace {

constexpr std::uint32_t kHashAtOnce = 8 * 1024;
constexpr Millis kAskBootAgain{1'000};

}  // namespace

void Updater::begin_hash(crypto::Algorithm algorithm) {
  hash_.emplace(algorithm);
  hashed_ = 0;
}

/// Reads back what is in the slot, a part at a time.
void Updater::verify(Instant now) {
  if (again_ != Instant::never()) again_ = Instant::never(), begin_hash(record_.method), hashes_for_signature_ = false;
  std::array<std::uint8_t, 256> piece;
  const std::uint32_t until = std::min(record_.size - hashed_, kHashAtOnce) + hashed_;
  while (hashed_ < until) {
    const std::size_t size = std::min<std::size_t>(piece.size(), until - hashed_);
    if (!slot_.read(hashed_, MutableBytes{piece}.first(size))) return stop_with(Fault::flash);
    hash_->add(Bytes{piece}.first(size));
    hashed_ += static_cast<std::uint32_t>(size);
  }
  if (hashed_ < record_.size) return;
  const crypto::Digest digest = hash_->finish();
  hash_.reset();
  if (digest.empty()) return verify_later(now);
  return hashes_for_signature_ ? judge_signature(digest, now) : judge_digest(digest, now);
}

/// The backend has no memory now.
void Updater::verify_later(Instant now) {
  if (++attempts_ >= options_.attempts)
    return stop_with(hashes_for_signature_ ? Fault::wrong_signature : Fault::wrong_digest);
  again_ = now + options_.retry_first;
}

void Updater::judge_digest(const crypto::Digest& digest, Instant now) {
  if (!crypto::equals(digest.view(), record_.digest.view())) {
    if (begun_at_ == 0) return stop_with(Fault::wrong_digest);
    // Part of it is from before a restart: the slot may have been used for something else since.
    record_.written = 0;
    begin_at(0);
    return resume(now);
  }
  if (options_.keys.empty()) return activate();
  if (record_.method == crypto::Algorithm::sha256) return judge_signature(digest, now);
  hashes_for_signature_ = true;
  begin_hash(crypto::Algorithm::sha256);
}

void Updater::judge_signature(const crypto::Digest& sha256, Instant now) {
  hashes_for_signature_ = true;
  for (const Bytes key : options_.keys) {
    const auto is_signed = crypto::verify_signature(key, sha256.view(), Bytes{signature_}.first(signature_bytes_));
    if (is_signed) return activate();
    if (is_signed.error() == Error::no_space) return verify_later(now);
  }
  stop_with(Fault::wrong_signature);
}

/// What the image says of itself, where the port can read that.
Fault Updater::mistake_of_image() {
  const auto identity = boot_.spare_identity();
  if (!identity && identity.error() == Error::unsupported) return Fault::none;
  if (!identity) return identity.error() == Error::io_failed ? Fault::flash : Fault::other_image;
  const bool is_ours = options_.project.empty() || identity->project.str() == options_.project;
  return is_ours && identity->version == record_.version ? Fault::none : Fault::other_image;
}

void Updater::activate() {
  if (const Fault fault = mistake_of_image(); fault != Fault::none) return stop_with(fault);
  report_progress(100);
  // The record first: whatever happens now, the next start knows that the image may have been tried.
  record_.phase = Record::Phase::trying, ++record_.trials;
  if (!keep()) return stop_with(Fault::flash);
  if (!boot_.activate()) return stop_with(Fault::not_switched);
  state_ = State::activated;
  if (options_.needs_restart) return;
  version_ = record_.version;
  record_.phase = Record::Phase::none;
  static_cast<void>(keep());
  state_ = State::idle, owes_version_ = true;
}

void Updater::watch_trial(Instant now) {
  const bool is_healthy = is_online_ && is_answered_ && is_well_;
  if (is_healthy && now >= again_) return confirm(now);
  if (now >= trial_until_) roll_back(now);
}

void Updater::confirm(Instant now) {
  if (!boot_.confirm()) {
    again_ = now + kAskBootAgain;
    if (now >= trial_until_) roll_back(now);
    return;
  }
  record_.phase = Record::Phase::none, record_.trials = 0;
  static_cast<void>(keep());
  last_fault_ = Fault::none;
  state_ = State::idle, again_ = trial_until_ = Instant::never();
  owes_version_ = true, speak_again_ = now;
}

void Updater::roll_back(Instant now) {
  condemn(Fault::unhealthy);
  static_cast<void>(keep());
  const auto done = boot_.roll_back();
  if (done)
    state_ = State::rolled_back;
  else if (done.error() == Error::not_found)
    state_ = State::idle, owes_version_ = true;  // there is no other image: better this one than none
  else
    trial_until_ = now + kAskBootAgain;
}

}  // namespace tercet::ota
