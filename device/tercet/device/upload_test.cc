#include "tercet/device/upload.h"

#include <doctest/doctest.h>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

constexpr const char* kHead = "/sys/a1B2c3D4e5F/sensor_01/thing/file/upload/mqtt/";
using State = Upload::State;

/// A board with a file, and the platform's side of its upload, which can be told to answer otherwise.
struct Board final : DeviceEvents, UploadSource {
  explicit Board(std::size_t file_bytes = 700, bool gets_online = true) {
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    for (std::size_t i = 0; i < file_bytes; ++i) content.push_back(static_cast<std::uint8_t>(i * 7));
    board.platform.record_all = true;
    if (gets_online) start();
  }
  void start() {
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    REQUIRE(upload.start(device, id));
    pass(Millis{3'000});
    REQUIRE(device.is_online());
  }
  void pass(Millis time = Millis{3'000}) {
    for (Millis at{0}; at < time; at += Millis{10}) {
      device.run(), upload.run(), board.clock.advance(Millis{10});
      serve();
    }
  }
  Result<void> begin(alink::Conflict conflict = alink::Conflict::overwrite) {
    return upload.send({.name = "day.log", .bytes = content.size(), .source = this, .conflict = conflict});
  }
  bool read(std::uint64_t offset, MutableBytes into) override {
    if (offset + into.size() > content.size() || is_unreadable) return false;
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = content[static_cast<std::size_t>(offset) + i];
    return true;
  }
  void on_message(std::string_view topic, Bytes payload) override {
    if (!upload.on_message(topic, payload)) ++others;
  }

  void serve() {
    for (; seen < board.platform.messages.size(); ++seen) {
      const auto [topic, payload] = board.platform.messages[seen];
      if (!topic.starts_with(kHead)) continue;
      const std::string verb = topic.substr(std::string(kHead).size());
      if (verb == "init") ++inits, last_init = payload;
      if (verb == "send") ++blocks;
      if (verb == "cancel") ++cancels;
      if (silence > 0) {
        --silence;
        continue;
      }
      std::array<std::uint8_t, 512> buffer;
      Writer out{buffer};
      if (verb == "init") {
        const auto init = alink::parse_upload_init(payload);
        REQUIRE(init);
        alink::UploadReply reply{init->id, next_code(init_codes)};
        const std::string upload_id = "u" + std::to_string(uploads);
        alink::write_upload_init_reply(out, reply, init->file_name, upload_id, had.size(), *init->file_bytes);
      } else if (verb == "send") {
        const auto block = alink::parse_upload_block(as_bytes(payload));
        REQUIRE(block);
        CHECK(!block->is_damaged);
        CHECK(block->block.size() == *block->bytes);
        const alink::UploadReply reply{block->id, next_code(block_codes)};
        bool complete = false;
        if (reply.code == alink::Code::success) {
          REQUIRE(*block->offset == had.size());
          had.insert(had.end(), block->block.begin(), block->block.end());
          complete = had.size() == content.size();
        }
        if (swallow > 0) {  // it has it, and its answer is lost
          --swallow;
          continue;
        }
        alink::write_upload_send_reply(out, reply, block->upload_id, *block->offset, *block->bytes, complete);
      } else {
        continue;
      }
      board.platform.push(topic + "_reply", out.text(), mqtt::Qos::at_most_once);
    }
  }
  static alink::Code next_code(std::vector<alink::Code>& codes) {
    if (codes.empty()) return alink::Code::success;
    const alink::Code code = codes.front();
    codes.erase(codes.begin());
    return code;
  }

  const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
  fake::Board board{1};
  DeviceBuffers<1024, 1024, 1024, 4, 1> buffers;
  std::array<std::uint8_t, Upload::kOverhead + 256> scratch{};
  Options options;
  Device device{board.port(), buffers.storage(), *this};
  Upload upload{board.clock, board.random, scratch};
  std::vector<std::uint8_t> content, had;
  std::vector<alink::Code> init_codes, block_codes;
  std::size_t seen = 0;
  int inits = 0, blocks = 0, cancels = 0, silence = 0, swallow = 0, uploads = 1, others = 0;
  bool is_unreadable = false;
  std::string last_init;
};

}  // namespace

TEST_CASE(
    "[8.10] a file goes in blocks of the scratch's size, checked as a whole, and is done when the platform says so") {
  Board board;
  REQUIRE(board.begin());
  CHECK(board.upload.state() == State::checking);
  CHECK(board.begin().error() == Error::bad_state);
  board.pass();
  CHECK(board.upload.state() == State::done);
  CHECK(board.upload.sent() == 700);
  CHECK(board.inits == 1);
  CHECK(board.blocks == 3);
  CHECK(board.had == board.content);
  CHECK(board.others == 0);
  alink::Crc64 sum;
  sum.add(board.content);
  const auto init = alink::parse_upload_init(board.last_init);
  REQUIRE(init);
  CHECK(init->file_name == "day.log");
  CHECK(init->conflict == "overwrite");
  CHECK(init->check_mode == "crc64");
  CHECK(init->check_value.size() == 16);
  CHECK(init->init_uid.size() == 12);
  CHECK(board.upload.next_deadline() == Instant::never());
  board.had.clear();
  REQUIRE(board.begin(alink::Conflict::reject));  // and another one
  board.pass();
  CHECK(board.upload.state() == State::done);
  const auto second = alink::parse_upload_init(board.last_init);
  CHECK(second->conflict == "reject");
}

TEST_CASE("what is no file, and what comes before start(), is refused") {
  Board board(700, false);
  CHECK(board.begin().error() == Error::bad_state);
  board.start();
  CHECK(board.upload.send({.name = "../x", .bytes = 1, .source = &board}).error() == Error::bad_argument);
  CHECK(board.upload.send({.name = "x", .bytes = 0, .source = &board}).error() == Error::bad_argument);
  CHECK(board.upload.send({.name = "x", .bytes = (16u << 20) + 1, .source = &board}).error() == Error::bad_argument);
  CHECK(board.upload.send({.name = "x", .bytes = 1}).error() == Error::bad_argument);
  std::array<std::uint8_t, Upload::kOverhead + 255> small;
  Upload other{board.board.clock, board.board.random, small};
  CHECK(other.start(board.device, board.id).error() == Error::no_space);
}

TEST_CASE("without an answer the same goes out again after five seconds, ten times, then the upload has failed") {
  Board board;
  board.silence = 9;
  REQUIRE(board.begin());
  board.pass(Millis{44'000});
  CHECK(board.inits == 9);
  CHECK(board.upload.state() == State::asking);
  board.pass(Millis{5'000});
  CHECK(board.upload.state() == State::done);
  board.had.clear();
  board.silence = 100;
  REQUIRE(board.begin());
  board.pass(Millis{60'000});
  CHECK(board.upload.state() == State::failed);
  CHECK(board.upload.code() == 0);
}

TEST_CASE("an answer that is lost, and a block that came already, lead to the place where the platform is") {
  Board board;
  board.swallow = 1;
  REQUIRE(board.begin());
  board.pass(Millis{4'000});
  CHECK(board.had.size() == 256);
  board.block_codes = {alink::Code::block_repeated};
  board.pass(Millis{4'000});
  CHECK(board.inits == 2);
  CHECK(board.upload.state() == State::done);
  CHECK(board.had == board.content);
}

TEST_CASE("a new connection asks where to go on, with the same uid") {
  Board board(2'000);
  REQUIRE(board.begin());
  board.pass(Millis{80});
  REQUIRE(board.upload.state() == State::sending);
  const std::string first = board.last_init;
  board.board.platform.hang_up();
  board.pass(Millis{20'000});
  CHECK(board.upload.state() == State::done);
  CHECK(board.inits == 2);
  CHECK(alink::parse_upload_init(first)->init_uid == alink::parse_upload_init(board.last_init)->init_uid);
  CHECK(board.had == board.content);
}

TEST_CASE("when only the last answer is lost and the file is there, it is done") {
  Board board(300);
  REQUIRE(board.begin(alink::Conflict::reject));
  board.swallow = 2;
  board.init_codes = {alink::Code::success, alink::Code::file_exists};
  board.pass(Millis{1'000});
  CHECK(board.upload.state() == State::sending);
  CHECK(board.had.size() == 256);
  board.block_codes = {alink::Code::block_repeated};
  board.swallow = 0;
  board.init_codes = {};
  board.pass(Millis{6'000});
  CHECK(board.upload.state() == State::done);
  Board other(200);
  other.swallow = 1;
  other.init_codes = {alink::Code::success, alink::Code::file_exists};
  REQUIRE(other.begin(alink::Conflict::reject));
  other.pass(Millis{1'000});
  CHECK(other.had.size() == 200);
  other.board.platform.hang_up();
  other.pass(Millis{20'000});
  CHECK(other.upload.state() == State::done);
  CHECK(other.upload.sent() == 200);
}

TEST_CASE("a busy platform is asked again, a damaged block goes again, a forgotten upload begins anew") {
  Board board;
  board.init_codes = {alink::Code::too_many_requests, alink::Code::upload_throttled};
  board.block_codes = {alink::Code::block_damaged, alink::Code::system_exception, alink::Code::upload_not_found};
  REQUIRE(board.begin());
  board.pass(Millis{30'000});
  CHECK(board.inits == 4);
  CHECK(board.upload.state() == State::done);
  CHECK(board.had == board.content);
}

TEST_CASE("a platform that forgets every upload is given up") {
  Board board;
  board.block_codes.assign(100, alink::Code::upload_not_found);
  REQUIRE(board.begin());
  board.pass(Millis{10'000});
  CHECK(board.upload.state() == State::failed);
  CHECK(board.blocks == 11);
}

TEST_CASE("what the platform will not have is failed, with its code") {
  Board board;
  board.init_codes = {alink::Code::file_exists};
  REQUIRE(board.begin(alink::Conflict::reject));
  board.pass();
  CHECK(board.upload.state() == State::failed);
  CHECK(board.upload.code() == 78123);
  board.block_codes = {alink::Code::success, alink::Code::file_damaged};
  REQUIRE(board.begin());
  board.pass();
  CHECK(board.upload.state() == State::failed);
  CHECK(board.upload.code() == 78125);
}

TEST_CASE("a source that ends has failed, when it is checked or when it is sent") {
  Board board;
  REQUIRE(board.begin());
  board.is_unreadable = true;
  board.pass();
  CHECK(board.upload.state() == State::failed);
  REQUIRE(board.upload.send({.name = "x", .bytes = 700, .source = &board, .is_checked = false}));
  board.pass();
  CHECK(board.upload.state() == State::failed);
  CHECK(board.last_init.find("ficMode") == std::string::npos);
}

TEST_CASE("a cancelled upload is told to the platform, and the next one can begin") {
  Board board(5'000);
  board.upload.cancel();
  CHECK(board.upload.state() == State::idle);
  REQUIRE(board.begin());
  board.pass(Millis{150});
  REQUIRE(board.upload.state() == State::sending);
  board.upload.cancel();
  CHECK(board.upload.state() == State::idle);
  board.pass();
  CHECK(board.cancels == 1);
  board.had.clear();
  REQUIRE(board.begin());
  board.pass();
  CHECK(board.upload.state() == State::done);
}

TEST_CASE("what is asked for while the board is offline goes when it is online") {
  Board board;
  board.board.platform.hang_up();
  board.device.run();
  REQUIRE(board.begin());
  board.pass(Millis{20'000});
  CHECK(board.upload.state() == State::done);
}
