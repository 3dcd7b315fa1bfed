#include "tercet/device/jobs.h"

#include <algorithm>

#include "tercet/alink/codes.h"
#include "tercet/alink/envelope.h"

namespace tercet::device {
namespace {

constexpr std::string_view kNotify = "thing/job/notify", kNotifyReply = "thing/job/notify_reply";
constexpr std::string_view kGet = "thing/job/get", kGetReply = "thing/job/get_reply";
constexpr std::string_view kUpdate = "thing/job/update", kUpdateReply = "thing/job/update_reply";
constexpr Millis kSoon{1'000};  // when the last message did not go out

std::string_view word(JobState state) {
  constexpr std::string_view kWords[] = {"IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"};
  return kWords[static_cast<std::size_t>(state)];
}

/// The text of a member that has no escapes; "" for anything else.
std::string_view text_of(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  const auto text = value ? value->text() : std::nullopt;
  return text && !text->has_escapes() ? text->raw() : std::string_view{};
}

/// It may be another answer tomorrow.
bool is_passing(std::int32_t code) { return code == 429 || code >= 500; }

void wait_longer(Millis& wait) { wait = std::min(2 * wait, Jobs::kRetryLimit); }

}  // namespace

Result<void> Jobs::start(Device& device, const DeviceId& id) {
  if (const auto made = topics_.start(device, id); !made) return made;
  return topics_.subscribe("thing/job/+", filter_);
}

Result<void> Jobs::report(JobState state, int progress, std::string_view details) {
  const bool has_ended = is_due_ && state_ != JobState::in_progress;
  if (task_.empty() || has_ended) return fail(Error::bad_state);
  if (progress < -1 || progress > 100 || (!details.empty() && !json::parse(details))) return fail(Error::bad_argument);
  if (const auto kept = details_.assign(details); !kept) return fail(Error::too_large);
  state_ = state, progress_ = progress;
  is_due_ = true, reported_ = 0;
  report_at_ = Instant{}, report_wait_ = kRetryFirst;
  return {};
}

bool Jobs::on_message(std::string_view topic, Bytes payload, Instant now) {
  const std::string_view tail = topics_.tail_of(topic);
  if (tail == kNotify) return on_notify(payload, now), true;
  if (tail == kGetReply) return on_got(payload, now), true;
  if (tail == kUpdateReply) return on_reported(payload, now), true;
  return false;
}

void Jobs::on_notify(Bytes payload, Instant now) {
  const auto request = alink::parse_request(as_text(payload));
  if (!request) return;  // the platform's mistake: nothing in it is for us
  const auto task = request->params ? request->params->find("task") : std::nullopt;
  const std::string_view id = task ? text_of(*task, "taskId") : std::string_view{};
  const bool is_good = !id.empty() && id.size() <= kMostTask;
  std::array<std::uint8_t, 192> buffer;
  Writer out{buffer};
  alink::write_device_reply(out, request->id,
                            alink::number(is_good ? alink::Code::success : alink::Code::parameter_error));
  // One that cannot be sent now is lost; nobody waits for it.
  if (out.ok()) static_cast<void>(topics_.publish(kNotifyReply, out.written()));
  if (!is_good) return;
  const std::string_view status = text_of(*task, "status");
  if (status == "CANCELLED" || status == "REMOVED") {
    if (id == task_.str()) stop(now);
    return;
  }
  if (task_.empty()) take(*task, now);  // else it is asked for when this one is over
}

void Jobs::take(const json::Value& task, Instant now) {
  if (const auto kept = task_.assign(text_of(task, "taskId")); !kept || task_.empty()) return task_.clear();
  ask_at_ = Instant::never(), is_due_ = false;
  Job job;
  job.task = task_.str();
  const auto document = task.find("jobDocument");
  job.document = document ? document->raw() : std::string_view{"{}"};
  if (const auto file = task.find("jobFile"); file && file->is(json::Type::object)) {
    job.url = text_of(*file, "fileUrl");
    job.sign = text_of(*file, "sign"), job.sign_method = text_of(*file, "signMethod");
  }
  job.begun = text_of(task, "status") == "IN_PROGRESS";
  events_.on_job(job, now);
}

void Jobs::on_got(Bytes payload, Instant now) {
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply || asked_ == 0 || parse_id(reply->id) != asked_) return;
  asked_ = 0;
  ask_at_ = Instant::never();
  if (reply->code != alink::number(alink::Code::success)) {
    if (!is_passing(reply->code)) return;  // there are no jobs here
    ask_at_ = now + ask_wait_;
    return wait_longer(ask_wait_);
  }
  ask_wait_ = kRetryFirst;
  const auto task = reply->data ? reply->data->find("task") : std::nullopt;
  if (task_.empty()) {
    if (task) take(*task, now);
    return;
  }
  // It was asked whether the job in hand is still wanted; or one was notified meanwhile, and the answer is about none.
  if (!reply->data || text_of(*reply->data, "taskId") != task_.str()) return;
  const std::string_view status = task ? text_of(*task, "status") : std::string_view{};
  if (status != "QUEUED" && status != "SENT" && status != "IN_PROGRESS" && !is_due_) stop(now);
}

void Jobs::on_reported(Bytes payload, Instant now) {
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply || !is_due_ || reported_ == 0 || parse_id(reply->id) != reported_) return;
  if (is_passing(reply->code)) return;  // it is sent again
  is_due_ = false;
  report_at_ = Instant::never();
  if (reply->code != alink::number(alink::Code::success)) return stop(now);
  const bool over = state_ != JobState::in_progress;
  const FixedString<kMostTask> task = task_;
  if (over) let_go(now);
  events_.on_job_answered(task.str(), over);
}

void Jobs::let_go(Instant now) {
  task_.clear(), details_.clear();
  is_due_ = false, asked_ = 0;
  report_at_ = Instant::never();
  ask_at_ = now;  // for the next
}

void Jobs::stop(Instant now) {
  const FixedString<kMostTask> task = task_;
  let_go(now);
  events_.on_job_stopped(task.str());
}

bool Jobs::ask() {
  std::array<std::uint8_t, 256> buffer;
  Writer out{buffer};
  asked_ = topics_.take_id();
  const IdText digits{asked_};
  alink::RequestWriter request{out, digits.str(), "thing.job.get"};
  request.params().begin_object().key("taskId").string(task_.empty() ? "$next" : task_.str()).end_object();
  request.finish();
  return out.ok() && topics_.publish(kGet, out.written());
}

bool Jobs::send_report() {
  std::array<std::uint8_t, 640> buffer;
  Writer out{buffer};
  reported_ = topics_.take_id();
  const IdText digits{reported_};
  alink::RequestWriter request{out, digits.str(), "thing.job.update"};
  auto& params = request.params().begin_object();
  params.key("taskId").string(task_.str()).key("status").string(word(state_));
  if (!details_.empty()) params.key("statusDetails").raw(details_.str());
  if (progress_ >= 0) params.key("progress").number(std::int64_t{progress_});
  params.end_object();
  request.finish();
  return out.ok() && topics_.publish(kUpdate, out.written());
}

void Jobs::run(Instant now) {
  const bool online = topics_.is_online();
  if (online && !was_online_) {
    ask_at_ = report_at_ = now;
    ask_wait_ = report_wait_ = kRetryFirst;
  }
  was_online_ = online;
  if (!online) return;
  if (is_due_) {
    if (now < report_at_) return;
    const bool sent = send_report();
    report_at_ = now + (sent ? report_wait_ : kSoon);
    if (sent) wait_longer(report_wait_);
    return;
  }
  if (now < ask_at_) return;
  const bool sent = ask();
  ask_at_ = now + (sent ? ask_wait_ : kSoon);
  if (sent) wait_longer(ask_wait_);
}

Instant Jobs::next_deadline() const {
  if (!was_online_) return Instant::never();
  return is_due_ ? report_at_ : ask_at_;
}

}  // namespace tercet::device
