#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/job/records.h"
#include "platform/registry/registry.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite.h"
#include "platform/thing/job_message.h"
#include "platform/thing/things.h"

namespace tercet::job {

struct Settings {
  std::size_t jobs = 10'000;          ///< kept, those that are over too
  std::size_t listed_devices = 1000;  ///< of TargetType DEVICE_LIST
  std::size_t job_devices = 100'000;
  int sends_per_second = 500;                                ///< of all jobs together
  int tries = 3;                                             ///< of a property set or service call that is not answered
  std::int64_t owed_for = std::int64_t{7} * 24 * 3'600'000;  ///< how long a cancellation waits for its device
};

/// One message for one device.
struct Letter {
  std::uint64_t device = 0;
  std::string product, name, topic, payload;
  std::uint8_t qos = 1;
};
/// Sends, and tells on the management loop how it was taken.
using Send = std::function<void(Letter letter, std::function<void(thing::Delivery)> told)>;

/// A property set or a service call for one device.
struct Command {
  std::uint64_t device = 0;
  std::string product, name;
  std::string service;  ///< "": a property set
  std::string params;
};
/// Does it, and tells on the management loop how it was taken and, when it was sent, how it ended.
using Execute = std::function<void(Command command, std::function<void(thing::SetTicket)> taken,
                                   std::function<void(thing::CallResult)> ended)>;

/// Files that were uploaded here for jobs. Empty functions: files are not offered.
struct Files {
  struct Facts {
    std::string md5, sha256;  ///< hexadecimal, lower case
  };
  std::function<registry::Answer<Facts>(const std::string& key)> claim = {};  ///< from now on it stays
  std::function<void(const std::string& key)> drop = {};
  std::function<std::string(const std::string& key)> link =
      {};  ///< good for an hour; "" when there is no port for files
};

/// Jobs for devices and one task per device and job. SQLite; tasks that are not over are in memory as well. Whatever is
/// answered, to the API or to a device, is on disk. Management thread only.
class Jobs {
 public:
  struct Wiring {
    runtime::Loop& loop;
    registry::Registry& registry;
    Send send;
    Execute execute;
    Files files = {};
  };
  /// Problems: io_failed, unsupported (written by a newer version).
  static runtime::Outcome<std::unique_ptr<Jobs>> open(const std::filesystem::path& database, Wiring wiring,
                                                      Settings settings = {});
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  /// tercet.job.{InvalidParameter, InvalidDocument, NoDevices, TooManyDevices, TooManyJobs}, iot.device.*, iot.group.*
  Answer<Job> create(NewJob wanted);
  Answer<void> update(std::string_view id, const JobChange& change);  ///< tercet.job.{NotExistedJob, JobIsOver, ...}
  Answer<void> cancel(std::string_view id);                           ///< tercet.job.{NotExistedJob, JobIsOver}
  /// Ends its tasks, tells devices that know of them, then forgets it. tercet.job.NotExistedJob
  Answer<void> remove(std::string_view id);
  /// Its failed, rejected, cancelled and timed out tasks once more. tercet.job.{NotExistedJob, NothingToRerun}
  Answer<void> rerun(std::string_view id);
  Answer<Job> job(std::string_view id);
  Answer<TaskRow> task(std::string_view id);                                  ///< tercet.job.NotExistedTask
  Answer<Page<Job>> jobs(std::optional<JobStatus> status, PageRequest page);  ///< newest first
  Answer<std::vector<TaskRow>> tasks(const TaskFilter& filter);               ///< oldest first
  Tally tally(const Job& job);
  std::string file_url(const Job& job) const;  ///< "" when it has none

  /// A device that was deleted: its open tasks are cancelled.
  void forget(std::uint64_t device);

  /// What devices said, in order.
  void on_messages(const std::vector<thing::JobMessage>& messages);
  /// Messages that are due, timeouts, jobs that begin. Called by itself ten times a second.
  void on_tick();
  /// Writes what is not written yet. False: the disk does not take it; it is kept and tried again.
  bool flush();

 private:
  struct Live {
    Job job;
    Tally tally;
    std::int64_t next_slot = 0;    ///< microseconds
    std::set<std::uint64_t> open;  ///< tasks
  };
  struct Tables;
  Jobs(Wiring wiring, Settings settings, store::Database database);
  runtime::Outcome<void> load();
  std::int64_t now() const { return wiring_.loop.wall().ms; }
  std::string new_id();
  Answer<void> check(const NewJob& wanted);
  Answer<void> claim(JobFile& file);
  Answer<std::vector<registry::Device>> targets(const NewJob& wanted);
  std::optional<Job> find_job(std::string_view id);
  /// Brings a job that is over, and those of its tasks, back into memory.
  Live* revive(const Job& job, std::string_view which);
  Answer<void> saved();
  template <typename Act>
  bool change(std::uint64_t task, Act act);
  void set_status(Live& live, JobStatus status);
  void add(Task task);
  void schedule(Task& task);
  void forget_if_over(std::uint64_t job);

  // delivery.cc
  void push(Task& task);
  void notify(const Task& task, const Job& job);
  void execute(Task& task, const Job& job);
  void on_told(std::uint64_t task, thing::Delivery delivery);
  void on_taken(std::uint64_t task, const thing::SetTicket& ticket);
  void on_ended(std::uint64_t task, const thing::CallResult& result);
  void on_online(std::uint64_t device);
  void wait_for_device(Task& task);
  Letter on_get(const thing::JobMessage& message, std::uint64_t& shown);
  Letter on_update(const thing::JobMessage& message);
  Task* task_of(std::uint64_t device, std::string_view id);

  Wiring wiring_;
  Settings settings_;
  store::Database database_;
  std::uint64_t next_task_ = 1, next_job_ = 1, next_message_ = 1;
  std::int64_t next_slot_ = 0;  ///< microseconds, of all jobs
  std::unordered_map<std::uint64_t, Live> live_;
  std::unordered_map<std::uint64_t, Task> tasks_;
  std::unordered_map<std::uint64_t, std::set<std::uint64_t>> by_device_;  ///< tasks in memory
  std::set<std::pair<std::int64_t, std::uint64_t>> agenda_;
  std::set<std::uint64_t> dirty_tasks_, dirty_jobs_;
  std::set<std::uint64_t> over_;  ///< tasks to be dropped from memory once written
  runtime::Timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tercet::job
