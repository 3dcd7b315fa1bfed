// First byte: which topic. The rest: what the platform says there to a board that has a job in hand, or none. Nothing
// is read past what is there, and a job that is handed over has an id.
#include <cstdlib>
#include <string>
#include <vector>

#include "ports/fake/board.h"
#include "tercet/device/jobs.h"

using namespace tercet;
using namespace tercet::device;

namespace {

struct Events final : DeviceEvents, JobEvents {
  void on_job(const Job& job, Instant) override {
    if (job.task.empty() || job.task.size() > Jobs::kMostTask) std::abort();
    static_cast<void>(jobs->report(JobState::in_progress, 50, job.document.substr(0, 64)));
  }
  void on_job_stopped(std::string_view task) override {
    if (task.empty()) std::abort();
  }
  Jobs* jobs = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static fake::Board board{1};
  static Events events;
  static DeviceBuffers<> buffers;
  static const DeviceId id{*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")};
  Device device{board.port(), buffers.storage(), events};
  Jobs jobs(events);
  events.jobs = &jobs;
  if (!device.start(id, {"iot.example", 1883, false}, {}) || !jobs.start(device, id)) std::abort();
  const std::string head = "/sys/a1B2c3D4e5F/sensor_01/thing/job/";
  const char* const tails[] = {"notify", "get_reply", "update_reply"};
  const std::vector<std::uint8_t> copy(data + 1, data + size);
  jobs.on_message(head + tails[data[0] % 3], copy, Instant{});
  jobs.on_message(head + "notify", as_bytes(std::string_view(R"({"params":{"task":{"taskId":"t1"}}})")), Instant{});
  jobs.on_message(head + tails[data[0] % 3], copy, Instant{});
  return 0;
}
