#include "platform/job/jobs.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "platform/job/tables.h"
#include "platform/runtime/log.h"
#include "tercet/base/utf8.h"

namespace tercet::job {
namespace {

namespace json = boost::json;

constexpr Millis kTick{100};
constexpr std::size_t kIdSize = 20, kMaxDocument = 65'536, kMaxAbout = 100;
constexpr std::int64_t kMinute = 60'000;
constexpr std::string_view kTypes[] = {"CUSTOM_JOB", "INVOKE_SERVICE", "SET_PROPERTY"};
constexpr std::string_view kStatuses[kJobStatuses] = {"WAITING", "IN_PROGRESS", "COMPLETED", "CANCELLED", "REMOVING"};

RegistryProblem bad(std::string detail) {
  return {Error::bad_argument, "tercet.job.InvalidParameter", std::move(detail)};
}
RegistryProblem bad_document(std::string detail) {
  return {Error::bad_argument, "tercet.job.InvalidDocument", std::move(detail)};
}
RegistryProblem not_existed(std::string_view id) {
  return {Error::not_found, "tercet.job.NotExistedJob", "there is no job " + std::string(utf8_prefix(id, 64))};
}

/// 4 to 30 letters, digits, _ and characters beyond ASCII.
bool is_job_name(std::string_view name) {
  std::size_t count = 0;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // the rest of a character
    ++count;
    const bool letter = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    if (!letter && byte != '_' && byte < 0x80) return false;
  }
  return count >= 4 && count <= 30;
}

Answer<void> check_document(const NewJob& wanted) {
  if (wanted.document.size() > kMaxDocument) return bad_document("JobDocument has at most 65536 bytes");
  boost::system::error_code wrong;
  const json::value value = json::parse(wanted.document, wrong);
  if (wrong || !value.is_object()) return bad_document("JobDocument must be a JSON object");
  if (wanted.type == JobType::custom) return {};
  const auto* params = value.get_object().if_contains("params");
  if (params == nullptr || !params->is_object())
    return bad_document(wanted.type == JobType::property
                            ? R"(of SET_PROPERTY it is {"params":{"identifier":value}})"
                            : R"(of INVOKE_SERVICE it is {"serviceIdentifier":"...","params":{}})");
  const auto* service = value.get_object().if_contains("serviceIdentifier");
  if (wanted.type == JobType::service && (service == nullptr || !service->is_string() || service->get_string().empty()))
    return bad_document(R"(of INVOKE_SERVICE it is {"serviceIdentifier":"...","params":{}})");
  return {};
}

}  // namespace

std::string_view name(JobType type) { return kTypes[static_cast<std::size_t>(type)]; }
std::optional<JobType> job_type(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kTypes); ++i)
    if (kTypes[i] == name) return static_cast<JobType>(i);
  return std::nullopt;
}
std::string_view name(JobStatus status) { return kStatuses[static_cast<std::size_t>(status)]; }
std::optional<JobStatus> job_status(std::string_view name) {
  for (std::size_t i = 0; i < kJobStatuses; ++i)
    if (kStatuses[i] == name) return static_cast<JobStatus>(i);
  return std::nullopt;
}

runtime::Outcome<std::unique_ptr<Jobs>> Jobs::open(const std::filesystem::path& file, Wiring wiring,
                                                   Settings settings) {
  auto database = store::Database::open(file);
  if (!database) return database.problem();
  if (const auto ready = Tables::prepare(*database); !ready) return store::with_file(ready.problem(), file);
  std::unique_ptr<Jobs> made(new Jobs(std::move(wiring), settings, std::move(*database)));
  if (const auto loaded = made->load(); !loaded) return store::with_file(loaded.problem(), file);
  made->timer_.set(made->wiring_.loop, made->wiring_.loop.now() + kTick);
  return made;
}

Jobs::Jobs(Wiring wiring, Settings settings, store::Database database)
    : wiring_(std::move(wiring)),
      settings_(settings),
      database_(std::move(database)),
      timer_(
          [](void* self) {
            auto* const jobs = static_cast<Jobs*>(self);
            jobs->on_tick();
            jobs->timer_.set(jobs->wiring_.loop, jobs->wiring_.loop.now() + kTick);
          },
          this) {}

Jobs::~Jobs() { static_cast<void>(flush()); }

runtime::Outcome<void> Jobs::load() {
  auto highest = database_.must_prepare(
      "SELECT coalesce((SELECT max(number) FROM tasks), 0), coalesce((SELECT max(number) FROM jobs), 0)");
  if (const auto row = highest.step(); !row) return row.problem();
  next_task_ = static_cast<std::uint64_t>(highest.integer(0)) + 1;
  next_job_ = static_cast<std::uint64_t>(highest.integer(1)) + 1;
  auto jobs = database_.must_prepare(
      "SELECT " + std::string(Tables::kJob) +
      " FROM jobs j WHERE j.status IN (0,1,4) OR EXISTS(SELECT 1 FROM tasks t WHERE t.job=j.number AND "
      "(t.state<3 OR t.owed))");
  for (;;) {
    const auto row = jobs.step();
    if (!row) return row.problem();
    if (!*row) break;
    Live live;
    live.job = Tables::job(jobs);
    live_.emplace(live.job.number, std::move(live));
  }
  for (auto& [number, live] : live_) live.tally = tally(live.job);
  auto tasks =
      database_.must_prepare("SELECT " + std::string(Tables::kTask) + " FROM tasks t WHERE t.state<3 OR t.owed");
  for (;;) {
    const auto row = tasks.step();
    if (!row) return row.problem();
    if (!*row) break;
    add(Tables::task(tasks));
  }
  return {};
}

void Jobs::add(Task task) {
  const auto live = live_.find(task.job);
  if (live == live_.end()) return;
  live->second.open.insert(task.number);
  by_device_[task.device].insert(task.number);
  schedule(tasks_.emplace(task.number, std::move(task)).first->second);
}

std::string Jobs::new_id() {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string id;
  for (std::size_t i = 0; i < kIdSize; ++i) id += kLetters[wiring_.loop.random().next() % kLetters.size()];
  return id;
}

Answer<void> Jobs::check(const NewJob& wanted) {
  if (!is_job_name(wanted.name)) return bad("JobName has 4 to 30 Chinese characters, letters, digits and _");
  if (wanted.about.size() > 4 * kMaxAbout) return bad("Description has at most 100 characters");
  if (wanted.per_minute < 50 || wanted.per_minute > 1000) return bad("RolloutConfig.maximumPerMinute is 50 to 1000");
  if (wanted.timeout_minutes < 0 || wanted.timeout_minutes > 10'080)
    return bad("TimeoutConfig.inProgressTimeoutInMinutes is 1 to 10080");
  if (wanted.timeout_minutes != 0 && wanted.type != JobType::custom)
    return bad("TimeoutConfig is for CUSTOM_JOB: a property set and a service call have times of their own");
  if (wanted.start != 0 && (wanted.start < now() + 10 * kMinute || wanted.start > now() + 7 * 24 * 60 * kMinute))
    return bad("ScheduledTime is 10 minutes to 7 days from now, in milliseconds since 1970");
  if (!wanted.file.empty()) {
    if (wanted.type != JobType::custom) return bad("JobFile is for CUSTOM_JOB");
    if (wanted.file.method != "Md5" && wanted.file.method != "Sha256")
      return bad("JobFile.signMethod is Md5 or Sha256");
    if ((wanted.file.sign.empty() && wanted.file.key.empty()) || wanted.file.sign.size() > 64)
      return bad("JobFile.sign is the digest of the file, in hexadecimal");
  }
  if (const auto good = check_document(wanted); !good) return good.problem();
  auto count = database_.must_prepare("SELECT count(*) FROM jobs");
  const auto row = count.step();
  if (row && *row && static_cast<std::size_t>(count.integer(0)) >= settings_.jobs)
    return RegistryProblem{
        Error::no_space, "tercet.job.TooManyJobs",
        "there are " + std::to_string(settings_.jobs) + " jobs: delete those that are over (DeleteJob)"};
  return {};
}

Answer<std::vector<registry::Device>> Jobs::targets(const NewJob& wanted) {
  std::vector<registry::Device> found;
  const auto too_many = [](std::size_t most) {
    return RegistryProblem{Error::too_large, "tercet.job.TooManyDevices",
                           "more than " + std::to_string(most) + " devices: make several jobs, or use a group"};
  };
  switch (wanted.target) {
    case Target::devices: {
      if (wanted.devices.size() > settings_.listed_devices) return too_many(settings_.listed_devices);
      for (const registry::DeviceRef& ref : wanted.devices) {
        auto device = wiring_.registry.device(ref);
        if (!device) {
          RegistryProblem problem = device.problem();
          problem.detail = ref.product + "/" + ref.name + ": " + problem.detail;
          return problem;
        }
        found.push_back(std::move(device->device));
      }
      break;
    }
    case Target::group: {
      auto members = wiring_.registry.group_members(wanted.group);
      if (!members) return members.problem();
      found = std::move(*members);
      break;
    }
    case Target::product: {
      if (const auto known = wiring_.registry.product(wanted.product); !known) return known.problem();
      for (registry::DeviceName& one : wiring_.registry.device_names(wanted.product)) {
        registry::Device device;
        device.number = one.number;
        device.product = wanted.product;
        device.name = std::move(one.name);
        found.push_back(std::move(device));
      }
      break;
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  found.erase(
      std::unique(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.number == b.number; }),
      found.end());
  if (found.empty())
    return RegistryProblem{Error::not_found, "tercet.job.NoDevices",
                           "the target has no device: name devices, or put some into the group"};
  if (found.size() > settings_.job_devices) return too_many(settings_.job_devices);
  return found;
}

/// The last of the checks: from now on the file stays.
Answer<void> Jobs::claim(JobFile& file) {
  if (file.key.empty()) return {};
  if (!wiring_.files.claim || wiring_.files.link(file.key).empty())
    return RegistryProblem{Error::unsupported, "tercet.job.FilesNotOffered",
                           "devices have no address to fetch files from: set [files] in the configuration of tercet "
                           "serve, or give JobFile.fileUrl"};
  const auto facts = wiring_.files.claim(file.key);
  if (!facts) return facts.problem();
  const std::string& is = file.method == "Md5" ? facts->md5 : facts->sha256;
  std::string said = file.sign;
  for (char& c : said) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
  file.sign = is;
  if (said.empty() || said == is) return {};
  wiring_.files.drop(file.key);
  return RegistryProblem{Error::bad_argument, "tercet.job.WrongSign",
                         "the uploaded file's digest is " + is + ": upload it again, and give that as JobFile.sign"};
}

std::string Jobs::file_url(const Job& job) const {
  if (job.file.key.empty()) return job.file.url;
  return wiring_.files.link ? wiring_.files.link(job.file.key) : std::string();
}

Answer<Job> Jobs::create(NewJob wanted) {
  if (const auto good = check(wanted); !good) return good.problem();
  const auto devices = targets(wanted);
  if (!devices) return devices.problem();
  if (const auto claimed = claim(wanted.file); !claimed) return claimed.problem();
  Live live;
  Job& job = live.job;
  job.number = next_job_++;
  job.id = new_id();
  job.name = std::move(wanted.name), job.about = std::move(wanted.about);
  job.type = wanted.type;
  job.status = wanted.start == 0 ? JobStatus::in_progress : JobStatus::waiting;
  job.document = std::move(wanted.document), job.file = std::move(wanted.file);
  job.target = wanted.target, job.group = std::move(wanted.group), job.product = std::move(wanted.product);
  json::array listed;
  if (wanted.target == Target::devices)
    for (const registry::Device& device : *devices) listed.push_back(json::array{device.product, device.name});
  job.devices = json::serialize(listed);
  job.per_minute = wanted.per_minute, job.timeout_minutes = wanted.timeout_minutes;
  job.qos = wanted.qos, job.start = wanted.start;
  job.created = job.modified = now();
  const Job made = job;
  live.tally[TaskState::queued] = devices->size();
  dirty_jobs_.insert(made.number);
  live_.emplace(made.number, std::move(live));
  for (const registry::Device& device : *devices) {
    Task task;
    task.number = next_task_++;
    task.id = new_id();
    task.job = made.number;
    task.device = device.number;
    task.product = device.product, task.device_name = device.name;
    task.due = std::max(now(), made.start);
    task.created = task.modified = now();
    dirty_tasks_.insert(task.number);
    add(std::move(task));
  }
  if (const auto done = saved(); !done) return done.problem();
  return made;
}

void Jobs::set_status(Live& live, JobStatus status) {
  live.job.status = status;
  live.job.modified = now();
  dirty_jobs_.insert(live.job.number);
}

Answer<void> Jobs::update(std::string_view id, const JobChange& change) {
  const auto found = job(id);
  if (!found) return found.problem();
  NewJob as_new;
  as_new.name = found->name, as_new.type = found->type, as_new.document = found->document;
  as_new.about = change.about.value_or(found->about);
  as_new.per_minute = change.per_minute.value_or(found->per_minute);
  as_new.timeout_minutes = change.timeout_minutes.value_or(found->timeout_minutes);
  if (const auto good = check(as_new); !good && good.problem().code != "tercet.job.TooManyJobs") return good.problem();
  const auto live = live_.find(found->number);
  if (is_over(found->status) || live == live_.end())
    return RegistryProblem{Error::bad_state, "tercet.job.JobIsOver",
                           "the job is " + std::string(name(found->status)) + ": create another one, or RerunJob"};
  Job& job = live->second.job;
  job.about = as_new.about, job.per_minute = as_new.per_minute, job.timeout_minutes = as_new.timeout_minutes;
  set_status(live->second, job.status);
  for (const auto number : live->second.open) schedule(tasks_.at(number));
  return saved();
}

Answer<void> Jobs::cancel(std::string_view id) {
  const auto found = job(id);
  if (!found) return found.problem();
  const auto live = live_.find(found->number);
  if (is_over(found->status) || live == live_.end())
    return RegistryProblem{Error::bad_state, "tercet.job.JobIsOver",
                           "the job is " + std::string(name(found->status)) + ": there is nothing to cancel"};
  set_status(live->second, JobStatus::cancelled);  // first, so that its tasks' end is not taken for its completion
  for (const auto number : std::vector<std::uint64_t>(live->second.open.begin(), live->second.open.end()))
    change(number, [&](Task& task) {
      const bool done = ended(task, TaskState::cancelled, "cancelled with its job (CancelJob)", now());
      if (found->type != JobType::custom) task.owed = false;  // there is no message for that
      return done;
    });
  return saved();
}

Answer<void> Jobs::remove(std::string_view id) {
  const auto found = job(id);
  if (!found) return found.problem();
  Live* const live = revive(*found, "0");
  set_status(*live, JobStatus::removing);
  for (const auto number : std::vector<std::uint64_t>(live->open.begin(), live->open.end()))
    change(number, [&](Task& task) {
      const bool done = ended(task, TaskState::removed, "removed with its job (DeleteJob)", now());
      if (found->type != JobType::custom) task.owed = false;
      return done;
    });
  const auto done = saved();
  forget_if_over(found->number);
  return done;
}

Answer<void> Jobs::rerun(std::string_view id) {
  const auto found = job(id);
  if (!found) return found.problem();
  if (found->status == JobStatus::removing) return not_existed(id);
  Live* const live = revive(*found, "state IN (4,5,6,8)");
  std::size_t again_now = 0;
  for (const auto number : std::vector<std::uint64_t>(live->open.begin(), live->open.end()))
    again_now += change(number, [&](Task& task) { return again(task, now()); }) ? 1 : 0;
  if (again_now != 0) set_status(*live, JobStatus::in_progress);
  const auto done = saved();
  forget_if_over(found->number);
  if (again_now == 0)
    return RegistryProblem{Error::bad_state, "tercet.job.NothingToRerun",
                           "no task of the job has failed, timed out, or was rejected or cancelled (ListTask)"};
  return done;
}

Jobs::Live* Jobs::revive(const Job& job, std::string_view which) {
  const auto [place, is_new] = live_.try_emplace(job.number);
  if (is_new) {
    place->second.job = job;
    place->second.tally = tally(job);
  }
  auto read = database_.must_prepare("SELECT " + std::string(Tables::kTask) + " FROM tasks t WHERE t.job=? AND t." +
                                     std::string(which == "0" ? "state<0" : which));
  read.bind(job.number);
  for (auto row = read.step(); row && *row; row = read.step()) {
    Task task = Tables::task(read);
    if (!tasks_.contains(task.number)) add(std::move(task));
  }
  return &place->second;
}

void Jobs::forget(std::uint64_t device) {
  const auto found = by_device_.find(device);
  if (found == by_device_.end()) return;
  for (const auto number : std::vector<std::uint64_t>(found->second.begin(), found->second.end()))
    change(number, [this](Task& task) {
      const bool done = ended(task, TaskState::cancelled, "the device was deleted", now()) || task.owed;
      task.owed = false;
      return done;
    });
  static_cast<void>(flush());
}

void Jobs::schedule(Task& task) {
  if (task.agenda != 0) agenda_.erase({task.agenda, task.number});
  const std::int64_t next = task.next(live_.at(task.job).job.timeout());
  task.agenda = next == kNever ? 0 : std::max<std::int64_t>(next, 1);
  if (task.agenda != 0) agenda_.emplace(task.agenda, task.number);
}

Answer<void> Jobs::saved() {
  if (flush()) return {};
  return RegistryProblem{Error::io_failed, "iot.system.SystemException",
                         "the disk did not take the change yet; it is tried again, look in a minute"};
}

bool Jobs::flush() {
  if (dirty_tasks_.empty() && dirty_jobs_.empty() && over_.empty()) return true;
  const auto write = [this]() -> runtime::Outcome<void> {
    auto transaction = database_.begin();
    if (!transaction) return transaction.problem();
    for (const auto number : dirty_jobs_)
      if (const auto live = live_.find(number); live != live_.end())
        if (const auto put = Tables::put(database_, live->second.job); !put) return put.problem();
    for (const auto number : dirty_tasks_)
      if (const auto task = tasks_.find(number); task != tasks_.end())
        if (const auto put = Tables::put(database_, task->second); !put) return put.problem();
    return transaction->commit();
  };
  if (const auto done = write(); !done) {
    runtime::log(runtime::LogLevel::error, "jobs_not_written", {{"detail", done.problem().detail}});
    return false;
  }
  dirty_tasks_.clear();
  dirty_jobs_.clear();
  for (const auto number : std::exchange(over_, {})) {
    const auto task = tasks_.find(number);
    if (task == tasks_.end() || task->second.is_open()) continue;
    const auto job = task->second.job, device = task->second.device;
    if (task->second.agenda != 0) agenda_.erase({task->second.agenda, number});
    live_.at(job).open.erase(number);
    if (auto& of_device = by_device_[device]; of_device.erase(number) != 0 && of_device.empty())
      by_device_.erase(device);
    tasks_.erase(task);
    forget_if_over(job);
  }
  return true;
}

void Jobs::forget_if_over(std::uint64_t number) {
  const auto live = live_.find(number);
  if (live == live_.end() || !live->second.open.empty() || !is_over(live->second.job.status)) return;
  if (dirty_jobs_.contains(number)) return;
  if (live->second.job.status == JobStatus::removing) {
    if (!live->second.job.file.key.empty() && wiring_.files.drop) wiring_.files.drop(live->second.job.file.key);
    // What a full disk keeps is deleted after the next start.
    static_cast<void>(database_.must_prepare("DELETE FROM tasks WHERE job=?").bind(number).run());
    static_cast<void>(database_.must_prepare("DELETE FROM jobs WHERE number=?").bind(number).run());
  }
  live_.erase(live);
}

}  // namespace tercet::job
