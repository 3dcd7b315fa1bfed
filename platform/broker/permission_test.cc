#include "platform/broker/permission.h"

#include <doctest/doctest.h>

#include <string>

using namespace tercet;
using namespace tercet::broker;
using auth::Cause;

namespace {

constexpr DeviceNames kOwn{"pk", "dn"};
constexpr TopicLimits kLimits;

struct Case {
  std::string text;
  std::optional<Cause> refusal;
};

}  // namespace

TEST_CASE("a device publishes to its own topics that go up, and to no others (4.2, 4.4)") {
  const Case cases[] = {
      {"/pk/dn/user/update", {}},
      {"/pk/dn/user/update?_rid=1700000000000123", {}},
      {"/pk/dn/update", {}},
      {"/pk/dn/user/a/b/c/d", {}},
      {"/pk/dn/user/a/b/c/d/e", Cause::topic_too_deep},
      {"/sys/pk/dn/thing/event/property/post", {}},
      {"/sys/pk/dn/thing/event/alarm/post", {}},
      {"/sys/pk/dn/thing/event/property/pack/post", {}},
      {"/sys/pk/dn/thing/service/property/set_reply", {}},
      {"/sys/pk/dn/thing/service/reboot_reply", {}},
      {"/sys/pk/dn/rrpc/response/123", {}},
      {"/ext/ntp/pk/dn/request", {}},
      {"/ext/session/pk/dn/combine/login", {}},
      {"/ota/device/inform/pk/dn", {}},
      {"/shadow/update/pk/dn", {}},
      {"/ext/rrpc/123/sys/pk/dn/thing/service/reboot", {}},
      {"/ext/rrpc/123/any/thing", {}},
      {"/sys/pk/dn/thing/service/property/set", Cause::topic_forbidden},
      {"/sys/pk/dn/thing/event/property/post_reply", Cause::topic_forbidden},
      {"/sys/pk/dn/rrpc/request/1", Cause::topic_forbidden},
      {"/ota/device/upgrade/pk/dn", Cause::topic_forbidden},
      {"/shadow/get/pk/dn", Cause::topic_forbidden},
      {"/ext/register", Cause::topic_forbidden},
      {"/broadcast/pk/all", Cause::topic_forbidden},
      {"/broadcast/other/all", Cause::topic_of_another_device},
      {"/pk/other/user/update", Cause::topic_of_another_device},
      {"/other/dn/user/update", Cause::topic_of_another_device},
      {"/sys/pk/other/thing/event/property/post", Cause::topic_of_another_device},
      {"/sys/other/dn/thing/event/property/post", Cause::topic_of_another_device},
      {"/sys/pk/dn/thing/no/such/thing", Cause::topic_unknown},
      {"home/temp", Cause::topic_malformed},
      {"/pk/dn//x", Cause::topic_malformed},
      {"", Cause::topic_malformed},
      {"/pk/dn/user/" + std::string(116, 'x'), {}},
      {"/pk/dn/user/" + std::string(117, 'x'), Cause::topic_too_long},
  };
  for (const auto& each : cases) {
    CAPTURE(each.text);
    const auto refusal = publish_refusal(kOwn, each.text, kLimits);
    CHECK(refusal == each.refusal);
  }
}

TEST_CASE("a device subscribes to its own topics that come down, the Node SDK's presets among them (4.2, 13.3)") {
  const Case cases[] = {
      {"/pk/dn/user/get", {}},
      {"/pk/dn/user/#", {}},
      {"/pk/dn/#", {}},
      {"/pk/dn/user/+/x", {}},
      {"/sys/pk/dn/thing/event/+/post_reply", {}},
      {"/sys/pk/dn/thing/event/property/post_reply", {}},
      {"/sys/pk/dn/thing/deviceinfo/update_reply", {}},
      {"/sys/pk/dn/thing/deviceinfo/delete_reply", {}},
      {"/sys/pk/dn/thing/config/get_reply", {}},
      {"/sys/pk/dn/thing/config/push", {}},
      {"/sys/pk/dn/thing/service/property/set", {}},
      {"/sys/pk/dn/thing/service/+", {}},
      {"/sys/pk/dn/thing/topo/add_reply", {}},
      {"/sys/pk/dn/thing/topo/get_reply", {}},
      {"/sys/pk/dn/thing/sub/register_reply", {}},
      {"/sys/pk/dn/rrpc/request/+", {}},
      {"/ext/session/pk/dn/combine/login_reply", {}},
      {"/shadow/get/pk/dn", {}},
      {"/ota/device/upgrade/pk/dn", {}},
      {"/ota/device/+/pk/dn", {}},
      {"/sys/pk/dn/#", {}},
      {"/sys/pk/dn/thing/something/new", {}},  // harmless: nobody else's
      {"/ext/ntp/pk/dn/response", {}},
      {"/ext/error/pk/dn", {}},
      {"/ext/rrpc/+/pk/dn/user/get", {}},
      {"/ext/rrpc/#", {}},
      {"/ext/register", {}},
      {"/broadcast/pk/all", {}},
      {"/broadcast/pk/#", {}},
      {"/sys/pk/dn/thing/event/property/post", Cause::filter_forbidden},
      {"/ota/device/inform/pk/dn", Cause::filter_forbidden},
      {"/broadcast/other/#", Cause::topic_of_another_device},
      {"/sys/pk/other/thing/#", Cause::topic_of_another_device},
      {"/sys/other/dn/#", Cause::topic_of_another_device},
      {"/pk/other/user/get", Cause::topic_of_another_device},
      {"/ext/ntp/pk/other/response", Cause::topic_of_another_device},
      {"/sys/+/+/thing/#", Cause::filter_wildcard},
      {"/sys/pk/+/thing/#", Cause::filter_wildcard},
      {"/sys/pk/#", Cause::filter_wildcard},
      {"/sys/#", Cause::filter_wildcard},
      {"/+/dn/user/x", Cause::filter_wildcard},
      {"/pk/+/user/x", Cause::filter_wildcard},
      {"/pk/#", Cause::filter_wildcard},
      {"/#", Cause::filter_wildcard},
      {"/+/pk/dn/#", Cause::filter_wildcard},
      {"#", Cause::filter_wildcard},
      {"+/pk/dn", Cause::filter_wildcard},
      {"/ext/#", Cause::filter_wildcard},
      {"/ext/+/pk/dn/#", Cause::filter_wildcard},
      {"/ota/#", Cause::filter_wildcard},
      {"/ota/device/#", Cause::filter_wildcard},
      {"/shadow/get/pk/+", Cause::filter_wildcard},
      {"/broadcast/#", Cause::filter_wildcard},
      {"/broadcast/+/x", Cause::filter_wildcard},
      {"/sys/pk", Cause::filter_forbidden},
      {"/ext/other/pk/dn", Cause::topic_unknown},
      {"/ota/other/pk/dn", Cause::topic_unknown},
      {"$SYS/#", Cause::filter_forbidden},
      {"home/temp", Cause::filter_malformed},
      {"/pk/dn/#/x", Cause::filter_malformed},
      {"/pk/dn/user/a/b/c/d/e", Cause::topic_too_deep},
      {"/pk/dn/user/" + std::string(117, 'x'), Cause::topic_too_long},
      {"$share/g/pk/dn", Cause::filter_malformed},
      {"$share/g//pk/dn/user/x", {}},
      {"$share/g//pk/other/user/x", Cause::topic_of_another_device},
  };
  for (const auto& each : cases) {
    CAPTURE(each.text);
    CHECK(subscribe_refusal(kOwn, each.text, true, kLimits) == each.refusal);
  }
  CHECK(subscribe_refusal(kOwn, "$share/g//pk/dn/user/x", false, kLimits) == Cause::filter_forbidden);
}

TEST_CASE("names that begin as others do are not taken for them") {
  CHECK(publish_refusal({"pk", "d"}, "/pk/dn/user/x", kLimits) == Cause::topic_of_another_device);
  CHECK(publish_refusal({"p", "k"}, "/pk/dn/user/x", kLimits) == Cause::topic_of_another_device);
  CHECK(subscribe_refusal({"pk", "d"}, "/sys/pk/dn/#", true, kLimits) == Cause::topic_of_another_device);
  CHECK(subscribe_refusal({"pk", "dnx"}, "/sys/pk/dn/#", true, kLimits) == Cause::topic_of_another_device);
}

TEST_CASE("the standard policy knows only the server's own topics") {
  const TopicLimits wide{0xFFFF, 128};
  for (const auto* topic : {"a", "/", "/sys/pk/dn/thing/service/property/set", "$other/x", "$SYSTEM"})
    CHECK(!standard_publish_refusal(topic, wide));
  CHECK(standard_publish_refusal("$SYS/broker", wide) == Cause::topic_forbidden);
  CHECK(standard_publish_refusal("$SYS", wide) == Cause::topic_forbidden);
  CHECK(standard_publish_refusal("$share/g/x", wide) == Cause::topic_forbidden);
  CHECK(standard_publish_refusal("abc", {2, 1}) == Cause::topic_too_long);
  for (const auto* filter : {"#", "+/+", "$SYS/#", "$share/g/#", "/sys/+/+/#"})
    CHECK(!standard_subscribe_refusal(filter, wide));
  for (const auto* filter : {"a#", "#/a", "$share/g", "$share/+/x", "a/b+"})
    CHECK(standard_subscribe_refusal(filter, wide) == Cause::filter_malformed);
  CHECK(standard_subscribe_refusal("abc", {2, 1}) == Cause::topic_too_long);
}

TEST_CASE("a topic that comes down to a device names it") {
  const auto of = [](std::string_view topic) -> std::string {
    const auto found = addressee_of(topic);
    if (!found) return "";
    return std::string(found->product) + " " + std::string(found->device) + (found->is_system ? " system" : "");
  };
  CHECK(of("/pk/dn/user/get") == "pk dn");
  CHECK(of("/sys/pk/dn/thing/service/property/set") == "pk dn system");
  CHECK(of("/ota/device/upgrade/pk/dn?x") == "pk dn system");
  CHECK(of("/sys/pk/dn/thing/event/property/post").empty());  // goes up
  CHECK(of("/broadcast/pk/x").empty());
  CHECK(of("/sys/pk/dn/nonsense").empty());
  CHECK(of("pk/dn/user/get").empty());
  CHECK(of("/a").empty());
}
