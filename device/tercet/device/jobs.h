#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/base/time.h"
#include "tercet/device/client.h"
#include "tercet/device/system_topics.h"

namespace tercet::device {

/// What a device says of its job.
enum class JobState : std::uint8_t { in_progress, succeeded, failed, rejected };

/// A job for this device. The views live as long as the call.
struct Job {
  std::string_view task;                    ///< its id
  std::string_view document;                ///< JSON: what to do, as the application wrote it
  std::string_view url, sign, sign_method;  ///< of a file that belongs to it; "" when there is none
  bool begun = false;  ///< the platform was told IN_PROGRESS: by this board, before it lost its memory
};

/// On the client's task.
class JobEvents {
 public:
  /// One job at a time: the next comes once this one's end has been reported. Report now or later.
  virtual void on_job(const Job& job, Instant now) = 0;
  /// It is no longer wanted: cancelled, removed, or too late. What is under way shall stop; nothing is to be reported.
  virtual void on_job_stopped(std::string_view task) { static_cast<void>(task); }
  /// The platform has taken the last report. over: that was the job's end.
  virtual void on_job_answered(std::string_view task, bool over) { static_cast<void>(task), static_cast<void>(over); }

 protected:
  ~JobEvents() = default;
};

/// Jobs of this device (docs/jobs.md): asks for one after each login, hears of new ones, hands them over one by one,
/// and says what becomes of them until that is answered. Fixed memory; takes one subscription (DeviceBuffers'
/// kUserFilters). The client's task only.
///
///   idle --notified, or asked and answered--> in hand --report(an end)--> ending --answered--> asks for the next
///     ^                                          |                          |
///     '------------- stopped by the platform ----+--------------------------'
class Jobs {
 public:
  static constexpr std::size_t kMostTask = 64, kMostDetails = 256;
  static constexpr Millis kRetryFirst{10'000}, kRetryLimit{600'000};

  explicit Jobs(JobEvents& events) : events_(events) {}
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  /// Subscribes; call it once after Device::start(). Errors: those of Device::subscribe(); too_large, the names.
  Result<void> start(Device& device, const DeviceId& id);

  /// How the job in hand is doing; kept, and sent until it is answered. A later report takes the place of one that is
  /// not answered yet. progress: 0 to 100 percent, -1 to say nothing. details: JSON of the application's, "" for none.
  /// Errors: bad_state, no job is in hand, or its end was reported; bad_argument, progress, or details are no JSON;
  /// too_large, details over kMostDetails.
  Result<void> report(JobState state, int progress = -1, std::string_view details = {});
  /// Of the job in hand; "" when there is none.
  std::string_view task() const { return task_.str(); }

  /// True: it was ours. Call it from DeviceEvents::on_message().
  bool on_message(std::string_view topic, Bytes payload, Instant now);
  /// Call it after each Device::run(), and when next_deadline() has come.
  void run(Instant now);
  Instant next_deadline() const;

 private:
  void on_notify(Bytes payload, Instant now);
  void on_got(Bytes payload, Instant now);
  void on_reported(Bytes payload, Instant now);
  void take(const json::Value& task, Instant now);
  void let_go(Instant now);
  void stop(Instant now);
  bool ask();
  bool send_report();

  JobEvents& events_;
  SystemTopics topics_;
  SystemTopics::Filter filter_;
  FixedString<kMostTask> task_;
  FixedString<kMostDetails> details_;
  JobState state_ = JobState::in_progress;
  int progress_ = -1;
  bool is_due_ = false;  ///< a report has not been answered
  MessageId asked_ = 0, reported_ = 0;
  Instant ask_at_ = Instant::never(), report_at_ = Instant::never();
  Millis ask_wait_ = kRetryFirst, report_wait_ = kRetryFirst;
  bool was_online_ = false;
};

}  // namespace tercet::device
