// `tercet job`: things to do for many devices.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <iostream>
#include <memory>

#include "cli/perform.h"

namespace tercet::cli {
namespace {

using Parameters = std::map<std::string, std::string>;

struct Words {
  std::string name, document, service, group, product, about, id, status, file, sign;
  std::vector<std::string> devices;
  bool set = false;
  int minutes = 0, per_minute = 1000, page = 1;
};

/// PRODUCT/DEVICE taken apart.
boost::json::object device_of(const std::string& text) {
  const auto slash = text.find('/');
  return {{"productKey", text.substr(0, slash)},
          {"deviceName", slash == std::string::npos ? std::string() : text.substr(slash + 1)}};
}

std::string target_of(const Words& words) {
  boost::json::object target{{"targetType", "DEVICE_LIST"}};
  if (!words.group.empty()) target = {{"targetType", "GROUP_ID"}, {"targetGroup", words.group}};
  if (!words.product.empty()) target = {{"targetType", "PRODUCT_KEY"}, {"targetProduct", words.product}};
  boost::json::array devices;
  for (const std::string& one : words.devices) devices.push_back(device_of(one));
  if (!devices.empty()) target["targetDevices"] = std::move(devices);
  return boost::json::serialize(target);
}

Parameters creation(const Words& words) {
  Parameters made{{"JobName", words.name}, {"Type", "CUSTOM_JOB"}, {"TargetConfig", target_of(words)}};
  made["JobDocument"] = words.document;
  if (words.set || !words.service.empty()) {
    made["Type"] = words.set ? "SET_PROPERTY" : "INVOKE_SERVICE";
    made["JobDocument"] = R"({"params":)" + words.document + "}";
    if (!words.set)
      made["JobDocument"] = R"({"serviceIdentifier":)" + boost::json::serialize(boost::json::string(words.service)) +
                            R"(,"params":)" + words.document + "}";
  }
  made["RolloutConfig"] = R"({"maximumPerMinute":)" + std::to_string(words.per_minute) + "}";
  if (words.minutes != 0)
    made["TimeoutConfig"] = R"({"inProgressTimeoutInMinutes":)" + std::to_string(words.minutes) + "}";
  if (!words.file.empty())
    made["JobFile"] = boost::json::serialize(
        boost::json::object{{"fileUrl", words.file}, {"signMethod", "Sha256"}, {"sign", words.sign}});
  if (!words.about.empty()) made["Description"] = words.about;
  return made;
}

void add_create(CLI::App& job, Verbs& verbs) {
  CLI::App* create = verb_of(job, verbs, "create", "for devices, a group or a product");
  auto words = std::make_shared<Words>();
  create->add_option("name", words->name, "4 to 30 letters, digits, _")->required();
  create->add_option("document", words->document, "JSON: what to do; with --set the values, with --call the inputs")
      ->required();
  auto* devices =
      create->add_option("--device", words->devices, "PRODUCT/DEVICE, again for more")
          ->check([](const std::string& text) {
            return text.find('/') == std::string::npos ? std::string("write PRODUCT/DEVICE") : std::string();
          });
  auto* group = create->add_option("--group", words->group, "GroupId")->excludes(devices);
  auto* product = create->add_option("--product", words->product, "ProductKey: all its devices");
  product->excludes(devices)->excludes(group);
  auto* set = create->add_flag("--set", words->set, "sets properties");
  create->add_option("--call", words->service, "calls this service")->excludes(set);
  create->add_option("--minutes", words->minutes, "a device has so long after it began")->check(CLI::Range(1, 10'080));
  create->add_option("--per-minute", words->per_minute, "messages a minute")->check(CLI::Range(50, 1000));
  auto* file = create->add_option("--file", words->file, "address of a file that goes with it");
  create->add_option("--sha256", words->sign, "its SHA-256, hexadecimal")->needs(file);
  create->add_option("--about", words->about, "description");
  create->callback([&verbs, words] { perform(verbs, {"CreateJob", creation(*words), "", {"JobId"}}); });
}

void add_simple(CLI::App& job, Verbs& verbs, const char* name, const char* what, const char* action) {
  CLI::App* verb = verb_of(job, verbs, name, what);
  auto words = std::make_shared<Words>();
  verb->add_option("job", words->id, "JobId")->required();
  verb->callback([&verbs, words, action] { perform(verbs, {action, {{"JobId", words->id}}, "", {}}); });
}

}  // namespace

void add_job_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* job = app.add_subcommand("job", "things to do for many devices, and what became of them");
  job->require_subcommand(1);
  add_create(*job, verbs);

  CLI::App* list = verb_of(*job, verbs, "list", "jobs, newest first");
  auto listed = std::make_shared<Words>();
  list->add_option("--status", listed->status, "WAITING, IN_PROGRESS, COMPLETED, CANCELLED, REMOVING");
  list->add_option("--page", listed->page, "page, from 1")->check(CLI::Range(1, 1'000));
  list->callback([&verbs, listed] {
    Parameters given{{"CurrentPage", std::to_string(listed->page)}, {"PageSize", "50"}};
    if (!listed->status.empty()) given["Status"] = listed->status;
    perform(verbs, {"ListJob", given, "Data.data", {"JobId", "JobName", "Type", "Status", "UtcCreate", "Description"}});
  });

  CLI::App* show = verb_of(*job, verbs, "show", "one job");
  auto shown = std::make_shared<Words>();
  show->add_option("job", shown->id, "JobId")->required();
  show->callback([&verbs, shown] { perform(verbs, {"QueryJob", {{"JobId", shown->id}}, "Data", {}}); });

  CLI::App* count = verb_of(*job, verbs, "count", "how many of its tasks are in each state");
  auto counted = std::make_shared<Words>();
  count->add_option("job", counted->id, "JobId")->required();
  count->callback([&verbs, counted] { perform(verbs, {"QueryJobStatistics", {{"JobId", counted->id}}, "Data", {}}); });

  CLI::App* tasks = verb_of(*job, verbs, "tasks", "its tasks, 50 at a time");
  auto asked = std::make_shared<Words>();
  tasks->add_option("job", asked->id, "JobId")->required();
  tasks->add_option("--status", asked->status, "QUEUED, SENT, IN_PROGRESS, SUCCEEDED, FAILED, ...");
  tasks->add_option("--after", asked->name, "NextToken of the page before (--json shows it)");
  tasks->callback([&verbs, asked] {
    Parameters given{{"JobId", asked->id}, {"Limit", "50"}};
    if (!asked->status.empty()) given["Status"] = asked->status;
    if (!asked->name.empty()) given["NextToken"] = asked->name;
    perform(verbs, {"ListTask", given, "Data.data", {"TaskId", "ProductKey", "DeviceName", "Status", "Progress"}});
  });

  CLI::App* task = verb_of(*job, verbs, "task", "one task, and why it failed");
  auto one = std::make_shared<Words>();
  task->add_option("task", one->id, "TaskId")->required();
  task->callback([&verbs, one] { perform(verbs, {"QueryTask", {{"TaskId", one->id}}, "Data", {}}); });

  add_simple(*job, verbs, "cancel", "end its tasks; devices that know of it are told", "CancelJob");
  add_simple(*job, verbs, "rerun", "what failed, timed out, was rejected or cancelled", "RerunJob");
  add_simple(*job, verbs, "delete", "end it and forget it", "DeleteJob");
}

}  // namespace tercet::cli
