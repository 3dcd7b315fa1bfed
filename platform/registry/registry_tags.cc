// Tags of devices.
#include <utility>

#include "platform/registry/registry_state.h"

namespace tercet::registry {

namespace {

constexpr std::string_view kOfDevice = "SELECT key, value, is_system FROM device_tags WHERE device=?";

/// What is left of the rows, as tags.
runtime::Outcome<std::vector<Tag>> read_tags(store::Statement& rows) {
  std::vector<Tag> tags;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.problem();
    if (!*row) return tags;
    tags.push_back({rows.text(0), rows.text(1), rows.integer(2) != 0});
  }
}

}  // namespace

Answer<std::vector<Tag>> Registry::tags(std::uint64_t device) {
  auto rows = state_->database.must_prepare(std::string(kOfDevice) + " ORDER BY is_system, key");
  auto tags = read_tags(rows.bind(device));
  if (!tags) return system_problem(tags.problem());
  return std::move(*tags);
}

Answer<std::vector<Tag>> Registry::put_tags(std::uint64_t device, const std::vector<Tag>& tags) {
  State& state = *state_;
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  std::vector<Tag> changed;
  auto put = state.database.must_prepare(
      "INSERT INTO device_tags(device, is_system, key, value) VALUES(?1,?2,?3,?4) "
      "ON CONFLICT(device, is_system, key) DO UPDATE SET value=?4 WHERE value!=?4");
  for (const Tag& tag : tags) {
    if (const auto done = put.bind(device, tag.is_system, tag.key, tag.value).run(); !done)
      return system_problem(done.problem());
    if (state.database.changes() != 0) changed.push_back(tag);
  }
  auto count = state.database.must_prepare("SELECT count(*) FROM device_tags WHERE device=? GROUP BY is_system");
  count.bind(device);
  for (;;) {
    const auto row = count.step();
    if (!row) return system_problem(row.problem());
    if (!*row) break;
    if (static_cast<std::uint64_t>(count.integer(0)) > limits_.tags)
      return RegistryProblem{Error::no_space, "iot.device.SaveOrUpdateDevicePropertiesFailed",
                             "a device has at most " + std::to_string(limits_.tags) +
                                 " tags: take some away first, with DeleteDeviceProp or tercet tag delete"};
  }
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  if (state.tags_changed && !changed.empty()) state.tags_changed(device, changed);
  return changed;
}

void Registry::listen_to_tags(std::function<void(std::uint64_t, const std::vector<Tag>&)> told) {
  state_->tags_changed = std::move(told);
}

void Registry::each_tag(const std::function<void(const Device& device, const Tag& tag)>& visit) {
  auto rows = state_->database.must_prepare(
      "SELECT device, product, name, key, value FROM device_tags JOIN devices ON number=device WHERE is_system=0");
  for (auto row = rows.step(); row && *row; row = rows.step()) {
    Device device;
    device.number = static_cast<std::uint64_t>(rows.integer(0));
    device.product = rows.text(1);
    device.name = rows.text(2);
    visit(device, {rows.text(3), rows.text(4), false});
  }
}

Answer<std::vector<Tag>> Registry::delete_tags(std::uint64_t device, const std::vector<std::string>& keys) {
  State& state = *state_;
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  std::vector<Tag> gone;
  auto find = state.database.must_prepare(std::string(kOfDevice) + " AND is_system=0 AND key=?");
  auto erase = state.database.must_prepare("DELETE FROM device_tags WHERE device=? AND is_system=0 AND key=?");
  for (const std::string& key : keys) {
    const auto found = read_tags(find.bind(device, key));
    if (!found) return system_problem(found.problem());
    if (const auto done = erase.bind(device, key).run(); !done) return system_problem(done.problem());
    gone.insert(gone.end(), found->begin(), found->end());
  }
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  if (state.tags_changed && !gone.empty()) {
    std::vector<Tag> told = gone;
    for (Tag& tag : told) tag.value.clear();
    state.tags_changed(device, told);
  }
  return gone;
}

Answer<Page<DeviceRecord>> Registry::devices_by_tags(const std::vector<Tag>& tags, PageRequest page) {
  if (auto bad = page_problem(page, limits_.device_page)) return *bad;
  flush();
  std::string where = "1";
  std::vector<std::string> values;
  for (const Tag& tag : tags) {
    where += " AND number IN (SELECT device FROM device_tags WHERE is_system=0 AND key=?";
    values.push_back(tag.key);
    if (!tag.value.empty()) {
      where += " AND value=?";
      values.push_back(tag.value);
    }
    where += ")";
  }
  Page<DeviceRecord> answer;
  answer.asked = page;
  auto count = state_->database.must_prepare("SELECT count(*) FROM devices WHERE " + where);
  if (const auto row = count.bind_all(values).step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  auto read = state_->database.must_prepare("SELECT " + std::string(kDeviceColumns) + " FROM devices WHERE " + where +
                                            " ORDER BY number LIMIT " + std::to_string(page.size) + " OFFSET " +
                                            std::to_string((page.page - 1) * page.size));
  read.bind_all(values);
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return answer;
    answer.items.push_back(state_->read_device(read));
  }
}

}  // namespace tercet::registry
