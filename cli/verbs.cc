#include "cli/verbs.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "cli/manage.h"
#include "cli/perform.h"
#include "tercet/base/bytes.h"
#include "tercet/base/writer.h"
#include "tercet/crypto/encoding.h"
#include "tercet/json/writer.h"

namespace tercet::cli {
namespace {

using Parameters = std::map<std::string, std::string>;

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

/// A text as JSON.
std::string json_text(std::string_view text) {
  std::string written(6 * text.size() + 2, '\0');
  tercet::Writer out({reinterpret_cast<std::uint8_t*>(written.data()), written.size()});
  json::Writer{out}.string(text);
  written.resize(out.size());
  return written;
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// What the options of one verb are bound to; lives as long as the CLI::App that holds it.
struct Words {
  std::string product, device, name, file, text, identifier;
  std::vector<std::string> identifiers;
  int count = 1, page = 1, size = 50, hours = 24;
  bool versions = false, refusals = false, flag = false;
};

std::shared_ptr<Words> words_of(CLI::App* verb, bool product, bool device) {
  auto words = std::make_shared<Words>();
  if (product) verb->add_option("product", words->product, "ProductKey")->required();
  if (device) verb->add_option("name", words->device, "DeviceName")->required();
  return words;
}

/// A verb that shows part of a device's history.
struct Past {
  const char *verb, *what, *filter, *filters, *action, *list;
  std::vector<std::string> columns;
};
void add_past(CLI::App& app, Verbs& verbs, const Past& past) {
  CLI::App* verb = verb_of(app, verbs, past.verb, past.what);
  auto words = words_of(verb, true, true);
  if (*past.filter != '\0') verb->add_option("--only", words->identifier, past.filters);
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
    if (!words->identifier.empty()) parameters[past.filter] = words->identifier;
    perform(verbs, {past.action, parameters, past.list, past.columns});
  });
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
  auto raw = std::make_shared<bool>(false);
  create->add_flag("--raw", *raw, "its devices speak bytes of their own (pass-through); `tercet script` says which");
  auto gateway = std::make_shared<bool>(false);
  create->add_flag("--gateway", *gateway, "its devices are gateways: others reach the platform through them");
  auto x509 = std::make_shared<bool>(false);
  create->add_flag("--x509", *x509, "its devices log in with X.509 certificates (`tercet cert`), not with secrets");
  create->callback([&verbs, made, raw, gateway, x509] {
    perform(verbs, {"CreateProduct",
                    {{"ProductName", made->name},
                     {"NodeType", *gateway ? "1" : "0"},
                     {"DataFormat", *raw ? "0" : "1"},
                     {"AuthType", *x509 ? "x509" : "secret"}},
                    "Data",
                    {}});
  });

  CLI::App* show = verb_of(*product, verbs, "show", "one product");
  auto shown = words_of(show, true, false);
  show->callback([&verbs, shown] { perform(verbs, {"QueryProduct", {{"ProductKey", shown->product}}, "Data", {}}); });

  CLI::App* registration =
      verb_of(*product, verbs, "registration", "whether boards may register with the ProductSecret");
  auto allowed = words_of(registration, true, false);
  registration->add_option("switch", allowed->text, "on or off")->required()->check(CLI::IsMember({"on", "off"}));
  registration->callback([&verbs, allowed] {
    perform(verbs, {"UpdateProduct",
                    {{"ProductKey", allowed->product}, {"DynamicRegister", allowed->text == "on" ? "true" : "false"}},
                    "",
                    {}});
  });

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

void add_script_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* script = app.add_subcommand("script", "the script that reads and writes a pass-through product's bytes");
  script->require_subcommand(1);

  CLI::App* set = verb_of(*script, verbs, "set", "check a JavaScript file and make it the product's script");
  auto stored = words_of(set, true, false);
  set->add_option("file", stored->file, "JavaScript, 128 KB at most, - for standard input")->required();
  set->callback([&verbs, stored] {
    std::string text;
    if (!read_text(stored->file, text)) {
      std::cerr << "tercet: " << stored->file << " cannot be read\n";
      verbs.exit_code = 2;
      return;
    }
    perform(verbs, {"UpdateThingScript",
                    {{"ProductKey", stored->product}, {"ScriptContent", text}, {"ScriptType", "JavaScript"}},
                    "Data",
                    {}});
  });

  CLI::App* show = verb_of(*script, verbs, "show", "print the script");
  auto shown = words_of(show, true, false);
  show->add_option("--version", shown->identifier, "an earlier version; the last ten are kept");
  show->callback([&verbs, shown] {
    Call wanted{"GetThingScript", {{"ProductKey", shown->product}}, "Data.ScriptContent", {}};
    if (!shown->identifier.empty()) wanted.parameters["ScriptVersion"] = shown->identifier;
    perform(verbs, wanted);
  });

  CLI::App* test =
      verb_of(*script, verbs, "test", "run a script on a message; prints what comes out and the time it took");
  auto tried = words_of(test, true, false);
  auto hex = std::make_shared<std::vector<std::string>>();
  auto object = std::make_shared<std::string>();
  test->add_option("file", tried->file, "a script that is not saved yet; the product's without it");
  CLI::Option* bytes = test->add_option("--hex", *hex, "bytes of a device: --hex 00 1f c8");
  CLI::Option* down =
      test->add_option("--message", *object, "a message to a device, as the platform makes it")->excludes(bytes);
  test->add_option("--topic", tried->identifier, "custom topic: transformPayload instead of rawDataToProtocol")
      ->excludes(down);
  test->callback([&verbs, tried, hex, object] {
    Call wanted{"TestThingScript", {{"ProductKey", tried->product}}, "Data", {}};
    std::string text;
    if (!tried->file.empty() && !read_text(tried->file, text)) {
      std::cerr << "tercet: " << tried->file << " cannot be read\n";
      verbs.exit_code = 2;
      return;
    }
    if (!text.empty()) wanted.parameters["ScriptContent"] = text;
    std::string all;
    for (const std::string& part : *hex) all += part;
    if (!object->empty())
      wanted.parameters["Json"] = *object;
    else
      wanted.parameters["Hex"] = all;
    if (!tried->identifier.empty()) wanted.parameters["Topic"] = tried->identifier;
    perform(verbs, wanted);
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
                               Simple{"reset", "let it register dynamically once more", "ResetThing", ""},
                               Simple{"delete", "delete the device and what it reported", "DeleteDevice", ""}}) {
    CLI::App* verb = verb_of(device, verbs, simple.verb, simple.what);
    auto words = words_of(verb, true, true);
    verb->callback([&verbs, words, simple] {
      perform(verbs, {simple.action, {{"ProductKey", words->product}, {"DeviceName", words->device}}, simple.list, {}});
    });
  }

  CLI::App* rotate = verb_of(device, verbs, "rotate-secret", "make a new DeviceSecret; both are taken for a while");
  auto rotated = words_of(rotate, true, true);
  auto overlap = std::make_shared<std::int64_t>(86'400'000);
  auto* lasting =
      rotate->add_option("--overlap", *overlap, "how long the earlier one is taken yet: 24h, 30m, 7d; 0s: no longer")
          ->transform(CLI::AsNumberWithUnit(
              std::map<std::string, std::int64_t>{{"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}},
              CLI::AsNumberWithUnit::UNIT_REQUIRED));
  auto end = std::make_shared<bool>(false);
  rotate->add_flag("--end", *end, "the earlier one is taken no longer, from now on")->excludes(lasting);
  rotate->callback([&verbs, rotated, overlap, end] {
    Parameters parameters{{"ProductKey", rotated->product}, {"DeviceName", rotated->device}};
    if (*end) return perform(verbs, {"EndDeviceSecretRotation", parameters, "", {}});
    parameters["OverlapSeconds"] = std::to_string(*overlap / 1000);
    perform(verbs, {"RotateDeviceSecret", parameters, "Data", {}});
  });

  CLI::App* tokens = verb_of(device, verbs, "tokens", "boards that registered under the name without pre-registration");
  auto held = words_of(tokens, true, true);
  auto* kept = tokens->add_option("--keep", held->identifier, "keep this client id, take the others away for good");
  auto* gone = tokens->add_option("--delete", held->text, "take this client id away; \"all\" takes every one");
  kept->excludes(gone);
  tokens->callback([&verbs, held] {
    Parameters parameters{{"ProductKey", held->product}, {"DeviceName", held->device}};
    if (!held->identifier.empty()) {
      parameters["ClientId"] = held->identifier;
      return perform(verbs, {"TransformClientId", parameters, "", {}});
    }
    if (!held->text.empty()) {
      if (held->text != "all") parameters["ClientId"] = held->text;
      return perform(verbs, {"DeleteClientIds", parameters, "", {}});
    }
    perform(verbs, {"QueryClientIds", parameters, "Data.DynamicRegClientIds", {"ClientId", "CreateTime"}});
  });
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

  CLI::App* get = verb_of(*property, verbs, "get", "ask a device that is online what its properties are now");
  auto asked = words_of(get, true, true);
  get->add_option("identifiers", asked->identifiers, "properties")->required();
  get->callback([&verbs, asked] {
    std::map<std::string, std::string> parameters{{"ProductKey", asked->product}, {"DeviceName", asked->device}};
    for (std::size_t i = 0; i < asked->identifiers.size(); ++i)
      parameters["Identifier." + std::to_string(i + 1)] = asked->identifiers[i];
    perform(verbs, {"GetDevicePropertyNow", std::move(parameters), "Data.Values", {}});
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

void add_topic_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* topic = app.add_subcommand("topic", "classes of custom topics: what devices may publish and subscribe to");
  topic->require_subcommand(1);
  const auto operation = [](CLI::App* verb, const std::shared_ptr<Words>& words) {
    return verb->add_option("operation", words->text, "PUB, SUB or ALL: what devices may do")
        ->check(CLI::IsMember({"PUB", "SUB", "ALL"}));
  };

  CLI::App* list = verb_of(*topic, verbs, "list", "the classes of a product; Operation 0 PUB, 1 SUB, 2 ALL");
  auto listed = words_of(list, true, false);
  list->callback([&verbs, listed] {
    perform(verbs, {"QueryProductTopic",
                    {{"ProductKey", listed->product}},
                    "Data.ProductTopicInfo",
                    {"Id", "TopicShortName", "Operation", "Desc"}});
  });

  CLI::App* add = verb_of(*topic, verbs, "add", "let devices use /PRODUCT/DEVICE/user/CLASS");
  auto added = words_of(add, true, false);
  add->add_option("class", added->name, "what follows user/: a, a/b; for SUB with + and a last #")->required();
  operation(add, added)->required();
  add->callback([&verbs, added] {
    perform(verbs, {"CreateProductTopic",
                    {{"ProductKey", added->product}, {"TopicShortName", added->name}, {"Operation", added->text}},
                    "",
                    {}});
  });

  CLI::App* set = verb_of(*topic, verbs, "set", "change what devices may do with a class");
  auto changed = words_of(set, false, false);
  set->add_option("id", changed->identifier, "Id of `topic list`")->required();
  operation(set, changed)->required();
  set->callback([&verbs, changed] {
    perform(verbs, {"UpdateProductTopic", {{"TopicId", changed->identifier}, {"Operation", changed->text}}, "", {}});
  });

  CLI::App* remove = verb_of(*topic, verbs, "delete", "delete a class");
  auto removed = words_of(remove, false, false);
  remove->add_option("id", removed->identifier, "Id of `topic list`")->required();
  remove->callback([&verbs, removed] {
    perform(verbs, {"DeleteProductTopic", {{"TopicId", removed->identifier}}, "", {}});
  });

  CLI::App* free = verb_of(*topic, verbs, "free", "whether devices may use custom topics that no class is for");
  auto freed = words_of(free, true, false);
  free->add_option("value", freed->text, "true or false")->required()->check(CLI::IsMember({"true", "false"}));
  free->callback([&verbs, freed] {
    perform(verbs, {"SetProductFreeTopics", {{"ProductKey", freed->product}, {"Free", freed->text}}, "", {}});
  });
}

void add_broadcast_verb(CLI::App& app, Verbs& verbs) {
  CLI::App* broadcast = verb_of(app, verbs, "broadcast", "send a text to every device of a product that is online");
  auto said = words_of(broadcast, true, false);
  broadcast->add_option("text", said->text, "what is sent, 64 KB at most")->required();
  broadcast->add_option("--topic", said->name, "instead: to those that subscribed to /broadcast/PRODUCT/TOPIC");
  broadcast->callback([&verbs, said] {
    std::string content(crypto::base64_size(said->text.size()), '\0');
    const auto encoded = crypto::encode_base64(as_bytes(said->text), content);
    if (!encoded) return;
    std::map<std::string, std::string> parameters{{"ProductKey", said->product},
                                                  {"MessageContent", std::string(*encoded)}};
    if (!said->name.empty()) parameters["TopicFullName"] = "/broadcast/" + said->product + "/" + said->name;
    perform(verbs, {"PubBroadcast", std::move(parameters), "", {}});
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

  add_past(app, verbs,
           {"events",
            "the events of a device, newest first",
            "Identifier",
            "of this event",
            "QueryDeviceEventData",
            "Data.List.EventInfo",
            {"Time", "EventType", "Identifier", "OutputData"}});
  add_past(app, verbs,
           {"calls",
            "the service calls and sets of a device, newest first",
            "Identifier",
            "of this service",
            "QueryDeviceServiceData",
            "Data.List.ServiceInfo",
            {"Time", "Identifier", "InputData", "OutputData"}});
  add_past(app, verbs,
           {"network",
            "what a device has told of its network, newest first",
            "",
            "",
            "QueryDeviceNetworkStatus",
            "Data.List.NetworkInfo",
            {"Time", "Rssi", "Snr", "Per", "ErrStats"}});
  CLI::App* shadow = app.add_subcommand("shadow", "what a device reported last, and what is desired of it");
  shadow->require_subcommand(1);
  CLI::App* look = verb_of(*shadow, verbs, "show", "state, metadata and version");
  auto looked = words_of(look, true, true);
  look->callback([&verbs, looked] {
    perform(
        verbs,
        {"GetDeviceShadow", {{"ProductKey", looked->product}, {"DeviceName", looked->device}}, "ShadowMessage", {}});
  });
  CLI::App* wish = verb_of(*shadow, verbs, "update", "wish for a state; kept until the device has it");
  auto wishes = words_of(wish, true, true);
  wish->add_option("message", wishes->text,
                   R"(as the cloud takes it, '{"method":"update","state":{"desired":{"color":"red"}},"version":2}')")
      ->required();
  wish->add_flag("--merge", wishes->flag, "leave what the message does not name");
  wish->callback([&verbs, wishes] {
    perform(verbs, {"UpdateDeviceShadow",
                    {{"ProductKey", wishes->product},
                     {"DeviceName", wishes->device},
                     {"ShadowMessage", wishes->text},
                     {"DeltaUpdate", wishes->flag ? "true" : "false"}},
                    {},
                    {}});
  });
}

void add_tag_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* tag = app.add_subcommand("tag", "labels of devices, and devices found by them");
  tag->require_subcommand(1);
  CLI::App* set = verb_of(*tag, verbs, "set", "give a device a tag, or a tag another value");
  auto given = words_of(set, true, true);
  set->add_option("key", given->identifier, "letters, digits or _ - # @ % & * .")->required();
  set->add_option("value", given->text, "letters, digits, Chinese, Japanese or _ - # @ % & : .")->required();
  set->callback([&verbs, given] {
    const std::string props = "{" + json_text(given->identifier) + ":" + json_text(given->text) + "}";
    perform(
        verbs,
        {"SaveDeviceProp", {{"ProductKey", given->product}, {"DeviceName", given->device}, {"Props", props}}, "", {}});
  });
  CLI::App* list = verb_of(*tag, verbs, "list", "the tags of a device");
  auto listed = words_of(list, true, true);
  list->callback([&verbs, listed] {
    perform(verbs,
            {"QueryDeviceProp", {{"ProductKey", listed->product}, {"DeviceName", listed->device}}, "", {"Props"}});
  });
  CLI::App* gone = verb_of(*tag, verbs, "delete", "take a tag from a device");
  auto taken = words_of(gone, true, true);
  gone->add_option("key", taken->identifier, "its key")->required();
  gone->callback([&verbs, taken] {
    perform(verbs, {"DeleteDeviceProp",
                    {{"ProductKey", taken->product}, {"DeviceName", taken->device}, {"PropKey", taken->identifier}},
                    "",
                    {}});
  });
  CLI::App* find = verb_of(*tag, verbs, "find", "devices that have all of these tags");
  auto sought = words_of(find, false, false);
  find->add_option("tags", sought->identifiers, "KEY=VALUE, or KEY for any value")->required();
  find->add_option("--page", sought->page, "page, from 1");
  find->callback([&verbs, sought] {
    Parameters parameters{{"CurrentPage", std::to_string(sought->page)}, {"PageSize", "50"}};
    int number = 0;
    for (const std::string& one : sought->identifiers) {
      const std::string name = "Tag." + std::to_string(++number);
      const auto equals = one.find('=');
      parameters[name + ".TagKey"] = one.substr(0, equals);
      if (equals != std::string::npos) parameters[name + ".TagValue"] = one.substr(equals + 1);
    }
    perform(verbs, {"QueryDeviceByTags",
                    parameters,
                    "Data.SimpleDeviceInfo",
                    {"ProductKey", "ProductName", "DeviceName", "IotId"}});
  });
}

void add_log_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* log = app.add_subcommand("log", "what the platform would not do, and why; what devices log");
  log->require_subcommand(1);
  add_past(*log, verbs,
           {"device",
            "what a device has uploaded of its own log, newest first",
            "Level",
            "of this level: FATAL, ERROR, WARN, INFO, DEBUG, or one of the device's own",
            "QueryDeviceLocalLog",
            "Data.List.LogInfo",
            {"Time", "Level", "Module", "Code", "TraceContext", "Content"}});
  CLI::App* upload = verb_of(*log, verbs, "upload", "whether a device is to upload its log");
  auto switched = words_of(upload, true, true);
  upload->add_option("state", switched->text, "on or off; without it: how it is")->check(CLI::IsMember({"on", "off"}));
  upload->callback([&verbs, switched] {
    Parameters parameters{{"ProductKey", switched->product}, {"DeviceName", switched->device}};
    if (switched->text.empty()) return perform(verbs, {"GetDeviceLogUpload", parameters, "Data", {}});
    parameters["Enabled"] = switched->text == "on" ? "true" : "false";
    perform(verbs, {"SetDeviceLogUpload", parameters, "Data", {}});
  });
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
