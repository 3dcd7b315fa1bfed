#include "platform/openapi/live_updates.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "platform/openapi/valid_utf8.h"
#include "platform/thing/history.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostRefusals = 50;
constexpr std::size_t kValueFrame = 64;  // {"Identifier":"","Value":"","Time":1700000000000},

/// At most so many bytes as JSON: a control character takes six.
std::size_t json_bytes(std::string_view text) {
  std::size_t bytes = 0;
  for (const char c : text) bytes += static_cast<unsigned char>(c) < 0x20 ? 6 : c == '"' || c == '\\' ? 2 : 1;
  return bytes;
}

/// Takes what goes into one event out of `update`: all of it, or the first values of a device with large ones.
json::object take_row(DeviceUpdate& update, std::size_t& room) {
  json::object row{{"ProductKey", update.product}, {"DeviceName", update.name}};
  if (update.online) {
    row["Online"] = *update.online;
    row["Timestamp"] = update.since.ms;
    update.online.reset();
  }
  if (std::exchange(update.has_events, false)) row["Events"] = true;
  json::array values;
  while (!update.values.empty() && room > 0) {
    const auto& [identifier, value] = *update.values.begin();
    room -= std::min(room, json_bytes(value.text) + json_bytes(identifier) + kValueFrame);
    values.push_back(json::object{{"Identifier", identifier}, {"Value", value.text}, {"Time", value.time.ms}});
    update.values.erase(update.values.begin());
  }
  row["Values"] = std::move(values);
  return row;
}

}  // namespace

void DeviceUpdate::merge(const DeviceUpdate& newer) {
  product = newer.product;
  name = newer.name;
  if (newer.online) {
    online = newer.online;
    since = newer.since;
  }
  has_events |= newer.has_events;
  for (const auto& [identifier, value] : newer.values) values[identifier] = value;
}

ShardUpdates::ShardUpdates(runtime::Loop& shard, Give give)
    : shard_(shard),
      give_(std::move(give)),
      timer_([](void* self) { static_cast<ShardUpdates*>(self)->give(); }, this),
      pending_(std::make_shared<DeviceUpdates>()) {}

DeviceUpdate* ShardUpdates::touch(std::uint64_t device, std::string_view product, std::string_view name) {
  if (!timer_.is_set()) timer_.set(shard_, shard_.now() + kInterval);
  const auto it = pending_->find(device);
  if (it != pending_->end()) return &it->second;
  if (pending_->size() >= kMostDevices) {
    left_out_ = true;
    return nullptr;
  }
  DeviceUpdate& made = (*pending_)[device];
  made.product = product;
  made.name = name;
  return &made;
}

void ShardUpdates::on_values(std::uint64_t device, std::string_view product, std::string_view name,
                             std::span<const thing::Change> changes) {
  DeviceUpdate* update = touch(device, product, name);
  if (update == nullptr) return;
  for (const thing::Change& change : changes) {
    bytes_ += change.identifier.size() + change.value.size();
    if (change.value.size() > kMostValueBytes || bytes_ > kMostBytes)
      left_out_ = true;
    else
      update->values[std::string(change.identifier)] = {thing::value_text(change.value), change.time};
  }
}

void ShardUpdates::on_presence(std::uint64_t device, std::string_view product, std::string_view name,
                               const thing::Presence& presence) {
  DeviceUpdate* update = touch(device, product, name);
  if (update == nullptr) return;
  update->online = presence.online;
  update->since = presence.since;
}

void ShardUpdates::on_event(std::uint64_t device, std::string_view product, std::string_view name,
                            const thing::Change&) {
  if (DeviceUpdate* update = touch(device, product, name)) update->has_events = true;
}

void ShardUpdates::on_left_out(std::size_t) {
  left_out_ = true;
  if (!timer_.is_set()) timer_.set(shard_, shard_.now() + kInterval);
}

void ShardUpdates::stop() {
  timer_.cancel();
  pending_->clear();
  bytes_ = 0;
  left_out_ = false;
}

void ShardUpdates::give() {
  if (!give_(pending_, left_out_)) return timer_.set(shard_, shard_.now() + kInterval);
  pending_ = std::make_shared<DeviceUpdates>();
  bytes_ = 0;
  left_out_ = false;
}

LiveUpdates::LiveUpdates(runtime::Loop& loop, Fleet& fleet, registry::JournalStore& journal)
    : loop_(loop),
      fleet_(fleet),
      timer_([](void* self) { static_cast<LiveUpdates*>(self)->flush(); }, this),
      self_(std::make_shared<LiveUpdates*>(this)),
      told_(fleet.shard_count(), false) {
  for (std::size_t shard = 0; shard < fleet_.shard_count(); ++shard)
    shards_.push_back(std::make_shared<ShardUpdates>(fleet_.shard_loop(shard),
                                                     [&loop, self = std::weak_ptr<LiveUpdates*>(self_)](
                                                         std::shared_ptr<const DeviceUpdates> updates, bool left_out) {
                                                       return loop.post([self, updates, left_out] {
                                                         if (const auto here = self.lock())
                                                           (*here)->take(*updates, left_out);
                                                       });
                                                     }));
  journal.listen([self = std::weak_ptr<LiveUpdates*>(self_)](const registry::JournalEntry& entry) {
    if (const auto here = self.lock()) (*here)->on_refusal(entry);
  });
}

LiveUpdates::~LiveUpdates() { listen(false); }

bool LiveUpdates::Reader::wants(std::string_view device_product, std::string_view device_name) const {
  return (product.empty() || product == device_product) && (name.empty() || name == device_name);
}

/// False when a shard's queue was full: to be tried again.
bool LiveUpdates::listen(bool on) {
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    if (told_[shard] == on) continue;
    if (fleet_.on_shard(shard, [updates = shards_[shard], on](thing::Things& things) {
          things.listen(on ? updates.get() : nullptr);
          if (!on) updates->stop();
        }))
      told_[shard] = on;
  }
  return std::all_of(told_.begin(), told_.end(), [on](bool told) { return told == on; });
}

void LiveUpdates::add(EventStream stream, std::string product, std::string name, std::string session) {
  Reader reader;
  reader.stream = std::move(stream);
  reader.product = std::move(product);
  reader.name = std::move(name);
  reader.session = std::move(session);
  readers_.push_back(std::move(reader));
  listen(true);
  if (!timer_.is_set()) timer_.set(loop_, loop_.now() + kInterval);
}

void LiveUpdates::close_session(std::string_view session) {
  for (Reader& reader : readers_)
    if (reader.session == session) reader.stream.close();
}

void LiveUpdates::take(const DeviceUpdates& updates, bool left_out) {
  for (Reader& reader : readers_) {
    reader.resync |= left_out;
    for (const auto& [device, update] : updates) {
      if (!reader.wants(update.product, update.name)) continue;
      if (reader.pending.size() >= kMostPending && !reader.pending.contains(device)) {
        reader.resync = true;
        continue;
      }
      for (const auto& [identifier, value] : update.values)
        reader.pending_bytes += identifier.size() + value.text.size();
      if (reader.pending_bytes > kMostPendingBytes) {
        reader.resync = true;
        reader.pending.clear();
        reader.pending_bytes = 0;
      }
      reader.pending[device].merge(update);
    }
  }
}

void LiveUpdates::on_refusal(const registry::JournalEntry& entry) {
  const std::string& name = entry.refusal.name;
  const auto slash = name.find('/');
  const std::string_view product = std::string_view(name).substr(0, slash);
  const std::string_view device =
      slash == std::string::npos ? std::string_view{} : std::string_view(name).substr(slash + 1);
  for (Reader& reader : readers_) {
    if (!reader.wants(product, device) || reader.refusals.size() >= kMostRefusals) continue;
    if (std::find(reader.refusals.begin(), reader.refusals.end(), name) == reader.refusals.end())
      reader.refusals.push_back(name);
  }
}

void LiveUpdates::flush() {
  for (Reader& reader : readers_)
    if (lives_ && !lives_(reader.session)) reader.stream.close();
  std::erase_if(readers_, [](const Reader& reader) { return !reader.stream.is_open(); });
  const bool told = listen(!readers_.empty());  // again, when a shard's queue was full the last time
  if (readers_.empty() && told) return;
  for (Reader& reader : readers_)
    if (reader.has_news() && reader.stream.waiting_bytes() == 0) send(reader);
  timer_.set(loop_, loop_.now() + kInterval);
}

/// One event: what fits of what is pending, the rest with the next.
void LiveUpdates::send(Reader& reader) {
  json::array devices;
  std::size_t room = kValueBytesPerEvent;
  while (!reader.pending.empty() && devices.size() < kDevicesPerEvent && room > 0) {
    const auto next = reader.pending.begin();
    devices.push_back(take_row(next->second, room));
    if (next->second.values.empty()) reader.pending.erase(next);
  }
  if (reader.pending.empty()) reader.pending_bytes = 0;
  json::array refusals;
  for (const std::string& name : reader.refusals) refusals.push_back(json::string(name));
  reader.refusals.clear();
  const json::object event{{"Devices", std::move(devices)},
                           {"Refusals", std::move(refusals)},
                           {"Resync", std::exchange(reader.resync, false)}};
  reader.stream.send("update", valid_utf8(json::serialize(event)));
}

}  // namespace tercet::openapi
