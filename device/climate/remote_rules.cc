#include "climate/remote_rules.h"

#include <algorithm>

#include "tercet/alink/codes.h"

namespace tercet::climate {
namespace {

using device::FetchFailure;
using device::FetchFault;

constexpr std::string_view kKnownKey = "rules_file";  // SHA-256 of the file that was dealt with last
constexpr Millis kAskAgain{1'000};

/// A file that is elsewhere or of another kind tomorrow too; a new one is offered by the platform.
bool is_final(FetchFault fault) {
  switch (fault) {
    case FetchFault::bad_url:
    case FetchFault::unsupported:
    case FetchFault::redirect:
    case FetchFault::refused:
    case FetchFault::too_large:
    case FetchFault::sink:
      return true;
    default:
      return false;
  }
}

}  // namespace

void RemoteRules::on_message(std::string_view topic, Bytes payload, Instant now) {
  const auto file = config_.on_message(topic, payload);
  if (!file || (!file->pushed && !is_wanted_ && is_known())) return;
  begin(*file, now);
}

void RemoteRules::begin(const edge::ConfigFile& file, Instant now) {
  fetch_.cancel();
  size_ = file.size;
  if (file.size > rules_.text().size()) return give_up({FetchFault::too_large, Error::too_large}, {}, now);
  if (events_ != nullptr && !events_->has_room()) return put_off({FetchFault::no_memory, Error::no_space}, {}, now);
  if (events_ != nullptr) events_->on_fetch(file.url, file.size);
  // A failure is in fetch_, and run() sees it.
  static_cast<void>(
      fetch_.start({.url = file.url, .most_bytes = rules_.text().size(), .size = std::uint64_t{file.size}}, now));
  is_due_ = true;
}

Result<void> RemoteRules::keep(std::uint64_t at, Bytes bytes) {
  const MutableBytes room = rules_.text();
  if (at > room.size() || bytes.size() > room.size() - at) return fail(Error::too_large);
  std::copy(bytes.begin(), bytes.end(), room.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

void RemoteRules::run(Instant now) {
  const bool online = device_.is_online();
  if (online && !was_online_ && !fetch_.is_busy()) ask_at_ = now;
  was_online_ = online;
  fetch_.run(now);
  if (is_due_ && !fetch_.is_busy()) finish(now);
  if (!online || now < ask_at_) return;
  ask_at_ = config_.ask() ? Instant::never() : now + kAskAgain;
}

Instant RemoteRules::next_deadline() const {
  return std::min(fetch_.next_deadline(), was_online_ ? ask_at_ : Instant::never());
}

void RemoteRules::finish(Instant now) {
  is_due_ = false;
  if (fetch_.state() != device::Fetch::State::done) return give_up(fetch_.failure(), fetch_.detail(), now);
  const Bytes text = rules_.text().first(size_);
  // Other bytes than the platform meant; or they were overwritten, because the running set was rolled back meanwhile.
  if (!config_.verify(text)) return put_off({FetchFault::wrong_size, Error::malformed}, {}, now);
  is_wanted_ = false, retry_ = kRetryFirst;
  edge::Problem problem;
  const auto taken = rules_.offer(as_text(text), 0, now, problem);
  if (events_ != nullptr) events_->on_offered(problem);
  // What the store had no room for may come again.
  if (taken || taken.error() == Error::malformed || taken.error() == Error::version_conflict) remember();
  answer(taken.has_value());
}

void RemoteRules::give_up(const FetchFailure& failure, std::string_view detail, Instant now) {
  if (!is_final(failure.fault)) return put_off(failure, detail, now);
  if (events_ != nullptr) events_->on_fetch_failed(failure, detail, Millis{0});
  is_wanted_ = false, retry_ = kRetryFirst;
  if (failure.fault == FetchFault::too_large) remember();  // else the server may be set right
  answer(false);
}

/// The platform is asked again rather than the server: an address is good for some minutes only.
void RemoteRules::put_off(const FetchFailure& failure, std::string_view detail, Instant now) {
  if (events_ != nullptr) events_->on_fetch_failed(failure, detail, retry_);
  is_wanted_ = true;
  ask_at_ = now + retry_;
  retry_ = std::min(2 * retry_, kRetryLimit);
}

bool RemoteRules::is_known() const {
  std::array<std::uint8_t, 32> known{};
  if (store_ == nullptr) return false;
  const auto got = store_->get(kKnownKey, known);
  return got && *got == known.size() && std::equal(known.begin(), known.end(), config_.digest().begin());
}

void RemoteRules::remember() {
  // Without room for it the file is fetched once more after the next login; nothing else suffers.
  if (store_ != nullptr) static_cast<void>(store_->set(kKnownKey, config_.digest()));
}

/// One that cannot be sent now is lost: the platform sees what runs by the event rules_changed.
void RemoteRules::answer(bool taken) {
  static_cast<void>(config_.answer(alink::number(taken ? alink::Code::success : alink::Code::parameter_error)));
}

}  // namespace tercet::climate
