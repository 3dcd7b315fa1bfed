#include "platform/upgrade/upgrades.h"

#include <algorithm>
#include <utility>

#include "platform/runtime/log.h"
#include "platform/upgrade/tables.h"

namespace tercet::upgrade {
namespace {

constexpr Millis kTick{100};
constexpr std::size_t kIdSize = 20, kFormKeyBytes = 32;

}  // namespace

runtime::Outcome<std::unique_ptr<Upgrades>> Upgrades::open(const std::filesystem::path& file,
                                                           const std::filesystem::path& folder, Wiring wiring,
                                                           Settings settings) {
  auto database = store::Database::open(file);
  if (!database) return database.problem();
  if (const auto ready = Tables::prepare(*database); !ready) return store::with_file(ready.problem(), file);
  auto images = Images::open(folder);
  if (!images) return images.problem();
  std::unique_ptr<Upgrades> made(new Upgrades(std::move(wiring), settings, std::move(*database), std::move(*images)));
  if (const auto loaded = made->load(); !loaded) return store::with_file(loaded.problem(), file);
  made->arm();
  return made;
}

Upgrades::Upgrades(Wiring wiring, Settings settings, store::Database database, Images images)
    : wiring_(std::move(wiring)),
      settings_(settings),
      database_(std::move(database)),
      images_(std::move(images)),
      form_key_(kFormKeyBytes, '\0'),
      timer_([](void* self) { static_cast<Upgrades*>(self)->on_tick(); }, this) {
  wiring_.loop.random().fill({reinterpret_cast<std::uint8_t*>(form_key_.data()), form_key_.size()});
}

Upgrades::~Upgrades() { static_cast<void>(flush()); }

void Upgrades::arm() { timer_.set(wiring_.loop, wiring_.loop.now() + kTick); }

runtime::Outcome<void> Upgrades::load() {
  auto highest = database_.must_prepare(
      "SELECT coalesce((SELECT max(number) FROM tasks), 0), coalesce((SELECT max(number) FROM jobs), 0)");
  if (const auto row = highest.step(); !row) return row.problem();
  next_task_ = static_cast<std::uint64_t>(highest.integer(0)) + 1;
  next_job_ = static_cast<std::uint64_t>(highest.integer(1)) + 1;

  auto jobs = database_.must_prepare("SELECT " + std::string(Tables::kJob) + ", " + std::string(Tables::kFirmware) +
                                     " FROM jobs j JOIN firmware f ON f.number=j.firmware WHERE j.status<2 OR EXISTS("
                                     "SELECT 1 FROM tasks t WHERE t.job=j.number AND t.state<4)");
  for (;;) {
    const auto row = jobs.step();
    if (!row) return row.problem();
    if (!*row) break;
    Live live;
    live.job = Tables::job(jobs);
    live.firmware = Tables::firmware(jobs, Tables::kJobColumns);
    live_.emplace(live.job.number, std::move(live));
  }
  for (auto& [number, live] : live_) {
    live.tally = tally(live.job);
    auto conflicts = database_.must_prepare("SELECT count(*) FROM tasks WHERE job=? AND state=5 AND progressed<0");
    if (const auto row = conflicts.bind(number).step(); !row) return row.problem();
    live.conflicts = static_cast<std::uint64_t>(conflicts.integer(0));
  }
  auto tasks = database_.must_prepare("SELECT " + std::string(Tables::kTask) + " FROM tasks t WHERE t.state<4");
  for (;;) {
    const auto row = tasks.step();
    if (!row) return row.problem();
    if (!*row) break;
    Task task = Tables::task(tasks);
    const auto live = live_.find(task.job);
    if (live == live_.end()) continue;
    live->second.open.insert(task.number);
    by_device_[task.device].push_back(task.number);
    schedule(tasks_.emplace(task.number, std::move(task)).first->second);
  }
  return {};
}

RegistryProblem Upgrades::refused(registry::ApiCode code, std::string detail) const {
  return {Error::bad_argument, code, std::move(detail)};
}

std::string Upgrades::new_id() {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string id;
  for (std::size_t i = 0; i < kIdSize; ++i) id += kLetters[wiring_.loop.random().next() % kLetters.size()];
  return id;
}

Answer<void> Upgrades::known_product(std::string_view product) {
  const auto found = wiring_.registry.product(product);
  if (!found) return found.problem();
  return {};
}

Answer<void> Upgrades::saved() {
  if (flush()) return {};
  return RegistryProblem{Error::io_failed, "iot.system.SystemException",
                         "the disk did not take the change yet; it is tried again, look in a minute"};
}

bool Upgrades::flush() {
  if (dirty_tasks_.empty() && dirty_jobs_.empty() && reported_.empty()) return true;
  const auto write = [this]() -> runtime::Outcome<void> {
    auto transaction = database_.begin();
    if (!transaction) return transaction.problem();
    for (const auto number : dirty_jobs_)
      if (const auto live = live_.find(number); live != live_.end())
        if (const auto put = Tables::put(database_, live->second.job); !put) return put.problem();
    for (const auto number : dirty_tasks_)
      if (const auto task = tasks_.find(number); task != tasks_.end())
        if (const auto put = Tables::put(database_, task->second); !put) return put.problem();
    auto version = database_.must_prepare("INSERT OR REPLACE INTO versions VALUES(?,?,?,?)");
    for (const auto& [device, modules] : reported_)
      for (const auto& [module, said] : modules)
        if (const auto put = version.bind(device, module, said.version, said.at).run(); !put) return put.problem();
    return transaction->commit();
  };
  if (const auto done = write(); !done) {
    runtime::log(runtime::LogLevel::error, "upgrades_not_written", {{"detail", done.problem().detail}});
    return false;
  }
  dirty_tasks_.clear();
  dirty_jobs_.clear();
  reported_.clear();
  for (const auto number : std::exchange(over_, {})) {
    const auto task = tasks_.find(number);
    if (task == tasks_.end() || !is_final(task->second.state)) continue;
    const auto job = task->second.job;
    tasks_.erase(task);
    forget_if_over(job);
  }
  return true;
}

void Upgrades::forget_if_over(std::uint64_t number) {
  const auto live = live_.find(number);
  if (live != live_.end() && live->second.open.empty() && live->second.job.status >= JobStatus::completed &&
      !dirty_jobs_.contains(number))
    live_.erase(live);
}

}  // namespace tercet::upgrade
