#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/manage.h"
#include "cli/perform.h"
#include "cli/verbs.h"

namespace tercet::cli {
namespace {

namespace json = boost::json;
using Parameters = std::map<std::string, std::string>;

/// What the options of one verb are bound to; lives as long as the CLI::App that holds it.
struct Words {
  std::string product, device, firmware, job, file, version, module, name, signature, source, gray, group, about, udi,
      protocol = "HTTPS";
  std::vector<std::string> devices, tasks;
  int per_minute = 0, retries = 0, retry_minutes = 0, timeout = 0, stop_percent = 0, stop_after = 0, page = 1;
  bool check = false, verify = false, dynamic = false, md5 = false, running = false;
};

std::string member(const json::value& from, const char* name) {
  const auto* object = from.if_object();
  const auto* value = object == nullptr ? nullptr : object->if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string{};
}

void complain(Verbs& verbs, const std::string& text, int code) {
  std::cerr << "tercet: " << text << "\n";
  verbs.exit_code = code;
}

/// Asks for a form, and posts the file with it. False: has complained. form: its fields.
bool post_with_form(Verbs& verbs, const ApiAccess& access, const char* action, const Parameters& parameters,
                    const std::string& file, json::value& form) {
  const ApiAnswer given = call(access, action, parameters);
  if (const std::string refusal = refusal_of(given, action); !refusal.empty()) {
    complain(verbs, refusal, given.arrived() ? 1 : 2);
    return false;
  }
  form = json::parse(given.body).at("Data");
  const std::string key_id = member(form, "OSSAccessKeyId");
  const ApiAnswer sent = post_file(access, "/ota/upload",
                                   {{"key", member(form, "Key")},
                                    {"policy", member(form, "Policy")},
                                    {"OSSAccessKeyId", key_id.empty() ? member(form, "AccessKeyId") : key_id},
                                    {"Signature", member(form, "Signature")},
                                    {"success_action_status", "200"}},
                                   file);
  if (!sent.arrived())
    complain(verbs, sent.problem, 2);
  else if (sent.http_status != 200)
    complain(verbs, "the file was not taken: " + sent.body, 1);
  return sent.arrived() && sent.http_status == 200;
}

/// The form, the file, the firmware.
void upload(Verbs& verbs, const Words& words) {
  std::error_code bad;
  const auto bytes = std::filesystem::file_size(words.file, bad);
  if (bad) return complain(verbs, words.file + " cannot be read: " + bad.message(), 2);
  ApiAccess access;
  if (!reach(verbs, access)) return;
  json::value form;
  if (!post_with_form(verbs, access, "GenerateOTAUploadURL", {{"FileSuffix", "bin"}}, words.file, form)) return;
  Parameters parameters{{"ProductKey", words.product},
                        {"DestVersion", words.version},
                        {"FirmwareName", words.name.empty() ? words.version : words.name},
                        {"FirmwareUrl", member(form, "FirmwareUrl")},
                        {"FirmwareSize", std::to_string(bytes)},
                        {"SignMethod", words.md5 ? "MD5" : "SHA256"},
                        {"NeedToVerify", words.check ? "true" : "false"}};
  if (!words.module.empty()) parameters["ModuleName"] = words.module;
  if (!words.signature.empty()) parameters["DigitalSignature"] = words.signature;
  verbs.exit_code = run_call(access, {"CreateOTAFirmware", parameters, "Data", {}}, verbs.json);
}

void start(Verbs& verbs, const Words& words) {
  ApiAccess access;
  if (!reach(verbs, access)) return;
  const ApiAnswer shown = call(access, "QueryOTAFirmware", {{"FirmwareId", words.firmware}});
  if (const std::string refusal = refusal_of(shown, "QueryOTAFirmware"); !refusal.empty())
    return complain(verbs, refusal, shown.arrived() ? 1 : 2);
  Parameters parameters{{"FirmwareId", words.firmware},
                        {"ProductKey", member(json::parse(shown.body).at("FirmwareInfo"), "ProductKey")},
                        {"DownloadProtocol", words.protocol}};
  const auto set = [&](const char* name, int value) {
    if (value != 0) parameters[name] = std::to_string(value);
  };
  set("MaximumPerMinute", words.per_minute);
  set("RetryCount", words.retries);
  set("RetryInterval", words.retry_minutes);
  set("TimeoutInMinutes", words.timeout);
  set("StopFailurePercent", words.stop_percent);
  set("StopAfter", words.stop_after);
  if (!words.source.empty()) parameters["SrcVersion.1"] = words.source;
  if (!words.gray.empty()) parameters["GrayPercent"] = words.gray;
  for (std::size_t i = 0; i < words.devices.size(); ++i)
    parameters["TargetDeviceName." + std::to_string(i + 1)] = words.devices[i];
  const bool is_named = !words.devices.empty() || !words.file.empty();
  parameters["TargetSelection"] = !words.group.empty()  ? "GROUP"
                                  : !words.gray.empty() ? "GRAY"
                                  : is_named            ? "SPECIFIC"
                                                        : "ALL";
  if (!words.group.empty()) parameters["GroupId"] = words.group;
  json::value list;
  if (!words.file.empty()) {
    if (!post_with_form(verbs, access, "GenerateDeviceNameListURL", {}, words.file, list)) return;
    parameters["DnListFileUrl"] = member(list, "FileUrl");
  }
  const char* const action = words.verify    ? "CreateOTAVerifyJob"
                             : words.dynamic ? "CreateOTADynamicUpgradeJob"
                                             : "CreateOTAStaticUpgradeJob";
  verbs.exit_code = run_call(access, {action, parameters, "Data", {}}, verbs.json);
}

void change(Verbs& verbs, const Words& words) {
  Parameters parameters{{"JobId", words.job}};
  if (words.per_minute != 0) parameters["MaximumPerMinute"] = std::to_string(words.per_minute);
  if (words.timeout != 0) parameters["TimeoutInMinutes"] = std::to_string(words.timeout);
  for (std::size_t i = 0; i < words.devices.size(); ++i)
    parameters["SrcVersionList." + std::to_string(i + 1)] = words.devices[i];
  perform(verbs, {"UpdateOTAJob", parameters, "", {}});
}

void rename(Verbs& verbs, const Words& words) {
  Parameters parameters{{"FirmwareId", words.firmware}};
  if (!words.name.empty()) parameters["FirmwareName"] = words.name;
  if (!words.about.empty()) parameters["FirmwareDesc"] = words.about;
  if (!words.udi.empty()) parameters["FirmwareUdi"] = words.udi;
  perform(verbs, {"ModifyOTAFirmware", parameters, "", {}});
}

void add_start(CLI::App& ota, Verbs& verbs) {
  CLI::App* verb = verb_of(ota, verbs, "start", "make a job that brings a firmware to devices; prints its JobId");
  auto words = std::make_shared<Words>();
  verb->add_option("firmware", words->firmware, "FirmwareId")->required();
  CLI::Option* const named =
      verb->add_option("--device", words->devices, "DeviceName; may be given several times; all devices without it");
  CLI::Option* const listed = verb->add_option("--list", words->file, "file with a DeviceName a line");
  CLI::Option* const group =
      verb->add_option("--group", words->group, "GroupId: the devices of a group (tercet group)");
  CLI::Option* const share = verb->add_option("--percent", words->gray, "a part of the devices, such as 33.33");
  for (CLI::Option* const one : {listed, group, share}) one->excludes(named);
  group->excludes(listed), group->excludes(share), share->excludes(listed);
  verb->add_option("--from", words->source, "only devices that run this version");
  verb->add_option("--download", words->protocol,
                   "HTTPS, or MQTT: over the session, for boards without memory for both")
      ->check(CLI::IsMember({"HTTPS", "MQTT"}));
  verb->add_option("--per-minute", words->per_minute, "pushes, 10 to 10000");
  verb->add_option("--retries", words->retries, "of a failed upgrade: 1, 2 or 5");
  verb->add_option("--retry-minutes", words->retry_minutes, "before each: 0, 10, 30, 60 or 1440");
  verb->add_option("--timeout", words->timeout, "minutes from a device's first progress on, 1 to 1440");
  verb->add_option("--stop-percent", words->stop_percent, "stop when more of the ended upgrades have failed");
  verb->add_option("--stop-after", words->stop_after, "but not before so many have ended");
  verb->add_flag("--verify", words->verify, "a verification job on the --device given");
  verb->add_flag("--dynamic", words->dynamic, "devices that report an older version later, too; until `ota cancel`");
  verb->callback([&verbs, words] { start(verbs, *words); });
}

void add_changes(CLI::App& ota, Verbs& verbs) {
  CLI::App* verb = verb_of(ota, verbs, "change", "change a job that is not over");
  auto words = std::make_shared<Words>();
  verb->add_option("job", words->job, "JobId")->required();
  verb->add_option("--per-minute", words->per_minute, "pushes, 10 to 10000");
  verb->add_option("--timeout", words->timeout, "minutes from a device's first progress on, 1 to 1440");
  verb->add_option("--from", words->devices, "of a dynamic job: devices that run this version; repeatable");
  verb->callback([&verbs, words] { change(verbs, *words); });

  CLI::App* named =
      verb_of(ota, verbs, "rename", "change what a firmware is called, and what devices are told with it");
  auto changed = std::make_shared<Words>();
  named->add_option("firmware", changed->firmware, "FirmwareId")->required();
  named->add_option("--name", changed->name, "for people");
  named->add_option("--about", changed->about, "a description");
  named->add_option("--udi", changed->udi, "handed to devices as it is");
  named->callback([&verbs, changed] { rename(verbs, *changed); });
}

void add_cancel(CLI::App& ota, Verbs& verbs) {
  CLI::App* verb = verb_of(ota, verbs, "cancel", "end a job: what has not begun is not begun any more");
  auto words = std::make_shared<Words>();
  verb->add_option("job", words->job, "JobId")->required();
  verb->add_flag("--running", words->running, "upgrades that are under way as well");
  verb->callback([&verbs, words] {
    ApiAccess access;
    if (!reach(verbs, access)) return;
    const ApiAnswer shown = call(access, "QueryOTAJob", {{"JobId", words->job}});
    if (const std::string refusal = refusal_of(shown, "QueryOTAJob"); !refusal.empty())
      return complain(verbs, refusal, shown.arrived() ? 1 : 2);
    const bool dynamic = member(json::parse(shown.body).at("Data"), "SelectionType") == "DYNAMIC";
    if (dynamic) verbs.exit_code = run_call(access, {"CancelOTAStrategyByJob", {{"JobId", words->job}}, "", {}}, false);
    if (verbs.exit_code != 0) return;
    Parameters parameters{{"JobId", words->job}};
    for (const char* one : {"CancelScheduledTask", "CancelQueuedTask", "CancelNotifiedTask", "CancelUnconfirmedTask"})
      parameters[one] = "true";
    if (words->running) parameters["CancelInProgressTask"] = "true";
    verbs.exit_code = run_call(access, {"CancelOTATaskByJob", parameters, "", {}}, verbs.json);
  });
}

}  // namespace

void add_ota_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* ota = app.add_subcommand("ota", "firmware: upload it, bring it to devices, see how far they are");
  ota->require_subcommand(1);

  CLI::App* uploaded = verb_of(*ota, verbs, "upload", "store a firmware image; prints its FirmwareId");
  auto words = std::make_shared<Words>();
  uploaded->add_option("product", words->product, "ProductKey")->required();
  uploaded->add_option("version", words->version, "version that devices report once they run it")->required();
  uploaded->add_option("file", words->file, "the image")->required();
  uploaded->add_option("--module", words->module, "a part of the device with a version of its own");
  uploaded->add_option("--name", words->name, "for people; the version without it");
  uploaded->add_option("--signature", words->signature, "base64, made with your private key, which devices check");
  uploaded->add_flag("--md5", words->md5, "devices check MD5 instead of SHA-256");
  uploaded->add_flag("--check-first", words->check, "no job but a verification job before one has succeeded");
  uploaded->callback([&verbs, words] { upload(verbs, *words); });

  CLI::App* list = verb_of(*ota, verbs, "list", "firmware of a product, or the jobs of a firmware");
  auto listed = std::make_shared<Words>();
  list->add_option("product", listed->product, "ProductKey; all products without it");
  list->add_option("--jobs", listed->firmware, "FirmwareId whose jobs are wanted instead");
  list->add_option("--page", listed->page, "page, from 1");
  list->callback([&verbs, listed] {
    Parameters parameters{{"CurrentPage", std::to_string(listed->page)}, {"PageSize", "50"}};
    if (!listed->firmware.empty()) {
      parameters["FirmwareId"] = listed->firmware;
      return perform(verbs, {"ListOTAJobByFirmware",
                             parameters,
                             "Data.SimpleOTAJobInfo",
                             {"JobId", "JobStatus", "JobType", "SelectionType", "TargetSelection", "UtcCreate"}});
    }
    if (!listed->product.empty()) parameters["ProductKey"] = listed->product;
    perform(verbs, {"ListOTAFirmware",
                    parameters,
                    "FirmwareInfo.SimpleFirmwareInfo",
                    {"FirmwareId", "DestVersion", "ModuleName", "FirmwareSize", "Status", "UtcCreate"}});
  });

  add_start(*ota, verbs);

  CLI::App* show = verb_of(*ota, verbs, "show", "one job, its settings, and how many devices are where");
  auto shown = std::make_shared<Words>();
  show->add_option("job", shown->job, "JobId")->required();
  show->callback([&verbs, shown] { perform(verbs, {"QueryOTAJob", {{"JobId", shown->job}}, "Data", {}}); });

  CLI::App* tasks = verb_of(*ota, verbs, "tasks", "the devices of a job");
  auto followed = std::make_shared<Words>();
  tasks->add_option("job", followed->job, "JobId")->required();
  tasks->add_option("--page", followed->page, "page, from 1");
  tasks->callback([&verbs, followed] {
    perform(verbs, {"ListOTATaskByJob",
                    {{"JobId", followed->job}, {"CurrentPage", std::to_string(followed->page)}, {"PageSize", "100"}},
                    "Data.SimpleOTATaskInfo",
                    {"DeviceName", "TaskStatus", "Progress", "SrcVersion", "DestVersion", "TaskDesc", "UtcModified"}});
  });

  CLI::App* again = verb_of(*ota, verbs, "retry", "try the failed devices of a job again");
  auto retried = std::make_shared<Words>();
  again->add_option("job", retried->job, "JobId")->required();
  again->callback([&verbs, retried] { perform(verbs, {"ReupgradeOTATask", {{"JobId", retried->job}}, "", {}}); });

  add_changes(*ota, verbs);
  add_cancel(*ota, verbs);

  CLI::App* versions = verb_of(*ota, verbs, "versions", "what a device says it runs");
  auto device = std::make_shared<Words>();
  versions->add_option("product", device->product, "ProductKey")->required();
  versions->add_option("name", device->device, "DeviceName")->required();
  versions->callback([&verbs, device] {
    perform(verbs, {"ListOTAModuleVersionsByDevice",
                    {{"ProductKey", device->product}, {"DeviceName", device->device}, {"PageSize", "100"}},
                    "Data.SimpleOTAModuleInfo",
                    {"ModuleName", "ModuleVersion"}});
  });

  CLI::App* remove = verb_of(*ota, verbs, "delete", "delete a firmware and its finished jobs");
  auto removed = std::make_shared<Words>();
  remove->add_option("firmware", removed->firmware, "FirmwareId")->required();
  remove->callback([&verbs, removed] {
    perform(verbs, {"DeleteOTAFirmware", {{"FirmwareId", removed->firmware}}, "", {}});
  });
}

}  // namespace tercet::cli
