#include <unordered_set>
#include <utility>

#include "platform/registry/registry_state.h"

namespace tercet::registry {
namespace {

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_argument) {
  return {error, code, std::move(detail)};
}

constexpr std::string_view kChecked = "CHECK_SUCCESS";
constexpr std::string_view kCheckFailed = "CHECK_FAILED";
constexpr std::string_view kCreated = "CREATE_SUCCESS";

}  // namespace

Answer<std::uint64_t> Registry::State::note_batch(const Batch& batch) {
  const auto done = database.must_prepare("INSERT INTO batches(product, status, created) VALUES(?,?,?)")
                        .bind(batch.product, batch.status, now().ms)
                        .run();
  if (!done) return system_problem(done.problem());
  return static_cast<std::uint64_t>(database.last_row());
}

/// Makes the devices of a batch in one transaction: all or none.
Answer<Batch> Registry::make_batch(Batch batch, const std::vector<std::string>& names, runtime::Task applied) {
  State& state = *state_;
  ProductRecord& product = *state.find_product(batch.product);
  if (product.device_count + names.size() > limits_.devices_per_product ||
      state.device_total + names.size() > limits_.devices)
    return refused("iot.device.DeviceCountExceeded", "the limit of devices is reached; raise it in the configuration",
                   Error::no_space);
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  batch.status = kCreated;
  if (batch.apply_id == 0) {
    const auto id = state.note_batch(batch);
    if (!id) return id.problem();
    batch.apply_id = *id;
  } else if (const auto done = state.database.must_prepare("UPDATE batches SET status=? WHERE apply_id=?")
                                   .bind(batch.status, batch.apply_id)
                                   .run();
             !done) {
    return system_problem(done.problem());
  }
  std::vector<Device> made;
  for (const std::string& name : names) {
    auto one = state.insert_device({batch.product, name, {}, {}}, batch.apply_id);
    if (!one) return one.problem();
    made.push_back(std::move(one->device));
  }
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  product.device_count += made.size();
  state.device_total += made.size();
  for (const Device& one : made) state.tell(one, Lifecycle::created);
  state.feed.put(std::move(made), std::move(applied));
  return batch;
}

Answer<Batch> Registry::batch_register(std::string_view product, std::size_t count, runtime::Task applied) {
  if (const auto found = this->product(product); !found) return found.problem();
  if (count < 1 || count > limits_.batch)
    return refused("iot.device.ApplyManyDevicesFailed",
                   "a batch makes 1 to " + std::to_string(limits_.batch) + " devices");
  Batch batch;
  batch.product = product;
  return make_batch(std::move(batch), std::vector<std::string>(count), std::move(applied));
}

Answer<Batch> Registry::batch_check(std::string_view product, const std::vector<std::string>& names) {
  State& state = *state_;
  if (const auto found = this->product(product); !found) return found.problem();
  if (names.empty()) return refused("iot.device.NoneDeviceNameElement", "no device names were given");
  if (names.size() > limits_.batch)
    return refused("iot.device.ApplyManyDevicesFailed",
                   "a batch has at most " + std::to_string(limits_.batch) + " names");
  Batch batch;
  batch.product = product;
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    const bool valid = is_device_name(name) && seen.insert(name).second && !is_known(product, name);
    (valid ? batch.valid : batch.invalid).push_back(name);
  }
  batch.status = batch.invalid.empty() ? kChecked : kCheckFailed;
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  const auto id = state.note_batch(batch);
  if (!id) return id.problem();
  batch.apply_id = *id;
  auto insert = state.database.must_prepare("INSERT INTO batch_names VALUES(?,?,?,?)");
  std::int64_t position = 0;
  for (const auto* list : {&batch.valid, &batch.invalid})
    for (const std::string& name : *list)
      if (const auto done = insert.bind(batch.apply_id, position++, name, list == &batch.valid).run(); !done)
        return system_problem(done.problem());
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  return batch;
}

Answer<Batch> Registry::batch(std::string_view product, std::uint64_t apply_id) {
  auto read = state_->database.must_prepare("SELECT product, status FROM batches WHERE apply_id=?");
  const auto row = read.bind(apply_id).step();
  if (!row) return system_problem(row.problem());
  if (!*row || read.text(0) != product)
    return refused("iot.device.DeviceApplyIsNotFound",
                   "the product has no batch with the ApplyId " + std::to_string(apply_id), Error::not_found);
  Batch batch;
  batch.apply_id = apply_id;
  batch.product = product;
  batch.status = read.text(1);
  auto names = state_->database.must_prepare("SELECT name, valid FROM batch_names WHERE apply_id=? ORDER BY position");
  names.bind(apply_id);
  for (;;) {
    const auto name = names.step();
    if (!name) return system_problem(name.problem());
    if (!*name) return batch;
    (names.integer(1) != 0 ? batch.valid : batch.invalid).push_back(names.text(0));
  }
}

Answer<Batch> Registry::batch_register_checked(std::string_view product, std::uint64_t apply_id,
                                               runtime::Task applied) {
  auto checked = batch(product, apply_id);
  if (!checked) return checked;
  if (checked->status == kCreated)
    return refused("iot.device.CreateDeviceTaskIsRunning", "the devices of this batch have been made already",
                   Error::bad_state);
  if (checked->valid.empty())
    return refused("iot.device.NoneDeviceNameElement", "no name of this batch passed the check");
  const auto names = checked->valid;
  return make_batch(std::move(*checked), names, std::move(applied));
}

Answer<Page<DeviceRecord>> Registry::batch_devices(std::uint64_t apply_id, PageRequest page) {
  if (auto bad = page_problem(page, limits_.device_page)) return *bad;
  flush();
  Page<DeviceRecord> answer;
  answer.asked = page;
  auto count = state_->database.must_prepare("SELECT count(*) FROM devices WHERE apply_id!=0 AND apply_id=?");
  if (const auto row = count.bind(apply_id).step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  if (answer.total == 0)
    return refused("iot.device.DeviceApplyIsNotFound",
                   "no devices were made under the ApplyId " + std::to_string(apply_id), Error::not_found);
  auto read =
      state_->database.must_prepare("SELECT " + std::string(kDeviceColumns) +
                                    " FROM devices WHERE apply_id!=0 AND apply_id=? ORDER BY number LIMIT ? OFFSET ?");
  read.bind(apply_id, page.size, (page.page - 1) * page.size);
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return answer;
    answer.items.push_back(state_->read_device(read));
  }
}

}  // namespace tercet::registry
