#include "platform/job/jobs.h"

#include <doctest/doctest.h>

#include "platform/job/test_jobs.h"

using namespace tercet;
using namespace tercet::job;
using thing::Delivery;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string refusal(const Answer<Job>& made) { return made ? "made" : std::string(made.problem().code.text()); }

struct Bench : TestJobs {
  using TestJobs::TestJobs;
  std::string refused(const NewJob& one) { return refusal(jobs->create(one)); }
};

constexpr const char* kSet = R"({"params":{"threshold":30}})";

}  // namespace

TEST_CASE("a job notifies each device, takes its reports, and is completed with the last of them") {
  Bench bench;
  const Job job = bench.create();
  CHECK(bench.status(job) == "IN_PROGRESS");
  CHECK(bench.states(job) == "QUEUED QUEUED");
  bench.run();
  CHECK(bench.states(job) == "SENT SENT");
  REQUIRE(bench.sent.size() == 2);
  const std::string id = bench.task(job, 1).id;
  CHECK(bench.sent[0].topic == "/sys/" + bench.product + "/board1/thing/job/notify");
  CHECK(bench.sent[0].qos == 1);
  CHECK(has(bench.sent[0].payload, R"("params":{"task":{"taskId":")" + id +
                                       R"(","status":"SENT","jobDocument":{"do":"calibrate"},"jobFile":{}}})"));
  CHECK(has(bench.update(1, id, "IN_PROGRESS", 40), R"("code":200)"));
  CHECK(bench.states(job) == "IN_PROGRESS SENT");
  CHECK(bench.task(job, 1).progress == 40);
  CHECK(has(bench.update(1, id, "SUCCEEDED"), R"("data":{"taskId":")" + id + "\"}"));
  CHECK(has(bench.update(1, id, "SUCCEEDED"), R"("code":200)"));  // its answer was lost
  CHECK(bench.status(job) == "IN_PROGRESS");
  CHECK(has(bench.update(2, bench.task(job, 2).id, "REJECTED"), R"("code":200)"));
  CHECK(bench.states(job) == "SUCCEEDED REJECTED");
  CHECK(bench.status(job) == "COMPLETED");
  CHECK(bench.jobs->tally(job)[TaskState::succeeded] == 1);
}

TEST_CASE("a report on a task that is over, of another device, or unknown is refused with its remedy") {
  Bench bench;
  const Job job = bench.create();
  bench.run();
  const std::string id = bench.task(job, 1).id;
  const std::string strange = bench.update(2, id, "SUCCEEDED");
  CHECK(has(strange, R"("code":460)"));
  CHECK(has(strange, "ask thing/job/get"));
  CHECK(has(bench.update(1, "none", "SUCCEEDED"), R"("code":460)"));
  bench.update(1, id, "FAILED");
  const std::string late = bench.update(1, id, "SUCCEEDED");
  CHECK(has(late, R"("code":460)"));
  CHECK(has(late, "the task is FAILED and stays so"));
  CHECK(bench.states(job) == "FAILED SENT");
}

TEST_CASE("a device asks for its next task, for a list, for one, and for what is over") {
  Bench bench(1);
  bench.delivery = Delivery::offline;
  CHECK(has(bench.get(1), R"("data":{"taskId":"$next"})"));
  const Job first = bench.create(), second = bench.create();
  bench.run();
  CHECK(bench.states(first) == "QUEUED");
  bench.delivery = Delivery::sent;
  const std::string one = bench.task(first, 1).id, two = bench.task(second, 1).id;
  CHECK(has(bench.get(1, "$list"), R"("tasks":[{"taskId":")" + one + R"(","status":"QUEUED"},{"taskId":")" + two));
  CHECK(has(bench.get(1),
            R"("data":{"taskId":"$next","task":{"taskId":")" + one + R"(","status":"SENT","jobDocument":{"do)"));
  CHECK(bench.states(first) == "SENT");  // it has seen it
  CHECK(bench.states(second) == "QUEUED");
  bench.update(1, one, "SUCCEEDED");
  CHECK(has(bench.get(1), "\"" + two + "\""));
  CHECK(has(bench.get(1, one), R"("status":"SUCCEEDED","jobDocument":{},"jobFile":{})"));
  CHECK(has(bench.get(1, "none"), R"("data":{"taskId":"none"})"));
}

TEST_CASE("a device that is offline is notified when it comes, and again at each login until it begins") {
  Bench bench(1);
  bench.delivery = Delivery::offline;
  const Job job = bench.create();
  bench.run(Seconds{60});
  CHECK(bench.sent.size() == 1);
  CHECK(bench.states(job) == "QUEUED");
  bench.delivery = Delivery::sent;
  bench.online(1);
  bench.run(Seconds{2});
  CHECK(bench.sent.size() == 2);
  CHECK(bench.states(job) == "SENT");
  bench.online(1);
  bench.run(Seconds{2});
  CHECK(bench.sent.size() == 3);
  bench.update(1, bench.task(job, 1).id, "IN_PROGRESS");
  bench.online(1);
  bench.run(Seconds{2});
  CHECK(bench.sent.size() == 4);  // the answer to the report, and no more
}

TEST_CASE("a device that has not subscribed yet is tried again a few times, then at its next login") {
  Bench bench(1);
  bench.delivery = Delivery::not_subscribed;
  bench.create();
  bench.run(Seconds{600});
  CHECK(bench.sent.size() == 7);
  bench.delivery = Delivery::sent;
  bench.online(1);
  bench.run(Seconds{2});
  CHECK(bench.sent.size() == 8);
}

TEST_CASE("jobs, tasks and reports outlive a restart") {
  Bench bench;
  bench.delivery = Delivery::offline;
  const Job job = bench.create();
  bench.run();
  bench.restart();
  CHECK(bench.states(job) == "QUEUED QUEUED");
  bench.delivery = Delivery::sent;
  const std::string id = bench.task(job, 1).id;
  CHECK(has(bench.get(1), id));
  bench.update(1, id, "IN_PROGRESS", 70);
  bench.restart();
  CHECK(bench.states(job) == "IN_PROGRESS SENT");  // the second was tried again at the start
  CHECK(bench.task(job, 1).progress == 70);
  bench.update(1, id, "SUCCEEDED");
  bench.restart();
  bench.online(2);
  bench.run(Seconds{2});
  bench.update(2, bench.task(job, 2).id, "SUCCEEDED");
  CHECK(bench.status(job) == "COMPLETED");
}

TEST_CASE("a task that takes longer than its job allows is timed out, also over a restart") {
  Bench bench(1);
  NewJob wanted = bench.wanted();
  wanted.timeout_minutes = 5;
  const Job job = bench.create(wanted);
  bench.run(std::chrono::minutes{20});
  CHECK(bench.states(job) == "SENT");  // the time begins with the device
  bench.update(1, bench.task(job, 1).id, "IN_PROGRESS");
  bench.run(std::chrono::minutes{3});
  bench.restart();
  bench.run(std::chrono::minutes{1});
  CHECK(bench.states(job) == "IN_PROGRESS");
  bench.run(std::chrono::minutes{1});
  CHECK(bench.states(job) == "TIMED_OUT");
  CHECK(bench.status(job) == "COMPLETED");
  CHECK(has(bench.update(1, bench.task(job, 1).id, "SUCCEEDED"), "TIMED_OUT"));
}

TEST_CASE("a cancelled job tells the devices that know of it, when they are back") {
  Bench bench;
  const Job job = bench.create();
  bench.run();
  bench.update(2, bench.task(job, 2).id, "SUCCEEDED");
  bench.sent.clear();
  bench.delivery = Delivery::offline;
  REQUIRE(bench.jobs->cancel(job.id));
  CHECK(bench.states(job) == "CANCELLED SUCCEEDED");
  CHECK(bench.status(job) == "CANCELLED");
  bench.run(Seconds{5});
  bench.restart();
  bench.delivery = Delivery::sent;
  bench.online(1), bench.online(2);
  bench.sent.clear();
  bench.run(Seconds{2});
  REQUIRE(bench.sent.size() == 1);
  CHECK(has(bench.sent[0].payload, R"("status":"CANCELLED","jobDocument":{},"jobFile":{}})"));
  bench.online(1);
  bench.run(Seconds{2});
  CHECK(bench.sent.size() == 1);
  CHECK(bench.jobs->cancel(job.id).problem().code == "tercet.job.JobIsOver");
}

TEST_CASE("a deleted job tells the devices that know of it, and is gone then") {
  Bench bench;
  const Job job = bench.create();
  bench.run();
  bench.sent.clear();
  REQUIRE(bench.jobs->remove(job.id));
  CHECK(bench.status(job) == "REMOVING");
  CHECK(bench.states(job) == "REMOVED REMOVED");
  bench.run(Seconds{1});
  REQUIRE(bench.sent.size() == 2);
  CHECK(has(bench.sent[0].payload, R"("status":"REMOVED")"));
  CHECK(bench.status(job) == "gone");
  CHECK(bench.tasks(job).empty());
  CHECK(bench.jobs->remove(job.id).problem().code == "tercet.job.NotExistedJob");
}

TEST_CASE(
    "a job that nobody knows of, or that is over, is deleted at once; a device that stays away is not waited for") {
  Bench bench(1);
  bench.delivery = Delivery::offline;
  const Job unknown = bench.create();
  bench.run();
  REQUIRE(bench.jobs->remove(unknown.id));
  CHECK(bench.status(unknown) == "gone");
  bench.delivery = Delivery::sent;
  const Job over = bench.create();
  bench.run();
  bench.update(1, bench.task(over, 1).id, "SUCCEEDED");
  REQUIRE(bench.jobs->remove(over.id));
  CHECK(bench.status(over) == "gone");
  const Job away = bench.create();
  bench.run();
  bench.delivery = Delivery::offline;
  REQUIRE(bench.jobs->remove(away.id));
  bench.run(Seconds{10});
  CHECK(bench.status(away) == "REMOVING");
  bench.run(std::chrono::hours{24 * 7});
  CHECK(bench.status(away) == "gone");
}

TEST_CASE("what failed, was rejected, cancelled or timed out is run again") {
  Bench bench(3);
  const Job job = bench.create();
  bench.run();
  CHECK(bench.jobs->rerun(job.id).problem().code == "tercet.job.NothingToRerun");
  bench.update(1, bench.task(job, 1).id, "SUCCEEDED");
  bench.update(2, bench.task(job, 2).id, "FAILED");
  REQUIRE(bench.jobs->cancel(job.id));
  bench.run(Seconds{1});
  CHECK(bench.states(job) == "SUCCEEDED FAILED CANCELLED");
  REQUIRE(bench.jobs->rerun(job.id));
  CHECK(bench.status(job) == "IN_PROGRESS");
  CHECK(bench.states(job) == "SUCCEEDED QUEUED QUEUED");
  bench.run();
  CHECK(bench.states(job) == "SUCCEEDED SENT SENT");
  bench.update(2, bench.task(job, 2).id, "SUCCEEDED");
  bench.update(3, bench.task(job, 3).id, "SUCCEEDED");
  CHECK(bench.status(job) == "COMPLETED");
}

TEST_CASE("a property set is sent to each device, and its answer is the result") {
  Bench bench(3);
  bench.ticket.sent = true;
  const Job job = bench.create(bench.wanted(JobType::property, kSet));
  bench.run(Seconds{1});
  REQUIRE(bench.commands.size() == 3);
  CHECK(bench.commands[0].service.empty());
  CHECK(bench.commands[0].params == R"({"threshold":30})");
  CHECK(bench.states(job) == "SENT SENT SENT");
  CHECK(has(bench.get(1), R"("data":{"taskId":"$next"})"));  // not a task for the device to report on
  bench.answers[0](bench.result(200, R"({"a":1})"));
  bench.answers[1](bench.result(5001));
  CHECK(bench.states(job) == "SUCCEEDED FAILED SENT");
  CHECK(bench.task(job, 1).details == R"({"a":1})");
  CHECK(bench.task(job, 2).text == "the device answered 5001: said so");
  thing::CallResult silence;
  silence.timed_out = true;
  for (std::size_t i = 2; i < 5; ++i) {
    REQUIRE(bench.answers.size() == i + 1);
    bench.answers[i](silence);
    bench.run();
  }
  CHECK(bench.states(job) == "SUCCEEDED FAILED TIMED_OUT");
  CHECK(bench.status(job) == "COMPLETED");
}

TEST_CASE("a command waits for a device that is away or a busy platform, and fails when it does not fit the model") {
  Bench bench(1);
  bench.ticket.error = Error::closed;
  NewJob wanted = bench.wanted(JobType::service, R"({"serviceIdentifier":"reboot","params":{}})");
  const Job job = bench.create(wanted);
  bench.run(Seconds{600});
  CHECK(bench.commands.size() == 7);
  CHECK(bench.commands[0].service == "reboot");
  CHECK(bench.states(job) == "QUEUED");
  bench.ticket.error = Error::no_space;
  bench.online(1);
  bench.run(Seconds{2});
  CHECK(bench.commands.size() == 8);
  bench.ticket.error = Error::bad_argument;
  bench.ticket.detail = "not in the thing model";
  bench.run(Seconds{6});
  CHECK(bench.states(job) == "FAILED");
  CHECK(bench.task(job, 1).text == "not sent: not in the thing model");
}

TEST_CASE("a command whose answer a restart has lost is sent again when the device is back") {
  Bench bench(1);
  bench.ticket.sent = true;
  const Job job = bench.create(bench.wanted(JobType::property, kSet));
  bench.run();
  bench.restart();
  bench.answers[0](bench.result(200));  // for the one that is gone
  CHECK(bench.states(job) == "SENT");
  bench.online(1);
  bench.run(Seconds{2});
  REQUIRE(bench.commands.size() == 2);
  bench.answers[1](bench.result(200));
  CHECK(bench.status(job) == "COMPLETED");
}

TEST_CASE("no more is sent in a minute than the job says") {
  Bench bench(10);
  NewJob wanted = bench.wanted();
  wanted.per_minute = 50;
  bench.create(wanted);
  bench.run(Seconds{5});
  CHECK(bench.sent.size() == 5);
  bench.run(Seconds{20});
  CHECK(bench.sent.size() == 10);
}

TEST_CASE("a scheduled job waits for its time, and devices do not see it before") {
  Bench bench(1);
  NewJob wanted = bench.wanted();
  wanted.start = bench.loop.wall().ms + 11 * 60'000;
  const Job job = bench.create(wanted);
  CHECK(bench.status(job) == "WAITING");
  bench.online(1);
  bench.run(std::chrono::minutes{5});
  CHECK(bench.sent.empty());
  CHECK(has(bench.get(1), R"("data":{"taskId":"$next"})"));
  bench.sent.clear();
  bench.run(std::chrono::minutes{7});
  CHECK(bench.status(job) == "IN_PROGRESS");
  CHECK(bench.sent.size() == 1);
}

TEST_CASE("targets are devices, a group, or a product; each wrong one is refused") {
  Bench bench(3);
  NewJob wanted = bench.wanted();
  wanted.target = Target::devices;
  CHECK(bench.refused(wanted) == "tercet.job.NoDevices");
  wanted.devices = {{"", bench.product, "board3"}, {"", bench.product, "board1"}, {"", bench.product, "board3"}};
  CHECK(bench.tasks(bench.create(wanted)).size() == 2);
  wanted.devices.push_back({"", bench.product, "board9"});
  CHECK(bench.refused(wanted) == "iot.device.NotExistedDevice");
  wanted.target = Target::group;
  wanted.group = "none";
  CHECK(bench.refused(wanted) == "iot.group.NotExistedGroup");
  const auto group = bench.registry->create_group("kitchen", "", "");
  REQUIRE(group);
  wanted.group = group->id;
  CHECK(bench.refused(wanted) == "tercet.job.NoDevices");
  REQUIRE(bench.registry->join_group(group->id, {bench.registry->device(bench.numbers[1])->device}));
  CHECK(bench.tasks(bench.create(wanted)).size() == 1);
  wanted.target = Target::product;
  wanted.product = "none";
  CHECK(bench.refused(wanted) == "iot.prod.NotExistedProduct");
}

TEST_CASE("what is out of range is refused, and named") {
  Settings settings;
  settings.jobs = 1;
  settings.job_devices = 2;
  Bench bench(3, settings);
  const auto with = [&](auto change) {
    NewJob wanted = bench.wanted();
    change(wanted);
    return bench.refused(wanted);
  };
  CHECK(with([](NewJob&) {}) == "tercet.job.TooManyDevices");
  for (const char* name : {"abc", "a b c d", "a-job", "0123456789012345678901234567890"})
    CHECK(with([&](NewJob& j) { j.name = name; }) == "tercet.job.InvalidParameter");
  CHECK(with([](NewJob& j) { j.name = "校准任务"; }) == "tercet.job.TooManyDevices");
  CHECK(with([](NewJob& j) { j.about = std::string(401, 'x'); }) == "tercet.job.InvalidParameter");
  CHECK(with([](NewJob& j) { j.per_minute = 49; }) == "tercet.job.InvalidParameter");
  CHECK(with([](NewJob& j) { j.per_minute = 1001; }) == "tercet.job.InvalidParameter");
  CHECK(with([](NewJob& j) { j.timeout_minutes = -1; }) == "tercet.job.InvalidParameter");
  CHECK(with([](NewJob& j) { j.start = 1; }) == "tercet.job.InvalidParameter");
  CHECK(with([](NewJob& j) { j.file = {"https://x", "00", "Crc", ""}; }) == "tercet.job.InvalidParameter");
  CHECK(with([](NewJob& j) { j.document = "[]"; }) == "tercet.job.InvalidDocument");
  CHECK(with([](NewJob& j) { j.document = "{\"a\":\"" + std::string(65'536, 'x') + "\"}"; }) ==
        "tercet.job.InvalidDocument");
  CHECK(with([](NewJob& j) { j.type = JobType::property; }) == "tercet.job.InvalidDocument");
  CHECK(with([](NewJob& j) { j.type = JobType::service, j.document = R"({"params":{}})"; }) ==
        "tercet.job.InvalidDocument");
  CHECK(with([](NewJob& j) { j.type = JobType::property, j.document = kSet, j.timeout_minutes = 1; }) ==
        "tercet.job.InvalidParameter");
  NewJob wanted = bench.wanted();
  wanted.target = Target::devices;
  wanted.devices = {{"", bench.product, "board1"}};
  bench.create(wanted);
  CHECK(bench.refused(wanted) == "tercet.job.TooManyJobs");
}

TEST_CASE("pace, time and description of a job are changed while it is not over") {
  Bench bench(1);
  const Job job = bench.create();
  bench.run();
  JobChange change;
  change.about = "of the cellar", change.per_minute = 60, change.timeout_minutes = 2;
  REQUIRE(bench.jobs->update(job.id, change));
  const auto now = bench.jobs->job(job.id);
  CHECK(now->about == "of the cellar");
  CHECK(now->per_minute == 60);
  bench.update(1, bench.task(job, 1).id, "IN_PROGRESS");
  change = {};
  change.timeout_minutes = 1;
  REQUIRE(bench.jobs->update(job.id, change));
  bench.run(Seconds{70});
  CHECK(bench.states(job) == "TIMED_OUT");
  CHECK(bench.jobs->update(job.id, change).problem().code == "tercet.job.JobIsOver");
  change.timeout_minutes = 20'000;
  CHECK(bench.jobs->update(job.id, change).problem().code == "tercet.job.InvalidParameter");
}

TEST_CASE("an uploaded file goes with its job: claimed, linked anew each time, dropped with the job") {
  Bench bench(1);
  NewJob wanted = bench.wanted();
  wanted.file.key = "file-1.bin", wanted.file.method = "Md5", wanted.file.sign = "00FF";
  const Job job = bench.create(wanted);
  CHECK(bench.claimed == std::vector<std::string>{"file-1.bin"});
  bench.run();
  CHECK(has(bench.sent.at(0).payload,
            R"("jobFile":{"signMethod":"Md5","sign":"00ff","fileUrl":"https://here/file-1.bin"})"));
  bench.restart();
  bench.files = "https://there/";
  CHECK(has(bench.get(1), R"("fileUrl":"https://there/file-1.bin")"));
  CHECK(bench.jobs->file_url(*bench.jobs->job(job.id)) == "https://there/file-1.bin");
  REQUIRE(bench.jobs->remove(job.id));
  CHECK(bench.dropped.empty());  // the device is to be told first
  bench.run(Seconds{1});
  CHECK(bench.dropped == std::vector<std::string>{"file-1.bin"});
  wanted.file.sign = "00fe";
  CHECK(bench.refused(wanted) == "tercet.job.WrongSign");
  wanted.file.sign.clear(), wanted.file.method = "Sha256";
  CHECK(bench.create(wanted).file.sign == "aabb");
  bench.files.clear();
  CHECK(bench.refused(wanted) == "tercet.job.FilesNotOffered");
}

TEST_CASE("a device that is deleted leaves its jobs") {
  Bench bench;
  const Job job = bench.create();
  bench.run();
  bench.jobs->forget(bench.numbers[0]);
  CHECK(bench.states(job) == "CANCELLED SENT");
  bench.update(2, bench.task(job, 2).id, "SUCCEEDED");
  CHECK(bench.status(job) == "COMPLETED");
}

TEST_CASE("jobs and tasks are listed in pages") {
  Bench bench(3);
  const Job first = bench.create(), second = bench.create();
  bench.run();
  auto page = bench.jobs->jobs(std::nullopt, {1, 1});
  CHECK(page->total == 2);
  CHECK(page->items.at(0).id == second.id);
  CHECK(bench.jobs->jobs(JobStatus::completed, {1, 10})->total == 0);
  TaskFilter filter;
  filter.job = first.number;
  filter.most = 2;
  auto tasks = bench.jobs->tasks(filter);
  REQUIRE(tasks->size() == 2);
  filter.after = tasks->back().task.number;
  CHECK(bench.jobs->tasks(filter)->size() == 1);
  TaskFilter of_device;
  of_device.device = bench.numbers[0];
  CHECK(bench.jobs->tasks(of_device)->size() == 2);
  of_device.state = TaskState::failed;
  CHECK(bench.jobs->tasks(of_device)->empty());
}
