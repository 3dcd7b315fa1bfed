#pragma once
#include <string>
#include <string_view>

#include "platform/store/sqlite.h"
#include "platform/upgrade/upgrades.h"

namespace tercet::upgrade {

/// How long an upload waits for its firmware, or its job.
inline constexpr std::int64_t kUploadMillis = 3'600'000;
/// Keys of uploads that are lists of devices, no images, begin so.
inline constexpr std::string_view kListFront = "devices-";
/// And of files that are for somebody else: a job.
inline constexpr std::string_view kFileFront = "file-";

/// For the files of Upgrades. Rows of ota.db, read and written.
struct Upgrades::Tables {
  static constexpr std::string_view kFirmware =
      "f.number, f.id, f.product, f.module, f.name, f.about, f.version, f.source, f.diff, f.method, f.sign, f.md5, "
      "f.sha256, f.signature, f.udi, f.file, f.status, f.bytes, f.created, f.modified";
  static constexpr int kFirmwareColumns = 20;
  static constexpr std::string_view kJob =
      "j.number, j.id, j.firmware, j.kind, j.status, j.text, j.options, j.created, j.modified, j.started, j.ended";
  static constexpr int kJobColumns = 11;
  static constexpr std::string_view kTask =
      "t.number, t.id, t.job, t.device, t.name, t.source, t.state, t.progress, t.text, t.retries, t.due, t.progressed, "
      "t.created, t.modified";
  static constexpr int kTaskColumns = 14;

  static runtime::Outcome<void> prepare(store::Database& database);
  static Firmware firmware(const store::Statement& row, int at = 0);
  static Job job(const store::Statement& row, int at = 0);
  static Task task(const store::Statement& row, int at = 0);
  static runtime::Outcome<void> put(store::Database& database, const Firmware& firmware);
  static runtime::Outcome<void> put(store::Database& database, const Job& job);
  static runtime::Outcome<void> put(store::Database& database, const Task& task);
};

template <typename Act>
bool Upgrades::change(std::uint64_t number, Act act) {
  const auto found = tasks_.find(number);
  if (found == tasks_.end()) return false;
  Task& task = found->second;
  Live* const live = live_of(task);
  if (live == nullptr) return false;
  const TaskState before = task.state;
  const int percent_before = task.progress;
  if (!act(task, live->job.options.patience())) return false;
  dirty_tasks_.insert(number);
  schedule(task);
  tell_task(*live, task, before, percent_before);
  if (task.state == before) return true;
  --live->tally.of[static_cast<std::size_t>(before)];
  ++live->tally.of[static_cast<std::size_t>(task.state)];
  if (is_final(task.state) && !is_final(before)) {
    live->open.erase(number);
    std::erase(by_device_[task.device], number);
    if (by_device_[task.device].empty()) by_device_.erase(task.device);
    over_.push_back(number);
    settle(*live);
  }
  return true;
}

}  // namespace tercet::upgrade
