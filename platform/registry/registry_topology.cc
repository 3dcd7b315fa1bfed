// Which devices are with which gateway.
#include <utility>

#include "platform/registry/registry_state.h"

namespace tercet::registry {
namespace {

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_argument) {
  return {error, code, std::move(detail)};
}

}  // namespace

runtime::Outcome<std::vector<Device>> Registry::State::unbind_all(std::uint64_t gateway) {
  std::vector<Device> unbound;
  auto read = database.must_prepare("SELECT " + std::string(kDeviceColumns) + " FROM devices WHERE gateway=?");
  read.bind(gateway);
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) break;
    unbound.push_back(read_device(read).device);
    unbound.back().gateway = 0;
  }
  if (unbound.empty()) return unbound;
  const auto done = database.must_prepare("UPDATE devices SET gateway=0 WHERE gateway=?").bind(gateway).run();
  if (!done) return done.problem();
  return unbound;
}

Answer<std::vector<Moved>> Registry::add_sub_devices(const Device& gateway, const std::vector<Device>& devices,
                                                     runtime::Task applied) {
  State& state = *state_;
  std::vector<Moved> moved;
  std::vector<Device> changed;
  for (const Device& device : devices) {
    if (device.gateway == gateway.number) continue;
    moved.push_back({device, device.gateway});
    moved.back().device.gateway = gateway.number;
    changed.push_back(moved.back().device);
  }
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto update = state.database.must_prepare("UPDATE devices SET gateway=? WHERE number=?");
  for (const Device& device : changed)
    if (const auto done = update.bind(gateway.number, device.number).run(); !done)
      return system_problem(done.problem());
  auto count = state.database.must_prepare("SELECT count(*) FROM devices WHERE gateway=?");
  if (const auto row = count.bind(gateway.number).step(); !row) return system_problem(row.problem());
  if (static_cast<std::uint64_t>(count.integer(0)) > limits_.sub_devices)
    return refused("iot.device.TopoRelationCountExceeded",
                   "a gateway has at most " + std::to_string(limits_.sub_devices) +
                       " sub-devices: spread them over more gateways, or raise the limit",
                   Error::no_space);
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  state.feed.put(std::move(changed), std::move(applied));
  return moved;
}

Answer<void> Registry::remove_sub_devices(const std::vector<Device>& devices, runtime::Task applied) {
  State& state = *state_;
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto update = state.database.must_prepare("UPDATE devices SET gateway=0 WHERE number=?");
  std::vector<Device> changed = devices;
  for (Device& device : changed) {
    if (const auto done = update.bind(device.number).run(); !done) return system_problem(done.problem());
    device.gateway = 0;
  }
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  state.feed.put(std::move(changed), std::move(applied));
  return {};
}

Answer<Page<DeviceRecord>> Registry::sub_devices(std::uint64_t gateway, PageRequest page) {
  if (auto bad = page_problem(page, limits_.device_page)) {
    bad->code = "iot.device.QueryTopoRelationFailed";
    return *bad;
  }
  flush();
  Page<DeviceRecord> answer;
  answer.asked = page;
  auto count = state_->database.must_prepare("SELECT count(*) FROM devices WHERE gateway=?");
  if (const auto row = count.bind(gateway).step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  auto read = state_->database.must_prepare(
      "SELECT " + std::string(kDeviceColumns) + " FROM devices WHERE gateway=? ORDER BY number LIMIT " +
      std::to_string(page.size) + " OFFSET " + std::to_string((page.page - 1) * page.size));
  read.bind(gateway);
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return answer;
    answer.items.push_back(state_->read_device(read));
  }
}

std::vector<Device> Registry::sub_devices(std::uint64_t gateway) {
  std::vector<Device> found;
  auto read = state_->database.must_prepare(
      "SELECT number, iot_id, product, name, enabled FROM devices WHERE gateway=? ORDER BY number");
  read.bind(gateway);
  for (auto row = read.step(); row && *row; row = read.step()) {
    Device device;
    device.number = static_cast<std::uint64_t>(read.integer(0));
    device.iot_id = read.text(1);
    device.product = read.text(2);
    device.name = read.text(3);
    device.enabled = read.integer(4) != 0;
    device.gateway = gateway;
    found.push_back(std::move(device));
  }
  return found;
}

}  // namespace tercet::registry
