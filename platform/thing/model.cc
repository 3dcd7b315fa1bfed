#include "platform/thing/model.h"

#include <bit>
#include <cstring>

namespace tercet::thing {

std::string_view name(DataType type) {
  static constexpr std::string_view kNames[] = {"int",  "float", "double", "enum", "bool",
                                                "text", "date",  "struct", "array"};
  return kNames[static_cast<std::size_t>(type)];
}

namespace {

/// Length, first and last eight bytes: enough to tell a model's identifiers apart, and cheap.
std::uint32_t hash_of(std::string_view text) {
  std::uint64_t head = 0, tail = 0;
  const std::size_t n = text.size() < 8 ? text.size() : 8;
  if (n != 0) {
    std::memcpy(&head, text.data(), n);
    std::memcpy(&tail, text.data() + text.size() - n, n);
  }
  std::uint64_t h = (head ^ (text.size() * 0x9E3779B97F4A7C15u)) * 0xFF51AFD7ED558CCDu;
  h = (h ^ (h >> 32) ^ tail) * 0xC4CEB9FE1A85EC53u;
  return static_cast<std::uint32_t>(h >> 32);
}

template <typename Named>
std::vector<std::string_view> identifiers_of(const std::vector<Named>& list) {
  std::vector<std::string_view> out;
  out.reserve(list.size());
  for (const auto& one : list) out.push_back(one.identifier);
  return out;
}

template <typename Named>
const Named* look_up(const IdentifierTable& table, const std::vector<Named>& list, std::string_view identifier) {
  const auto index = table.find(identifier);
  return index == IdentifierTable::kNone ? nullptr : &list[index];
}

}  // namespace

void IdentifierTable::build(std::vector<std::string_view> identifiers) {
  identifiers_ = std::move(identifiers);
  slots_.assign(std::bit_ceil(identifiers_.size() * 2 + 2), Slot{});
  for (std::uint32_t i = 0; i < identifiers_.size(); ++i) {
    const std::uint32_t hash = hash_of(identifiers_[i]);
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].index != kNone) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {hash, i};
  }
}

std::uint32_t IdentifierTable::find(std::string_view identifier) const {
  if (slots_.empty()) return kNone;
  const std::uint32_t hash = hash_of(identifier);
  for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.index == kNone) return kNone;
    if (slot.hash == hash && identifiers_[slot.index] == identifier) return slot.index;
  }
}

const std::shared_ptr<const Model>& Model::empty() {
  static const std::shared_ptr<const Model> kEmpty = compile(R"({"properties":[],"events":[],"services":[]})").model;
  return kEmpty;
}

const Property* Model::find_property(std::string_view identifier) const {
  return look_up(property_table_, properties_, identifier);
}
const Event* Model::find_event(std::string_view identifier) const { return look_up(event_table_, events_, identifier); }
const Service* Model::find_service(std::string_view identifier) const {
  return look_up(service_table_, services_, identifier);
}

void Model::seal() {
  property_table_.build(identifiers_of(properties_));
  event_table_.build(identifiers_of(events_));
  service_table_.build(identifiers_of(services_));
}

std::string Model::tsl(std::string_view product, std::string_view device) const {
  std::string out;
  out.reserve(features_.size() + 256);
  out += '{';
  if (!schema_.empty()) out.append("\"schema\":").append(schema_).append(",");
  out.append("\"link\":\"/sys/").append(product).append("/");
  out.append(device.empty() ? std::string_view("${deviceName}") : device).append("/thing/\",\"profile\":{");
  if (!version_.empty()) out.append("\"version\":").append(version_).append(",");
  out.append("\"productKey\":\"").append(product).append("\"");
  if (!device.empty()) out.append(",\"deviceName\":\"").append(device).append("\"");
  return out.append("},").append(features_).append("}");
}

std::string Model::simple_tsl(std::string_view product) const {
  std::string out = "{\"profile\":{\"productKey\":\"";
  return out.append(product).append("\"},").append(simple_features_).append("}");
}

}  // namespace tercet::thing
