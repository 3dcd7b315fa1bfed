#include <algorithm>

#include "tercet/ota/updater.h"

namespace tercet::ota {
namespace {

constexpr Millis kSpeakAgain{200};

template <typename Write>
Result<void> send(Uplink& uplink, Channel channel, Write&& write) {
  std::array<std::uint8_t, kMaxReportBytes> buffer;
  Writer out{buffer};
  write(out, uplink.next_id());
  return uplink.send(channel, out.written());
}

}  // namespace

bool Updater::owes_anything() const {
  const bool may_say_version = state_ != State::trial && state_ != State::rolled_back;
  return record_.due != Fault::none || owes_pull_ || (owes_version_ && may_say_version);
}

/// A failure before the version: the version alone would begin the update that just failed once more. An image on
/// trial keeps its version to itself until it is confirmed, for to the platform that is success.
void Updater::speak(Instant now) {
  while (is_online_ && now >= speak_again_ && owes_anything()) {
    const bool may_say_version = state_ != State::trial && state_ != State::rolled_back;
    const auto said = record_.due != Fault::none         ? say_due()
                      : owes_version_ && may_say_version ? say_version()
                                                         : say_pull();
    if (!said) speak_again_ = now + kSpeakAgain;
  }
}

Result<void> Updater::say_due() {
  const auto said = send(uplink_, Channel::progress, [&](Writer& out, std::uint32_t id) {
    write_progress(out, id, static_cast<int>(step_of(record_.due)), name(record_.due), options_.module);
  });
  if (!said) return said;
  record_.due = Fault::none;
  static_cast<void>(keep());
  return {};
}

Result<void> Updater::say_version() {
  const auto said = send(uplink_, Channel::inform, [&](Writer& out, std::uint32_t id) {
    write_version_report(out, id, version_.str(), options_.module);
  });
  if (said) owes_version_ = false;
  return said;
}

Result<void> Updater::say_pull() {
  const auto said =
      send(uplink_, Channel::get, [&](Writer& out, std::uint32_t id) { write_pull(out, id, options_.module); });
  if (said) owes_pull_ = false;
  return said;
}

/// One that cannot be sent now is not sent later: the next one says more.
void Updater::report_progress(int percent) {
  const int step = std::max<int>(options_.progress_percent, 1);
  const int next = told_percent_ - told_percent_ % step + step;
  const bool is_news = percent > told_percent_ && (percent == 1 || percent == 100 || percent >= next);
  if (!is_online_ || !is_news) return;
  const auto said = send(uplink_, Channel::progress,
                         [&](Writer& out, std::uint32_t id) { write_progress(out, id, percent, "", options_.module); });
  if (said) told_percent_ = percent;
}

}  // namespace tercet::ota
