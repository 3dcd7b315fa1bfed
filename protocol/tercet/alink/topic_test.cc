#include "tercet/alink/topic.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace tercet;
using namespace tercet::alink;

namespace {

const DeviceId kDevice{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
const std::string kSys = "/sys/a1B2c3D4e5F/sensor_01/";
const std::string kThing = kSys + "thing/";
const std::string kBoth = "/a1B2c3D4e5F/sensor_01";

struct Row {
  std::string topic;
  Kind kind;
  Direction direction;
  std::string reply;   ///< "" when nothing answers; "_reply" for the usual
  std::string method;  ///< "" for none
  std::string name;
};

std::vector<Row> master_list() {
  using enum Kind;
  const Direction up = Direction::up, down = Direction::down, both = Direction::both;
  return {
      {kThing + "event/property/post", property_post, up, "_reply", "thing.event.property.post", ""},
      {kThing + "service/property/set", property_set, down, "_reply", "thing.service.property.set", ""},
      {kThing + "service/property/get", property_get, down, "_reply", "thing.service.property.get", ""},
      {kThing + "event/alarm/post", event_post, up, "_reply", "thing.event.alarm.post", "alarm"},
      {kThing + "event/mod:alarm/post", event_post, up, "_reply", "thing.event.mod:alarm.post", "mod:alarm"},
      {kThing + "service/SetWeight", service, down, "_reply", "thing.service.SetWeight", "SetWeight"},
      {kSys + "rrpc/request/123", rrpc_request, down, kSys + "rrpc/response/123", "", "123"},
      {kSys + "rrpc/response/123", rrpc_response, up, "", "", "123"},
      {"/ext/rrpc/9/sys" + kBoth + "/thing/service/Reset", rrpc_custom, both,
       "/ext/rrpc/9/sys" + kBoth + "/thing/service/Reset", "", "9"},
      {"/ext/rrpc/9" + kBoth + "/user/get", rrpc_custom, both, "/ext/rrpc/9" + kBoth + "/user/get", "", "9"},
      {kThing + "event/property/batch/post", property_batch_post, up, "_reply", "thing.event.property.batch.post", ""},
      {kThing + "event/property/history/post", property_history_post, up, "_reply", "thing.event.property.history.post",
       ""},
      {kThing + "event/property/pack/post", property_pack_post, up, "_reply", "thing.event.property.pack.post", ""},
      {kThing + "property/desired/get", desired_get, up, "_reply", "thing.property.desired.get", ""},
      {kThing + "property/desired/delete", desired_delete, up, "_reply", "thing.property.desired.delete", ""},
      {kThing + "model/up_raw", raw_up, up, "_reply", "", ""},
      {kThing + "model/down_raw", raw_down, down, "_reply", "", ""},
      {kThing + "dsltemplate/get", tsl_get, up, "_reply", "thing.dsltemplate.get", ""},
      {kThing + "dynamicTsl/get", dynamic_tsl_get, up, "_reply", "thing.dynamicTsl.get", ""},
      {kThing + "deviceinfo/update", tags_update, up, "_reply", "thing.deviceinfo.update", ""},
      {kThing + "deviceinfo/delete", tags_delete, up, "_reply", "thing.deviceinfo.delete", ""},
      {kThing + "deviceinfo/get", tags_get, up, "_reply", "thing.deviceinfo.get", ""},
      {kThing + "config/get", config_get, up, "_reply", "thing.config.get", ""},
      {kThing + "config/push", config_push, down, "_reply", "thing.config.push", ""},
      {kThing + "config/log/get", log_config_get, up, "_reply", "thing.config.log.get", ""},
      {kThing + "config/log/push", log_config_push, down, "", "thing.config.log.push", ""},
      {kThing + "log/post", log_post, up, "_reply", "thing.log.post", ""},
      {kSys + "_thing/diag/post", network_diagnosis, up, "_reply", "", ""},
      {"/ota/device/inform" + kBoth, ota_inform, up, "", "", ""},
      {"/ota/device/progress" + kBoth, ota_progress, up, "", "", ""},
      {"/ota/device/upgrade" + kBoth, ota_upgrade, down, "", "", ""},
      {"/ota/device/request" + kBoth, ota_request, both, "/ota/device/request" + kBoth, "", ""},
      {kThing + "ota/firmware/get", ota_firmware_get, up, "_reply", "thing.ota.firmware.get", ""},
      {kThing + "file/download", file_download, up, "_reply", "", ""},
      {kThing + "file/upload/mqtt/init", file_upload_init, up, "_reply", "", ""},
      {kThing + "file/upload/mqtt/send", file_upload_send, up, "_reply", "", ""},
      {kThing + "file/upload/mqtt/cancel", file_upload_cancel, up, "_reply", "", ""},
      {"/shadow/update" + kBoth, shadow_update, up, "/shadow/get" + kBoth, "", ""},
      {"/shadow/get" + kBoth, shadow_get, down, "", "", ""},
      {"/ext/ntp" + kBoth + "/request", ntp, up, "/ext/ntp" + kBoth + "/response", "", ""},
      {kSys + "broadcast/request/77", broadcast_request, down, "", "", "77"},
      {kThing + "job/notify", job_notify, down, "_reply", "", ""},
      {kThing + "job/get", job_get, up, "_reply", "", ""},
      {kThing + "job/update", job_update, up, "_reply", "", ""},
      {kThing + "disable", disable, down, "_reply", "thing.disable", ""},
      {kThing + "enable", enable, down, "_reply", "thing.enable", ""},
      {kThing + "delete", remove, down, "_reply", "thing.delete", ""},
      {kThing + "topo/add", topo_add, up, "_reply", "thing.topo.add", ""},
      {kThing + "topo/delete", topo_delete, up, "_reply", "thing.topo.delete", ""},
      {kThing + "topo/get", topo_get, up, "_reply", "thing.topo.get", ""},
      {kThing + "topo/change", topo_change, down, "_reply", "thing.topo.change", ""},
      {kThing + "topo/add/notify", topo_add_notify, down, "_reply", "thing.topo.add.notify", ""},
      {kThing + "list/found", list_found, up, "_reply", "thing.list.found", ""},
      {kThing + "sub/register", sub_register, up, "_reply", "thing.sub.register", ""},
      {kThing + "sub/unregister", sub_unregister, up, "_reply", "thing.sub.unregister", ""},
      {kThing + "proxy/provisioning/product_register", product_register, up, "_reply",
       "thing.proxy.provisioning.product_register", ""},
      {kThing + "gateway/permit", gateway_permit, down, "_reply", "thing.gateway.permit", ""},
      {"/ext/session" + kBoth + "/combine/login", session_login, up, "_reply", "", ""},
      {"/ext/session" + kBoth + "/combine/logout", session_logout, up, "_reply", "", ""},
      {"/ext/session" + kBoth + "/combine/batch_login", session_batch_login, up, "_reply", "", ""},
      {"/ext/session" + kBoth + "/combine/batch_logout", session_batch_logout, up, "_reply", "", ""},
      {"/ext/error" + kBoth, session_error, down, "", "", ""},
      {kThing + "bootstrap/notify", bootstrap_notify, down, "_reply", "thing.bootstrap.notify", ""},
      {kThing + "bootstrap/config/push", bootstrap_config_push, down, "", "thing.bootstrap.config.push", ""},
      {kThing + "model/config/push", model_config_push, down, "", "thing.model.config.push", ""},
      {kThing + "reset", reset, up, "_reply", "thing.reset", ""},
      {kSys + "codec/topic/update", codec_update, up, "_reply", "", ""},
      {kSys + "secure_tunnel/notify", tunnel_notify, down, "", "", ""},
      {kSys + "secure_tunnel/proxy/request", tunnel_proxy, up, "_reply", "", ""},
  };
}

Topic parsed(std::string_view text) {
  CAPTURE(std::string(text));
  const auto topic = parse_topic(text);
  REQUIRE(topic);
  return *topic;
}

Direction opposite(Direction direction) {
  if (direction == Direction::both) return Direction::both;
  return direction == Direction::up ? Direction::down : Direction::up;
}

}  // namespace

TEST_CASE("every topic of the master list is known with its direction, method, names and answer") {
  std::array<char, 128> buffer;
  for (const Row& row : master_list()) {
    CAPTURE(row.topic);
    const Topic topic = parsed(row.topic);
    CHECK(topic.kind == row.kind);
    CHECK(topic.path == row.topic);
    CHECK(topic.product == "a1B2c3D4e5F");
    CHECK(topic.device == "sensor_01");
    CHECK(topic.name == row.name);
    CHECK(topic.is_system());
    CHECK(topic.is_reply == (row.kind == Kind::rrpc_response));
    CHECK(direction(topic) == row.direction);
    CHECK(*method_of(topic, buffer) == row.method);
    if (row.kind != Kind::rrpc_custom) CHECK(request_topic(row.kind, kDevice, row.name)->str() == row.topic);

    const auto reply = reply_topic(topic);
    if (row.reply.empty()) {
      CHECK(reply.error() == Error::bad_argument);
      continue;
    }
    const std::string wanted = row.reply == "_reply" ? row.topic + "_reply" : row.reply;
    REQUIRE(reply);
    CHECK(reply->str() == wanted);
    if (row.reply != "_reply") continue;
    const Topic answer = parsed(wanted);
    CHECK(answer.kind == row.kind);
    CHECK(answer.is_reply);
    CHECK(answer.name == row.name);
    CHECK(direction(answer) == opposite(row.direction));
    CHECK(!reply_topic(answer));
  }
}

TEST_CASE("answers without _reply are known as answers") {
  const Topic ntp = parsed("/ext/ntp/a1B2c3D4e5F/sensor_01/response");
  CHECK(ntp.kind == Kind::ntp);
  CHECK(ntp.is_reply);
  CHECK(direction(ntp) == Direction::down);
  for (const std::string whole : {"/ext/register", "/ext/regnwl", "/ext/auth/identity/response"}) {
    const Topic topic = parsed(whole);
    CHECK(topic.product.empty());
    CHECK(direction(topic) == Direction::down);
    CHECK(request_topic(topic.kind, kDevice)->str() == whole);
  }
  CHECK(parsed("/ext/rrpc/9/a1B2c3D4e5F/sensor_01/user/get").inner == "/a1B2c3D4e5F/sensor_01/user/get");
}

TEST_CASE("custom topics and broadcasts keep what follows the names") {
  const Topic user = parsed("/a1B2c3D4e5F/sensor_01/user/update/error");
  CHECK(user.kind == Kind::custom);
  CHECK(user.name == "user/update/error");
  CHECK(!user.is_system());
  CHECK(direction(user) == Direction::both);
  CHECK(parsed("/a1B2c3D4e5F/sensor_01/get").name == "get");
  CHECK(user_topic(kDevice, "update/error")->str() == "/a1B2c3D4e5F/sensor_01/user/update/error");
  const Topic all = parsed("/broadcast/a1B2c3D4e5F/news/today");
  CHECK(all.kind == Kind::product_broadcast);
  CHECK(all.product == "a1B2c3D4e5F");
  CHECK(all.device.empty());
  CHECK(all.name == "news/today");
}

TEST_CASE("the query suffix is split off before anything else") {
  const std::string whole = kThing + "event/property/post?_rid=17000000000001";
  const Topic topic = parsed(whole);
  CHECK(topic.kind == Kind::property_post);
  CHECK(topic.path == kThing + "event/property/post");
  CHECK(topic.query == "_rid=17000000000001");
  CHECK(!topic.wants_script());
  CHECK(reply_topic(topic)->str() == kThing + "event/property/post_reply");
  CHECK(parsed("/a1B2c3D4e5F/sensor_01/user/update?_sn=default").wants_script());
  CHECK(parsed("/a1B2c3D4e5F/sensor_01/user/update?_rid=1&_sn=default").wants_script());
  CHECK(!parsed("/a1B2c3D4e5F/sensor_01/user/update?_sn=defaults").wants_script());
  CHECK(!parsed("/a1B2c3D4e5F/sensor_01/user/update?&").wants_script());
}

TEST_CASE("what nobody may publish to is malformed") {
  const std::vector<std::string> table{"",     "/",     "a",     "a/b",
                                       "//",   "/a//b", "/a/b/", "/sys/+/d/thing/event/property/post",
                                       "/a/#", "?x",    "/?x",   std::string("/a\0b/c", 6)};
  for (const std::string& bad : table) CHECK(parse_topic(bad).error() == Error::malformed);
}

TEST_CASE("topics of a known family that mean nothing are unknown, not custom") {
  for (const std::string& odd :
       {kSys.substr(0, kSys.size() - 1), kThing + "event/property/poster", kThing + "event/a/b/post",
        kThing + "service/a/b", kThing + "nothing", std::string("/sys/pk"), std::string("/ext/ntp/pk/dn"),
        std::string("/ext/ntp/pk/dn/other"), std::string("/ext/session/pk/dn/combine"), std::string("/ext/rrpc/1"),
        std::string("/ota/device/inform/pk"), std::string("/ota/device/inform/pk/dn/x"), std::string("/shadow/pk/dn"),
        std::string("/broadcast/pk"), std::string("/pk/dn"), std::string("/pk")}) {
    CAPTURE(odd);
    CHECK(parsed(odd).kind == Kind::unknown);
    CHECK(!parsed(odd).is_system());
    CHECK(!is_delivered_unasked(parsed(odd), true, 3));
  }
  CHECK(parsed(kThing + "awss/enrollee/match_reply").kind == Kind::living_link);
}

TEST_CASE("with _ss=1 the whole documented list is delivered without a SUBSCRIBE, and without it nothing of it is") {
  const std::vector<std::string> list{
      kThing + "model/down_raw", kThing + "model/up_raw_reply", kThing + "event/property/post_reply",
      kThing + "event/alarm/post_reply", kThing + "event/property/history/post_reply",
      kThing + "deviceinfo/update_reply", kThing + "deviceinfo/delete_reply", kThing + "dynamicTsl/get_reply",
      kThing + "dsltemplate/get_reply", kSys + "rrpc/request/1", kThing + "service/property/set",
      kThing + "service/property/get", kThing + "service/Any", kThing + "gateway/permit", kThing + "topo/change",
      kThing + "sub/register_reply", kThing + "sub/unregister_reply", kThing + "topo/add_reply",
      kThing + "topo/delete_reply", kThing + "topo/get_reply", "/ota/device/upgrade" + kBoth,
      "/ota/device/request" + kBoth, kThing + "config/push", kThing + "config/get_reply",
      kThing + "lan/prefix/get_reply", kThing + "lan/prefix/update", kThing + "property/desired/get_reply",
      kThing + "property/desired/delete_reply", "/shadow/get" + kBoth, kThing + "reset_reply",
      kThing + "awss/enrollee/checkin", kThing + "cipher/get_reply",
      kThing + "proxy/provisioning/product_register_reply", kThing + "bootstrap/config/push",
      kSys + "_thing/event/notify", kSys + "_thing/service/post_reply", kThing + "job/notify", kThing + "job/get_reply",
      kThing + "job/update_reply", kThing + "config/log/get_reply", kThing + "config/log/push",
      kThing + "bootstrap/notify", kThing + "ota/firmware/get_reply",
      // what C SDKs rely on besides
      "/ext/ntp" + kBoth + "/response", "/ext/session" + kBoth + "/combine/batch_login_reply", kThing + "disable",
      kThing + "enable", kThing + "delete", "/ext/error" + kBoth};
  for (const std::string& topic : list) {
    CAPTURE(topic);
    CHECK(is_delivered_unasked(parsed(topic), true, 0));
    CHECK(!is_delivered_unasked(parsed(topic), false, 0));
  }
}

TEST_CASE("some topics are delivered to everybody, custom ones to nobody who has not asked") {
  for (const std::string& topic : {std::string("/ext/register"), std::string("/ext/regnwl"),
                                   std::string("/ext/auth/identity/response"), kSys + "broadcast/request/1"})
    CHECK(is_delivered_unasked(parsed(topic), false, 0));
  const Topic rrpc = parsed("/ext/rrpc/1/a1B2c3D4e5F/sensor_01/user/get");
  CHECK(!is_delivered_unasked(rrpc, true, 2));
  CHECK(is_delivered_unasked(rrpc, false, 1));
  CHECK(!is_delivered_unasked(parsed("/a1B2c3D4e5F/sensor_01/user/get"), true, 3));
  CHECK(!is_delivered_unasked(parsed("/broadcast/a1B2c3D4e5F/x"), true, 3));
  CHECK(!is_delivered_unasked(parsed(kThing + "event/property/post"), true, 3));
}

TEST_CASE("topics that cannot be built are refused") {
  CHECK(request_topic(Kind::event_post, kDevice).error() == Error::bad_argument);
  CHECK(request_topic(Kind::event_post, kDevice, "a/b").error() == Error::bad_argument);
  CHECK(request_topic(Kind::custom, kDevice, "x").error() == Error::bad_argument);
  CHECK(request_topic(Kind::event_post, kDevice, std::string(250, 'e')).error() == Error::too_large);
  CHECK(user_topic(kDevice, "").error() == Error::bad_argument);
  CHECK(user_topic(kDevice, "a//b").error() == Error::bad_argument);
  CHECK(user_topic(kDevice, "a/+").error() == Error::bad_argument);
  CHECK(rrpc_custom_topic("1", "no/slash").error() == Error::bad_argument);
  CHECK(rrpc_custom_topic("1/2", "/a").error() == Error::bad_argument);
  CHECK(rrpc_custom_topic("12", kBoth + "/user/get")->str() == "/ext/rrpc/12" + kBoth + "/user/get");
  std::array<char, 8> small;
  CHECK(method_of(parsed(kThing + "service/SetWeight"), small).error() == Error::no_space);
}

TEST_CASE("no truncation and no changed byte of a topic upsets the parser") {
  for (const Row& row : master_list()) {
    const std::string whole = row.topic + "_reply?_sn=default";
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      const std::string cut = whole.substr(0, size);
      (void)parse_topic(cut);
    }
    for (std::size_t at = 0; at < whole.size(); ++at)
      for (const char c : {'/', '+', '?', '\0', 'x', '\xff'}) {
        std::string changed = whole;
        changed[at] = c;
        const auto topic = parse_topic(changed);
        if (topic) (void)is_delivered_unasked(*topic, true, 1);
      }
  }
}
