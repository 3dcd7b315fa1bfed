#include "platform/upgrade/upgrades.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "platform/upgrade/test_upgrades.h"

using namespace tercet;
using namespace tercet::upgrade;

namespace {

boost::json::object data_of(const Letter& letter) { return boost::json::parse(letter.payload).at("data").as_object(); }
constexpr Millis kHour{3'600'000}, kMinute{60'000};

}  // namespace

TEST_CASE("a firmware is what was uploaded, and what does not fit is refused in words") {
  TestUpgrades bench;
  const Firmware made = bench.firmware();
  CHECK(made.bytes == 9);
  CHECK(made.sign == "25f9e794323b453885f5181f1b624d0b");
  CHECK(bench.upgrades->firmware(made.id)->version == "2.0");
  const auto code = [&](const NewFirmware& wanted) {
    const auto answer = bench.upgrades->create_firmware(wanted);
    return answer ? std::string("none") : std::string(answer.problem().code);
  };
  CHECK(code(bench.wanted("2.0")) == "tercet.ota.AlreadyExistedVersion");
  CHECK(code(bench.wanted("2 0")) == "tercet.ota.InvalidVersion");
  auto odd = bench.wanted("3.0");
  odd.module = "mcu";
  CHECK(code(odd) == "tercet.ota.NotExistedModule");
  REQUIRE(bench.upgrades->create_module({bench.product, "mcu", "", "", {}, {}}).has_value());
  odd.sign = "25f9e794323b453885f5181f1b624d0c";
  CHECK(code(odd) == "tercet.ota.WrongSign");
  odd.sign = "25F9E794323B453885F5181F1B624D0B";
  odd.bytes = 10;
  CHECK(code(odd) == "tercet.ota.WrongSize");
  odd.bytes = 9;
  CHECK(code(odd) == "none");
  CHECK(code(odd) == "tercet.ota.AlreadyExistedVersion");
  odd.version = "3.1";
  CHECK(code(odd) == "tercet.ota.NotExistedUpload");  // used up
  CHECK(bench.upgrades->delete_module(bench.product, "mcu").problem().code == "tercet.ota.ModuleInUse");
  REQUIRE(bench.upgrades->delete_firmware(made.id).has_value());
  CHECK(bench.upgrades->firmware(made.id).problem().code == "tercet.ota.NotExistedFirmware");
}

TEST_CASE("an upload's form is good for a minute, for its own key, until the next start") {
  TestUpgrades bench;
  auto form = *bench.upgrades->make_form("tar.gz");
  CHECK(form.key.ends_with(".tar.gz"));
  CHECK(bench.upgrades->make_form("exe").problem().code == "tercet.ota.InvalidFileSuffix");
  auto other = form;
  other.key = "ota-x.bin";
  CHECK(bench.upgrades->begin_upload(other).problem().code == "tercet.ota.UploadRefused");
  other = form;
  other.policy[0] = 'f';
  CHECK(bench.upgrades->begin_upload(other).problem().code == "tercet.ota.UploadRefused");
  CHECK(bench.upgrades->begin_upload(form).has_value());
  bench.run(Millis{62'000});
  CHECK(bench.upgrades->begin_upload(form).problem().code == "tercet.ota.UploadExpired");
  form = *bench.upgrades->make_form("bin");
  bench.restart();
  CHECK(bench.upgrades->begin_upload(form).problem().code == "tercet.ota.UploadRefused");
}

TEST_CASE("[7.2] a job pushes to every device that does not run the version yet, and ends with the last of them") {
  TestUpgrades bench;
  bench.inform(1, "1.0");
  bench.inform(2, "1.0");
  bench.inform(3, "2.0");
  const Firmware made = bench.firmware();
  JobOptions options;
  options.tags = {{"batch", "first"}};
  const Job job = bench.job(made, options);
  bench.run();
  REQUIRE(bench.sent.size() == 2);
  CHECK(bench.sent[0].topic == "/ota/device/upgrade/" + bench.product + "/board1");
  CHECK(bench.sent[0].payload.starts_with(R"({"code":"1000","data":{)"));
  const auto data = data_of(bench.sent[0]);
  CHECK(data.at("size").as_int64() == 9);
  CHECK(data.at("version").as_string() == "2.0");
  CHECK(data.at("sign").as_string() == made.md5);
  CHECK(data.at("md5").as_string() == made.md5);
  CHECK(data.at("signMethod").as_string() == "Md5");
  CHECK(data.at("extData").at("batch").as_string() == "first");
  CHECK(std::string(data.at("url").as_string()).starts_with("https://platform.example:8443/files/firmware/"));
  CHECK(data.if_contains("module") == nullptr);
  CHECK(bench.states(job) == "NOTIFIED NOTIFIED");
  bench.progress(1, 40);
  CHECK(bench.states(job) == "IN_PROGRESS NOTIFIED");
  bench.progress(1, 100);
  CHECK(bench.status(job) == "IN_PROGRESS");
  bench.inform(1, "2.0");
  bench.inform(2, "2.0");
  CHECK(bench.states(job) == "SUCCEEDED SUCCEEDED");
  CHECK(bench.status(job) == "COMPLETED");
}

TEST_CASE("a restart loses nothing: jobs go on, and who comes back is told again") {
  TestUpgrades bench;
  const Job job = bench.job(bench.firmware());
  bench.run();
  bench.progress(1, 30);
  bench.inform(2, "2.0");
  bench.run();
  bench.restart();
  CHECK(bench.states(job) == "IN_PROGRESS SUCCEEDED NOTIFIED");
  bench.sent.clear();
  bench.run(Millis{5000});
  CHECK(bench.sent.empty());
  bench.online(1);
  bench.run(Millis{2000});
  REQUIRE(bench.sent.size() == 1);
  CHECK(bench.sent[0].name == "board1");
  bench.inform(1, "2.0");
  bench.inform(3, "2.0");
  bench.restart();
  CHECK(bench.status(job) == "COMPLETED");
  CHECK(bench.states(job) == "SUCCEEDED SUCCEEDED SUCCEEDED");
}

TEST_CASE("who is not there is told when it comes, who does not listen yet a little later") {
  TestUpgrades bench(1);
  bench.delivery = thing::Delivery::offline;
  const Job job = bench.job(bench.firmware());
  bench.run(kHour);
  CHECK(bench.sent.size() == 1);
  CHECK(bench.states(job) == "QUEUED");
  bench.delivery = thing::Delivery::not_subscribed;
  bench.online(1);
  bench.run(Millis{1500});
  CHECK(bench.sent.size() == 2);
  bench.delivery = thing::Delivery::sent;
  bench.run(Millis{3000});
  CHECK(bench.sent.size() == 3);
  CHECK(bench.states(job) == "NOTIFIED");
}

TEST_CASE("pushes are paced: so many a minute of a job, so many a second of all") {
  Settings settings;
  settings.pushes_per_second = 20;
  TestUpgrades bench(100, settings);
  JobOptions options;
  options.per_minute = 600;
  bench.job(bench.firmware(), options);
  bench.run(Millis{3000});
  CHECK(bench.sent.size() >= 29);
  CHECK(bench.sent.size() <= 32);
  bench.run(Millis{8000});
  CHECK(bench.sent.size() == 100);

  bench.sent.clear();
  bench.job(bench.firmware("3.0"), {}, JobKind::fixed);  // every device is busy: nobody is told
  bench.run();
  CHECK(bench.sent.empty());
}

TEST_CASE("a job that fails too often stops by itself, and what was under way may end") {
  TestUpgrades bench(10);
  JobOptions options;
  options.stop_percent = 30;
  options.stop_after = 4;
  const Job job = bench.job(bench.firmware(), options);
  bench.run();
  for (int i = 1; i <= 2; ++i) bench.inform(i, "2.0");
  bench.progress(3, -4);
  CHECK(bench.status(job) == "IN_PROGRESS");  // one of three, and four must have ended
  bench.progress(5, 10);
  bench.progress(4, -4);
  CHECK(bench.status(job) == "CANCELED");
  CHECK(bench.upgrades->job(job.id)->text == "stopped: 2 of 4 ended tasks failed, more than 30 percent");
  CHECK(bench.states(job) ==
        "SUCCEEDED SUCCEEDED FAILED FAILED IN_PROGRESS CANCELED CANCELED CANCELED CANCELED CANCELED");
  bench.inform(5, "2.0");
  CHECK(bench.states(job).find("IN_PROGRESS") == std::string::npos);
  CHECK(bench.status(job) == "CANCELED");
}

TEST_CASE("a failure rate at the limit does not stop, and refused tasks of busy devices do not count") {
  TestUpgrades bench(4);
  const Job first = bench.job(bench.firmware("1.5"));
  JobOptions options;
  options.stop_percent = 50;
  const Job job = bench.job(bench.firmware(), options);
  CHECK(bench.states(job) == "FAILED FAILED FAILED FAILED");
  CHECK(bench.status(job) == "COMPLETED");
  CHECK(bench.status(first) == "IN_PROGRESS");
}

TEST_CASE("a later job takes the place of what has not begun when it is told to") {
  TestUpgrades bench(2);
  const Job first = bench.job(bench.firmware("1.5"));
  bench.run();
  bench.progress(1, 5);
  JobOptions options;
  options.overwrite = true;
  const Job second = bench.job(bench.firmware(), options);
  CHECK(bench.states(first) == "IN_PROGRESS CANCELED");
  CHECK(bench.states(second) == "FAILED QUEUED");
}

TEST_CASE("a percentage of the devices, at least one; and those of a version only") {
  TestUpgrades bench(10);
  for (int i = 1; i <= 9; ++i) bench.inform(i, "1.0");
  JobOptions options;
  options.selection = Selection::gray;
  options.gray_percent = "33.33";
  options.sources = {"1.0"};
  CHECK(bench.tasks(bench.job(bench.firmware(), options)).size() == 2);
  TestUpgrades few(2);
  options.sources.clear();
  options.gray_percent = "1";
  CHECK(few.tasks(few.job(few.firmware(), options)).size() == 1);
}

TEST_CASE("a job waits for its time, and what has not begun when the time is over is canceled") {
  TestUpgrades bench(2);
  JobOptions options;
  options.start = bench.loop.wall().ms + 10 * kMinute.count();
  options.finish = options.start + 2 * kHour.count();
  const Job job = bench.job(bench.firmware(), options);
  CHECK(bench.status(job) == "PLANNED");
  bench.upgrades->on_messages({bench.from(1, thing::UpgradeMessage::Kind::pull)});
  REQUIRE(bench.sent.size() == 1);
  CHECK(data_of(bench.sent[0]).empty());
  bench.deaf = bench.numbers[1];
  bench.run(11 * kMinute);
  CHECK(bench.status(job) == "IN_PROGRESS");
  CHECK(bench.states(job) == "NOTIFIED QUEUED");
  bench.progress(1, 5);
  bench.run(2 * kHour);
  CHECK(bench.states(job) == "IN_PROGRESS CANCELED");
  bench.inform(1, "2.0");
  CHECK(bench.status(job) == "COMPLETED");
}

TEST_CASE("retries are pushed again after their interval; silence after the first progress is a failure") {
  TestUpgrades bench(2);
  JobOptions options;
  options.retries = 1;
  options.retry_minutes = 10;
  options.timeout_minutes = 30;
  const Job job = bench.job(bench.firmware(), options);
  bench.run();
  bench.progress(1, -2);
  bench.progress(2, 20);
  bench.sent.clear();
  bench.run(9 * kMinute);
  CHECK(bench.sent.empty());
  bench.restart();  // the retry's time is kept
  bench.run(2 * kMinute);
  CHECK(bench.sent.size() == 1);
  bench.run(20 * kMinute);
  CHECK(bench.states(job) == "NOTIFIED FAILED");
  bench.progress(1, -2);
  CHECK(bench.states(job) == "FAILED FAILED");
  CHECK(bench.status(job) == "COMPLETED");

  bench.sent.clear();
  REQUIRE(bench.upgrades->upgrade_again(job.id, {}).has_value());
  CHECK(bench.status(job) == "IN_PROGRESS");
  bench.run();
  CHECK(bench.sent.size() == 2);
  bench.inform(1, "2.0");
  bench.inform(2, "2.0");
  CHECK(bench.status(job) == "COMPLETED");
}

TEST_CASE("a dynamic job takes in who reports an older version later, once; until its strategy is ended") {
  TestUpgrades bench(3);
  bench.inform(1, "1.0");
  JobOptions options;
  options.sources = {"1.0"};
  const Firmware made = bench.firmware();
  const Job job = bench.job(made, options, JobKind::dynamic);
  CHECK(bench.tasks(job).size() == 1);
  CHECK(bench.upgrades->create_job(JobKind::dynamic, made.id, bench.product, options).problem().code ==
        "tercet.ota.DynamicJobExists");
  bench.inform(2, "0.9");
  CHECK(bench.tasks(job).size() == 1);
  bench.inform(2, "1.0");
  bench.inform(2, "1.0");
  CHECK(bench.tasks(job).size() == 2);
  bench.inform(1, "2.0");
  bench.inform(2, "2.0");
  CHECK(bench.status(job) == "IN_PROGRESS");
  bench.inform(1, "1.0");  // went back by itself: not taken in again
  CHECK(bench.tasks(job).size() == 2);
  REQUIRE(bench.upgrades->end_strategy(job.id).has_value());
  CHECK(bench.status(job) == "CANCELED");
  bench.inform(3, "1.0");
  CHECK(bench.tasks(job).size() == 2);
}

TEST_CASE("an unverified firmware goes to its verification job's devices only") {
  TestUpgrades bench(2);
  auto wanted = bench.wanted("2.0");
  wanted.verify = true;
  const auto made = bench.upgrades->create_firmware(wanted);
  REQUIRE(made.has_value());
  CHECK(bench.upgrades->create_job(JobKind::fixed, made->id, bench.product, {}).problem().code ==
        "tercet.ota.NotVerified");
  JobOptions options;
  options.devices = {"board1"};
  const Job job = bench.job(*made, options, JobKind::verify);
  CHECK(bench.upgrades->firmware(made->id)->status == FirmwareStatus::verifying);
  bench.run();
  bench.inform(1, "2.0");
  CHECK(bench.status(job) == "COMPLETED");
  CHECK(bench.upgrades->firmware(made->id)->status == FirmwareStatus::verified);
  CHECK(bench.tasks(bench.job(*made)).size() == 1);
}

TEST_CASE("tasks that wait for a word are pushed after it") {
  TestUpgrades bench(1);
  JobOptions options;
  options.confirm = true;
  const Job job = bench.job(bench.firmware(), options);
  bench.run(kMinute);
  CHECK(bench.states(job) == "CONFIRM");
  CHECK(bench.sent.empty());
  REQUIRE(bench.upgrades->confirm({bench.tasks(job)[0].task.id}).has_value());
  bench.run();
  CHECK(bench.states(job) == "NOTIFIED");
  CHECK(bench.upgrades->confirm({"none"}).problem().code == "tercet.ota.NotExistedTask");
}

TEST_CASE("a job is canceled by the kinds of tasks, by device, and says when it was told nothing") {
  TestUpgrades bench(3);
  const Firmware made = bench.firmware();
  const Job job = bench.job(made);
  bench.run();
  bench.progress(1, 10);
  CHECK(bench.upgrades->cancel_job(job.id, {}).problem().code == "tercet.ota.NothingToCancel");
  REQUIRE(bench.upgrades->cancel_devices(made.id, {bench.numbers[2]}, job.id).has_value());
  CHECK(bench.states(job) == "IN_PROGRESS NOTIFIED CANCELED");
  REQUIRE(bench.upgrades->cancel_job(job.id, {false, true, true, false, false}).has_value());
  CHECK(bench.states(job) == "IN_PROGRESS CANCELED CANCELED");
  CHECK(bench.status(job) == "IN_PROGRESS");
  CHECK(bench.upgrades->delete_firmware(made.id).problem().code == "tercet.ota.FirmwareInUse");
  REQUIRE(bench.upgrades->cancel_job(job.id, {false, false, false, true, false}).has_value());
  CHECK(bench.status(job) == "CANCELED");
  CHECK(bench.upgrades->delete_firmware(made.id).has_value());
}

TEST_CASE("[7.4] [7.6] a device pulls, and gets the file over its session; others do not") {
  TestUpgrades bench(2);
  const Firmware made = bench.firmware();
  JobOptions options;
  options.over_mqtt = true;
  options.selection = Selection::specific;
  options.devices = {"board1"};
  options.push = false;
  const Job job = bench.job(made, options);
  bench.run(kMinute);
  CHECK(bench.sent.empty());
  bench.upgrades->on_messages({bench.from(1, thing::UpgradeMessage::Kind::pull)});
  REQUIRE(bench.sent.size() == 1);
  const auto data = data_of(bench.sent[0]);
  CHECK(bench.sent[0].topic.ends_with("/thing/ota/firmware/get_reply"));
  CHECK(data.at("dProtocol").as_string() == "mqtt");
  CHECK(data.if_contains("url") == nullptr);
  auto ask = bench.from(1, thing::UpgradeMessage::Kind::block);
  ask.stream = static_cast<std::uint64_t>(data.at("streamId").as_int64());
  ask.file = static_cast<std::uint64_t>(data.at("streamFileId").as_int64());
  ask.offset = 6;
  ask.size = 5120;
  bench.upgrades->on_messages({ask});
  CHECK(bench.sent.back().payload.find(R"("bSize":3,"bOffset":6,"fileLength":9)") != std::string::npos);
  CHECK(bench.sent.back().payload.substr(bench.sent.back().payload.size() - 5, 3) == "789");
  ask.offset = 9;
  bench.upgrades->on_messages({ask});
  CHECK(bench.sent.back().payload.find(R"("code":460)") != std::string::npos);
  auto other = bench.from(2, thing::UpgradeMessage::Kind::block);
  other.stream = ask.stream, other.file = ask.file, other.size = 10;
  bench.upgrades->on_messages({other});
  CHECK(bench.sent.back().payload.find(R"("code":460)") != std::string::npos);
  bench.run();
  CHECK(bench.states(job) == "NOTIFIED");
}

TEST_CASE("[7.2] [7.6] an offer with an address names a stream too, as long as the file is one for the session") {
  for (const std::uint64_t most : {9, 8}) {
    CAPTURE(most);
    Settings settings;
    settings.image_bytes_over_mqtt = most;
    TestUpgrades bench(1, settings);
    bench.job(bench.firmware());
    bench.run();
    REQUIRE(bench.sent.size() == 1);
    const auto data = data_of(bench.sent[0]);
    const bool fits = most == 9;
    CHECK(data.if_contains("url") != nullptr);
    CHECK(data.if_contains("dProtocol") == nullptr);  // it would send the vendor's clients to the stream
    CHECK((data.if_contains("streamId") != nullptr) == fits);
    CHECK((data.if_contains("streamFileId") != nullptr) == fits);
    auto ask = bench.from(1, thing::UpgradeMessage::Kind::block);
    ask.stream = 1, ask.file = 1, ask.size = 5120;
    if (fits) ask.stream = static_cast<std::uint64_t>(data.at("streamId").as_int64());
    bench.upgrades->on_messages({ask});
    CHECK(bench.sent.back().payload.find(fits ? R"("code":200)" : R"("code":460)") != std::string::npos);
  }
}

TEST_CASE("a module's versions and upgrades are its own") {
  TestUpgrades bench(1);
  REQUIRE(bench.upgrades->create_module({bench.product, "mcu", "", "", {}, {}}).has_value());
  auto wanted = bench.wanted("5.0");
  wanted.module = "mcu";
  wanted.method = SignMethod::sha256;
  const auto made = bench.upgrades->create_firmware(wanted);
  REQUIRE(made.has_value());
  const Job whole = bench.job(bench.firmware());
  const Job job = bench.job(*made);
  bench.run();
  CHECK(data_of(bench.sent.back()).at("module").as_string() == "mcu");
  CHECK(data_of(bench.sent.back()).at("signMethod").as_string() == "SHA256");
  CHECK(data_of(bench.sent.back()).if_contains("md5") == nullptr);
  bench.inform(1, "5.0");
  CHECK(bench.states(job) == "NOTIFIED");
  bench.inform(1, "5.0", "mcu");
  CHECK(bench.states(job) == "SUCCEEDED");
  CHECK(bench.states(whole) == "NOTIFIED");
  CHECK(bench.upgrades->versions(bench.numbers[0], {1, 10})->items.size() == 2);
}

TEST_CASE("a deleted device holds no job up") {
  TestUpgrades bench(2);
  bench.inform(2, "1.0");
  const Job job = bench.job(bench.firmware());
  bench.run();
  bench.inform(1, "2.0");
  bench.upgrades->forget(bench.numbers[1]);
  CHECK(bench.states(job) == "SUCCEEDED CANCELED");
  CHECK(bench.status(job) == "COMPLETED");
  CHECK(bench.upgrades->version(bench.numbers[1]).empty());
}
