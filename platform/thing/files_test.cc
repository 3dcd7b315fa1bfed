#include <doctest/doctest.h>

#include "platform/thing/test_shard.h"

namespace tercet::thing {
namespace {

/// A shard whose messages about files are kept.
struct World {
  explicit World(const Settings& settings = {})
      : shard(store, registry::Validation::weak, kBoardTsl, settings), got(shard.file_messages) {}
  void say(const std::string& verb, std::string_view payload) {
    shard.publish(TestShard::topic("file/upload/mqtt/" + verb), payload, 0);
  }
  void init(const std::string& params) { say("init", R"({"id":"7","params":)" + params + "}"); }
  /// A block with everything about it.
  static std::string frame(const std::string& params, std::string_view bytes, bool damage = false) {
    const std::string header = R"({"id":"9","params":)" + params + "}";
    std::string out{static_cast<char>(header.size() >> 8), static_cast<char>(header.size())};
    out += header;
    out += bytes;
    std::uint8_t tail[2];
    Writer writer{tail};
    alink::write_upload_block_tail(writer, as_bytes(bytes));
    out += as_text(writer.written());
    if (damage) out.back() = static_cast<char>(out.back() ^ 1);
    return out;
  }
  /// What is said to something that is not handed on: the reply up to its data, and the journal's code.
  std::string refused(const std::string& verb, std::string_view payload) {
    shard.egress.sent.clear();
    got.clear();
    say(verb, payload);
    shard.loop.advance(Seconds{60});
    CHECK(got.empty());
    REQUIRE(shard.egress.sent.size() == 1);
    CHECK(shard.egress.sent[0].topic == TestShard::topic("file/upload/mqtt/" + verb) + "_reply");
    const std::string& reply = shard.egress.sent[0].payload;
    return reply.substr(0, reply.find(",\"message\""));
  }
  store::MemoryStore store;
  TestShard shard;
  std::vector<FileMessage>& got;
};

}  // namespace

TEST_CASE("[8.10] init, a block and cancel are taken apart and handed on") {
  World world;
  world.init(
      R"({"fileName":"a.log","fileSize":-1,"conflictStrategy":"append","ficMode":"crc64","ficValue":"1F","initUid":"u"})");
  world.say("send", World::frame(R"({"uploadId":"u1","offset":512,"bSize":5,"isComplete":true})", "HELLO"));
  world.say("cancel", R"({"id":"3","params":{"uploadId":"u1"}})");
  REQUIRE(world.got.size() == 3);
  CHECK(world.got[0].kind == FileMessage::Kind::init);
  CHECK(world.got[0].device == 1);
  CHECK(world.got[0].name == "board1");
  CHECK(world.got[0].id == "7");
  CHECK(world.got[0].file_name == "a.log");
  CHECK(world.got[0].file_bytes == -1);
  CHECK(world.got[0].conflict == alink::Conflict::append);
  CHECK(world.got[0].check == "1F");
  CHECK(world.got[0].init_uid == "u");
  CHECK(world.got[1].kind == FileMessage::Kind::block);
  CHECK(world.got[1].id == "9");
  CHECK(world.got[1].upload == "u1");
  CHECK(world.got[1].offset == 512);
  CHECK(world.got[1].is_complete);
  CHECK(world.got[1].bytes == "HELLO");
  CHECK(world.got[2].kind == FileMessage::Kind::cancel);
  CHECK(world.got[2].upload == "u1");
  CHECK(world.shard.egress.sent.empty());
}

TEST_CASE("[8.10] an init that cannot be is refused with its code and the file's name") {
  World world;
  const auto refused = [&](const std::string& params) {
    return world.refused("init", R"({"id":"7","params":)" + params + "}");
  };
  const std::string bad = R"({"id":"7","code":460,"data":{"fileName":"a"})";
  CHECK(world.refused("init", "{") == R"({"id":"","code":400,"data":{"fileName":""})");
  CHECK(refused(R"({"fileName":"a"})") == bad);
  CHECK(refused(R"({"fileName":"a","fileSize":0})") == bad);
  CHECK(refused(R"({"fileName":"a","fileSize":-2})") == bad);
  CHECK(refused(R"({"fileName":"a","fileSize":1,"conflictStrategy":"merge"})") == bad);
  CHECK(refused(R"({"fileName":"a","fileSize":1,"ficMode":"md5"})") == bad);
  CHECK(refused(R"({"fileName":"../a","fileSize":1})") == R"({"id":"7","code":460,"data":{"fileName":"../a"})");
  CHECK(refused(R"({"fileName":"a","fileSize":16777217})") == R"({"id":"7","code":78117,"data":{"fileName":"a"})");
  CHECK(world.shard.journal.entries.back().code == 78117);
  world.init(R"({"fileName":"a","fileSize":16777216})");
  CHECK(world.got.size() == 1);
}

TEST_CASE("[8.10] a block that is damaged, too large or contradicts itself is refused with what it said of itself") {
  World world;
  const auto refused = [&](const std::string& params, std::string_view bytes, bool damage = false) {
    return world.refused("send", World::frame(params, bytes, damage));
  };
  const auto reply = [](int code, int offset, int size) {
    return R"({"id":"9","code":)" + std::to_string(code) + R"(,"data":{"uploadId":"u","offset":)" +
           std::to_string(offset) + R"(,"bSize":)" + std::to_string(size) + "}";
  };
  CHECK(refused(R"({"uploadId":"u","offset":1,"bSize":5})", "HELLO", true) == reply(78121, 1, 5));
  CHECK(refused(R"({"uploadId":"u","offset":1,"bSize":4})", "HELLO") == reply(460, 1, 4));
  CHECK(refused(R"({"uploadId":"u","bSize":5})", "HELLO") == reply(460, 0, 5));
  CHECK(refused(R"({"offset":0,"bSize":5})", "HELLO") ==
        R"({"id":"9","code":460,"data":{"uploadId":"","offset":0,"bSize":5})");
  CHECK(refused(R"({"uploadId":"u","offset":0,"bSize":131073})", std::string(131073, 'x')) == reply(78118, 0, 131073));
  CHECK(world.refused("send", "no") == R"({"id":"","code":400,"data":{"uploadId":"","offset":0,"bSize":0})");
  CHECK(world.refused("cancel", R"({"id":"3","params":{}})") == R"({"id":"3","code":460,"data":{"uploadId":""})");
  CHECK(world.refused("cancel", "[]") == R"({"id":"","code":400,"data":{"uploadId":""})");
}

TEST_CASE("[8.10] messages that come too fast are told so, and those that find no room too") {
  Settings settings;
  settings.uploads_per_second = 2;
  World world(settings);
  const std::string cancel = R"({"id":"3","params":{"uploadId":"u"}})";
  for (int i = 0; i < 3; ++i) world.say("cancel", cancel);
  CHECK(world.got.size() == 2);
  REQUIRE(world.shard.egress.sent.size() == 1);
  CHECK(world.shard.last_reply().starts_with(R"({"id":"","code":78127,)"));
  world.shard.loop.advance(Seconds{1});
  world.shard.is_file_queue_full = true;
  CHECK(world.refused("cancel", cancel) == R"({"id":"3","code":429,"data":{"uploadId":"u"})");
}

}  // namespace tercet::thing
