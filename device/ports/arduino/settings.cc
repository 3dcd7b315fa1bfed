#include <bit>
#include <cmath>

#include "Tercet.h"
#include "tercet/base/reader.h"
#include "tercet/base/writer.h"
#include "tercet/device/crc32.h"

// What the platform may set.
namespace device = tercet::device;

namespace {

/// A key for the store, whose keys are shorter than names may be.
struct Key {
  explicit Key(std::string_view name) {
    std::uint32_t sum = device::Crc32{}.add(tercet::as_bytes(name)).value();
    for (std::size_t i = 9; i > 1; --i, sum >>= 4) text[i] = "0123456789abcdef"[sum & 15];
  }
  char text[10] = {'s', '_'};
  std::string_view str() const { return {text, sizeof text}; }
};

}  // namespace

bool TercetDevice::add(const Setting& setting) {
  if (settings_used_ == kMostSettings) return fail("there are 8 settings already");
  settings_[settings_used_++] = setting;
  return true;
}

bool TercetDevice::setting(const char* name, int& variable, int least, int most) {
  Setting made{name, Setting::Type::whole, static_cast<double>(least), static_cast<double>(most), &variable};
  return add(made);
}
bool TercetDevice::setting(const char* name, float& variable, float least, float most) {
  Setting made{name, Setting::Type::real, static_cast<double>(least), static_cast<double>(most), &variable};
  return add(made);
}
bool TercetDevice::setting(const char* name, bool& variable) {
  Setting made{name, Setting::Type::boolean, 0, 1, &variable};
  return add(made);
}
bool TercetDevice::onSet(const char* name, int least, int most, void (*call)(int)) {
  Setting made{name, Setting::Type::whole, static_cast<double>(least), static_cast<double>(most)};
  made.call_whole = call;
  return add(made);
}
bool TercetDevice::onSet(const char* name, float least, float most, void (*call)(float)) {
  Setting made{name, Setting::Type::real, static_cast<double>(least), static_cast<double>(most)};
  made.call_real = call;
  return add(made);
}
bool TercetDevice::onSet(const char* name, void (*call)(bool)) {
  Setting made{name, Setting::Type::boolean};
  made.call_boolean = call;
  return add(made);
}

std::optional<double> TercetDevice::wanted(const Setting& setting, device::PropertySet& set) {
  constexpr auto kAccess = device::Access::read_write;
  switch (setting.type) {
    case Setting::Type::whole:
      if (const auto value =
              set.get(device::Property<std::int32_t>{setting.name, kAccess, static_cast<std::int32_t>(setting.least),
                                                     static_cast<std::int32_t>(setting.most)}))
        return static_cast<double>(*value);
      break;
    case Setting::Type::real:
      if (const auto value = set.get(device::Property<float>{setting.name, kAccess, static_cast<float>(setting.least),
                                                             static_cast<float>(setting.most)}))
        return static_cast<double>(*value);
      break;
    case Setting::Type::boolean:
      if (const auto value = set.get(device::Property<bool>{setting.name, kAccess})) return *value ? 1.0 : 0.0;
      break;
  }
  return std::nullopt;
}

void TercetDevice::apply(const Setting& setting, double value) {
  switch (setting.type) {
    case Setting::Type::whole:
      if (setting.variable != nullptr) *static_cast<int*>(setting.variable) = static_cast<int>(value);
      if (setting.call_whole != nullptr) setting.call_whole(static_cast<int>(value));
      return;
    case Setting::Type::real:
      if (setting.variable != nullptr) *static_cast<float*>(setting.variable) = static_cast<float>(value);
      if (setting.call_real != nullptr) setting.call_real(static_cast<float>(value));
      return;
    case Setting::Type::boolean:
      if (setting.variable != nullptr) *static_cast<bool*>(setting.variable) = value != 0;
      if (setting.call_boolean != nullptr) setting.call_boolean(value != 0);
      return;
  }
}

device::PropertyValue TercetDevice::value_of(const Setting& setting, double value) {
  switch (setting.type) {
    case Setting::Type::whole:
      return device::Property<std::int32_t>{setting.name}(static_cast<std::int32_t>(value));
    case Setting::Type::real:
      return device::Property<float>{setting.name}(static_cast<float>(value));
    case Setting::Type::boolean:
      break;
  }
  return device::Property<bool>{setting.name}(value != 0);
}

device::PropertyValue TercetDevice::value_of(const Setting& setting) {
  switch (setting.type) {
    case Setting::Type::whole:
      return value_of(setting, *static_cast<const int*>(setting.variable));
    case Setting::Type::real:
      return value_of(setting, static_cast<double>(*static_cast<const float*>(setting.variable)));
    case Setting::Type::boolean:
      break;
  }
  return value_of(setting, *static_cast<const bool*>(setting.variable) ? 1.0 : 0.0);
}

/// Everything is read before anything is changed, so that a set with one mistake changes nothing.
void TercetDevice::on_set(device::PropertySet& set) {
  std::array<std::optional<double>, kMostSettings> values;
  for (std::size_t i = 0; i < settings_used_; ++i) values[i] = wanted(settings_[i], set);
  if (watch_sets_ != nullptr) watch_sets_(set, watch_sets_with_);
  if (!set.ok()) return;
  for (std::size_t i = 0; i < settings_used_; ++i) {
    if (!values[i]) continue;
    apply(settings_[i], *values[i]);
    keep(settings_[i], *values[i]);
    set.confirm(value_of(settings_[i], *values[i]));
  }
}

void TercetDevice::keep(const Setting& setting, double value) {
  if (setting.variable == nullptr || port_->store == nullptr) return;
  std::array<std::uint8_t, 8> bytes{};
  tercet::Writer out{bytes};
  out.u64(std::bit_cast<std::uint64_t>(value));
  // Without room in flash it holds until the next restart; the platform shows what holds then.
  static_cast<void>(port_->store->set(Key{setting.name}.str(), bytes));
}

void TercetDevice::load_settings() {
  for (std::size_t i = 0; i < settings_used_ && port_->store != nullptr; ++i) {
    const Setting& setting = settings_[i];
    std::array<std::uint8_t, 8> bytes{};
    if (setting.variable == nullptr) continue;
    const auto got = port_->store->get(Key{setting.name}.str(), bytes);
    if (!got || *got != bytes.size()) continue;
    tercet::Reader in{bytes};
    const double value = std::bit_cast<double>(in.u64());
    if (value >= setting.least && value <= setting.most) apply(setting, value);
  }
}

/// The platform is told once after each start what holds.
void TercetDevice::post_settings() {
  std::array<device::PropertyValue, kMostSettings> values;
  std::size_t count = 0;
  for (std::size_t i = 0; i < settings_used_; ++i)
    if (settings_[i].variable != nullptr) values[count++] = value_of(settings_[i]);
  if (count == 0 || device_->post_properties(std::span(values.data(), count))) settings_due_ = false;
}
