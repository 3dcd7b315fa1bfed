#include "platform/sink/settings.h"

#include <doctest/doctest.h>

#include "platform/sink/make.h"

namespace tercet::sink {
namespace {

TEST_CASE("the first thing that is wrong with a configuration is named with what it should be") {
  struct Row {
    const char *given, *problem;
  };
  const Row rows[] = {
      {"[1]", "the configuration is no JSON object"},
      {"{", "the configuration is no JSON"},
      {R"({"n":5})", "url: is missing: a text"},
      {R"({"url":""})", "url: must be a text that is not empty"},
      {R"({"url":"x","n":11})", "n: must be a whole number from 1 to 10"},
      {R"({"url":"x","n":1.5})", "n: must be a whole number from 1 to 10"},
      {R"({"url":"x","flag":"yes"})", "flag: must be true or false"},
      {R"({"url":"x","list":[1]})", "list: must be a list of texts"},
      {R"({"url":"x","kind":"c"})", "kind: must be one of a, b"},
      {R"({"url":"x","part":1})", "part: must be a JSON object"},
      {R"({"url":"x","part":{"inner":1}})", "part.inner: must be a text"},
      {R"({"url":"x","other":1})", "other: is not known here; there are url, n, flag, list, kind, part"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.given);
    Settings settings(row.given);
    settings.text("url");
    settings.number_or("n", 1, 1, 10);
    settings.flag_or("flag", false);
    settings.list("list");
    settings.choice("kind", {"a", "b"}, "a");
    if (const auto* part = settings.object("part")) {
      Settings inner(settings, "part", *part);
      inner.text_or("inner", "");
    }
    settings.finish();
    CHECK(settings.problem().starts_with(row.problem));
  }
}

TEST_CASE("every type of action says what it needs, and takes what the guide shows") {
  const Surroundings around{"/nowhere", false, {}};
  struct Row {
    const char *type, *good, *bad, *problem;
  };
  const Row rows[] = {
      {"FILE", R"({"path":"a.jsonl"})", R"({"path":"/etc/passwd"})", "path: is a file's name within"},
      {"FILE", R"({"path":"a.csv","format":"csv","columns":{"t":"${t}"},"daily":true,"keep":3})",
       R"({"path":"a.csv","format":"csv"})", "columns: are needed for csv"},
      {"SQLITE", R"({"path":"a.db","table":"t","create":true})", R"({"path":"a.db","table":"t; DROP"})",
       "table: has letters"},
      {"POSTGRESQL", R"({"host":"db","database":"iot","user":"u","password":"p","table":"t"})",
       R"({"host":"db","database":"iot","user":"u","table":"t","tls":"maybe"})", "tls: must be one of"},
      {"HTTP", R"({"url":"https://x/y","secret":"s","delivery":{"per_second":5}})",
       R"({"url":"https://x/y","delivery":{"per_secnd":5}})", "delivery.per_secnd: is not known"},
      {"HTTP", R"({"url":"https://x/${deviceName}","body":"{\"a\":\"${b}\"}"})", R"({"url":"https://x/${"})",
       "url: after ${ comes a name"},
      {"WECOM", R"({"url":"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k","mentioned":["@all"]})",
       R"({"url":"https://x","mentioned":5})", "mentioned: must be a list"},
      {"DINGTALK", R"({"url":"https://oapi.dingtalk.com/robot/send?access_token=t","secret":"s"})", R"({})",
       "url: is missing"},
      {"FEISHU", R"({"url":"https://open.feishu.cn/open-apis/bot/v2/hook/x","language":"en"})",
       R"({"url":"https://x","language":"fr"})", "language: must be one of"},
      {"WECHAT", R"({"app_id":"a","app_secret":"b","template_id":"t","to":"o","data":{"first":"${x}"}})",
       R"({"app_id":"a","app_secret":"b","template_id":"t","data":{}})", "to: is the openid"},
      {"INFLUXDB", R"({"url":"http://i:8086","database":"d","measurement":"m"})",
       R"({"url":"http://i:8086","bucket":"b","org":"o","measurement":"m"})", "token: is missing"},
      {"MARIADB", R"({"host":"db","database":"iot","user":"u","table":"t","upsert":"device_name"})",
       R"({"host":"db","database":"iot","user":"u","table":"t","upsert":"device"})", "upsert: device is none of"},
      {"KAFKA", R"({"brokers":"k:9092","topic":"readings","sasl":"PLAIN","user":"u","password":"p"})",
       R"({"brokers":"k:9092","topic":"readings","sasl":"GSSAPI"})", "sasl: must be one of"},
      {"NATS", R"({"url":"nats://n:4222","subject":"iot.${deviceName}","stream":"IOT","stream_subjects":["iot.>"]})",
       R"({"url":"nats://n:4222","subject":"iot","stream":"IOT"})", "stream_subjects: say what"},
      {"MQTT", R"({"url":"mqtts://b:8883","topic":"plant/${deviceName}","qos":1})",
       R"({"url":"b:8883","topic":"plant"})", "url: begins with mqtt://"},
      {"MAIL", R"({"url":"smtp://m:587","from":"a@b","to":["c@d"],"user":"u","password":"p"})",
       R"({"url":"smtp://m:587","from":"a@b","to":"nobody"})", "to: nobody is no address"},
      {"REPUBLISH", R"({"topic":"/pk/dn/user/get","topicType":1})", R"({"topic":"/sys/pk/dn/thing/event/x/post"})",
       "topic: is one that a device may subscribe to"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type);
    CAPTURE(row.bad);
    CHECK(!check(around, row.type, row.good));
    const auto problem = check(around, row.type, row.bad);
    REQUIRE(problem);
    CHECK_MESSAGE(problem->starts_with(row.problem), *problem);
  }
}

}  // namespace
}  // namespace tercet::sink
