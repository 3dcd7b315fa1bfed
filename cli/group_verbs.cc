#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "cli/manage.h"
#include "cli/perform.h"
#include "cli/verbs.h"

namespace tercet::cli {
namespace {

using Parameters = std::map<std::string, std::string>;

struct Words {
  std::string group, name, about, above, product;
  std::vector<std::string> devices, tags;
  int page = 1;
};

Parameters members(const Words& words) {
  Parameters parameters{{"GroupId", words.group}};
  for (std::size_t i = 0; i < words.devices.size(); ++i) {
    const std::string front = "Device." + std::to_string(i + 1) + ".";
    parameters[front + "ProductKey"] = words.product;
    parameters[front + "DeviceName"] = words.devices[i];
  }
  return parameters;
}

/// key=value words as the cloud's TagString.
std::string tag_string(const std::vector<std::string>& words) {
  boost::json::array tags;
  for (const std::string& one : words) {
    const auto at = one.find('=');
    tags.push_back(boost::json::object{{"tagKey", one.substr(0, at)},
                                       {"tagValue", at == std::string::npos ? "" : one.substr(at + 1)}});
  }
  return boost::json::serialize(tags);
}

void add_change(CLI::App& group, Verbs& verbs, const char* name, const char* what, const char* action) {
  CLI::App* verb = verb_of(group, verbs, name, what);
  auto words = std::make_shared<Words>();
  verb->add_option("group", words->group, "GroupId")->required();
  verb->add_option("product", words->product, "ProductKey")->required();
  verb->add_option("devices", words->devices, "DeviceNames, up to 200")->required();
  verb->callback([&verbs, words, action] { perform(verbs, {action, members(*words), "", {}}); });
}

void add_lists(CLI::App& group, Verbs& verbs) {
  CLI::App* list = verb_of(group, verbs, "list", "groups, newest first; or those a device is in");
  auto listed = std::make_shared<Words>();
  list->add_option("--name", listed->name, "a part of the name");
  list->add_option("--under", listed->above, "GroupId: only those below this one");
  list->add_option("--product", listed->product, "with --device: its ProductKey");
  list->add_option("--device", listed->devices, "DeviceName: the groups that it is in")->expected(1);
  list->add_option("--page", listed->page, "page, from 1");
  list->callback([&verbs, listed] {
    const std::vector<std::string> columns{"GroupId", "GroupName", "GroupDesc", "UtcCreate"};
    if (!listed->devices.empty())
      return perform(verbs, {"QueryDeviceGroupByDevice",
                             {{"ProductKey", listed->product}, {"DeviceName", listed->devices[0]}},
                             "GroupInfos.GroupInfo",
                             columns});
    Parameters parameters{{"CurrentPage", std::to_string(listed->page)}, {"PageSize", "50"}};
    if (!listed->name.empty()) parameters["GroupName"] = listed->name;
    if (!listed->above.empty()) parameters["SuperGroupId"] = listed->above;
    perform(verbs, {"QueryDeviceGroupList", parameters, "Data.GroupInfo", columns});
  });

  CLI::App* devices = verb_of(group, verbs, "devices", "the devices of a group");
  auto shown = std::make_shared<Words>();
  devices->add_option("group", shown->group, "GroupId")->required();
  devices->add_option("--page", shown->page, "page, from 1");
  devices->callback([&verbs, shown] {
    perform(verbs, {"QueryDeviceListByDeviceGroup",
                    {{"GroupId", shown->group}, {"CurrentPage", std::to_string(shown->page)}, {"PageSize", "50"}},
                    "Data.SimpleDeviceInfo",
                    {"ProductKey", "DeviceName", "IotId"}});
  });
}

}  // namespace

void add_group_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* group = app.add_subcommand("group", "groups of devices, for updates of some of them");
  group->require_subcommand(1);

  CLI::App* create = verb_of(*group, verbs, "create", "make a group; prints its GroupId");
  auto made = std::make_shared<Words>();
  create->add_option("name", made->name, "GroupName, 4 to 30 letters and digits")->required();
  create->add_option("--about", made->about, "a description");
  create->add_option("--under", made->above, "GroupId of the group above; there are three levels");
  create->callback([&verbs, made] {
    Parameters parameters{{"GroupName", made->name}};
    if (!made->about.empty()) parameters["GroupDesc"] = made->about;
    if (!made->above.empty()) parameters["SuperGroupId"] = made->above;
    perform(verbs, {"CreateDeviceGroup", parameters, "Data", {}});
  });

  add_lists(*group, verbs);

  CLI::App* show = verb_of(*group, verbs, "show", "one group, and how many of its devices are online");
  auto shown = std::make_shared<Words>();
  show->add_option("group", shown->group, "GroupId")->required();
  show->callback([&verbs, shown] {
    perform(verbs, {"QueryDeviceGroupInfo", {{"GroupId", shown->group}}, "Data", {}});
  });

  add_change(*group, verbs, "add", "put devices into a group", "BatchAddDeviceGroupRelations");
  add_change(*group, verbs, "remove", "take devices out of a group", "BatchDeleteDeviceGroupRelations");

  CLI::App* tag = verb_of(*group, verbs, "tag", "give a group these tags in place of those it has");
  auto tagged = std::make_shared<Words>();
  tag->add_option("group", tagged->group, "GroupId")->required();
  tag->add_option("tags", tagged->tags, "key=value; none takes all away");
  tag->callback([&verbs, tagged] {
    perform(verbs,
            {"SetDeviceGroupTags", {{"GroupId", tagged->group}, {"TagString", tag_string(tagged->tags)}}, "", {}});
  });

  CLI::App* remove = verb_of(*group, verbs, "delete", "delete a group; its devices stay");
  auto removed = std::make_shared<Words>();
  remove->add_option("group", removed->group, "GroupId")->required();
  remove->callback([&verbs, removed] { perform(verbs, {"DeleteDeviceGroup", {{"GroupId", removed->group}}, "", {}}); });
}

}  // namespace tercet::cli
