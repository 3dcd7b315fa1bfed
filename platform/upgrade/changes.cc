#include <algorithm>

#include "platform/upgrade/tables.h"

// What is changed later: names of firmware, settings of jobs; and lists of devices.
namespace tercet::upgrade {
namespace {

constexpr std::size_t kMaxUdi = 4096, kMaxName = 256;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

RegistryProblem system_problem(const runtime::Problem& problem) {
  return {problem.code, "iot.system.SystemException", problem.detail};
}

/// The first column of a line.
std::string_view name_of(std::string_view line) {
  line = line.substr(0, line.find_first_of(",;\t\r"));
  const auto from = line.find_first_not_of(" \"");
  const auto to = line.find_last_not_of(" \"");
  return from == std::string_view::npos ? std::string_view{} : line.substr(from, to - from + 1);
}

}  // namespace

Answer<void> Upgrades::change_firmware(std::string_view id, std::string_view product, const FirmwareChange& change) {
  auto found = firmware(id);
  if (!found) return found.problem();
  if (!product.empty() && found->product != product)
    return refused("tercet.ota.NotExistedFirmware", "the firmware belongs to another product");
  if (change.name && (change.name->empty() || change.name->size() > kMaxName))
    return refused("tercet.ota.InvalidFirmwareName", "FirmwareName has 1 to 256 bytes");
  if (change.udi && change.udi->size() > kMaxUdi)
    return refused("tercet.ota.LongUdi", "FirmwareUdi has at most 4096 bytes");
  const auto apply = [&](Firmware& one) {
    if (change.name) one.name = *change.name;
    if (change.about) one.about = *change.about;
    if (change.udi) one.udi = *change.udi;
    one.modified.ms = now();
  };
  apply(*found);
  if (const auto put = Tables::put(database_, *found); !put) return system_problem(put.problem());
  for (auto& [number, live] : live_)
    if (live.firmware.number == found->number) apply(live.firmware);
  return {};
}

Answer<void> Upgrades::change_job(std::string_view id, const JobChange& change) {
  const auto found = job(id);
  if (!found) return found.problem();
  const auto placed = live_.find(found->number);
  if (placed == live_.end() || placed->second.job.status >= JobStatus::completed)
    return refused("tercet.ota.JobIsOver", "the job is over: make another one");
  Live& live = placed->second;
  if (change.per_minute && (*change.per_minute < 10 || *change.per_minute > 10'000))
    return refused("tercet.ota.InvalidParameter", "MaximumPerMinute is 10 to 10000");
  if (change.timeout_minutes && (*change.timeout_minutes < 1 || *change.timeout_minutes > 1440))
    return refused("tercet.ota.InvalidParameter", "TimeoutInMinutes is 1 to 1440");
  if (change.sources && live.job.kind != JobKind::dynamic)
    return refused("tercet.ota.InvalidParameter",
                   "SrcVersionList is for dynamic jobs: the devices of this one have been chosen");
  JobOptions& options = live.job.options;
  if (change.per_minute) options.per_minute = *change.per_minute;
  if (change.timeout_minutes) options.timeout_minutes = *change.timeout_minutes;
  if (change.sources) options.sources = *change.sources;
  if (change.tags) options.tags = *change.tags;
  live.job.modified.ms = now();
  live.next_slot = 0;
  for (const auto number : live.open) schedule(tasks_.at(number));
  dirty_jobs_.insert(found->number);
  return saved();
}

/// Those that were named, and those of the list. A first line that says DeviceName is a heading.
Answer<std::vector<std::string>> Upgrades::names_of(const JobOptions& options) {
  std::vector<std::string> names = options.devices;
  if (options.list.empty()) return names;
  auto upload = database_.must_prepare("SELECT 1 FROM uploads WHERE key=? AND at>=?");
  const auto row = upload.bind(options.list, now() - kUploadMillis).step();
  if (!row) return system_problem(row.problem());
  const auto file = *row && options.list.starts_with(kListFront) ? images_.read(options.list) : nullptr;
  if (!file)
    return refused(
        "tercet.ota.NotExistedUpload",
        "DnListFileUrl names no list that was uploaded within the last hour: GenerateDeviceNameListURL, post "
        "the file, then make the job");
  std::string text(file->bytes(), '\0');
  if (file->read(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}) != text.size())
    return refused("tercet.ota.NotExistedUpload", "the list cannot be read from the disk: upload it again");
  std::string_view rest = text;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  for (bool is_first = true; !rest.empty(); is_first = false) {
    const auto end = rest.find('\n');
    const std::string_view name = name_of(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!name.empty() && !(is_first && name == "DeviceName")) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > settings_.job_devices)
    return refused("tercet.ota.TooManyDevices",
                   "the list has more than " + std::to_string(settings_.job_devices) + " devices: split it");
  return names;
}

}  // namespace tercet::upgrade
