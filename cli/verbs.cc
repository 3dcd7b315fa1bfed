#include "cli/verbs.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "cli/manage.h"

namespace tercet::cli {
namespace {

using Parameters = std::map<std::string, std::string>;

void perform(Verbs& verbs, const Call& wanted) {
  ApiAccess access;
  std::string problem;
  const AccessSources sources{{verbs.endpoint, verbs.access_key_id, verbs.access_key_secret, ""}, verbs.ready_file};
  if (!find_access(sources, access, problem)) {
    std::cerr << "tercet: " << problem << "\n";
    verbs.exit_code = 2;
    return;
  }
  verbs.exit_code = run_call(access, wanted, verbs.json);
}

/// The text of a file, or of standard input for "-".
bool read_text(const std::string& path, std::string& text) {
  std::ostringstream all;
  if (path == "-") {
    all << std::cin.rdbuf();
  } else {
    std::ifstream in(path);
    if (!in) return false;
    all << in.rdbuf();
  }
  text = all.str();
  return true;
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// What the options of one verb are bound to; lives as long as the CLI::App that holds it.
struct Words {
  std::string product, device, name, file, text, identifier;
  std::string data_format = "1";
  int count = 1, page = 1, size = 50, hours = 24;
  bool versions = false, refusals = false;
};

std::shared_ptr<Words> words_of(CLI::App* verb, bool product, bool device) {
  auto words = std::make_shared<Words>();
  if (product) verb->add_option("product", words->product, "ProductKey")->required();
  if (device) verb->add_option("name", words->device, "DeviceName")->required();
  return words;
}

CLI::App* verb_of(CLI::App& parent, Verbs& verbs, const char* name, const char* what) {
  CLI::App* verb = parent.add_subcommand(name, what);
  add_access_options(*verb, verbs);
  return verb;
}

}  // namespace

void add_access_options(CLI::App& app, Verbs& verbs) {
  app.add_option("--endpoint", verbs.endpoint, "management API, http://HOST:PORT")->group("Platform");
  app.add_option("--access-key-id", verbs.access_key_id, "access key id")->group("Platform");
  app.add_option("--access-key-secret", verbs.access_key_secret, "access key secret")->group("Platform");
  app.add_option("--ready", verbs.ready_file, "the ready file of a running `tercet serve`")->group("Platform");
  app.add_flag("--json", verbs.json, "print the platform's answer as JSON");
}

void add_product_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* product = app.add_subcommand("product", "products and their thing models");
  product->require_subcommand(1);

  CLI::App* list = verb_of(*product, verbs, "list", "every product");
  auto paging = words_of(list, false, false);
  list->add_option("--page", paging->page, "page, from 1");
  list->callback([&verbs, paging] {
    perform(verbs, {"QueryProductList",
                    {{"CurrentPage", std::to_string(paging->page)}, {"PageSize", "50"}},
                    "Data.List.ProductInfo",
                    {"ProductKey", "ProductName", "NodeType", "DeviceCount"}});
  });

  CLI::App* create = verb_of(*product, verbs, "create", "make a product; prints its ProductKey");
  auto made = std::make_shared<Words>();
  create->add_option("name", made->name, "product name")->required();
  create->callback([&verbs, made] {
    perform(verbs,
            {"CreateProduct", {{"ProductName", made->name}, {"NodeType", "0"}, {"DataFormat", "1"}}, "Data", {}});
  });

  CLI::App* show = verb_of(*product, verbs, "show", "one product");
  auto shown = words_of(show, true, false);
  show->callback([&verbs, shown] { perform(verbs, {"QueryProduct", {{"ProductKey", shown->product}}, "Data", {}}); });

  CLI::App* model = verb_of(*product, verbs, "model", "print the thing model, or import one from a TSL file");
  auto tsl = words_of(model, true, false);
  model->add_option("file", tsl->file, "TSL JSON to import, - for standard input");
  model->callback([&verbs, tsl] {
    if (tsl->file.empty())
      return perform(verbs, {"GetThingModelTsl", {{"ProductKey", tsl->product}}, "Data.TslStr", {}});
    std::string text;
    if (!read_text(tsl->file, text)) {
      std::cerr << "tercet: " << tsl->file << " cannot be read\n";
      verbs.exit_code = 2;
      return;
    }
    perform(verbs, {"ImportThingModelTsl", {{"ProductKey", tsl->product}, {"TslStr", text}}, "", {}});
  });

  CLI::App* remove = verb_of(*product, verbs, "delete", "delete a product without devices");
  auto removed = words_of(remove, true, false);
  remove->callback([&verbs, removed] {
    perform(verbs, {"DeleteProduct", {{"ProductKey", removed->product}}, "", {}});
  });
}

void add_config_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* config = app.add_subcommand("config", "the configuration file that a product's devices fetch");
  config->require_subcommand(1);

  CLI::App* set = verb_of(*config, verbs, "set", "make a JSON file the product's configuration; `push` tells devices");
  auto stored = words_of(set, true, false);
  set->add_option("file", stored->file, "JSON, 64 KB at most, - for standard input; rules: docs/edge-rules.md")
      ->required();
  set->callback([&verbs, stored] {
    std::string text;
    if (!read_text(stored->file, text)) {
      std::cerr << "tercet: " << stored->file << " cannot be read\n";
      verbs.exit_code = 2;
      return;
    }
    perform(verbs, {"SetProductConfiguration", {{"ProductKey", stored->product}, {"Content", text}}, "Data", {}});
  });

  CLI::App* show = verb_of(*config, verbs, "show", "the configuration, and what devices said to a push");
  auto shown = words_of(show, true, false);
  show->add_option("id", shown->identifier, "ConfigId of an earlier version");
  show->add_flag("--versions", shown->versions, "a table of the versions kept instead");
  show->add_flag("--refusals", shown->refusals, "a table of the devices that refused it instead");
  show->callback([&verbs, shown] {
    Call wanted{"GetProductConfiguration", {{"ProductKey", shown->product}}, "Data", {}};
    if (!shown->identifier.empty()) wanted.parameters["ConfigId"] = shown->identifier;
    if (shown->versions)
      wanted.list = "Data.Versions.Version", wanted.columns = {"Version", "ConfigId", "Size", "GmtCreate", "Sha256"};
    else if (shown->refusals)
      wanted.list = "Data.Refusals.Refusal", wanted.columns = {"DeviceName", "Code", "Time"};
    perform(verbs, wanted);
  });

  CLI::App* push = verb_of(*config, verbs, "push", "tell the product's devices that are online of its configuration");
  auto pushed = words_of(push, true, false);
  push->callback([&verbs, pushed] {
    perform(verbs, {"PushProductConfiguration", {{"ProductKey", pushed->product}}, "Data", {}});
  });
}

void add_device_verbs(CLI::App& device, Verbs& verbs) {
  CLI::App* list = verb_of(device, verbs, "list", "devices of a product");
  auto listed = words_of(list, true, false);
  list->add_option("--page", listed->page, "page, from 1");
  list->callback([&verbs, listed] {
    perform(verbs, {"QueryDevice",
                    {{"ProductKey", listed->product},
                     {"CurrentPage", std::to_string(listed->page)},
                     {"PageSize", std::to_string(listed->size)}},
                    "Data.DeviceInfo",
                    {"DeviceName", "DeviceStatus", "Nickname", "UtcCreate", "IotId"}});
  });

  CLI::App* add = verb_of(device, verbs, "add", "register a device; prints its triple");
  auto added = words_of(add, true, false);
  add->add_option("name", added->device, "DeviceName; one is made up without it");
  add->callback([&verbs, added] {
    Parameters parameters{{"ProductKey", added->product}};
    if (!added->device.empty()) parameters["DeviceName"] = added->device;
    perform(verbs, {"RegisterDevice", parameters, "Data", {}});
  });

  struct Simple {
    const char *verb, *what, *action, *list;
  };
  for (const Simple& simple : {Simple{"show", "one device with its secret", "QueryDeviceDetail", "Data"},
                               Simple{"status", "online or not", "GetDeviceStatus", "Data"},
                               Simple{"enable", "let the device in again", "EnableThing", ""},
                               Simple{"disable", "shut the device out", "DisableThing", ""},
                               Simple{"delete", "delete the device and what it reported", "DeleteDevice", ""}}) {
    CLI::App* verb = verb_of(device, verbs, simple.verb, simple.what);
    auto words = words_of(verb, true, true);
    verb->callback([&verbs, words, simple] {
      perform(verbs, {simple.action, {{"ProductKey", words->product}, {"DeviceName", words->device}}, simple.list, {}});
    });
  }
}

void add_property_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* property = app.add_subcommand("property", "what a device reports and obeys");
  property->require_subcommand(1);

  CLI::App* show = verb_of(*property, verbs, "show", "latest value of each property");
  auto shown = words_of(show, true, true);
  show->callback([&verbs, shown] {
    perform(verbs, {"QueryDevicePropertyStatus",
                    {{"ProductKey", shown->product}, {"DeviceName", shown->device}},
                    "Data.List.PropertyStatusInfo",
                    {"Identifier", "Name", "Value", "Unit", "Time"}});
  });

  CLI::App* set = verb_of(*property, verbs, "set", "command a device");
  auto commanded = words_of(set, true, true);
  set->add_option("items", commanded->text, R"(properties as JSON, '{"report_interval":10}')")->required();
  set->callback([&verbs, commanded] {
    perform(verbs, {"SetDeviceProperty",
                    {{"ProductKey", commanded->product}, {"DeviceName", commanded->device}, {"Items", commanded->text}},
                    "Data",
                    {}});
  });

  CLI::App* history = verb_of(*property, verbs, "history", "what one property was");
  auto past = words_of(history, true, true);
  history->add_option("identifier", past->identifier, "property")->required();
  history->add_option("--hours", past->hours, "how far back")->check(CLI::Range(1, 24 * 3650));
  history->add_option("--limit", past->size, "at most this many, newest first")->check(CLI::Range(1, 100));
  history->callback([&verbs, past] {
    const std::int64_t end = now_ms() + 60'000;
    perform(verbs, {"QueryDevicePropertyData",
                    {{"ProductKey", past->product},
                     {"DeviceName", past->device},
                     {"Identifier", past->identifier},
                     {"StartTime", std::to_string(end)},
                     {"EndTime", std::to_string(end - std::int64_t{past->hours} * 3'600'000)},
                     {"PageSize", std::to_string(past->size)},
                     {"Asc", "0"}},
                    "Data.List.PropertyInfo",
                    {"Time", "Value"}});
  });
}

void add_call_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* service =
      verb_of(app, verbs, "call", "call a service of a device; waits for the outputs of a synchronous one");
  auto called = words_of(service, true, true);
  service->add_option("service", called->identifier, "service of the thing model")->required();
  called->text = "{}";
  service->add_option("inputs", called->text, R"(its inputs as JSON, '{"times":2}'; none if left out)");
  service->callback([&verbs, called] {
    perform(verbs, {"InvokeThingService",
                    {{"ProductKey", called->product},
                     {"DeviceName", called->device},
                     {"Identifier", called->identifier},
                     {"Args", called->text}},
                    "Data",
                    {}});
  });

  CLI::App* desired = app.add_subcommand("desired", "what properties of a device shall become, also while it is off");
  desired->require_subcommand(1);
  CLI::App* set = verb_of(*desired, verbs, "set", "wish for values; sent at once to a device that is online");
  auto wished = words_of(set, true, true);
  set->add_option("items", wished->text, R"(properties as JSON, '{"report_interval":10}')")->required();
  set->callback([&verbs, wished] {
    perform(verbs, {"SetDeviceDesiredProperty",
                    {{"ProductKey", wished->product}, {"DeviceName", wished->device}, {"Items", wished->text}},
                    "Data",
                    {}});
  });
  CLI::App* show = verb_of(*desired, verbs, "show", "each wish with its version");
  auto shown = words_of(show, true, true);
  show->callback([&verbs, shown] {
    perform(verbs, {"QueryDeviceDesiredProperty",
                    {{"ProductKey", shown->product}, {"DeviceName", shown->device}},
                    "Data.List.DesiredPropertyInfo",
                    {"Identifier", "Value", "Version", "Time"}});
  });
  CLI::App* clear = verb_of(*desired, verbs, "clear", "take back one wish, or all");
  auto cleared = words_of(clear, true, true);
  clear->add_option("identifier", cleared->identifier, "property; all without it");
  clear->callback([&verbs, cleared] {
    Parameters parameters{{"ProductKey", cleared->product}, {"DeviceName", cleared->device}};
    if (!cleared->identifier.empty()) parameters["Identifies.1"] = cleared->identifier;
    perform(verbs, {"ClearDeviceDesiredProperty", parameters, "Data", {}});
  });

  struct Past {
    const char *verb, *what, *one, *action, *list;
    std::vector<std::string> columns;
  };
  for (const Past& past : {Past{"events",
                                "the events of a device, newest first",
                                "event",
                                "QueryDeviceEventData",
                                "Data.List.EventInfo",
                                {"Time", "EventType", "Identifier", "OutputData"}},
                           Past{"calls",
                                "the service calls and sets of a device, newest first",
                                "service",
                                "QueryDeviceServiceData",
                                "Data.List.ServiceInfo",
                                {"Time", "Identifier", "InputData", "OutputData"}}}) {
    CLI::App* verb = verb_of(app, verbs, past.verb, past.what);
    auto words = words_of(verb, true, true);
    verb->add_option("--only", words->identifier, std::string("of this ") + past.one);
    verb->add_option("--hours", words->hours, "how far back")->check(CLI::Range(1, 24 * 3650));
    verb->add_option("--limit", words->size, "at most this many")->check(CLI::Range(1, 100));
    verb->callback([&verbs, words, past] {
      const std::int64_t end = now_ms() + 60'000;
      Parameters parameters{{"ProductKey", words->product},
                            {"DeviceName", words->device},
                            {"StartTime", std::to_string(end - std::int64_t{words->hours} * 3'600'000)},
                            {"EndTime", std::to_string(end)},
                            {"PageSize", std::to_string(words->size)},
                            {"Asc", "0"}};
      if (!words->identifier.empty()) parameters["Identifier"] = words->identifier;
      perform(verbs, {past.action, parameters, past.list, past.columns});
    });
  }
}

void add_log_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* log = app.add_subcommand("log", "what the platform would not do, and why");
  log->require_subcommand(1);
  CLI::App* refusals = verb_of(*log, verbs, "refusals", "refused logins, topics and messages, with the remedy");
  auto words = std::make_shared<Words>();
  refusals->add_option("product", words->product, "ProductKey; also one that does not exist");
  refusals->add_option("name", words->device, "DeviceName");
  refusals->add_option("--limit", words->size, "at most this many, newest first")->check(CLI::Range(1, 100));
  refusals->add_option("--lang", verbs.language, "en or zh")->check(CLI::IsMember({"en", "zh"}));
  refusals->callback([&verbs, words] {
    Parameters parameters{{"PageSize", std::to_string(words->size)}, {"Lang", verbs.language}};
    if (!words->product.empty()) parameters["ProductKey"] = words->product;
    if (!words->device.empty()) parameters["DeviceName"] = words->device;
    perform(verbs, {"QueryRefusals",
                    parameters,
                    "Data.Refusal",
                    {"Time", "Name", "Address", "Stage", "Code", "Cause", "Explanation", "Evidence", "Remedy"},
                    true});
  });
}

}  // namespace tercet::cli
