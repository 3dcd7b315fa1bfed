#include <doctest/doctest.h>
#include <sqlite3.h>

#include <fstream>
#include <sstream>

#include "platform/sink/make.h"
#include "platform/store/test_folder.h"

namespace tercet::sink {
namespace {

using rule::Sent;

struct World {
  std::unique_ptr<rule::Sink> make(std::string type, std::string configuration) {
    rule::ActionRecord action;
    action.type = std::move(type);
    action.configuration = std::move(configuration);
    action.rule_name = "r";
    std::string problem;
    auto made = make_target(around, action, problem);
    REQUIRE_MESSAGE(made.sink, problem);
    return std::move(made.sink);
  }
  Sent send(rule::Sink& sink, const std::vector<std::string>& results, std::int64_t now = 1'700'000'000'000) {
    std::vector<rule::Queued> records;
    for (const std::string& result : results) {
      rule::Queued record;
      record.time = 1'700'000'000'000;
      record.message_id = "42";
      record.topic = "/a1/b/user/x";
      record.product = "a1";
      record.device_name = "b";
      record.result = result;
      records.push_back(record);
    }
    return sink.send(records, {now});
  }
  std::string read(const std::string& name) {
    std::ostringstream all;
    all << std::ifstream(folder.path() / name).rdbuf();
    return all.str();
  }
  std::size_t files() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(folder.path())) ++count;
    return count;
  }
  store::TestFolder folder;
  Surroundings around{folder.path(), false, {}};
};

TEST_CASE("CSV has its columns in the first line, quotes what needs it, and defuses formulas") {
  World world;
  const auto sink = world.make("FILE", R"({"path":"a.csv","format":"csv","columns":{"t":"${t}","text":"${s}"}})");
  CHECK(world.send(*sink, {R"({"t":-1.5,"s":"a,b"})", R"({"t":2,"s":"say \"x\"\nhere"})", R"({"t":3,"s":"=1+1"})"})
            .taken == 3);
  CHECK(world.read("a.csv") == "t,text\r\n-1.5,\"a,b\"\r\n2,\"say \"\"x\"\"\nhere\"\r\n3,\"'=1+1\"\r\n");
}

TEST_CASE("half a line that a crash has left is cut off before the next one") {
  World world;
  std::ofstream(world.folder.path() / "a.jsonl") << "{\"whole\":1}\n{\"hal";
  const auto sink = world.make("FILE", R"({"path":"a.jsonl"})");
  CHECK(world.send(*sink, {"{\"n\":1}"}).taken == 1);
  const std::string text = world.read("a.jsonl");
  CHECK(text.starts_with("{\"whole\":1}\n{\"rule\":\"r\""));
  CHECK(text.ends_with("\"result\":{\"n\":1}}\n"));
}

TEST_CASE("a file that has grown, or is of yesterday, gets its time in its name; so many old ones stay") {
  World world;
  const auto sink = world.make("FILE", R"({"path":"a.jsonl","daily":true,"keep":2})");
  for (std::int64_t day = 0; day < 5; ++day)
    CHECK(world.send(*sink, {"{}"}, 1'700'000'000'000 + day * 86'400'000).taken == 1);
  CHECK(world.files() == 3);
  CHECK(std::filesystem::exists(world.folder.path() / "a-20231118T221320000Z.jsonl"));
}

TEST_CASE("a file that cannot be written is tried again later") {
  World world;
  std::filesystem::create_directory(world.folder.path() / "a.jsonl");
  const auto sink = world.make("FILE", R"({"path":"a.jsonl"})");
  const Sent sent = world.send(*sink, {"{}"});
  CHECK(sent.stop == Sent::Stop::retry);
  CHECK(sent.cause.find("a.jsonl") != std::string::npos);
}

std::string ask(const std::filesystem::path& file, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  std::string all;
  const auto add = [](void* into, int count, char** values, char**) {
    for (int i = 0; i < count; ++i)
      static_cast<std::string*>(into)->append(values[i] == nullptr ? "-" : values[i]).append(i + 1 < count ? "," : ";");
    return 0;
  };
  CHECK(sqlite3_exec(database, sql, add, &all, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  return all;
}

TEST_CASE("SQLite: the table is made, values keep their types, what is missing is NULL") {
  World world;
  const auto sink = world.make(
      "SQLITE",
      R"({"path":"a.db","table":"t","create":true,"columns":{"at":{"value":"${timestamp}","type":"time"},"t":{"value":"${t}","type":"real"},"on_":{"value":"${on}","type":"boolean"},"all_":{"value":"${result}","type":"json"}}})");
  CHECK(world.send(*sink, {R"({"t":25.5,"on":true})", R"({"t":3})"}).taken == 2);
  CHECK(ask(world.folder.path() / "a.db", "SELECT at, t, typeof(t), on_, all_ FROM t") ==
        "2023-11-14T22:13:20.000Z,25.5,real,1,{\"t\":25.5,\"on\":true};"
        "2023-11-14T22:13:20.000Z,3.0,real,-,{\"t\":3};");
}

TEST_CASE("SQLite: an upsert writes over the row of the same key") {
  World world;
  const auto sink = world.make(
      "SQLITE",
      R"({"path":"a.db","table":"t","create":true,"upsert":["d"],"columns":{"d":"${deviceName}","n":{"value":"${n}","type":"integer"}}})");
  CHECK(world.send(*sink, {"{\"n\":1}", "{\"n\":2}"}).taken == 2);
  CHECK(world.send(*sink, {"{\"n\":3}"}).taken == 1);
  CHECK(ask(world.folder.path() / "a.db", "SELECT d, n FROM t") == "b,3;");
}

TEST_CASE("SQLite: a row that the table refuses is named, the rows before it are kept") {
  World world;
  CHECK(ask(world.folder.path() / "a.db", "CREATE TABLE t(n INTEGER CHECK(n < 10))").empty());
  const auto sink =
      world.make("SQLITE", R"({"path":"a.db","table":"t","columns":{"n":{"value":"${n}","type":"integer"}}})");
  const Sent sent = world.send(*sink, {"{\"n\":1}", "{\"n\":2}", "{\"n\":12}", "{\"n\":3}"});
  CHECK(sent.stop == Sent::Stop::reject);
  CHECK(sent.taken == 2);
  CHECK(sent.cause.find("CHECK constraint failed") != std::string::npos);
  CHECK(ask(world.folder.path() / "a.db", "SELECT n FROM t") == "1;2;");
}

TEST_CASE("SQLite: a table that is not there is waited for") {
  World world;
  const auto sink = world.make("SQLITE", R"({"path":"a.db","table":"t","columns":{"n":"${n}"}})");
  const Sent sent = world.send(*sink, {"{\"n\":1}"});
  CHECK(sent.stop == Sent::Stop::retry);
  CHECK(sent.cause.find("no such table") != std::string::npos);
  CHECK(ask(world.folder.path() / "a.db", "CREATE TABLE t(n)").empty());
  CHECK(world.send(*sink, {"{\"n\":1}"}).taken == 1);
}

TEST_CASE("republish: a property set gets its frame, a topic that cannot be is refused, a busy broker is asked again") {
  World world;
  std::vector<std::string> published;
  bool has_room = true;
  world.around.publish = [&](std::string topic, std::string payload, std::uint8_t) {
    if (has_room) published.push_back(topic + " " + payload);
    return has_room;
  };
  const auto set = world.make("REPUBLISH", R"({"topic":"/sys/a1/lamp/thing/service/property/set"})");
  CHECK(world.send(*set, {"{\"led\":1}"}).taken == 1);
  CHECK(
      published.back() ==
      R"(/sys/a1/lamp/thing/service/property/set {"method":"thing.service.property.set","id":"42","version":"1.0","params":{"led":1}})");
  const auto to = world.make("REPUBLISH", R"({"topic":"/a1/${to}/user/get"})");
  CHECK(world.send(*to, {"{\"to\":\"lamp\"}", "{}"}).stop == Sent::Stop::reject);
  CHECK(published.back() == "/a1/lamp/user/get {\"to\":\"lamp\"}");
  has_room = false;
  CHECK(world.send(*to, {"{\"to\":\"lamp\"}"}).stop == Sent::Stop::retry);
}

}  // namespace
}  // namespace tercet::sink
