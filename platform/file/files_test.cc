#include "platform/file/files.h"

#include <doctest/doctest.h>

#include "platform/registry/test_world.h"
#include "tercet/json/reader.h"

namespace tercet::file {
namespace {

using thing::FileMessage;

struct Journal final : broker::Journal {
  void record(broker::Refusal refusal) override { entries.push_back(std::move(refusal)); }
  std::vector<broker::Refusal> entries;
};

struct Init {
  std::string name = "a.log";
  std::int64_t bytes = -1;
  alink::Conflict conflict = alink::Conflict::overwrite;
  std::string check = {}, uid = {};
};

/// Files on a real registry and a real disk, in virtual time.
struct World : registry::TestWorld {
  explicit World(Settings with = {}) : settings(with) {
    open();
    registry::NewProduct wanted;
    wanted.name = "cameras";
    product = registry->create_product(wanted)->product.key;
    number = registry->register_device({product, "cam_1", {}, {}})->device.number;
    other = registry->register_device({product, "cam_2", {}, {}})->device.number;
    restart();
  }
  void restart() {
    files.reset();
    auto opened = Files::open(folder.path() / "files.db", folder.path() / "files",
                              {management, *registry, journal,
                               [this](Letter letter) {
                                 sent.push_back(letter.payload);
                                 topic = letter.topic;
                               }},
                              settings);
    TERCET_CHECK(opened.has_value());
    files = std::move(*opened);
  }
  FileMessage message(FileMessage::Kind kind, int camera = 1) const {
    FileMessage made;
    made.kind = kind;
    made.device = camera == 1 ? number : other;
    made.product = product, made.name = "cam_" + std::to_string(camera);
    made.id = "7";
    return made;
  }
  /// The reply's code; `reply` has the rest.
  std::int64_t say(const FileMessage& message) {
    sent.clear();
    files->on_message(message);
    REQUIRE(sent.size() == 1);
    reply = sent[0];
    return json::parse(reply)->find("code")->integer().value();
  }
  std::string data(std::string_view name) const {
    const auto found = json::parse(reply)->find("data")->find(name);
    if (!found) return "none";
    return std::string(found->text() ? found->text()->raw() : found->raw());
  }
  std::int64_t init(const Init& init, int camera = 1) {
    FileMessage made = message(FileMessage::Kind::init, camera);
    made.file_name = init.name, made.file_bytes = init.bytes, made.conflict = init.conflict;
    made.check = init.check, made.init_uid = init.uid;
    const auto code = say(made);
    if (code == 200) id = data("uploadId");
    return code;
  }
  std::int64_t block(std::uint64_t offset, const std::string& bytes, bool last = false, int camera = 1) {
    FileMessage made = message(FileMessage::Kind::block, camera);
    made.upload = id, made.offset = offset, made.bytes = bytes, made.is_complete = last;
    return say(made);
  }
  std::int64_t cancel() {
    FileMessage made = message(FileMessage::Kind::cancel);
    made.upload = id;
    return say(made);
  }
  void put(const std::string& name, const std::string& bytes, int camera = 1) {
    REQUIRE(init({.name = name, .bytes = static_cast<std::int64_t>(bytes.size())}, camera) == 200);
    REQUIRE(block(0, bytes, false, camera) == 200);
    REQUIRE(data("complete") == "true");
  }
  std::vector<FileRecord> list(int camera = 1) {
    return files->list({{}, product, "cam_" + std::to_string(camera)}, {1, 50})->items;
  }
  std::string content(const std::string& of) {
    const auto opened = files->content(of);
    if (!opened.content) return "none";
    std::string text(opened.content->bytes(), '\0');
    opened.content->read(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    return text;
  }

  Settings settings;
  Journal journal;
  std::string product, id, reply, topic;
  std::uint64_t number = 0, other = 0;
  std::vector<std::string> sent;
  std::unique_ptr<Files> files;
};

const std::string kBlock(256, 'x'), kShort(255, 'y');

}  // namespace

TEST_CASE("[8.10] a file of known size is complete with its last byte, whatever isComplete says") {
  World world;
  REQUIRE(world.init({.bytes = 300}) == 200);
  CHECK(world.topic == "/sys/" + world.product + "/cam_1/thing/file/upload/mqtt/init_reply");
  CHECK(world.id.size() == 32);
  CHECK(world.data("fileName") == "a.log");
  CHECK(world.data("offset") == "0");
  CHECK(world.data("fileSize") == "300");
  CHECK(world.block(0, kBlock) == 200);
  CHECK(world.data("complete") == "none");
  CHECK(world.data("bSize") == "256");
  CHECK(world.list().empty());
  CHECK(world.block(256, std::string(44, 'z')) == 200);
  CHECK(world.data("complete") == "true");
  const auto listed = world.list();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].name == "a.log");
  CHECK(listed[0].bytes == 300);
  CHECK(listed[0].id == world.id);
  CHECK(world.content(world.id) == kBlock + std::string(44, 'z'));
  CHECK(world.block(256, std::string(44, 'z')) == 78124);
  CHECK(world.journal.entries.empty());
}

TEST_CASE("[8.10] a file of unknown size is complete when its device says so, with a short block or an empty one") {
  World world;
  REQUIRE(world.init({}) == 200);
  CHECK(world.data("fileSize") == "-1");
  CHECK(world.block(0, kBlock) == 200);
  CHECK(world.block(256, "end", true) == 200);
  CHECK(world.data("complete") == "true");
  CHECK(world.content(world.id) == kBlock + "end");
  REQUIRE(world.init({.name = "b.log"}) == 200);
  CHECK(world.block(0, kBlock) == 200);
  CHECK(world.block(256, "", true) == 200);
  CHECK(world.content(world.id) == kBlock);
  REQUIRE(world.init({.name = "empty"}) == 200);
  CHECK(world.block(0, "", true) == 200);
  CHECK(world.content(world.id).empty());
  CHECK(world.list().size() == 3);
}

TEST_CASE("[8.10] blocks that do not follow, are too small, or go beyond the file are refused, and nothing is lost") {
  World world;
  REQUIRE(world.init({.bytes = 1000}) == 200);
  CHECK(world.block(256, kBlock) == 78119);  // the first is missing
  CHECK(world.data("offset") == "256");
  CHECK(world.block(0, kShort) == 78120);
  CHECK(world.block(0, kBlock, true) == 460);            // said to be complete, and is not
  CHECK(world.block(0, std::string(1001, 'x')) == 460);  // more than was announced
  CHECK(world.block(0, kBlock) == 200);
  CHECK(world.block(0, kBlock) == 78126);                 // again
  CHECK(world.block(0, std::string(300, 'x')) == 78119);  // half of it again
  CHECK(world.block(256, std::string(744, 'z')) == 200);
  CHECK(world.content(world.id) == kBlock + std::string(744, 'z'));
  REQUIRE(world.journal.entries.size() == 5);
  CHECK(world.journal.entries[0].code == 78119);
  CHECK(world.journal.entries[0].evidence == "offset 256, but 0 bytes have come [file upload]");
}

TEST_CASE("[8.10] a file of unknown size that becomes larger than 16 MB is refused") {
  World world;
  REQUIRE(world.init({}) == 200);
  const std::string block(128 * 1024, 'x');
  for (std::uint64_t i = 0; i < 128; ++i) REQUIRE(world.block(i * block.size(), block) == 200);
  CHECK(world.block(16u << 20, kBlock) == 78117);
  CHECK(world.block(16u << 20, "", true) == 200);
  CHECK(world.list()[0].bytes == 16u << 20);
}

TEST_CASE("[8.10] an upload of another device, or none, is not found; cancelled it is gone") {
  World world;
  REQUIRE(world.init({}) == 200);
  CHECK(world.block(0, kBlock, false, 2) == 78122);
  CHECK(world.block(0, kBlock) == 200);
  CHECK(world.cancel() == 200);
  CHECK(world.data("uploadId") == world.id);
  CHECK(world.cancel() == 78122);
  CHECK(world.block(256, kBlock) == 78122);
  world.put("done", kBlock);
  CHECK(world.cancel() == 78124);
  CHECK(world.list().size() == 1);
}

TEST_CASE("[8.10] overwrite replaces a file when the new one is complete, and not before") {
  World world;
  world.put("a.log", "old");
  const std::string old = world.id;
  REQUIRE(world.init({.bytes = 3}) == 200);
  CHECK(world.content(old) == "old");
  CHECK(world.block(0, "new") == 200);
  CHECK(world.list().size() == 1);
  CHECK(world.content(old) == "none");
  CHECK(world.content(world.id) == "new");
}

TEST_CASE("[8.10] append goes on where an unfinished file ends, and refuses a finished one; reject refuses it too") {
  World world;
  using enum alink::Conflict;
  REQUIRE(world.init({.bytes = 512, .conflict = append}) == 200);
  const std::string first = world.id;
  REQUIRE(world.block(0, kBlock) == 200);
  REQUIRE(world.init({.bytes = 512, .conflict = append}) == 200);
  CHECK(world.id == first);
  CHECK(world.data("offset") == "256");
  REQUIRE(world.init({.bytes = 600, .conflict = append}) == 200);  // another file of that name
  CHECK(world.id != first);
  CHECK(world.data("offset") == "0");
  REQUIRE(world.init({.bytes = 512, .conflict = overwrite}) == 200);  // begins anew
  CHECK(world.data("offset") == "0");
  REQUIRE(world.block(0, kBlock + kBlock) == 200);
  CHECK(world.init({.bytes = 512, .conflict = append}) == 78123);
  CHECK(world.data("fileName") == "a.log");
  CHECK(world.init({.bytes = 512, .conflict = reject}) == 78123);
  CHECK(world.init({.name = "b.log", .bytes = 512, .conflict = reject}) == 200);
}

TEST_CASE("[8.10] an init with the same initUid is the same init, whatever its strategy") {
  World world;
  REQUIRE(world.init({.bytes = 512, .uid = "u1"}) == 200);
  const std::string first = world.id;
  REQUIRE(world.init({.bytes = 512, .uid = "u1"}) == 200);
  CHECK(world.id == first);
  REQUIRE(world.init({.bytes = 512, .uid = "u2"}) == 200);
  CHECK(world.id != first);
  const std::string second = world.id;
  REQUIRE(world.init({.bytes = 512, .uid = "u2"}, 2) == 200);  // of another device
  CHECK(world.id != second);
}

TEST_CASE(
    "[8.10] ficValue is the CRC-64/XZ of the whole, in hexadecimal or decimal; a wrong one throws the file away") {
  World world;
  for (const char* const check : {"995DC9BBDF1939FA", "995dc9bbdf1939fa", "11051210869376104954", ""}) {
    REQUIRE(world.init({.bytes = 9, .check = check}) == 200);
    CHECK(world.block(0, "123456789") == 200);
  }
  REQUIRE(world.init({.bytes = 9, .check = "995DC9BBDF1939FB"}) == 200);
  CHECK(world.block(0, "123456789") == 78125);
  CHECK(world.data("complete") == "none");
  CHECK(world.block(0, "123456789") == 78122);
  CHECK(world.list().size() == 1);  // the one before
  REQUIRE(world.journal.entries.size() >= 1);
  CHECK(world.journal.entries[0].code == 78125);
}

TEST_CASE("[8.10] after a restart an upload goes on where it ended on disk, and the whole is checked") {
  World world;
  alink::Crc64 sum;
  sum.add(as_bytes(kBlock)).add(as_bytes(kBlock)).add(as_bytes("end"));
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llX", static_cast<unsigned long long>(sum.value()));
  const Init init{.bytes = 515, .conflict = alink::Conflict::append, .check = digits};
  REQUIRE(world.init(init) == 200);
  REQUIRE(world.block(0, kBlock) == 200);
  const std::string first = world.id;
  world.restart();
  REQUIRE(world.init(init) == 200);
  CHECK(world.id == first);
  CHECK(world.data("offset") == "256");
  REQUIRE(world.block(256, kBlock) == 200);
  world.restart();
  CHECK(world.block(512, "end") == 200);
  CHECK(world.data("complete") == "true");
  world.restart();
  CHECK(world.content(first) == kBlock + kBlock + "end");
  CHECK(world.block(512, "end") == 78124);
}

TEST_CASE("a crash between the last byte and the answer loses nothing: the start completes the file") {
  World world;
  REQUIRE(world.init({.bytes = 300}) == 200);
  const std::string first = world.id;
  REQUIRE(world.block(0, kBlock) == 200);
  SUBCASE("all bytes are there") {
    const auto folder = Folder::open(world.folder.path() / "files");
    REQUIRE(folder->write(1, 256, as_bytes(std::string(44, 'z'))).has_value());
  }
  SUBCASE("and the file has its name") {
    const auto folder = Folder::open(world.folder.path() / "files");
    REQUIRE(folder->write(1, 256, as_bytes(std::string(44, 'z'))).has_value());
    REQUIRE(folder->keep(1).has_value());
  }
  world.restart();
  CHECK(world.content(first) == kBlock + std::string(44, 'z'));
  CHECK(world.block(256, std::string(44, 'z')) == 78124);
  CHECK(world.list().size() == 1);
}

TEST_CASE("[8.10] an upload that is not complete after a day is given up") {
  World world;
  REQUIRE(world.init({.bytes = 512}) == 200);
  REQUIRE(world.block(0, kBlock) == 200);
  world.management.advance(std::chrono::hours{24} - Millis{1});
  CHECK(world.block(0, kBlock) == 78126);
  world.management.advance(Millis{1});
  CHECK(world.block(256, kBlock) == 78122);
  REQUIRE(world.init({.bytes = 512, .conflict = alink::Conflict::append}) == 200);
  CHECK(world.data("offset") == "0");
  world.management.advance(std::chrono::hours{25});
  CHECK(std::filesystem::is_empty(world.folder.path() / "files"));
}

TEST_CASE("[8.10] no more bytes than the quota, and no more files of a device than its share; deleting makes room") {
  World world({.quota_bytes = 1000, .files_per_device = 2});
  REQUIRE(world.init({.name = "large", .bytes = 1001}) == 500);
  CHECK(world.reply.find("no room for more files") != std::string::npos);
  world.put("one", std::string(600, 'x'));
  REQUIRE(world.init({.name = "two", .bytes = 401}) == 500);
  REQUIRE(world.init({.name = "two"}) == 200);  // of unknown size: its blocks are counted
  CHECK(world.block(0, std::string(401, 'x')) == 500);
  CHECK(world.block(0, std::string(300, 'x')) == 200);
  CHECK(world.init({.name = "three", .bytes = 1}) == 500);
  CHECK(world.reply.find("2 files") != std::string::npos);
  CHECK(world.init({.name = "three", .bytes = 100}, 2) == 200);
  CHECK(world.init({.name = "four", .bytes = 1}, 2) == 500);
  const auto one = world.list()[0];
  CHECK(world.files->remove({{}, world.product, "cam_1"}, one.id).has_value());
  CHECK(world.content(one.id) == "none");
  CHECK(world.init({.name = "three", .bytes = 600}) == 200);
  world.restart();  // counted anew
  CHECK(world.init({.name = "five", .bytes = 1}, 2) == 500);
}

TEST_CASE("the files of a device that is deleted go with it, those of others stay") {
  World world;
  world.put("a", "1");
  world.put("b", "2");
  REQUIRE(world.init({.name = "c", .bytes = 512}) == 200);
  REQUIRE(world.block(0, kBlock) == 200);
  world.put("a", "3", 2);
  const std::string theirs = world.id;
  world.files->forget(world.number);
  CHECK(world.list().empty());
  CHECK(world.list(2).size() == 1);
  CHECK(world.content(theirs) == "3");
  std::size_t left = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(world.folder.path() / "files")) ++left;
  CHECK(left == 1);
}

TEST_CASE("files are listed newest first, by page; a file is found with its own device only") {
  World world;
  for (const char* const name : {"a", "b", "c"}) {
    world.put(name, name);
    world.management.advance(Seconds{1});
  }
  const registry::DeviceRef ref{{}, world.product, "cam_1"};
  const auto page = world.files->list(ref, {1, 2});
  REQUIRE(page.has_value());
  CHECK(page->total == 3);
  CHECK(page->page_count() == 2);
  CHECK(page->items[0].name == "c");
  CHECK(world.files->list(ref, {2, 2})->items[0].name == "a");
  const std::string c = page->items[0].id;
  CHECK(world.files->find(ref, c)->bytes == 1);
  const registry::DeviceRef second{{}, world.product, "cam_2"};
  CHECK(world.files->find(second, c).problem().code == "tercet.file.NotExisted");
  CHECK(world.files->remove(second, c).problem().code == "tercet.file.NotExisted");
  CHECK(world.files->find({{}, world.product, "nobody"}, c).problem().code == "iot.device.NotExistedDevice");
  CHECK(world.files->content("nothing").content == nullptr);
}

TEST_CASE("the journal has a few entries about one device in a minute") {
  World world;
  REQUIRE(world.init({.bytes = 1000}) == 200);
  for (int i = 0; i < 20; ++i) CHECK(world.block(256, kBlock) == 78119);
  CHECK(world.journal.entries.size() == 6);
  world.management.advance(Seconds{60});
  CHECK(world.block(256, kBlock) == 78119);
  CHECK(world.journal.entries.size() == 7);
}

}  // namespace tercet::file
