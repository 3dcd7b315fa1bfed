// `tercet topology`: who is behind which gateway.
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
  std::string product, device, sub_product;
  std::vector<std::string> subs;
  int page = 1;
};

}  // namespace

void add_topology_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* topology = app.add_subcommand("topology", "devices behind gateways");
  topology->require_subcommand(1);

  CLI::App* list = verb_of(*topology, verbs, "list", "the devices behind a gateway");
  auto listed = std::make_shared<Words>();
  list->add_option("product", listed->product, "ProductKey of the gateway")->required();
  list->add_option("device", listed->device, "DeviceName of the gateway")->required();
  list->add_option("--page", listed->page, "page, from 1")->check(CLI::Range(1, 1'000));
  list->callback([&verbs, listed] {
    perform(verbs, {"GetThingTopo",
                    {{"ProductKey", listed->product},
                     {"DeviceName", listed->device},
                     {"PageNo", std::to_string(listed->page)},
                     {"PageSize", "50"}},
                    "Data.List.deviceInfo",
                    {"ProductKey", "DeviceName", "IotId"}});
  });

  CLI::App* above = verb_of(*topology, verbs, "gateway", "the gateway that a device is behind");
  auto asked = std::make_shared<Words>();
  above->add_option("product", asked->product, "ProductKey of the device")->required();
  above->add_option("device", asked->device, "DeviceName of the device")->required();
  above->callback([&verbs, asked] {
    perform(verbs, {"GetGatewayBySubDevice",
                    {{"ProductKey", asked->product}, {"DeviceName", asked->device}},
                    "Data",
                    {"ProductKey", "DeviceName", "Status"}});
  });

  CLI::App* add = verb_of(*topology, verbs, "add", "ask a gateway that is online to take devices on");
  auto added = std::make_shared<Words>();
  add->add_option("product", added->product, "ProductKey of the gateway")->required();
  add->add_option("device", added->device, "DeviceName of the gateway")->required();
  add->add_option("sub_product", added->sub_product, "ProductKey of the devices")->required();
  add->add_option("subs", added->subs, "their DeviceNames")->required();
  add->callback([&verbs, added] {
    boost::json::array names;
    for (const std::string& one : added->subs)
      names.push_back(boost::json::object{{"productKey", added->sub_product}, {"deviceName", one}});
    perform(verbs, {"NotifyAddThingTopo",
                    {{"GwProductKey", added->product},
                     {"GwDeviceName", added->device},
                     {"DeviceListStr", boost::json::serialize(names)}},
                    "Data",
                    {}});
  });

  CLI::App* remove = verb_of(*topology, verbs, "remove", "take a device from its gateway; ends its session");
  auto removed = std::make_shared<Words>();
  remove->add_option("product", removed->product, "ProductKey of the device")->required();
  remove->add_option("device", removed->device, "DeviceName of the device")->required();
  remove->callback([&verbs, removed] {
    perform(verbs, {"RemoveThingTopo", {{"ProductKey", removed->product}, {"DeviceName", removed->device}}, "", {}});
  });
}

}  // namespace tercet::cli
