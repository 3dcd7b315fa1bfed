#include "platform/thing/retention.h"

#include <limits>
#include <string>

#include "platform/thing/record.h"

namespace tercet::thing {

namespace {

constexpr RecordKind kKinds[] = {RecordKind::event, RecordKind::log, RecordKind::network, RecordKind::properties,
                                 RecordKind::service};  // as keys sort

std::string key_at(std::uint64_t device, RecordKind kind, std::int64_t time) {
  std::string key;
  append_key(key, {device, kind, UnixMillis{time}, 0});
  return key;
}

constexpr std::int64_t kForEver = std::numeric_limits<std::int64_t>::max();

}  // namespace

Retention::Retention(runtime::Loop& loop, store::StreamStore& store, const Settings& settings)
    : loop_(loop),
      store_(store),
      settings_(settings),
      timer_([](void* self) { static_cast<Retention*>(self)->tick(); }, this) {}

void Retention::start() { timer_.set(loop_, loop_.now() + settings_.pause); }

void Retention::tick() {
  bool over = step();
  // A device without a count to make is done in one step; a count is a burst of its own.
  for (int i = 1; i < settings_.devices_per_burst && !over && !at_.counting; ++i) over = step();
  timer_.set(loop_, loop_.now() + (over ? settings_.rest : settings_.pause));
}

bool Retention::step() {
  if (at_.counting) {
    count_some();
    return false;
  }
  if (!next_device()) {
    at_ = {};
    return true;
  }
  trim_by_age();
  at_.counting = settings_.records != 0;
  at_.kind = 0, at_.counted = 0;
  at_.below = key_at(at_.device, kKinds[0], kForEver);
  return false;
}

bool Retention::next_device() {
  std::string from, to(HistoryKey::kBytes + 1, '\xFF');
  append_key(from, {at_.device + 1, kKinds[0], UnixMillis{0}, 0});
  from.resize(8);
  bool found = false;
  const auto scanned = store_.scan(store::Family::history, from, to, store::StreamStore::Order::ascending,
                                   [&](std::string_view key, std::string_view) {
                                     const auto decoded = decode_history_key(key);
                                     found = decoded.has_value();
                                     if (decoded) at_.device = decoded->device;
                                     return false;
                                   });
  return scanned && found;
}

void Retention::trim_by_age() {
  if (settings_.days == 0) return;
  const std::int64_t oldest = loop_.wall().ms - std::int64_t{settings_.days} * 86'400'000;
  if (oldest <= 0) return;
  store::Mutations mutations;
  for (const auto kind : kKinds) {
    bool any = false;  // a range erased for nothing would still cost every later read
    const auto from = key_at(at_.device, kind, 0), to = key_at(at_.device, kind, oldest);
    const auto scanned = store_.scan(store::Family::history, from, to, store::StreamStore::Order::ascending,
                                     [&](std::string_view, std::string_view) { return any = true, false; });
    if (scanned && any) mutations.erase_range(store::Family::history, from, to);
  }
  // A store that is behind is asked again in the next round.
  if (!mutations.empty()) static_cast<void>(store_.submit(loop_, std::move(mutations), [] {}));
}

void Retention::count_some() {
  const auto kind = kKinds[at_.kind];
  const auto from = key_at(at_.device, kind, 0);
  std::size_t visited = 0;
  bool is_over = true;
  const auto scanned = store_.scan(store::Family::history, from, at_.below, store::StreamStore::Order::descending,
                                   [&](std::string_view key, std::string_view) {
                                     at_.below = key;
                                     if (++at_.counted >= settings_.records) return false;
                                     return is_over = ++visited < settings_.records_per_step;
                                   });
  if (scanned && !is_over) return;
  if (scanned && at_.counted >= settings_.records) {
    store::Mutations mutations;
    mutations.erase_range(store::Family::history, from, at_.below);
    static_cast<void>(store_.submit(loop_, std::move(mutations), [] {}));
  }
  if (++at_.kind == std::size(kKinds)) {
    at_.counting = false;
    return;
  }
  at_.counted = 0;
  at_.below = key_at(at_.device, kKinds[at_.kind], kForEver);
}

}  // namespace tercet::thing
