#include "tercet/alink/batch.h"

namespace tercet::alink {
namespace {

bool is_group(const std::optional<json::Value>& value) { return !value || value->is(json::Type::object); }

std::string_view read_name(const json::Value& identity, std::string_view name) {
  const auto value = identity.find(name);
  const auto text = value ? value->text() : std::nullopt;
  return text ? text->raw() : std::string_view{};
}

}  // namespace

Samples::Samples(const json::Value& group) {
  if (group.is(json::Type::array))
    rows_.emplace(group);
  else
    row_.emplace(group);
}

std::optional<json::Member> Samples::next_member() {
  for (;;) {
    if (row_)
      if (auto member = row_->next()) return member;
    row_.reset();
    const auto row = rows_ ? rows_->next() : std::nullopt;
    if (!row) return std::nullopt;
    row_.emplace(*row);
  }
}

std::optional<Sample> Samples::next() {
  for (;;) {
    if (times_) {
      if (const auto element = times_->next()) return Sample{identifier_, unwrap(*element)};
      times_.reset();
    }
    const auto member = next_member();
    if (!member) return std::nullopt;
    // In a batch post each identifier has a list of samples. A value that is a list comes wrapped with its time.
    if (rows_ || !member->value.is(json::Type::array)) return Sample{member->name, unwrap(member->value)};
    identifier_ = member->name;
    times_.emplace(member->value);
  }
}

Result<DeviceSamples> parse_batch(const json::Value& params) {
  if (!params.is(json::Type::object)) return fail(Error::malformed);
  DeviceSamples made;
  made.properties = params.find("properties");
  made.events = params.find("events");
  if (!is_group(made.properties) || !is_group(made.events)) return fail(Error::malformed);
  return made;
}

std::optional<Result<DeviceSamples>> HistoryDevices::next() {
  const auto entry = entries_.next();
  if (!entry) return std::nullopt;
  const auto identity = entry->find("identity");
  if (!identity) return Result<DeviceSamples>(fail(Error::malformed));
  DeviceSamples made;
  made.product = read_name(*identity, "productKey");
  made.device = read_name(*identity, "deviceName");
  if (made.product.empty() || made.device.empty()) return Result<DeviceSamples>(fail(Error::malformed));
  made.properties = entry->find("properties");
  made.events = entry->find("events");
  return Result<DeviceSamples>(made);
}

}  // namespace tercet::alink
