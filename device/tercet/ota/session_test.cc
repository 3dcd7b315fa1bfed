#include "tercet/ota/session.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "ports/fake/board.h"
#include "tercet/alink/block.h"
#include "tercet/crypto/encoding.h"
#include "tercet/json/reader.h"
#include "tercet/ota/test_board.h"

using namespace tercet;
using namespace tercet::ota;

namespace {

constexpr std::string_view kUpgrade = "/ota/device/upgrade/a1B2c3D4e5F/sensor_01";
constexpr std::string_view kGetReply = "/sys/a1B2c3D4e5F/sensor_01/thing/ota/firmware/get_reply";
constexpr std::string_view kBlockReply = "/sys/a1B2c3D4e5F/sensor_01/thing/file/download_reply";

/// A Device over a fake network, whose firmware comes over the session.
struct Life final : device::DeviceEvents {
  fake::BootLoader& flash;
  fake::Board board;
  device::DeviceBuffers<1024, 2048, 512, 4, Session::kFilters> buffers;
  device::Device device{board.port(), buffers.storage(), *this};
  Session session{device};
  SessionSource blocks{session, {.block_bytes = 512}};
  std::array<Source*, 1> sources{&blocks};
  Updater updater;
  std::array<Updater*, 1> updaters{&updater};
  std::vector<std::uint8_t> file;
  std::size_t heard = 0;
  bool is_deaf = false;  ///< the platform does not answer what it is asked for

  explicit Life(fake::BootLoader& on)
      : flash(on), updater(on, on, on, sources, session, UpdaterOptions{.version = on.running_version()}) {
    board.platform.record_all = true;
    device::Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example"}, options));
    REQUIRE(session.start(id, updaters, &blocks, board.clock.now()));
    pass(5'000);
    REQUIRE(device.is_online());
  }
  void on_message(std::string_view topic, Bytes payload) override {
    CHECK(session.on_message(topic, payload, board.clock.now()));
  }
  void pass(int ms) {
    for (int i = 0; i < ms; i += 50) {
      device.run();
      session.run(board.clock.now());
      board.clock.advance(Millis{50});
      answer_blocks();
    }
  }
  void answer_blocks() {
    if (is_deaf) return;
    for (; heard < board.platform.messages.size(); ++heard) {
      const auto& [topic, text] = board.platform.messages[heard];
      if (!topic.ends_with("/thing/file/download")) continue;
      const auto request = json::parse(text);
      REQUIRE(request);
      const auto block = request->find("params")->find("fileBlock");
      const auto offset = static_cast<std::uint32_t>(*block->find("offset")->integer());
      const auto size = static_cast<std::uint32_t>(*block->find("size")->integer());
      std::vector<std::uint8_t> buffer(1024);
      Writer out{buffer};
      alink::write_block_reply(out,
                               {.id = request->find("id")->text()->raw(),
                                .offset = offset,
                                .file_length = static_cast<std::uint32_t>(file.size()),
                                .block = Bytes{file}.subspan(offset, size)},
                               "default");
      board.platform.push(kBlockReply, as_text(out.written()), mqtt::Qos::at_most_once);
    }
  }
  std::string offer(std::string_view module = {}) {
    std::array<char, 64> hex;
    const auto digest = crypto::hash(crypto::Algorithm::sha256, file);
    std::string data = R"("size":)" + std::to_string(file.size()) +
                       R"(,"version":"1.1.0","signMethod":"SHA256","dProtocol":"mqtt","streamId":5,"streamFileId":1,)" +
                       R"("sign":")" + std::string(*crypto::encode_hex(digest.view(), hex)) + '"';
    if (!module.empty()) data += R"(,"module":")" + std::string(module) + '"';
    return R"({"code":"1000","data":{)" + data + R"(},"id":"7","message":"success"})";
  }
  int count(std::string_view topic, std::string_view text) const {
    int found = 0;
    for (const auto& message : board.platform.messages)
      found += message.first.find(topic) != std::string::npos && message.second.find(text) != std::string::npos ? 1 : 0;
    return found;
  }
};

}  // namespace

TEST_CASE(
    "a device says its version, is offered an image, fetches it over its session, and confirms it when answered") {
  fake::BootLoader flash;
  flash.flash_factory(fake::make_image("1.0.0", 6'000, 1));
  REQUIRE(flash.boot());
  auto life = std::make_unique<Life>(flash);
  CHECK(life->count("/ota/device/inform/", R"("version":"1.0.0")") == 1);
  CHECK(life->count("/thing/ota/firmware/get", "thing.ota.firmware.get") == 1);
  life->file = fake::make_image("1.1.0", 7'003, 2);
  life->board.platform.push(kUpgrade, life->offer(), mqtt::Qos::at_least_once);
  life->pass(10'000);
  REQUIRE(life->session.wants_restart());
  CHECK(life->count("/ota/device/progress/", R"("step":"100")") == 1);

  REQUIRE(flash.boot());
  life = std::make_unique<Life>(flash);
  CHECK(flash.is_on_trial());
  CHECK(life->count("/ota/device/inform/", "") == 0);
  life->board.platform.push(kGetReply, R"({"id":"1","code":200,"data":{}})", mqtt::Qos::at_least_once);
  life->pass(1'000);
  CHECK(!flash.is_on_trial());
  CHECK(life->count("/ota/device/inform/", R"("version":"1.1.0")") == 1);
}

TEST_CASE("a module that nobody updates is refused by its name, and the device stays online") {
  fake::BootLoader flash;
  flash.flash_factory(fake::make_image("1.0.0", 6'000, 1));
  REQUIRE(flash.boot());
  Life life(flash);
  life.file = fake::make_image("1.1.0", 7'003, 2);
  life.board.platform.push(kUpgrade, life.offer("MCU"), mqtt::Qos::at_least_once);
  life.pass(1'000);
  CHECK(life.count("/ota/device/progress/", R"("step":"-1","desc":"other_module","module":"MCU")") == 1);
  CHECK(life.device.is_online());
  CHECK(!life.session.wants_restart());
}

TEST_CASE("a connection that is lost in the middle of a block costs no more than the way back") {
  fake::BootLoader flash;
  flash.flash_factory(fake::make_image("1.0.0", 6'000, 1));
  REQUIRE(flash.boot());
  Life life(flash);
  const auto blocks = [&life] { return life.count("/thing/file/download", ""); };
  life.file = fake::make_image("1.1.0", 7'003, 2);
  life.board.platform.push(kUpgrade, life.offer(), mqtt::Qos::at_least_once);
  life.is_deaf = true;
  life.pass(1'000);
  REQUIRE(blocks() == 1);
  life.board.platform.hang_up();
  for (int i = 0; i < 100 && life.device.is_online(); ++i) life.pass(50);
  for (int i = 0; i < 100 && !life.device.is_online(); ++i) life.pass(50);
  REQUIRE(life.device.is_online());
  life.pass(100);
  CHECK(blocks() == 2);
}
