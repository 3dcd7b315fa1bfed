#include "platform/rule/evaluate.h"

#include <array>

#include "platform/rule/test_query.h"

namespace tercet::rule {
namespace {

struct Row {
  std::string_view items, payload, result;
};

TEST_CASE("SELECT gives what the documentation's examples give") {
  static constexpr std::array kRows{
      Row{"\"a[0]\" AS x", R"({"a":[{"v":0},{"v":1}]})", R"({"x":{"v":0}})"},
      Row{"\".a[0]\" AS x", R"({"a":[{"v":0},{"v":1}]})", R"({"x":[{"v":0}]})"},
      Row{"\"a[1].v\" AS x", R"({"a":[{"v":0},{"v":1}]})", R"({"x":1})"},
      Row{"\".a[1].v\" AS x", R"({"a":[{"v":0},{"v":1}]})", R"({"x":[1]})"},
      Row{"\"$.a[0].v\" AS x", R"({"a":[{"v":0}]})", R"({"x":0})"},
      Row{"a.key2 AS x, 'a.key2' AS y", R"({"a":{"key2":"v"}})", R"({"x":"v","y":"a.key2"})"},
      Row{"items.Temperature.value AS t, items.Position.value.latitude AS l",
          R"({"items":{"Temperature":{"value":25.10,"time":1},"Position":{"value":{"latitude":39.9}}}})",
          R"({"t":25.10,"l":39.9})"},
      Row{"substring('012345', 2.745) AS a, substring(123, 2) AS b, substring('012345', -50, 50) AS c, "
          "substring('012345', 3, 1) AS d",
          "{}", R"({"a":"2345","b":"3","c":"012345","d":""})"},
      Row{"deviceName() AS d, productKey() AS p, topic() AS t, topic(1) AS k, topic(2) AS n, messageId() AS m", "{}",
          R"({"d":"board","p":"a1Product","t":"/a1Product/board/user/update","k":"a1Product","n":"board","m":"1033204567890123456"})"},
      Row{"timestamp() AS a, timestamp('yyyy-MM-dd HH:mm:ss.SSS') AS b, "
          "timestamp_utc('yyyy-MM-dd\\'T\\'HH:mm:ss\\'Z\\'') AS c",
          "{}", R"({"a":1535700748205,"b":"2018-08-31 15:32:28.205","c":"2018-08-31T07:32:28Z"})"},
      Row{"attribute('room') AS a, attribute('floor') AS b", "{}", R"({"a":"kitchen","b":""})"},
      Row{"abs(-2) AS a, floor(2.7) AS b, power(2, 10) AS c, mod(7, 3) AS d, exp(0) AS e, log(8, 2) AS f", "{}",
          R"({"a":2,"b":2,"c":1024,"d":1,"e":1,"f":3})"},
      Row{"concat('a', b) AS a, lower('AbC') AS b, upper('AbC') AS c, endswith('board', 'ard') AS d, replace('a-b-c', "
          "'-', '') AS e",
          R"({"b":7})", R"({"a":"a7","b":"abc","c":"ABC","d":true,"e":"abc"})"},
      Row{"crypto(a, 'MD5') AS x", R"({"a":"abc"})", R"({"x":"900150983cd24fb0d6963f7d28e17f72"})"},
      Row{"nanvl(a, 1) AS x, nanvl(b, 'none') AS y, isnull(b) AS z", R"({"a":null})", R"({"x":1,"y":"none","z":true})"},
      Row{"payload() AS x", R"({"a":"b"})", R"({"x":"{\"a\":\"b\"}"})"},
      Row{"to_hex(*) AS h, to_base64(*) AS b", "\x01\xFF", R"({"h":"01ff","b":"Af8="})"},
      Row{"thingPropertyFlatMap()",
          R"({"items":{"Power":{"value":"on","time":1},"Position":{"value":{"latitude":1,"longitude":2},"time":1}}})",
          R"({"Power":"on","Position_latitude":1,"Position_longitude":2})"},
      Row{"thingPropertyFlatMap('Power'), deviceName() AS d",
          R"({"items":{"Power":{"value":"on"},"Other":{"value":1}}})", R"({"Power":"on","d":"board"})"},
      Row{"*, b + 1 AS b, deviceName()", R"({"a":1,"b":2})", R"x({"a":1,"b":3,"deviceName()":"board"})x"},
      Row{"a.b, missing", R"({"a":{"b":[1,2]}})", R"({"a.b":[1,2]})"},
      Row{"CASE WHEN a > 1 THEN 'big' WHEN a = 1 THEN 'one' ELSE 'small' END AS x", R"({"a":1})", R"({"x":"one"})"},
      Row{"CASE a WHEN 1 THEN 'one' WHEN 'two' THEN 2 END AS x", R"({"a":"two"})", R"({"x":2})"},
      Row{"CASE a WHEN 1 THEN 'one' END AS x", R"({"a":3})", R"({"x":null})"},
      Row{"1 + 2 * 3 - 4 / 8 AS a, -a % 3 AS b, (1 + 2) * 3 AS c, 1 / 0 AS d", R"({"a":7})",
          R"({"a":6.5,"b":-1,"c":9,"d":null})"},
      Row{"\"温度\" AS \"t 1\"", R"({"温度":"\u4e00\n"})", "{\"t 1\":\"一\\n\"}"},
      Row{"a AS x", R"({"a":12345678901234567890})", R"({"x":12345678901234567890})"},
  };
  for (const Row& row : kRows) {
    INFO(row.items);
    CHECK(selected(row.items, TestMessage(row.payload)) == row.result);
  }
}

TEST_CASE("* alone passes the payload on, byte for byte") {
  CHECK(selected("*", TestMessage(R"({ "a" : 1 })")) == R"({ "a" : 1 })");
  CHECK(selected("*", TestMessage("\x01\x02")) == "\x01\x02");
}

TEST_CASE("a substring counts characters, not bytes") {
  CHECK(selected("substring(a, 1, 2) AS x", TestMessage(R"({"a":"温度计"})")) == "{\"x\":\"度\"}");
}

TEST_CASE("substring of a boolean fails, and nothing comes out") {
  CHECK(selected("substring(a, 1) AS x", TestMessage(R"({"a":true})")) == "failed: substring of a boolean");
}

struct Case {
  std::string_view condition;
  Verdict verdict;
};

TEST_CASE("WHERE decides with three values") {
  const TestMessage message(R"({"t":21.5,"n":3,"name":"board_1","on":true,"none":null,"text":"21.5","list":[1,2]})");
  static constexpr Verdict kMet = Verdict::met, kNot = Verdict::not_met, kUnknown = Verdict::unknown;
  static constexpr std::array kCases{
      Case{"t > 21", kMet},
      Case{"t >= 21.5 AND t <= 21.5", kMet},
      Case{"t <> 21.5", kNot},
      Case{"t != 20", kMet},
      Case{"missing > 1", kUnknown},
      Case{"missing > 1 OR t > 1", kMet},
      Case{"missing > 1 AND t > 1", kUnknown},
      Case{"missing > 1 AND t < 1", kNot},
      Case{"NOT (missing = 1)", kUnknown},
      Case{"missing IS NULL", kMet},
      Case{"none IS NULL AND t IS NOT NULL", kMet},
      Case{"isnull(none)", kMet},
      Case{"name LIKE 'board%'", kMet},
      Case{"name LIKE '%ard%1'", kMet},
      Case{"name LIKE 'board'", kNot},
      Case{"name NOT LIKE '%x%'", kMet},
      Case{"name LIKE 'b_ard%'", kNot},  // only % is a wildcard
      Case{"n IN (1, 2, 3)", kMet},
      Case{"n NOT IN (1, 2)", kMet},
      Case{"name IN ('a', 'board_1')", kMet},
      Case{"n IN (1, NULL)", kUnknown},
      Case{"n BETWEEN 1 AND 3", kMet},
      Case{"n NOT BETWEEN 1 AND 2", kMet},
      Case{"text = 21.5", kMet},
      Case{"text > 21", kMet},
      Case{"name > 5", kUnknown},
      Case{"name = 5", kNot},
      Case{"on", kMet},
      Case{"on = true", kMet},
      Case{"NOT on", kNot},
      Case{"deviceName() = 'board' and topic(3) = 'user'", kMet},
      Case{"\"list[1]\" = 2", kMet},
      Case{"\"list[2]\" = 2", kUnknown},
      Case{"'b' > 'a'", kMet},
      Case{"t", kMet},
      Case{"name", kUnknown},
  };
  for (const Case& each : kCases) {
    INFO(each.condition);
    CHECK(decided(each.condition, message) == each.verdict);
  }
}

TEST_CASE("a payload that is no JSON meets no condition on its members") {
  CHECK(decided("a > 1", TestMessage("\x01")) == Verdict::unknown);
  CHECK(decided("deviceName() = 'board'", TestMessage("\x01")) == Verdict::met);
}

TEST_CASE("DURATION is met once its condition has held for the time") {
  DeviceMemory memory;
  const auto at = [&](std::int64_t second, std::string_view payload) {
    return decided("DURATION(h > 80, 120)", TestMessage(payload, 1'000'000 + second * 1000), &memory);
  };
  CHECK(at(0, R"({"h":81})") == Verdict::not_met);
  CHECK(at(60, R"({"h":85})") == Verdict::not_met);
  CHECK(at(90, R"({"t":1})") == Verdict::unknown);  // says nothing about it
  CHECK(at(120, R"({"h":82})") == Verdict::met);
  CHECK(at(121, R"({"h":80})") == Verdict::not_met);
  CHECK(at(130, R"({"h":90})") == Verdict::not_met);
  CHECK(at(250, R"({"h":90})") == Verdict::met);
}

TEST_CASE("HYSTERESIS is on from the one value and off below the other, either way round") {
  DeviceMemory memory;
  const auto at = [&](std::string_view payload) {
    return decided("HYSTERESIS(h, 80, 70)", TestMessage(payload), &memory);
  };
  CHECK(at(R"({"h":75})") == Verdict::not_met);
  CHECK(at(R"({"h":80})") == Verdict::met);
  CHECK(at(R"({"h":75})") == Verdict::met);
  CHECK(at(R"({"x":75})") == Verdict::unknown);
  CHECK(at(R"({"h":70})") == Verdict::met);
  CHECK(at(R"({"h":69.9})") == Verdict::not_met);
  CHECK(at(R"({"h":75})") == Verdict::not_met);
  DeviceMemory cold;
  CHECK(decided("HYSTERESIS(t, 5, 8)", TestMessage(R"({"t":5})"), &cold) == Verdict::met);
  CHECK(decided("HYSTERESIS(t, 5, 8)", TestMessage(R"({"t":8})"), &cold) == Verdict::met);
  CHECK(decided("HYSTERESIS(t, 5, 8)", TestMessage(R"({"t":8.1})"), &cold) == Verdict::not_met);
}

TEST_CASE("windows sum up what a device sent within their time") {
  DeviceMemory memory;
  const auto query = must_compile(
      "SELECT WINDOW_AVG(t, 60) AS a, WINDOW_MIN(t, 60) AS b, WINDOW_MAX(t, 60) AS c, WINDOW_COUNT(t, 60) AS d FROM "
      "\"/a\"");
  memory.memories.resize(query->memories());
  const auto at = [&](std::int64_t second, std::string_view payload) {
    const TestMessage message(payload, 6'000'000 + second * 1000);
    std::string out;
    REQUIRE(test_evaluator().select(*query, message.view(), &memory, out));
    return out;
  };
  CHECK(at(0, R"({"t":10})") == R"({"a":10,"b":10,"c":10,"d":1})");
  CHECK(at(30, R"({"t":20})") == R"({"a":15,"b":10,"c":20,"d":2})");
  CHECK(at(59, R"({"x":1})") == R"({"a":15,"b":10,"c":20,"d":2})");
  CHECK(at(60, R"({"t":30})") == R"({"a":25,"b":20,"c":30,"d":2})");
  CHECK(at(200, R"({"x":1})") == R"({"a":null,"b":null,"c":null,"d":0})");
}

TEST_CASE("what a function remembers is not lost behind a condition that decides first") {
  DeviceMemory memory;
  CHECK(decided("x = 1 AND DURATION(h > 80, 10)", TestMessage(R"({"x":0,"h":90})", 1'000'000), &memory) ==
        Verdict::not_met);
  CHECK(decided("x = 1 AND DURATION(h > 80, 10)", TestMessage(R"({"x":1,"h":90})", 1'010'000), &memory) ==
        Verdict::met);
}

TEST_CASE("memories read back as they were written, and damaged ones are refused") {
  DeviceMemory memory;
  memory.is_raised = true;
  memory.raised_at = 7;
  memory.told_at = 8;
  memory.changed_at = 9;
  memory.memories.resize(2);
  memory.memories[0].since = 12345;
  memory.memories[0].is_on = true;
  memory.memories[1].window.resize(1);
  memory.memories[1].window[0].add(1'000'000, 60'000, 2.5);
  std::string bytes;
  append_memory(bytes, memory);
  DeviceMemory again;
  REQUIRE(read_memory(bytes, again));
  std::string same;
  append_memory(same, again);
  CHECK(same == bytes);
  CHECK(again.memories[1].window[0].sums(1'000'000, 60'000).sum == 2.5);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    DeviceMemory cut;
    CHECK(!read_memory(std::string_view(bytes).substr(0, size), cut));
    CHECK(cut.memories.empty());
  }
}

TEST_CASE("an expression without end is cut off") {
  std::string list = "0";
  for (int i = 0; i < 900; ++i) list += ",0";
  std::string condition = "a IN (" + list + ")";
  CHECK(decided(condition, TestMessage(R"({"a":1})")) == Verdict::not_met);
  std::string text(1000, 'a');
  const std::string doubled = "replace(replace(replace(replace(a, 'a', a), 'a', a), 'a', a), 'a', a)";
  CHECK(selected(doubled + " AS x", TestMessage("{\"a\":\"" + text + "\"}")) == "failed: the texts are too long");
}

TEST_CASE("a UUID has its form and is new each time") {
  const std::string a = selected("newuuid() AS x", TestMessage("{}")),
                    b = selected("newuuid() AS x", TestMessage("{}"));
  CHECK(a.size() == 44);
  CHECK(a[20] == '4');
  CHECK(a != b);
}

}  // namespace
}  // namespace tercet::rule
