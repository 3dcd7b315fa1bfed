#include "platform/thing/announcements.h"
#include "platform/upgrade/upgrades.h"

/// What upgrades come to, for rules and consumers.
namespace tercet::upgrade {

/// Progress, and how a task ended; not that it was canceled, nor that it had to give way to another job's.
void Upgrades::tell_task(const Live& live, const Task& task, TaskState before, int percent_before) {
  if (!wiring_.tell) return;
  const bool has_ended =
      task.state != before && (task.state == TaskState::succeeded || task.state == TaskState::failed);
  const bool has_progressed = task.state == TaskState::in_progress && task.progress != percent_before;
  if (!has_ended && !has_progressed) return;
  const auto device = wiring_.registry.device(task.device);
  if (!device) return;
  const thing::UpgradeStep step{task.source, live.firmware.version, task.text, live.job.id, task.id};
  const UnixMillis at = wiring_.loop.wall();
  wiring_.tell(has_ended ? thing::upgrade_result_message(device->device, step, task.state == TaskState::succeeded, at)
                         : thing::upgrade_progress_message(device->device, step, task.progress, at));
}

void Upgrades::tell_job(const Live& live) {
  if (!wiring_.tell) return;
  wiring_.tell(thing::job_message(live.firmware.product, live.firmware.module, live.firmware.id, live.job.id,
                                  name(live.job.status), wiring_.loop.wall()));
}

/// Only a version that is another one than before.
void Upgrades::tell_version(std::uint64_t device, std::string_view module, std::string_view version) {
  if (!wiring_.tell || this->version(device, module) == version) return;
  if (const auto found = wiring_.registry.device(device))
    wiring_.tell(thing::version_message(found->device, module, version, wiring_.loop.wall()));
}

}  // namespace tercet::upgrade
