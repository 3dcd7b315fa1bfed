#include "tercet/device/remote_config.h"

#include <algorithm>

#include "tercet/alink/codes.h"

namespace tercet::device {
namespace {

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

void RemoteConfig::on_message(std::string_view topic, Bytes payload, Instant now) {
  const auto file = offers_.on_message(topic, payload);
  if (!file || (!file->pushed && !is_wanted_ && is_known())) return;
  begin(*file, now);
}

void RemoteConfig::begin(const ConfigFile& file, Instant now) {
  fetch_.cancel();
  size_ = file.size;
  if (file.size > events_.room().size()) return give_up({FetchFault::too_large, Error::too_large}, {}, now);
  if (!events_.has_memory()) return put_off({FetchFault::no_memory, Error::no_space}, {}, now);
  events_.on_fetch(file.url, file.size);
  // A failure is in fetch_, and run() sees it.
  static_cast<void>(
      fetch_.start({.url = file.url, .most_bytes = events_.room().size(), .size = std::uint64_t{file.size}}, now));
  is_due_ = true;
}

Result<void> RemoteConfig::keep(std::uint64_t at, Bytes bytes) {
  const MutableBytes room = events_.room();
  if (at > room.size() || bytes.size() > room.size() - at) return fail(Error::too_large);
  std::copy(bytes.begin(), bytes.end(), room.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

void RemoteConfig::run(Instant now) {
  const bool online = device_.is_online();
  if (online && !was_online_ && !fetch_.is_busy()) ask_at_ = now;
  was_online_ = online;
  fetch_.run(now);
  if (is_due_ && !fetch_.is_busy()) finish(now);
  if (!online || now < ask_at_) return;
  ask_at_ = offers_.ask() ? Instant::never() : now + kAskAgain;
}

Instant RemoteConfig::next_deadline() const {
  return std::min(fetch_.next_deadline(), was_online_ ? ask_at_ : Instant::never());
}

void RemoteConfig::finish(Instant now) {
  is_due_ = false;
  if (fetch_.state() != Fetch::State::done) return give_up(fetch_.failure(), fetch_.detail(), now);
  const Bytes text = events_.room().first(size_);
  // Other bytes than the platform meant; or they were overwritten, because their owner needed the room meanwhile.
  if (!offers_.verify(text)) return put_off({FetchFault::wrong_size, Error::malformed}, {}, now);
  is_wanted_ = false, retry_ = kRetryFirst;
  const auto verdict = events_.on_config(text, now);
  if (verdict != RemoteConfigEvents::Verdict::unable) remember();
  answer(verdict == RemoteConfigEvents::Verdict::taken);
}

void RemoteConfig::give_up(const FetchFailure& failure, std::string_view detail, Instant now) {
  if (!is_final(failure.fault)) return put_off(failure, detail, now);
  events_.on_fetch_failed(failure, detail, Millis{0});
  is_wanted_ = false, retry_ = kRetryFirst;
  if (failure.fault == FetchFault::too_large) remember();  // else the server may be set right
  answer(false);
}

/// The platform is asked again rather than the server: an address is good for some minutes only.
void RemoteConfig::put_off(const FetchFailure& failure, std::string_view detail, Instant now) {
  events_.on_fetch_failed(failure, detail, retry_);
  is_wanted_ = true;
  ask_at_ = now + retry_;
  retry_ = std::min(2 * retry_, kRetryLimit);
}

bool RemoteConfig::is_known() const {
  std::array<std::uint8_t, 32> known{};
  if (store_ == nullptr) return false;
  const auto got = store_->get(key_, known);
  return got && *got == known.size() && std::equal(known.begin(), known.end(), offers_.digest().begin());
}

void RemoteConfig::remember() {
  // Without room for it the file is fetched once more after the next login; nothing else suffers.
  if (store_ != nullptr) static_cast<void>(store_->set(key_, offers_.digest()));
}

/// One that cannot be sent now is lost: the platform counts it as unanswered.
void RemoteConfig::answer(bool taken) {
  static_cast<void>(offers_.answer(alink::number(taken ? alink::Code::success : alink::Code::parameter_error)));
}

}  // namespace tercet::device
