#pragma once
#include <freertos/FreeRTOS.h>
#include <freertos/queue.h>
#include <freertos/task.h>

#include <array>
#include <cstdint>

namespace tercet::idf {

/// Work that other tasks hand to the client's task: the SDK itself is for one task only. Bounded; nothing is allocated.
///   mailbox.send({[](void* with) { static_cast<App*>(with)->report_door(); }, &app});
class Mailbox {
 public:
  struct Job {
    void (*run)(void* with) = nullptr;
    void* with = nullptr;
  };
  static constexpr std::size_t kJobs = 8;

  Mailbox() : queue_(xQueueCreateStatic(kJobs, sizeof(Job), storage_.data(), &control_)) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// From any task; never waits. False: eight wait already. What `with` points to lives until the job has run, which is
  /// within a tenth of a second unless the client's task shakes hands.
  bool send(const Job& job) { return xQueueSend(queue_, &job, 0) == pdTRUE; }
  /// From an interrupt.
  bool send_from_isr(const Job& job) {
    BaseType_t woken = pdFALSE;
    const bool taken = xQueueSendFromISR(queue_, &job, &woken) == pdTRUE;
    portYIELD_FROM_ISR(woken);
    return taken;
  }
  /// Runs what waits. The client's task only.
  void run() {
    for (Job job; xQueueReceive(queue_, &job, 0) == pdTRUE;) job.run(job.with);
  }
  bool is_empty() const { return uxQueueMessagesWaiting(queue_) == 0; }

 private:
  std::array<std::uint8_t, kJobs * sizeof(Job)> storage_{};
  StaticQueue_t control_{};
  QueueHandle_t queue_;
};

}  // namespace tercet::idf
