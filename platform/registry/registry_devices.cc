#include <utility>

#include "platform/registry/registry_state.h"

#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_argument) {
  return {error, code, std::move(detail)};
}

/// The conditions of a filter, and its values in order.
struct Where {
  std::string text = "1";
  std::vector<std::string> values;
};

Where where_of(const DeviceFilter& filter) {
  Where made;
  const auto with = [&](std::string_view condition, std::string value) {
    made.text.append(" AND ").append(condition);
    made.values.push_back(std::move(value));
  };
  if (!filter.product.empty()) with("product=?", filter.product);
  if (!filter.name_contains.empty()) with("instr(name, ?)", filter.name_contains);
  if (filter.enabled) made.text += *filter.enabled ? " AND enabled" : " AND NOT enabled";
  if (filter.activated) made.text += *filter.activated ? " AND activated!=0" : " AND activated=0";
  return made;
}

void bind(store::Statement& statement, const std::vector<std::string>& values) {
  if (values.empty())
    statement.bind();
  else if (values.size() == 1)
    statement.bind(values[0]);
  else
    statement.bind(values[0], values[1]);
}

}  // namespace

DeviceRecord Registry::State::read_device(const store::Statement& row) {
  DeviceRecord record;
  Device& device = record.device;
  device.number = static_cast<std::uint64_t>(row.integer(0));
  device.iot_id = row.text(1);
  device.product = row.text(2);
  device.name = row.text(3);
  device.secret = box.open(row.text(4), device_row(device.product, device.name)).value_or(std::string());
  device.enabled = row.integer(5) != 0;
  record.nickname = row.text(6);
  device.created = {row.integer(7)};
  record.modified = {row.integer(8)};
  device.activated = {row.integer(9)};
  record.last_online = {row.integer(10)};
  record.last_address = row.text(11);
  device.enrolment = static_cast<Enrolment>(row.integer(12));
  device.reset = row.integer(13) != 0;
  if (device.enrolment != Enrolment::listed)
    device.tokens = std::make_shared<const std::vector<DeviceToken>>(read_tokens(device));
  device.gateway = static_cast<std::uint64_t>(row.integer(14));
  if (const ProductRecord* of = find_product(device.product)) device.by_certificate = of->auth_type == kByCertificate;
  if (row.integer(16) != 0)
    if (const auto earlier = box.open(row.text(15), earlier_row(device.product, device.name));
        earlier && !earlier->empty())
      device.earlier = std::make_shared<const EarlierSecret>(EarlierSecret{*earlier, {row.integer(16)}});
  return record;
}

runtime::Outcome<void> Registry::State::load_devices() {
  std::unordered_map<std::string, std::uint64_t> left;  // of each product
  for (const auto& [id, record] : products) left[record.product.key] = record.device_count;
  auto read = database.must_prepare("SELECT " + std::string(kDeviceColumns) + " FROM devices ORDER BY number");
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) return {};
    DeviceRecord record = read_device(read);
    const bool newest = left[record.device.product]-- <= Directory::kSiblings;
    feed.load(std::move(record.device), newest);
  }
}

std::optional<DeviceRecord> Registry::State::find_device(std::string_view where, std::string_view a,
                                                         std::string_view b) {
  auto read =
      database.must_prepare("SELECT " + std::string(kDeviceColumns) + " FROM devices WHERE " + std::string(where));
  if (b.empty())
    read.bind(a);
  else
    read.bind(a, b);
  const auto row = read.step();
  if (!row || !*row) return std::nullopt;
  return read_device(read);
}

Answer<DeviceRecord> Registry::State::insert_device(const NewDevice& wanted, std::uint64_t apply_id,
                                                    Enrolment enrolment) {
  DeviceRecord record;
  Device& device = record.device;
  device.product = wanted.product;
  device.name = wanted.name.empty() ? names.device_name() : wanted.name;
  device.secret = wanted.secret.empty() ? names.device_secret() : wanted.secret;
  device.iot_id = names.iot_id();
  device.created = record.modified = now();
  device.enrolment = enrolment;
  if (const ProductRecord* of = find_product(device.product)) device.by_certificate = of->auth_type == kByCertificate;
  record.nickname = wanted.nickname;
  auto insert = database.must_prepare(
      "INSERT INTO devices(iot_id, product, name, secret, enabled, nickname, created, modified, activated, "
      "last_online, last_address, apply_id, enrolment) VALUES(?,?,?,?,1,?,?,?,0,0,'',?,?)");
  const auto done = insert
                        .bind(device.iot_id, device.product, device.name,
                              box.seal(device.secret, device_row(device.product, device.name)), record.nickname,
                              device.created.ms, record.modified.ms, apply_id, device.enrolment)
                        .run();
  if (done) {
    device.number = static_cast<std::uint64_t>(database.last_row());
    return record;
  }
  if (done.problem().code != Error::already_exists) return system_problem(done.problem());
  return refused("iot.device.AlreadyExistedDeviceName", "the product has a device " + device.name + " already",
                 Error::already_exists);
}

std::optional<RegistryProblem> Registry::new_device_problem(const NewDevice& wanted,
                                                            const ProductRecord& product) const {
  if (!wanted.name.empty() && !is_device_name(wanted.name))
    return refused("iot.device.InvalidFormattedDeviceName", "a DeviceName has 4 to 32 of A-Z a-z 0-9 - _ @ . :");
  if (!wanted.nickname.empty() && !is_nickname(wanted.nickname))
    return refused("iot.device.CreateDeviceFailed", "a Nickname has 4 to 64 characters, a Chinese character counts 2");
  if (!wanted.secret.empty() && !is_secret(wanted.secret))
    return refused("iot.device.CreateDeviceFailed", "a DeviceSecret has 1 to 64 printable characters");
  if (product.device_count >= limits_.devices_per_product || state_->device_total >= limits_.devices)
    return refused("iot.device.DeviceCountExceeded", "the limit of devices is reached; raise it in the configuration",
                   Error::no_space);
  return std::nullopt;
}

void Registry::listen(std::function<void(const Device&, Lifecycle)> listener) {
  state_->listener = std::move(listener);
}

Answer<DeviceRecord> Registry::register_device(const NewDevice& wanted, runtime::Task applied) {
  State& state = *state_;
  const auto product = this->product(wanted.product);
  if (!product) return product.problem();
  if (auto bad = new_device_problem(wanted, *product)) return *bad;
  auto made = state.insert_device(wanted, 0);
  if (!made) return made;
  ++state.find_product(wanted.product)->device_count;
  ++state.device_total;
  state.tell(made->device, Lifecycle::created);
  state.feed.put(std::vector{made->device}, std::move(applied));
  return made;
}

Answer<DeviceRecord> Registry::device(const DeviceRef& ref) {
  flush();
  if (!ref.iot_id.empty()) {
    auto found = state_->find_device("iot_id=?", ref.iot_id);
    if (found) return std::move(*found);
    return refused("iot.device.InvalidIoTId",
                   "there is no device with the IotId " + std::string(utf8_prefix(ref.iot_id, 64)), Error::not_found);
  }
  if (ref.product.empty())
    return refused("iot.prod.NullProductKey", "name the device by IotId, or by ProductKey and DeviceName");
  if (ref.name.empty())
    return refused("iot.device.NullDeviceName", "name the device by IotId, or by ProductKey and DeviceName");
  auto found = state_->find_device("product=? AND name=?", ref.product, ref.name);
  if (found) return std::move(*found);
  if (const auto product = this->product(ref.product); !product) return product.problem();
  return refused("iot.device.NotExistedDevice",
                 "the product " + std::string(utf8_prefix(ref.product, 64)) + " has no device " +
                     std::string(utf8_prefix(ref.name, 64)),
                 Error::not_found);
}

std::optional<DeviceRecord> Registry::device(std::uint64_t number) {
  flush();
  return state_->find_device("number=CAST(? AS INTEGER)", std::to_string(number));
}

std::vector<DeviceRecord> Registry::devices(std::string_view product, const std::vector<std::string>& names) {
  flush();
  std::vector<DeviceRecord> found;
  for (const std::string& name : names)
    if (auto one = name.empty() ? std::nullopt : state_->find_device("product=? AND name=?", product, name))
      found.push_back(std::move(*one));
  return found;
}

std::vector<DeviceName> Registry::device_names(std::string_view product) {
  std::vector<DeviceName> found;
  auto read =
      state_->database.must_prepare("SELECT number, name FROM devices WHERE product=? AND enabled=1 ORDER BY number");
  read.bind(product);
  for (auto row = read.step(); row && *row; row = read.step())
    found.push_back({static_cast<std::uint64_t>(read.integer(0)), read.text(1)});
  return found;
}

Answer<Page<DeviceRecord>> Registry::devices(const DeviceFilter& filter, PageRequest page) {
  if (auto bad = page_problem(page, limits_.device_page)) return *bad;
  if (!filter.product.empty())
    if (const auto product = this->product(filter.product); !product) return product.problem();
  flush();
  const Where where = where_of(filter);
  Page<DeviceRecord> answer;
  answer.asked = page;
  auto count = state_->database.must_prepare("SELECT count(*) FROM devices WHERE " + where.text);
  bind(count, where.values);
  if (const auto row = count.step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  auto read = state_->database.must_prepare("SELECT " + std::string(kDeviceColumns) + " FROM devices WHERE " +
                                            where.text + " ORDER BY number DESC LIMIT " + std::to_string(page.size) +
                                            " OFFSET " + std::to_string((page.page - 1) * page.size));
  bind(read, where.values);
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return answer;
    answer.items.push_back(state_->read_device(read));
  }
}

std::uint64_t Registry::device_count(std::string_view product) {
  if (product.empty()) return state_->device_total;
  const ProductRecord* found = state_->find_product(product);
  return found == nullptr ? 0 : found->device_count;
}

bool Registry::is_known(std::string_view product, std::string_view name) {
  auto read = state_->database.must_prepare("SELECT 1 FROM devices WHERE product=? AND name=?");
  const auto row = read.bind(product, name).step();
  return row && *row;
}

Answer<void> Registry::set_enabled(const DeviceRef& ref, bool enabled, runtime::Task applied) {
  auto found = device(ref);
  if (!found) return found.problem();
  const auto done = state_->database.must_prepare("UPDATE devices SET enabled=?, modified=? WHERE number=?")
                        .bind(enabled, state_->now().ms, found->device.number)
                        .run();
  if (!done) return system_problem(done.problem());
  if (found->device.enabled != enabled) {
    found->device.enabled = enabled;
    state_->tell(found->device, enabled ? Lifecycle::enabled : Lifecycle::disabled);
  }
  state_->feed.put(std::vector{found->device}, std::move(applied));
  return {};
}

Answer<void> Registry::set_nickname(const DeviceRef& ref, std::string_view nickname) {
  if (!nickname.empty() && !is_nickname(nickname))
    return refused("iot.device.SaveOrUpdateDevicePropertiesFailed",
                   "a Nickname has 4 to 64 characters, a Chinese character counts 2");
  const auto found = device(ref);
  if (!found) return found.problem();
  const auto done = state_->database.must_prepare("UPDATE devices SET nickname=?, modified=? WHERE number=?")
                        .bind(nickname, state_->now().ms, found->device.number)
                        .run();
  if (!done) return system_problem(done.problem());
  return {};
}

Answer<void> Registry::delete_device(const DeviceRef& ref, runtime::Task applied) {
  const auto found = device(ref);
  if (!found) return found.problem();
  State& state = *state_;
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto orphans = state.unbind_all(found->device.number);
  if (!orphans) return system_problem(orphans.problem());
  const auto done = state.database.must_prepare("DELETE FROM devices WHERE number=?").bind(found->device.number).run();
  if (!done) return system_problem(done.problem());
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  if (!orphans->empty()) state.feed.put(std::move(*orphans));
  --state.find_product(found->device.product)->device_count;
  --state.device_total;
  state.tell(found->device, Lifecycle::deleted);
  state.feed.remove_devices(std::vector{found->device}, std::move(applied));
  return {};
}

}  // namespace tercet::registry
