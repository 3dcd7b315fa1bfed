#include "tercet/device/jobs.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ports/fake/board.h"

using namespace tercet;
using namespace tercet::device;

namespace {

constexpr const char* kHead = "/sys/a1B2c3D4e5F/sensor_01/thing/job/";

std::string task_of(const std::string& id, const std::string& status = "SENT") {
  return R"({"taskId":")" + id + R"(","status":")" + status + R"(","jobDocument":{"do":"x"},"jobFile":{}})";
}

struct Board final : DeviceEvents, JobEvents {
  Board() {
    Options options;
    options.time.floor = UnixMillis{1'700'000'000'000};
    static constexpr std::string_view kServers[] = {"one.example", "two.example"};
    options.time.servers = kServers;
    board.platform.record_all = true;
    const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
    REQUIRE(device.start(id, {"iot.example", 1883, false}, options));
    REQUIRE(jobs.start(device, id));
    CHECK(jobs.report(JobState::failed).error() == Error::bad_state);
    come_online();
  }
  void come_online() {
    for (int i = 0; i < 20'000 && !(device.is_online() && device.ladder().standing() >= Rung::suback); ++i) pass();
    REQUIRE(device.is_online());
    pass(5);
  }
  void pass(int times = 1) {
    for (int i = 0; i < times; ++i) {
      device.run(), jobs.run(board.clock.now());
      board.clock.advance(Millis{10});
    }
  }
  void on_message(std::string_view topic, Bytes payload) override {
    if (!jobs.on_message(topic, payload, board.clock.now())) ++others;
  }
  void on_job(const Job& job, Instant) override {
    got.push_back(std::string(job.task) + " " + std::string(job.document) + (job.begun ? " begun" : ""));
    file = std::string(job.url) + " " + std::string(job.sign) + " " + std::string(job.sign_method);
    if (at_once) CHECK(jobs.report(JobState::succeeded));
  }
  void on_job_stopped(std::string_view task) override { stopped.emplace_back(task); }
  void on_job_answered(std::string_view task, bool over) override {
    answered.push_back(std::string(task) + (over ? " over" : ""));
  }
  void hear(const char* verb, std::string_view payload) {
    board.platform.push(kHead + std::string(verb), payload, mqtt::Qos::at_least_once);
    pass(5);
  }
  void notify(const std::string& task) {
    hear("notify", R"({"id":"77","version":"1.0","params":{"task":)" + task + "}}");
  }
  int count(const char* verb) const {
    int found = 0;
    for (const auto& one : board.platform.messages)
      if (one.first == kHead + std::string(verb)) ++found;
    return found;
  }
  std::string said(const char* verb) const {
    std::string last;
    for (const auto& one : board.platform.messages)
      if (one.first == kHead + std::string(verb)) last = one.second;
    return last;
  }
  /// The id of the last message of that kind.
  std::string id_of(const char* verb) const {
    const std::string text = said(verb);
    return text.substr(7, text.find('"', 7) - 7);
  }
  void answer_get(const std::string& data) {
    hear("get_reply", R"({"id":")" + id_of("get") + R"(","code":200,"data":)" + data + "}");
  }
  void answer_update(int code = 200) {
    hear("update_reply",
         R"({"id":")" + id_of("update") + R"(","code":)" + std::to_string(code) + R"(,"message":"m","data":{}})");
  }

  fake::Board board{1};
  DeviceBuffers<> buffers;
  Device device{board.port(), buffers.storage(), *this};
  Jobs jobs{*this};
  bool at_once = false;
  std::vector<std::string> got, stopped, answered;
  std::string file;
  int others = 0;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a board asks for its next job after the login, does it, reports it, and asks for the next") {
  Board board;
  CHECK(board.said("get") == R"({"id":")" + board.id_of("get") +
                                 R"(","version":"1.0","params":{"taskId":"$next"},"method":"thing.job.get"})");
  board.answer_get(
      R"({"taskId":"$next","task":{"taskId":"t1","status":"SENT","jobDocument":{"do":[1]},"jobFile":{"signMethod":"Md5","sign":"00ff","fileUrl":"https://x/y"}}})");
  CHECK(board.got == Texts{R"(t1 {"do":[1]})"});
  CHECK(board.file == "https://x/y 00ff Md5");
  CHECK(board.jobs.task() == "t1");
  REQUIRE(board.jobs.report(JobState::in_progress, 40, R"({"point":2})"));
  board.pass(2);
  CHECK(
      board.said("update") ==
      R"({"id":")" + board.id_of("update") +
          R"(","version":"1.0","params":{"taskId":"t1","status":"IN_PROGRESS","statusDetails":{"point":2},"progress":40},"method":"thing.job.update"})");
  board.answer_update();
  CHECK(board.answered == Texts{"t1"});
  CHECK(board.jobs.task() == "t1");
  REQUIRE(board.jobs.report(JobState::succeeded));
  board.pass(2);
  CHECK(board.said("update").find(R"("params":{"taskId":"t1","status":"SUCCEEDED"})") != std::string::npos);
  CHECK(board.jobs.report(JobState::failed).error() == Error::bad_state);  // it has ended
  CHECK(board.count("get") == 1);
  board.answer_update();
  CHECK(board.answered == (Texts{"t1", "t1 over"}));
  CHECK(board.jobs.task().empty());
  CHECK(board.count("get") == 2);
  board.answer_get(R"({"taskId":"$next"})");
  board.pass(3'000);
  CHECK(board.count("get") == 2);
  CHECK(board.got.size() == 1);
  CHECK(board.others == 0);
}

TEST_CASE("a notified job is answered and handed over once; a second one waits for its turn") {
  Board board;
  board.answer_get(R"({"taskId":"$next"})");
  board.notify(task_of("t1"));
  CHECK(board.said("notify_reply") == R"({"id":"77","code":200,"data":{}})");
  board.notify(task_of("t1"));
  board.notify(task_of("t2"));
  CHECK(board.count("notify_reply") == 3);
  CHECK(board.got == Texts{R"(t1 {"do":"x"})"});
  REQUIRE(board.jobs.report(JobState::rejected));
  board.pass(2);
  board.answer_update();
  board.answer_get(R"({"taskId":"$next","task":)" + task_of("t2", "IN_PROGRESS") + "}");
  REQUIRE(board.got.size() == 2);
  CHECK(board.got[1] == R"(t2 {"do":"x"} begun)");
}

TEST_CASE("a job may be reported from within its call") {
  Board board;
  board.at_once = true;
  board.notify(task_of("t1"));
  CHECK(board.said("update").find("SUCCEEDED") != std::string::npos);
}

TEST_CASE("a cancelled or removed job is stopped, another one's cancellation changes nothing") {
  for (const char* how : {"CANCELLED", "REMOVED"}) {
    Board board;
    board.answer_get(R"({"taskId":"$next"})");
    board.notify(task_of("t1"));
    REQUIRE(board.jobs.report(JobState::in_progress));
    board.notify(task_of("t2", how));
    CHECK(board.stopped.empty());
    board.notify(task_of("t1", how));
    CHECK(board.stopped == Texts{"t1"});
    CHECK(board.jobs.task().empty());
    CHECK(board.count("get") == 2);
    const int before = board.count("update");
    board.pass(3'000);
    CHECK(board.count("update") == before);
  }
}

TEST_CASE("a report is sent again, ever later, until it is answered, and at once after a reconnection") {
  Board board;
  board.notify(task_of("t1"));
  REQUIRE(board.jobs.report(JobState::failed));
  board.pass(2);
  CHECK(board.count("update") == 1);
  board.pass(1'010);
  CHECK(board.count("update") == 2);
  board.pass(1'010);
  CHECK(board.count("update") == 2);
  board.pass(1'010);
  CHECK(board.count("update") == 3);
  board.board.platform.hang_up();
  board.pass(5);
  board.come_online();
  board.pass(100);
  CHECK(board.count("update") == 4);
  board.answer_update(500);  // the platform could not keep it
  board.pass(1'010);
  CHECK(board.count("update") == 5);
  board.answer_update();
  CHECK(board.answered == Texts{"t1 over"});
}

TEST_CASE("a later report takes the place of one that was not answered, whose late answer is not taken for its own") {
  Board board;
  board.notify(task_of("t1"));
  REQUIRE(board.jobs.report(JobState::in_progress, 10));
  board.pass(2);
  const std::string first = board.id_of("update");
  REQUIRE(board.jobs.report(JobState::succeeded));
  board.pass(2);
  board.hear("update_reply", R"({"id":")" + first + R"(","code":200,"data":{}})");
  CHECK(board.answered.empty());
  board.answer_update();
  CHECK(board.answered == Texts{"t1 over"});
}

TEST_CASE("a report that the platform refuses ends the job here: it is over there") {
  Board board;
  board.notify(task_of("t1"));
  REQUIRE(board.jobs.report(JobState::in_progress));
  board.pass(2);
  board.answer_update(460);
  CHECK(board.stopped == Texts{"t1"});
  CHECK(board.answered.empty());
  CHECK(board.jobs.task().empty());
}

TEST_CASE("after a reconnection the board asks whether the job in hand is still wanted") {
  for (const char* status : {"IN_PROGRESS", "CANCELLED", ""}) {
    Board board;
    board.answer_get(R"({"taskId":"$next"})");
    board.notify(task_of("t1"));
    board.board.platform.hang_up();
    board.pass(5);
    board.come_online();
    board.pass(100);
    CHECK(board.said("get").find(R"("taskId":"t1")") != std::string::npos);
    board.answer_get(*status == '\0' ? R"({"taskId":"t1"})"
                                     : R"({"taskId":"t1","task":)" + task_of("t1", status) + "}");
    CHECK(board.stopped.empty() == (std::string_view(status) == "IN_PROGRESS"));
    CHECK(board.got.size() == 1);
  }
}

TEST_CASE("a question that is not answered is asked again; one that a platform without jobs declines is not") {
  Board board;
  board.pass(1'010);
  CHECK(board.count("get") == 2);
  board.hear("get_reply", R"({"id":")" + board.id_of("get") + R"(","code":429,"data":{}})");
  board.pass(4'010);
  CHECK(board.count("get") == 3);
  board.hear("get_reply", R"({"id":")" + board.id_of("get") + R"(","code":460,"data":{}})");
  board.pass(10'000);
  CHECK(board.count("get") == 3);
}

TEST_CASE("what is no report is refused, and rubbish changes nothing") {
  Board board;
  for (const std::string_view text : {"", "{", "[]", "{}", R"({"id":"1"})", R"({"id":"1","code":200,"data":7})"}) {
    board.hear("get_reply", text);
    board.hear("update_reply", text);
    board.hear("notify", text);
  }
  board.notify(R"({"taskId":7})");
  board.notify(R"({"taskId":")" + std::string(65, 't') + R"(","status":"SENT"})");
  CHECK(board.said("notify_reply") == R"({"id":"77","code":460,"data":{}})");
  CHECK(board.got.empty());
  board.notify(R"({"taskId":"t1","status":"SENT"})");
  CHECK(board.got == Texts{"t1 {}"});
  CHECK(board.jobs.report(JobState::in_progress, 101).error() == Error::bad_argument);
  CHECK(board.jobs.report(JobState::in_progress, -2).error() == Error::bad_argument);
  CHECK(board.jobs.report(JobState::in_progress, 1, "{").error() == Error::bad_argument);
  CHECK(board.jobs.report(JobState::in_progress, 1, "\"" + std::string(256, 'x') + "\"").error() == Error::too_large);
  CHECK(!board.jobs.on_message("/sys/a1B2c3D4e5F/other/thing/job/notify", as_bytes(std::string_view("{}")), {}));
}

TEST_CASE("a notification that is cut off anywhere is no job") {
  Board board;
  const std::string whole = R"({"id":"77","version":"1.0","params":{"task":)" + task_of("t1") + "}}";
  for (std::size_t size = 0; size < whole.size(); ++size)
    board.jobs.on_message(kHead + std::string("notify"), as_bytes(std::string_view(whole).substr(0, size)), {});
  CHECK(board.got.empty());
}
