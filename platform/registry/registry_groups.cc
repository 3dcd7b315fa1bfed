// Groups of devices, in a tree of three levels.
#include <algorithm>
#include <set>
#include <utility>

#include "platform/registry/registry_state.h"
#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

constexpr std::string_view kColumns = "g.number, g.id, g.name, g.description, g.parent, g.created";
constexpr int kLevels = 3;
constexpr std::size_t kMostAbout = 400;  // 100 characters

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_argument) {
  return {error, code, std::move(detail)};
}

DeviceGroup read_group(const store::Statement& row) {
  DeviceGroup group;
  group.number = static_cast<std::uint64_t>(row.integer(0));
  group.id = row.text(1);
  group.name = row.text(2);
  group.description = row.text(3);
  group.parent = static_cast<std::uint64_t>(row.integer(4));
  group.created.ms = row.integer(5);
  return group;
}

RegistryProblem missing(std::string_view id) {
  return refused("iot.group.NotExistedGroup", "there is no group " + std::string(utf8_prefix(id, 64)),
                 Error::not_found);
}

std::string page_of(PageRequest page) {
  return " LIMIT " + std::to_string(page.size) + " OFFSET " + std::to_string((page.page - 1) * page.size);
}

/// One number of one row.
Answer<std::uint64_t> number_of(store::Statement& read) {
  if (const auto row = read.step(); !row) return system_problem(row.problem());
  return static_cast<std::uint64_t>(read.integer(0));
}

Answer<std::vector<DeviceGroup>> all_of(store::Statement& read) {
  std::vector<DeviceGroup> found;
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return found;
    found.push_back(read_group(read));
  }
}

}  // namespace

Answer<DeviceGroup> Registry::group(std::string_view id) {
  if (id.empty()) return refused("iot.group.NullGroupId", "GroupId is needed");
  auto read = state_->database.must_prepare("SELECT " + std::string(kColumns) + " FROM device_groups g WHERE g.id=?");
  const auto row = read.bind(id).step();
  if (!row) return system_problem(row.problem());
  if (!*row) return missing(id);
  return read_group(read);
}

std::optional<DeviceGroup> Registry::group(std::uint64_t number) {
  auto read =
      state_->database.must_prepare("SELECT " + std::string(kColumns) + " FROM device_groups g WHERE g.number=?");
  const auto row = read.bind(number).step();
  if (!row || !*row) return std::nullopt;
  return read_group(read);
}

Answer<DeviceGroup> Registry::create_group(std::string_view name, std::string_view description,
                                           std::string_view parent) {
  if (!is_product_name(name))
    return refused("iot.group.InvalidGroupName",
                   "GroupName has 4 to 30 letters, digits, _ - ( ) @ . or others, of which one not of ASCII counts 2");
  if (description.size() > kMostAbout) return refused("iot.group.LongGroupDesc", "GroupDesc has at most 400 bytes");
  DeviceGroup made;
  int level = 1;
  if (!parent.empty()) {
    const auto above = group(parent);
    if (!above) return above.problem();
    made.parent = above->number;
    ++level;
    for (auto up = this->group(above->parent); up && level <= kLevels; up = this->group(up->parent)) ++level;
  }
  if (level > kLevels) return refused("iot.group.GroupLevelExceedingLimitError", "groups have at most 3 levels");
  auto same = state_->database.must_prepare("SELECT 1 FROM device_groups WHERE name=?");
  const auto taken = same.bind(name).step();
  if (!taken) return system_problem(taken.problem());
  if (*taken) return refused("iot.group.GroupNameExisted", "another group has this name", Error::bad_state);
  auto total = state_->database.must_prepare("SELECT count(*) FROM device_groups");
  auto below = state_->database.must_prepare("SELECT count(*) FROM device_groups WHERE parent=? AND parent!=0");
  below.bind(made.parent);
  const auto groups = number_of(total), children = number_of(below);
  if (!groups) return groups.problem();
  if (!children) return children.problem();
  if (*groups >= limits_.groups || *children >= limits_.groups_below)
    return refused("iot.group.GroupCountExceedMax",
                   "there are at most " + std::to_string(limits_.groups) + " groups, " +
                       std::to_string(limits_.groups_below) + " of them below one: delete some",
                   Error::no_space);
  made.id = state_->names.group_id();
  made.name = name, made.description = description, made.created = state_->now();
  auto write = state_->database.must_prepare(
      "INSERT INTO device_groups(id, name, description, parent, created) VALUES(?,?,?,?,?)");
  const auto done = write.bind(made.id, made.name, made.description, made.parent, made.created.ms).run();
  if (!done) return system_problem(done.problem());
  made.number = static_cast<std::uint64_t>(state_->database.last_row());
  return made;
}

Answer<void> Registry::describe_group(std::string_view id, std::string_view description) {
  const auto known = group(id);
  if (!known) return known.problem();
  if (description.size() > kMostAbout) return refused("iot.group.LongGroupDesc", "GroupDesc has at most 400 bytes");
  auto write = state_->database.must_prepare("UPDATE device_groups SET description=? WHERE number=?");
  if (const auto done = write.bind(description, known->number).run(); !done) return system_problem(done.problem());
  return {};
}

Answer<void> Registry::delete_group(std::string_view id) {
  const auto known = group(id);
  if (!known) return known.problem();
  auto below = state_->database.must_prepare("SELECT count(*) FROM device_groups WHERE parent=?");
  const auto children = number_of(below.bind(known->number));
  if (!children) return children.problem();
  if (*children != 0)
    return refused("iot.group.SubGroupNotNull", "the group has groups below it: delete those first", Error::bad_state);
  auto erase = state_->database.must_prepare("DELETE FROM device_groups WHERE number=?");
  if (const auto done = erase.bind(known->number).run(); !done) return system_problem(done.problem());
  return {};
}

Answer<Page<DeviceGroup>> Registry::groups(std::string_view name_contains, std::string_view parent, PageRequest page) {
  if (auto bad = page_problem(page, limits_.product_page)) return *bad;
  std::uint64_t above = 0;
  if (!parent.empty()) {
    const auto known = group(parent);
    if (!known) return known.problem();
    above = known->number;
  }
  Page<DeviceGroup> answer;
  answer.asked = page;
  const std::string where = " FROM device_groups g WHERE (?1='' OR instr(g.name, ?1)>0) AND (?2=0 OR g.parent=?2)";
  auto count = state_->database.must_prepare("SELECT count(*)" + where);
  const auto total = number_of(count.bind(name_contains, above));
  if (!total) return total.problem();
  answer.total = *total;
  auto read = state_->database.must_prepare("SELECT " + std::string(kColumns) + where + " ORDER BY g.number DESC" +
                                            page_of(page));
  auto found = all_of(read.bind(name_contains, above));
  if (!found) return found.problem();
  answer.items = std::move(*found);
  return answer;
}

Answer<void> Registry::set_group_tags(std::string_view id, const std::vector<GroupTag>& tags) {
  const auto known = group(id);
  if (!known) return known.problem();
  if (tags.size() > limits_.group_tags)
    return refused("iot.group.TagCountExceedMax",
                   "a group has at most " + std::to_string(limits_.group_tags) + " tags");
  std::set<std::string_view> keys;
  for (const GroupTag& tag : tags)
    if (tag.key.empty() || tag.key.size() > 30 || tag.value.empty() || tag.value.size() > 128 ||
        !keys.insert(tag.key).second)
      return refused("iot.group.InvalidFormattedTagString",
                     "each tagKey is there once and has 1 to 30 bytes, its tagValue 1 to 128");
  auto transaction = state_->database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto erase = state_->database.must_prepare("DELETE FROM group_tags WHERE owner=?");
  if (const auto done = erase.bind(known->number).run(); !done) return system_problem(done.problem());
  auto write = state_->database.must_prepare("INSERT INTO group_tags VALUES(?,?,?)");
  for (const GroupTag& tag : tags)
    if (const auto done = write.bind(known->number, tag.key, tag.value).run(); !done)
      return system_problem(done.problem());
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  return {};
}

Answer<std::vector<GroupTag>> Registry::group_tags(std::string_view id) {
  const auto known = group(id);
  if (!known) return known.problem();
  std::vector<GroupTag> tags;
  auto read = state_->database.must_prepare("SELECT key, value FROM group_tags WHERE owner=? ORDER BY key");
  read.bind(known->number);
  for (auto row = read.step(); row && *row; row = read.step()) tags.push_back({read.text(0), read.text(1)});
  return tags;
}

Answer<Page<DeviceGroup>> Registry::groups_with(const std::vector<GroupTag>& tags, PageRequest page) {
  if (auto bad = page_problem(page, limits_.product_page)) return *bad;
  auto read = state_->database.must_prepare("SELECT " + std::string(kColumns) +
                                            " FROM device_groups g JOIN group_tags t ON t.owner=g.number WHERE t.key=? "
                                            "AND t.value=? ORDER BY g.number DESC");
  std::vector<DeviceGroup> all;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    auto found = all_of(read.bind(tags[i].key, tags[i].value));
    if (!found) return found.problem();
    read.reset();
    if (i == 0)
      all = std::move(*found);
    else
      std::erase_if(all, [&](const DeviceGroup& one) {
        return std::none_of(found->begin(), found->end(), [&](const DeviceGroup& g) { return g.number == one.number; });
      });
  }
  Page<DeviceGroup> answer;
  answer.asked = page;
  answer.total = all.size();
  const std::size_t from = std::min(all.size(), (page.page - 1) * page.size);
  const std::size_t to = std::min(all.size(), from + page.size);
  answer.items.assign(all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(to));
  return answer;
}

Answer<GroupChange> Registry::join_group(std::string_view id, const std::vector<Device>& devices) {
  const auto known = group(id);
  if (!known) return known.problem();
  GroupChange change;
  auto transaction = state_->database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto there = state_->database.must_prepare("SELECT count(*) FROM group_members WHERE device=? AND owner=?");
  auto count = state_->database.must_prepare("SELECT count(*) FROM group_members WHERE device=?");
  auto write = state_->database.must_prepare("INSERT INTO group_members VALUES(?,?)");
  for (const Device& device : devices) {
    there.reset(), count.reset();
    const auto is_there = number_of(there.bind(device.number, known->number));
    const auto groups = number_of(count.bind(device.number));
    if (!is_there) return is_there.problem();
    if (!groups) return groups.problem();
    if (*is_there != 0) {
      ++change.already;
    } else if (*groups >= limits_.groups_of_device) {
      ++change.full;
    } else {
      if (const auto done = write.bind(known->number, device.number).run(); !done)
        return system_problem(done.problem());
      ++change.done;
    }
  }
  there.reset(), count.reset();
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  return change;
}

Answer<GroupChange> Registry::leave_group(std::string_view id, const std::vector<Device>& devices) {
  const auto known = group(id);
  if (!known) return known.problem();
  GroupChange change;
  auto transaction = state_->database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto erase = state_->database.must_prepare("DELETE FROM group_members WHERE owner=? AND device=?");
  for (const Device& device : devices) {
    if (const auto done = erase.bind(known->number, device.number).run(); !done) return system_problem(done.problem());
    ++(state_->database.changes() != 0 ? change.done : change.already);
  }
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  return change;
}

Answer<Page<DeviceRecord>> Registry::group_devices(std::string_view id, PageRequest page) {
  if (auto bad = page_problem(page, limits_.device_page)) return *bad;
  const auto known = group(id);
  if (!known) return known.problem();
  flush();
  Page<DeviceRecord> answer;
  answer.asked = page;
  auto count = state_->database.must_prepare("SELECT count(*) FROM group_members WHERE owner=?");
  const auto total = number_of(count.bind(known->number));
  if (!total) return total.problem();
  answer.total = *total;
  auto read = state_->database.must_prepare("SELECT " + std::string(kDeviceColumns) +
                                            " FROM devices JOIN group_members ON device=number WHERE owner=?"
                                            " ORDER BY number" +
                                            page_of(page));
  read.bind(known->number);
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return answer;
    answer.items.push_back(state_->read_device(read));
  }
}

Answer<std::vector<Device>> Registry::group_members(std::string_view id) {
  const auto known = group(id);
  if (!known) return known.problem();
  flush();
  std::vector<Device> found;
  auto read = state_->database.must_prepare(
      "SELECT number, iot_id, product, name, enabled, activated FROM devices JOIN group_members ON device=number "
      "WHERE owner=? ORDER BY number");
  read.bind(known->number);
  for (auto row = read.step(); row && *row; row = read.step()) {
    Device device;
    device.number = static_cast<std::uint64_t>(read.integer(0));
    device.iot_id = read.text(1);
    device.product = read.text(2);
    device.name = read.text(3);
    device.enabled = read.integer(4) != 0;
    device.activated.ms = read.integer(5);
    found.push_back(std::move(device));
  }
  return found;
}

std::vector<DeviceGroup> Registry::groups_of(std::uint64_t device) {
  auto read = state_->database.must_prepare(
      "SELECT " + std::string(kColumns) +
      " FROM device_groups g JOIN group_members m ON m.owner=g.number WHERE m.device=? ORDER BY g.number DESC");
  auto found = all_of(read.bind(device));
  return found ? std::move(*found) : std::vector<DeviceGroup>{};
}

bool Registry::is_in_group(std::uint64_t device, std::string_view id) {
  auto read = state_->database.must_prepare(
      "SELECT 1 FROM group_members m JOIN device_groups g ON m.owner=g.number WHERE m.device=? AND g.id=?");
  const auto row = read.bind(device, id).step();
  return row && *row;
}

}  // namespace tercet::registry
