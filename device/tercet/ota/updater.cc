#include "tercet/ota/updater.h"

#include <algorithm>

#include "tercet/crypto/encoding.h"
#include "tercet/ota/version.h"

namespace tercet::ota {
namespace {

/// The same offer comes twice after a connection: pushed, and as the answer to a pull.
constexpr Millis kSameOffer{5'000};

}  // namespace

void Updater::start(Instant now) {
  static_cast<void>(version_.assign(options_.version));
  if (const auto loaded = load_record(store_, options_.key)) record_ = *loaded;
  state_ = State::idle;
  if (boot_.is_on_trial()) {
    state_ = State::trial;
    trial_until_ = now + options_.healthy_within;
  } else if (record_.phase == Record::Phase::trying) {
    judge_last_update();
  }
  last_fault_ = record_.due;
}

/// The boot loader was told of a new image, or was about to be, and no image is on trial now.
void Updater::judge_last_update() {
  if (version_.str() == record_.version.str()) {
    record_.phase = Record::Phase::none;  // it was confirmed, and then the supply was cut
  } else if (boot_.was_spare_rejected() && options_.restarted_by_fault) {
    condemn(Fault::crashed);
  } else if (boot_.was_spare_rejected() && record_.trials >= options_.trials) {
    condemn(Fault::interrupted);
  } else {  // it is whole and may be tried again, once it is offered again
    record_.phase = Record::Phase::fetching, record_.written = record_.size;
  }
  static_cast<void>(keep());
}

void Updater::condemn(Fault fault) {
  if (record_.phase == Record::Phase::trying) record_.condemned = record_.digest;
  record_.phase = Record::Phase::none;
  record_.due = last_fault_ = fault;
}

void Updater::run(Instant now) {
  switch (state_) {
    case State::fetching:
      fetch(now);
      break;
    case State::waiting:
      if (now >= again_) wake(now);
      break;
    case State::verifying:
      if (again_ == Instant::never() || now >= again_) verify(now);
      break;
    case State::trial:
      watch_trial(now);
      break;
    case State::idle:
    case State::activated:
    case State::rolled_back:
      break;
  }
  speak(now);
}

Instant Updater::next_deadline() const {
  Instant due = is_online_ && owes_anything() ? speak_again_ : Instant::never();
  switch (state_) {
    case State::fetching:
      due = wants_erasure() || source()->state() != Source::State::busy ? Instant{}
                                                                        : std::min(due, source()->next_deadline());
      break;
    case State::waiting:
      due = std::min(due, again_);
      break;
    case State::verifying:
      due = again_ == Instant::never() ? Instant{} : std::min(due, again_);
      break;
    case State::trial:
      due = std::min({due, trial_until_, is_online_ && is_answered_ && is_well_ ? again_ : Instant::never()});
      break;
    case State::idle:
    case State::activated:
    case State::rolled_back:
      break;
  }
  return due;
}

void Updater::on_online(Instant now) {
  is_online_ = true, is_answered_ = false;
  owes_version_ = true, owes_pull_ = options_.pulls || state_ == State::trial;
  if (state_ == State::waiting) again_ = now;
  speak_again_ = now;
}

void Updater::on_offline() { is_online_ = is_answered_ = false; }

void Updater::on_answer(Instant now) {
  if (state_ != State::trial || !is_online_ || is_answered_) return;
  is_answered_ = true, again_ = now;
}

void Updater::on_offer(const ParsedOffer& parsed, Instant now) {
  const Offer& offer = parsed.offer;
  if (state_ >= State::activated) return;  // after the restart it is offered again
  if (parsed.kind == ParsedOffer::Kind::nothing) {
    if (state_ == State::waiting && wants_offer_) state_ = State::idle;  // it was called off
    return;
  }
  if (parsed.kind == ParsedOffer::Kind::unusable) return refuse(parsed.fault, offer.digest, now);
  if (offer.version == version_.str()) {
    owes_version_ = true;
    return;
  }
  const bool is_same = is_busy() && record_.is_of(offer);
  if (is_same && state_ != State::waiting) return;
  if (const Fault fault = refusal_of(offer); fault != Fault::none) return refuse(fault, offer.digest, now);
  accept(offer, now);
}

Fault Updater::refusal_of(const Offer& offer) {
  if (offer.module != options_.module) return Fault::other_module;
  const bool is_older = compare_versions(offer.version, version_.str()) < 0;
  const bool is_below = !options_.least_version.empty() && compare_versions(offer.version, options_.least_version) < 0;
  if ((is_older && !options_.allows_older) || is_below) return Fault::older;
  if (crypto::equals(record_.condemned.view(), offer.digest.view())) return Fault::failed_before;
  if (offer.size > slot_.geometry().bytes) return Fault::too_large;
  if (options_.keys.empty()) return Fault::none;
  if (offer.signature.empty()) return Fault::signature_missing;
  std::array<std::uint8_t, crypto::kMaxSignatureBytes> signature;
  const auto decoded = crypto::decode_base64(offer.signature, signature);
  return decoded && !decoded->empty() ? Fault::none : Fault::signature_form;
}

bool Updater::take_sources(const Offer& offer) {
  if (source() != nullptr && is_busy()) source()->cancel();
  taken_ = 0, source_ = sources_.size();
  for (std::size_t i = sources_.size(); i-- > 0;)
    if (i < 32 && sources_[i]->take(offer)) taken_ |= 1u << i, source_ = i;
  return taken_ != 0;
}

void Updater::accept(const Offer& offer, Instant now) {
  if (!take_sources(offer)) return refuse(Fault::no_source, offer.digest, now);
  signature_bytes_ = 0;
  if (const auto decoded = crypto::decode_base64(offer.signature, signature_)) signature_bytes_ = decoded->size();
  const bool goes_on = state_ == State::waiting && record_.is_of(offer);
  if (!goes_on) {
    if (record_.phase != Record::Phase::fetching || !record_.is_of(offer)) {
      Record fresh;
      fresh.phase = Record::Phase::fetching, fresh.due = record_.due, fresh.condemned = record_.condemned;
      fresh.size = offer.size, fresh.method = offer.method, fresh.digest = offer.digest;
      static_cast<void>(fresh.version.assign(offer.version));
      record_ = fresh;
      if (!keep()) return stop_with(Fault::flash);
    }
    begin_at(record_.written);
  }
  last_fault_ = Fault::none;
  attempts_ = 0;
  resume(now);
}

/// An offer that is not begun; what goes on is not touched.
void Updater::refuse(Fault fault, const crypto::Digest& digest, Instant now) {
  const bool is_same = digest.view().size() == refused_.view().size() &&
                       (digest.empty() || crypto::equals(digest.view(), refused_.view()));
  if (is_same && now < refused_until_) return;
  refused_ = digest, refused_until_ = now + kSameOffer;
  record_.due = last_fault_ = fault;
  static_cast<void>(keep());
}

/// The update is over. What was fetched stays of worth when only the way was bad.
void Updater::stop_with(Fault fault) {
  if (source() != nullptr) source()->cancel();
  hash_.reset();
  if (fault != Fault::download) record_.phase = Record::Phase::none;
  record_.due = last_fault_ = fault;
  static_cast<void>(keep());
  state_ = State::idle, again_ = Instant::never();
}

}  // namespace tercet::ota
