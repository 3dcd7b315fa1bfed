#include <algorithm>
#include <cstring>

#include "tercet/ota/updater.h"

namespace tercet::ota {

/// A sector that was begun is erased again: nobody knows how much of it was written when the supply was cut.
void Updater::begin_at(std::uint32_t at) {
  position_ = at >= record_.size ? record_.size : at - at % slot_.geometry().sector_bytes;
  erased_ = begun_at_ = position_;
  unit_bytes_ = 0, failed_ = Fault::none;
  const int percent = static_cast<int>(std::uint64_t{position_} * 100 / record_.size);
  told_percent_ = percent - percent % std::max<int>(options_.progress_percent, 1);
}

void Updater::resume(Instant now) {
  again_ = Instant::never(), wants_offer_ = false;
  if (position_ == record_.size) return conclude_fetch();
  state_ = State::fetching;
  if (position_ == 0) report_progress(1);
  source()->start(position_, *this, now);
}

bool Updater::wants_erasure() const {
  const std::uint64_t ahead = std::uint64_t{position_} + source()->most_bytes();
  return erased_ < std::min<std::uint64_t>(ahead, record_.size);
}

void Updater::erase_next() {
  if (!slot_.erase(erased_)) return stop_with(Fault::flash);
  erased_ += slot_.geometry().sector_bytes;
}

void Updater::fetch(Instant now) {
  if (source()->state() == Source::State::busy) {
    if (wants_erasure()) return erase_next();
    source()->run(now);
  }
  if (failed_ != Fault::none) return stop_with(failed_);
  if (source()->state() != Source::State::busy) judge_source(now);
}

void Updater::judge_source(Instant now) {
  if (source()->state() == Source::State::done)
    return position_ == record_.size ? conclude_fetch() : stop_with(Fault::wrong_size);
  switch (source()->trouble()) {
    case Source::Trouble::no_memory:
      for (std::size_t i = source_ + 1; i < sources_.size() && i < 32; ++i) {
        if ((taken_ >> i & 1) == 0) continue;
        source_ = i;
        return resume(now);
      }
      return try_later(false, now);
    case Source::Trouble::none:
    case Source::Trouble::may_pass:
      return try_later(false, now);
    case Source::Trouble::expired:
      owes_pull_ = true;
      return try_later(true, now);
    case Source::Trouble::wrong_size:
      return stop_with(Fault::wrong_size);
    case Source::Trouble::hopeless:
      return stop_with(Fault::download);
  }
}

void Updater::try_later(bool wants_offer, Instant now) {
  state_ = State::waiting, wants_offer_ = wants_offer;
  again_ = Instant::never();
  if (!is_online_) return;  // then it goes on when the network is back
  if (++attempts_ >= options_.attempts) return stop_with(Fault::download);
  Millis delay = options_.retry_first;
  for (int i = 1; i < attempts_ && delay < options_.retry_limit; ++i) delay *= 2;
  again_ = now + std::min(delay, options_.retry_limit);
}

void Updater::wake(Instant now) {
  if (!wants_offer_) return resume(now);
  owes_pull_ = true;
  try_later(true, now);
}

Result<void> Updater::on_image(std::uint32_t at, Bytes bytes) {
  const bool fits = at == position_ && bytes.size() <= record_.size - position_ && position_ + bytes.size() <= erased_;
  const bool is_put = fits && state_ == State::fetching && put(bytes);
  if (!is_put) {
    failed_ = fits ? Fault::flash : Fault::wrong_size;
    return fail(Error::io_failed);
  }
  attempts_ = 0;
  const std::uint32_t sector = slot_.geometry().sector_bytes,
                      in_flash = position_ - static_cast<std::uint32_t>(unit_bytes_);
  if (in_flash - in_flash % sector >= record_.written + options_.record_bytes) {
    record_.written = in_flash - in_flash % sector;
    static_cast<void>(keep());  // without it a restart fetches more again, and nothing worse
  }
  report_progress(static_cast<int>(std::uint64_t{position_} * 99 / record_.size));
  return {};
}

/// Writes whole units; the rest waits for what comes next.
Result<void> Updater::put(Bytes bytes) {
  const std::size_t unit = slot_.geometry().write_bytes;
  while (!bytes.empty()) {
    const auto at = position_ - static_cast<std::uint32_t>(unit_bytes_);
    if (unit_bytes_ == 0 && bytes.size() >= unit) {
      const std::size_t whole = bytes.size() - bytes.size() % unit;
      if (const auto done = slot_.write(at, bytes.first(whole)); !done) return done;
      position_ += static_cast<std::uint32_t>(whole), bytes = bytes.subspan(whole);
      continue;
    }
    const std::size_t part = std::min(unit - unit_bytes_, bytes.size());
    std::memcpy(unit_.data() + unit_bytes_, bytes.data(), part);
    unit_bytes_ += part, position_ += static_cast<std::uint32_t>(part), bytes = bytes.subspan(part);
    if (unit_bytes_ < unit) continue;
    unit_bytes_ = 0;
    if (const auto done = slot_.write(at, Bytes{unit_}.first(unit)); !done) return done;
  }
  return {};
}

void Updater::conclude_fetch() {
  if (unit_bytes_ > 0) {
    const std::size_t unit = slot_.geometry().write_bytes;
    std::fill(unit_.begin() + static_cast<std::ptrdiff_t>(unit_bytes_), unit_.end(), std::uint8_t{0xFF});
    const auto at = position_ - static_cast<std::uint32_t>(unit_bytes_);
    if (!slot_.write(at, Bytes{unit_}.first(unit))) return stop_with(Fault::flash);
    unit_bytes_ = 0;
  }
  if (record_.written != record_.size) {
    record_.written = record_.size;
    static_cast<void>(keep());
  }
  state_ = State::verifying, again_ = Instant::never();
  hashes_for_signature_ = false;
  begin_hash(record_.method);
}

}  // namespace tercet::ota
