// A board that does jobs: {"blink":3} blinks three times and says how far it is; it rejects what it does not know.
//   jobs triple.json        tercet job create blink '{"blink":3}' --device PRODUCT/DEVICE        tercet job show JOB
#include <algorithm>
#include <cstdio>

#include "ports/posix/board.h"
#include "tercet/device/jobs.h"

using namespace tercet;

struct Events final : device::DeviceEvents, device::JobEvents {
  posix::Board* board = nullptr;
  device::Jobs* jobs = nullptr;
  std::int64_t times = 0, done = 0;
  Instant next = Instant::never();
  void on_message(std::string_view topic, Bytes payload) override {
    jobs->on_message(topic, payload, board->clock().now());
  }
  void on_job(const device::Job& job, Instant now) override {
    const auto document = json::parse(job.document);
    const auto blink = document ? document->find("blink") : std::nullopt;
    times = blink ? blink->integer().value_or(0) : 0, done = 0;
    if (times >= 1 && times <= 100) return std::puts("a job"), void(next = now);
    std::puts("rejected");
    static_cast<void>(jobs->report(device::JobState::rejected, -1, R"({"why":"this board can only blink"})"));
  }
  void on_job_stopped(std::string_view) override { std::puts("stopped"), next = Instant::never(); }
  void on_job_answered(std::string_view, bool over) override {
    if (over) std::puts("done");
  }
  void blink(Instant now) {
    if (now < next) return;
    std::printf("blink %d\n", static_cast<int>(++done));
    next = done == times ? Instant::never() : now + Millis{100};
    static_cast<void>(jobs->report(done == times ? device::JobState::succeeded : device::JobState::in_progress,
                                   static_cast<int>(100 * done / times)));
  }
};

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const char* const file = argc > 1 ? argv[1] : "triple.json";
  std::string problem;
  const auto triple = posix::read_triple_file(file, problem);
  if (!triple) return std::fprintf(stderr, "%s\n", problem.c_str()), 2;
  posix::Board board(
      {.triple_file = file, .host = triple->host, .trust = {.files = {triple->ca}}, .state_directory = {}});
  Events events;
  device::DeviceBuffers<1024, 2048, 512, 4, 1> buffers;
  device::Device device(board.port(), buffers.storage(), events);
  device::Jobs jobs(events);
  events.board = &board, events.jobs = &jobs;
  if (!device.start(triple->id, {triple->host, triple->port.value_or(8883)}) || !jobs.start(device, triple->id))
    return 2;
  for (;;) {
    device.run(), events.blink(board.clock().now()), jobs.run(board.clock().now());
    board.wait(std::min({device.next_deadline(), jobs.next_deadline(), events.next}));
  }
}
