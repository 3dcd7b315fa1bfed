#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "platform/registry/records.h"
#include "platform/thing/outlet.h"
#include "tercet/base/time.h"

// Messages for applications about what happens on the management thread, in the cloud's topics and formats
// (device-protocol 8.15, cloud-protocol 3.4). Pure functions; Things::tell_applications takes what they give.
namespace tercet::thing {

/// `/{pk}/{dn}/thing/lifecycle`. deviceSecret is always "": secrets do not leave the registry (QueryDeviceInfo has it).
Announcement lifecycle_message(const registry::Device& device, registry::Lifecycle change, UnixMillis now);

/// `/{pk}/{dn}/thing/deviceinfo/update`: the tags that are new or have another value; one taken away has "" for one.
Announcement tags_message(const registry::Device& device, std::span<const registry::Tag> changed, UnixMillis now);

/// How far a device is with an upgrade, or how it ended.
struct UpgradeStep {
  std::string_view source, target;  ///< versions; source "" = not known
  std::string_view text;            ///< why it failed
  std::string_view job, task;       ///< their ids
};
/// `/{pk}/{dn}/ota/upgrade`, once a task has ended by itself.
Announcement upgrade_result_message(const registry::Device& device, const UpgradeStep& step, bool succeeded,
                                    UnixMillis now);
/// `/{pk}/{dn}/ota/progress/post`: the members of a result, status IN_PROGRESS, and `step`, percent. The cloud has such
/// a topic; its members are not written down anywhere that we know of.
Announcement upgrade_progress_message(const registry::Device& device, const UpgradeStep& step, int percent,
                                      UnixMillis now);
/// `/{pk}/{dn}/ota/version/post`, when a device reports another version than before.
Announcement version_message(const registry::Device& device, std::string_view module, std::string_view version,
                             UnixMillis now);
/// `/{pk}/{packageId}/{jobId}/ota/job/status`; status: PLANNED, IN_PROGRESS, COMPLETED or CANCELED.
Announcement job_message(std::string_view product, std::string_view module, std::string_view firmware,
                         std::string_view job, std::string_view status, UnixMillis now);

}  // namespace tercet::thing
