#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/registry/file_links.h"
#include "platform/registry/registry.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite.h"
#include "platform/thing/outlet.h"
#include "platform/thing/upgrade_message.h"
#include "platform/upgrade/images.h"
#include "platform/upgrade/records.h"

namespace tercet::upgrade {

struct Settings {
  std::uint64_t image_bytes = std::uint64_t{1000} << 20;
  std::uint64_t image_bytes_over_mqtt = 16u << 20;
  std::uint64_t list_bytes = 4u << 20;
  std::size_t firmwares = 500;
  std::size_t job_devices = 100'000;
  int pushes_per_second = 500;  ///< of all jobs together
  std::size_t block_bytes = 32 * 1024;
};

/// One message for one device.
struct Letter {
  std::uint64_t device = 0;
  std::string product, name, topic, payload;
  std::uint8_t qos = 1;
};
/// Sends, and tells on the management loop how it was taken.
using Send = std::function<void(Letter letter, std::function<void(thing::Delivery)> told)>;

/// The fields of a form that uploads one file (PostObject).
struct UploadForm {
  std::string key, access_key_id, policy, signature;
  UnixMillis made{};
};

/// Firmware and its roll-out: images, modules, versions that devices run, jobs, and one task per device and job. SQLite
/// and a folder of images; jobs and tasks that are not over are in memory as well. What devices report is written a
/// moment later, many at a time; what the API changes, before it is answered. Management thread only.
class Upgrades {
 public:
  struct Wiring {
    runtime::Loop& loop;
    registry::Registry& registry;
    const registry::FileLinks* files = nullptr;  ///< null, or not offered: images travel over MQTT only
    Send send;
    /// Tells applications what upgrades come to (thing/announcements.h). Empty: nobody wants to know.
    std::function<void(thing::Announcement)> tell = {};
  };
  /// Problems: io_failed, unsupported (written by a newer version).
  static runtime::Outcome<std::unique_ptr<Upgrades>> open(const std::filesystem::path& database,
                                                          const std::filesystem::path& images, Wiring wiring,
                                                          Settings settings = {});
  ~Upgrades();
  Upgrades(const Upgrades&) = delete;
  Upgrades& operator=(const Upgrades&) = delete;

  // Modules. `default` always exists. tercet.ota.{InvalidModuleName, AlreadyExistedModule, NotExistedModule,
  // ModuleInUse}
  Answer<void> create_module(const Module& module);
  Answer<void> update_module(const Module& module);
  Answer<void> delete_module(std::string_view product, std::string_view name);
  Answer<std::vector<Module>> modules(std::string_view product);

  // Uploads: a form is good for a minute, what it brought for an hour.
  /// tercet.ota.InvalidFileSuffix
  Answer<UploadForm> make_form(std::string_view suffix);
  UploadForm make_list_form();  ///< of a list of devices: a DeviceName a line
  /// Of a file for somebody else, who claims it within an hour; until drop_file() it stays.
  /// tercet.ota.InvalidFileSuffix
  Answer<UploadForm> make_file_form(std::string_view suffix);
  Answer<ImageFacts> claim_file(std::string_view key);  ///< tercet.ota.NotExistedUpload
  void drop_file(std::string_view key);
  std::shared_ptr<const ImageReader> file(std::string_view key);  ///< null: it is gone
  /// tercet.ota.{UploadRefused, UploadExpired}, or what the disk says
  Answer<std::unique_ptr<ImageWriter>> begin_upload(const UploadForm& form);
  Answer<void> end_upload(const std::string& key, const ImageFacts& facts);

  // Firmware
  /// tercet.ota.{NotExistedUpload, InvalidVersion, WrongSize, WrongSign, TooManyFirmwares, ...}, iot.prod.*
  Answer<Firmware> create_firmware(const NewFirmware& wanted);
  /// tercet.ota.{NotExistedFirmware, InvalidFirmwareName, LongUdi}. product "": whichever it is of.
  Answer<void> change_firmware(std::string_view id, std::string_view product, const FirmwareChange& change);
  Answer<void> delete_firmware(std::string_view id);  ///< tercet.ota.{NotExistedFirmware, FirmwareInUse}
  Answer<Firmware> firmware(std::string_view id);
  Answer<Page<Firmware>> firmwares(std::string_view product, std::string_view version, PageRequest page);
  /// The image behind a link; null: it is gone.
  std::shared_ptr<const ImageReader> image(std::uint64_t firmware);
  int verify_progress(const Firmware& firmware);     ///< percent
  std::string link(const Firmware& firmware) const;  ///< "" when files are not offered

  // Jobs
  Answer<Job> create_job(JobKind kind, std::string_view firmware, std::string_view product, JobOptions options);
  /// While it is not over. tercet.ota.{NotExistedJob, JobIsOver, InvalidParameter}
  Answer<void> change_job(std::string_view id, const JobChange& change);
  Answer<Job> job(std::string_view id);  ///< tercet.ota.NotExistedJob
  std::optional<Firmware> firmware_of(const Job& job);
  Tally tally(const Job& job);
  Answer<Page<Job>> jobs(std::string_view firmware, std::uint64_t device, PageRequest page);  ///< device 0: any
  Answer<Page<TaskRow>> tasks(const TaskFilter& filter, PageRequest page);
  Answer<Page<ModuleVersion>> versions(std::uint64_t device, PageRequest page);
  std::string version(std::uint64_t device, std::string_view module = kDefaultModule);  ///< "" = not known

  struct Which {
    bool scheduled = false, queued = false, notified = false, in_progress = false, unconfirmed = false;
  };
  Answer<void> cancel_job(std::string_view id, const Which& which);  ///< tercet.ota.NothingToCancel: no flag
  Answer<void> end_strategy(std::string_view id);
  Answer<void> cancel_devices(std::string_view firmware, const std::vector<std::uint64_t>& devices,
                              std::string_view job);
  Answer<void> upgrade_again(std::string_view job, const std::vector<std::string>& tasks);  ///< none named: all failed
  Answer<void> confirm(const std::vector<std::string>& tasks);

  /// A device that was deleted: its open tasks are canceled, its versions go.
  void forget(std::uint64_t device);

  /// What devices said, in order.
  void on_messages(const std::vector<thing::UpgradeMessage>& messages);
  /// Pushes that are due, timeouts, the beginning and the end of jobs. Called by itself ten times a second.
  void on_tick();
  /// Writes what is not written yet. False: the disk does not take it; it is kept and tried again.
  bool flush();

 private:
  struct Live {
    Job job;
    Firmware firmware;
    Tally tally;
    std::uint64_t conflicts = 0;   ///< tasks that failed because the device had another
    std::int64_t next_slot = 0;    ///< microseconds
    std::set<std::uint64_t> open;  ///< tasks
  };
  struct Tables;
  Upgrades(Wiring wiring, Settings settings, store::Database database, Images images);
  runtime::Outcome<void> load();
  RegistryProblem refused(registry::ApiCode code, std::string detail) const;
  std::int64_t now() const { return wiring_.loop.wall().ms; }
  std::string new_id();
  Answer<void> known_product(std::string_view product);
  bool has_module(std::string_view product, std::string_view name);
  std::optional<Firmware> find_firmware(std::string_view column, std::string_view value);
  std::optional<Job> find_job(std::string_view column, std::string_view value);
  Answer<void> saved();

  Answer<void> check_options(JobKind kind, const Firmware& firmware, const JobOptions& options);
  Answer<std::vector<registry::DeviceName>> targets(const Job& job, const Firmware& firmware);
  Answer<std::vector<std::string>> names_of(const JobOptions& options);
  UploadForm form_of(std::string key);
  bool suits(const Job& job, const Firmware& firmware, std::uint64_t device);
  void add_task(Live& live, const registry::DeviceName& device);
  Task* conflicting(const Live& live, std::uint64_t device);
  void welcome(const thing::UpgradeMessage& message);
  /// Does something to a task and follows it up: counts, agenda, end of the job.
  template <typename Act>
  bool change(std::uint64_t task, Act act);
  void settle(Live& live);
  // For applications (chronicle.cc).
  void tell_task(const Live& live, const Task& task, TaskState before, int percent_before);
  void tell_job(const Live& live);
  void tell_version(std::uint64_t device, std::string_view module, std::string_view version);
  void stop_if_failing(Live& live);
  void cancel_open(Live& live, const Which& which, std::string_view why);
  void end(Live& live, JobStatus status, std::string_view why);
  void forget_if_over(std::uint64_t job);
  void schedule(Task& task);
  Live* live_of(const Task& task);
  Task* task_of(std::uint64_t device, std::string_view module);
  void begin_and_end_jobs();
  void push(Task& task);
  void on_told(std::uint64_t task, thing::Delivery delivery);
  bool has_stream(const Live& live) const;
  std::string offer(const Live& live) const;
  void on_inform(const thing::UpgradeMessage& message);
  void on_pull(const thing::UpgradeMessage& message);
  void on_block(const thing::UpgradeMessage& message);
  void arm();

  Wiring wiring_;
  Settings settings_;
  store::Database database_;
  Images images_;
  std::string form_key_;
  std::uint64_t next_task_ = 1, next_job_ = 1;
  std::int64_t next_slot_ = 0;  ///< microseconds, of all jobs
  std::uint64_t next_message_ = 1;
  std::unordered_map<std::uint64_t, Live> live_;
  std::unordered_map<std::uint64_t, Task> tasks_;
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> by_device_;  ///< open tasks
  std::set<std::pair<std::int64_t, std::uint64_t>> agenda_;
  std::set<std::uint64_t> dirty_tasks_, dirty_jobs_;
  std::vector<std::uint64_t> over_;  ///< tasks that are final, to be dropped from memory once written
  struct Reported {
    std::string version;
    std::int64_t at = 0;
  };
  std::unordered_map<std::uint64_t, std::unordered_map<std::string, Reported>> reported_;  ///< not written yet
  std::pair<std::uint64_t, std::shared_ptr<const ImageReader>> last_image_;
  runtime::Timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace tercet::upgrade
