#include "cli/fleet_flash.h"

#include <algorithm>
#include <cstring>

namespace tercet::cli {
namespace {

constexpr std::uint32_t kSector = SectorPool::kSectorBytes;

}  // namespace

std::uint32_t SectorPool::keep(std::uint32_t place, const Sector& content) {
  std::vector<std::uint32_t>& known = at_[place];
  for (const std::uint32_t id : known)
    if (*sectors_[id] == content) return id;
  const auto id = static_cast<std::uint32_t>(sectors_.size());
  sectors_.push_back(std::make_unique<const Sector>(content));
  known.push_back(id);
  return id;
}

bool FleetFlash::boot() {
  close_sector();
  const bool changes = is_activated_ || is_on_trial_;
  was_spare_rejected_ = is_on_trial_ || (was_spare_rejected_ && !is_activated_);
  if (changes) std::swap(running_, spare_);
  is_on_trial_ = is_activated_;
  is_activated_ = false;
  return changes;
}

void FleetFlash::close_sector() {
  if (open_ == kErased) return;
  SectorPool::Sector content;
  std::copy(open_content_.begin(), open_content_.end(), content.begin());
  spare_[open_] = pool_.keep(open_, content);
  open_ = kErased;
  open_content_ = {};
}

/// Brings the sector into open_content_. false: it was never erased.
bool FleetFlash::open_sector(std::uint32_t sector) {
  if (open_ == sector) return true;
  close_sector();
  if (sector >= spare_.size()) return false;
  open_content_.assign(kSector, 0xFF);
  if (spare_[sector] != kErased) {
    const SectorPool::Sector& kept = pool_.content(spare_[sector]);
    open_content_.assign(kept.begin(), kept.end());
  }
  spare_[sector] = kOpen;
  open_ = sector;
  return true;
}

Result<void> FleetFlash::erase(std::uint32_t at) {
  if (at % kSector != 0 || at >= kSlotBytes) return fail(Error::bad_argument);
  const std::uint32_t sector = at / kSector;
  if (open_ == sector) close_sector();
  if (sector >= spare_.size()) spare_.resize(sector + 1, kErased);
  spare_[sector] = kErased;
  return {};
}

Result<void> FleetFlash::write(std::uint32_t at, Bytes bytes) {
  if (at % kUnit != 0 || bytes.size() % kUnit != 0 || at > kSlotBytes || bytes.size() > kSlotBytes - at)
    return fail(Error::bad_argument);
  while (!bytes.empty()) {
    if (!open_sector(at / kSector)) return fail(Error::io_failed);
    const std::uint32_t within = at % kSector;
    const Bytes part = bytes.first(std::min<std::size_t>(bytes.size(), kSector - within));
    const auto place = open_content_.begin() + within;
    if (std::any_of(place, place + static_cast<std::ptrdiff_t>(part.size()), [](std::uint8_t b) { return b != 0xFF; }))
      return fail(Error::io_failed);
    std::copy(part.begin(), part.end(), place);
    bytes = bytes.subspan(part.size()), at += static_cast<std::uint32_t>(part.size());
    if (at % kSector == 0) close_sector();
  }
  return {};
}

Result<void> FleetFlash::read(std::uint32_t at, MutableBytes into) {
  if (at > kSlotBytes || into.size() > kSlotBytes - at) return fail(Error::bad_argument);
  while (!into.empty()) {
    const std::uint32_t sector = at / kSector, within = at % kSector;
    const MutableBytes part = into.first(std::min<std::size_t>(into.size(), kSector - within));
    const std::uint32_t id = sector < spare_.size() ? spare_[sector] : kErased;
    if (id == kErased)
      std::fill(part.begin(), part.end(), std::uint8_t{0xFF});
    else
      std::memcpy(part.data(), (id == kOpen ? open_content_.data() : pool_.content(id).data()) + within, part.size());
    into = into.subspan(part.size()), at += static_cast<std::uint32_t>(part.size());
  }
  return {};
}

Result<void> FleetFlash::activate() {
  if (spare_.empty() || spare_[0] == kErased) return fail(Error::malformed);
  is_activated_ = true;
  return {};
}

Result<void> FleetFlash::confirm() {
  is_on_trial_ = false;
  return {};
}

Result<void> FleetFlash::roll_back() {
  if (!is_on_trial_) return fail(Error::not_found);
  return {};  // the next restart goes back by itself
}

Result<std::size_t> FleetFlash::get(std::string_view key, MutableBytes into) {
  const auto found = values_.find(std::string(key));
  if (found == values_.end()) return fail(Error::not_found);
  if (found->second.size() > into.size()) return fail(Error::no_space);
  std::copy(found->second.begin(), found->second.end(), into.begin());
  return found->second.size();
}

Result<void> FleetFlash::set(std::string_view key, Bytes value) {
  values_[std::string(key)].assign(value.begin(), value.end());
  return {};
}

Result<void> FleetFlash::remove(std::string_view key) {
  values_.erase(std::string(key));
  return {};
}

}  // namespace tercet::cli
