#include <doctest/doctest.h>

#include "platform/upgrade/test_upgrades.h"

namespace tercet::upgrade {
namespace {

template <typename T>
std::string code(const Answer<T>& answer) {
  return answer ? "" : std::string(answer.problem().code);
}

std::string list(TestUpgrades& bench, std::string_view content) {
  const auto form = bench.upgrades->make_list_form();
  auto writer = bench.upgrades->begin_upload(form);
  REQUIRE(writer.has_value());
  REQUIRE((*writer)->add(as_bytes(content)).has_value());
  const auto facts = (*writer)->keep();
  REQUIRE(bench.upgrades->end_upload(form.key, *facts).has_value());
  return form.key;
}

std::string group(TestUpgrades& bench, std::initializer_list<int> boards) {
  const auto made = bench.registry->create_group("group of boards", "", "");
  REQUIRE(made.has_value());
  std::vector<registry::Device> devices;
  for (const int board : boards)
    devices.push_back(bench.registry->device(bench.numbers[static_cast<std::size_t>(board - 1)])->device);
  REQUIRE(bench.registry->join_group(made->id, devices).has_value());
  return made->id;
}

TEST_CASE("a job is for the devices of a list, with a heading, quotes, blank lines and repetitions in it") {
  TestUpgrades bench(4);
  JobOptions options;
  options.selection = Selection::specific;
  options.list = list(bench,
                      "\xEF\xBB\xBF"
                      "DeviceName\r\nboard1\r\n\"board3\",x\n\nboard1\nunknown");
  const Job job = bench.job(bench.firmware(), options);
  bench.restart();
  const auto tasks = bench.tasks(job);
  REQUIRE(tasks.size() == 2);
  CHECK(tasks[0].task.device_name == "board1");
  CHECK(tasks[1].task.device_name == "board3");
}

TEST_CASE("a list that is an image, is gone, or is too long makes no job, and a list is no image") {
  TestUpgrades bench(2, {.job_devices = 3});
  const Firmware firmware = bench.firmware();
  JobOptions options;
  options.selection = Selection::specific;
  const auto refusal = [&](std::string key) {
    options.list = std::move(key);
    return code(bench.upgrades->create_job(JobKind::fixed, firmware.id, bench.product, options));
  };
  CHECK(refusal("devices-unknown.csv") == "tercet.ota.NotExistedUpload");
  CHECK(refusal(bench.upload("board1\n")) == "tercet.ota.NotExistedUpload");
  CHECK(refusal(list(bench, "a\nb\nc\nd\n")) == "tercet.ota.TooManyDevices");
  CHECK(refusal(list(bench, "nobody\n")) == "tercet.ota.NoDevices");
  auto wanted = bench.wanted("3.0");
  wanted.key = list(bench, "board1\n");
  CHECK(code(bench.upgrades->create_firmware(wanted)) == "tercet.ota.NotExistedUpload");
  CHECK(refusal(wanted.key).empty());
}

TEST_CASE("a job for a group has the group's devices; a dynamic one takes in its devices that report later") {
  TestUpgrades bench(4);
  for (int board = 1; board <= 4; ++board) bench.inform(board, "1.0");
  JobOptions options;
  options.selection = Selection::group;
  options.group = group(bench, {1, 3});
  const Firmware firmware = bench.firmware();
  const Job job = bench.job(firmware, options);
  REQUIRE(bench.tasks(job).size() == 2);
  CHECK(bench.tasks(job)[1].task.device_name == "board3");

  options.group = bench.registry->create_group("another group", "", "")->id;
  CHECK(code(bench.upgrades->create_job(JobKind::fixed, firmware.id, bench.product, options)) ==
        "tercet.ota.NoDevices");
  options.group = "nowhere";
  CHECK(code(bench.upgrades->create_job(JobKind::fixed, firmware.id, bench.product, options)) ==
        "iot.group.NotExistedGroup");

  JobOptions later;
  later.group = bench.registry->group(bench.registry->groups("another", "", {1, 1})->items.at(0).number)->id;
  const Job dynamic = bench.job(bench.firmware("3.0"), later, JobKind::dynamic);
  bench.restart();
  bench.inform(2, "1.0");
  CHECK(bench.tasks(dynamic).empty());
  const registry::Device second = bench.registry->device(bench.numbers[1])->device;
  REQUIRE(bench.registry->join_group(later.group, {second}).has_value());
  bench.inform(2, "1.0");
  CHECK(bench.tasks(dynamic).size() == 1);
}

TEST_CASE("a firmware's name and what devices are handed with it can be changed") {
  TestUpgrades bench(1);
  const Firmware firmware = bench.firmware();
  CHECK(bench.upgrades->change_firmware(firmware.id, bench.product, {"spring", "about", "{\"a\":1}"}).has_value());
  bench.restart();
  const auto now = bench.upgrades->firmware(firmware.id);
  CHECK(now->name == "spring");
  CHECK(now->about == "about");
  CHECK(now->udi == "{\"a\":1}");
  CHECK(now->version == firmware.version);
  CHECK(code(bench.upgrades->change_firmware(firmware.id, "another", {"x", {}, {}})) ==
        "tercet.ota.NotExistedFirmware");
  CHECK(code(bench.upgrades->change_firmware(firmware.id, "", {"", {}, {}})) == "tercet.ota.InvalidFirmwareName");
  CHECK(code(bench.upgrades->change_firmware(firmware.id, "", {{}, {}, std::string(4097, 'u')})) ==
        "tercet.ota.LongUdi");
}

TEST_CASE("a job's pace, patience and tags can be changed while it is not over") {
  TestUpgrades bench(1);
  bench.inform(1, "1.0");
  const Job job = bench.job(bench.firmware());
  bench.run();
  bench.progress(1, 10);
  JobChange change;
  change.timeout_minutes = 1;
  change.per_minute = 10;
  change.tags.emplace().emplace_back("k", "v");
  CHECK(bench.upgrades->change_job(job.id, change).has_value());
  change.timeout_minutes = 1441;
  CHECK(code(bench.upgrades->change_job(job.id, change)) == "tercet.ota.InvalidParameter");
  JobChange sources;
  sources.sources = std::vector<std::string>{"1.0"};
  CHECK(code(bench.upgrades->change_job(job.id, sources)) == "tercet.ota.InvalidParameter");
  bench.restart();
  CHECK(bench.upgrades->job(job.id)->options.per_minute == 10);
  CHECK(bench.upgrades->job(job.id)->options.tags.size() == 1);
  bench.run(Seconds{61});
  CHECK(bench.states(job) == "FAILED");  // a minute of silence, not a day
  CHECK(code(bench.upgrades->change_job(job.id, {10, {}, {}, {}})) == "tercet.ota.JobIsOver");
}

TEST_CASE("a dynamic job can be for other versions from now on") {
  TestUpgrades bench(1);
  JobOptions options;
  options.sources = {"0.9"};
  const Job job = bench.job(bench.firmware(), options, JobKind::dynamic);
  bench.inform(1, "1.0");
  CHECK(bench.tasks(job).empty());
  JobChange change;
  change.sources = std::vector<std::string>{"0.9", "1.0"};
  REQUIRE(bench.upgrades->change_job(job.id, change).has_value());
  bench.inform(1, "1.0");
  CHECK(bench.tasks(job).size() == 1);
}

}  // namespace
}  // namespace tercet::upgrade
