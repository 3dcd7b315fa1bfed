#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "platform/job/tables.h"
#include "tercet/alink/envelope.h"

// What goes to devices, and what comes from them.
namespace tercet::job {
namespace {

namespace json = boost::json;
using thing::Delivery;
using thing::JobMessage;

constexpr std::size_t kLooksPerTick = 5000, kMostListed = 200;
constexpr std::int64_t kInFlight = 30'000, kFirstWait = 2000, kAfterLogin = 1000, kBusy = 5000;
constexpr int kMostRefused = 6;

std::string reply_text(const JobMessage& message, alink::Code code, std::string_view data, std::string_view text = {}) {
  std::string out(message.id.size() + data.size() + text.size() * 2 + 256, '\0');
  Writer writer({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  alink::write_reply(writer, {.id = message.id, .code = code, .message = text, .data = data});
  out.resize(writer.size());
  return out;
}

Letter reply_to(const JobMessage& message, std::string payload) {
  if (!message.wants_reply) return {};
  return {message.device, message.product, message.name, message.topic, std::move(payload), message.qos};
}

/// `task` of a notification and of an answer. A device that is to stop is shown no document.
std::string task_json(const Task& task, const Job& job, std::string_view status, const std::string& url = {}) {
  json::object file;
  if (!is_final(task.state) && !url.empty())
    file = {{"signMethod", job.file.method}, {"sign", job.file.sign}, {"fileUrl", url}};
  return R"({"taskId":")" + task.id + R"(","status":")" + std::string(status) + R"(","jobDocument":)" +
         (is_final(task.state) ? "{}" : job.document) + R"(,"jobFile":)" + json::serialize(file) + "}";
}

}  // namespace

void Jobs::on_tick() {
  for (auto& [number, live] : live_)
    if (live.job.status == JobStatus::waiting &&
        live.job.start <= now())  // its devices may have been deleted meanwhile
      set_status(live, live.tally.unfinished() == 0 ? JobStatus::completed : JobStatus::in_progress);
  for (std::size_t looks = 0; looks < kLooksPerTick && !agenda_.empty(); ++looks) {
    const auto first = *agenda_.begin();
    if (first.first > now()) break;
    agenda_.erase(agenda_.begin());
    const auto found = tasks_.find(first.second);
    if (found == tasks_.end()) continue;
    found->second.agenda = 0;
    const Millis timeout = live_.at(found->second.job).job.timeout();
    if (change(first.second, [&](Task& task) { return time_passed(task, timeout, now()); })) continue;
    push(found->second);
  }
  static_cast<void>(flush());
}

/// Gives the task its place in the queue of messages, and sends when that has come.
void Jobs::push(Task& task) {
  Live& live = live_.at(task.job);
  if (task.due > now()) return schedule(task);
  if (!task.has_slot) {
    const std::int64_t slot = std::max({now() * 1000, live.next_slot, next_slot_});
    live.next_slot = slot + 60'000'000 / live.job.per_minute;
    next_slot_ = slot + 1'000'000 / settings_.sends_per_second;
    task.has_slot = true;
    task.due = slot / 1000;
    if (task.due > now()) return schedule(task);
  }
  task.due = now() + kInFlight;
  schedule(task);
  if (live.job.type == JobType::custom) return notify(task, live.job);
  execute(task, live.job);
}

void Jobs::notify(const Task& task, const Job& job) {
  Letter letter{task.device, task.product, task.device_name, {}, {}, job.qos};
  letter.topic = "/sys/" + task.product + "/" + task.device_name + "/thing/job/notify";
  letter.payload = R"({"id":")" + std::to_string(next_message_++) + R"(","version":"1.0","params":{"task":)" +
                   task_json(task, job, is_final(task.state) ? name(task.state) : "SENT", file_url(job)) + "}}";
  wiring_.send(std::move(letter), [this, alive = std::weak_ptr(alive_), number = task.number](Delivery delivery) {
    if (!alive.expired()) on_told(number, delivery);
  });
}

void Jobs::on_told(std::uint64_t number, Delivery delivery) {
  const auto found = tasks_.find(number);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  if (delivery == Delivery::sent) {
    change(number, [this](Task& one) {
      const bool owed = std::exchange(one.owed, false);
      return sent(one, now()) || owed;
    });
    return;
  }
  task.has_slot = false;
  // Not there: its login wakes the task. There, but not listening: it may be about to subscribe.
  if (delivery == Delivery::offline) task.refused = kMostRefused;
  wait_for_device(task);
}

void Jobs::wait_for_device(Task& task) {
  task.has_slot = false;
  const bool wait = task.refused < kMostRefused;
  task.due = wait ? now() + (kFirstWait << task.refused) : kNever;
  if (wait) ++task.refused;
  if (task.owed && !wait) task.due = task.modified + settings_.owed_for;
  if (task.owed && task.due <= now()) {  // it has been away too long
    change(task.number, [](Task& one) { return std::exchange(one.owed, false); });
    return;
  }
  schedule(task);
}

void Jobs::execute(Task& task, const Job& job) {
  const json::value document = json::parse(job.document);
  Command command{task.device, task.product, task.device_name, {}, json::serialize(document.at("params"))};
  if (job.type == JobType::service) command.service = document.at("serviceIdentifier").as_string();
  task.in_flight = true;
  const auto number = task.number;
  wiring_.execute(
      std::move(command),
      [this, alive = std::weak_ptr(alive_), number](const thing::SetTicket& ticket) {
        if (!alive.expired()) on_taken(number, ticket);
      },
      [this, alive = std::weak_ptr(alive_), number](const thing::CallResult& result) {
        if (!alive.expired()) on_ended(number, result);
      });
}

void Jobs::on_taken(std::uint64_t number, const thing::SetTicket& ticket) {
  const auto found = tasks_.find(number);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  if (ticket.sent) {
    change(number, [this](Task& one) { return sent(one, now()); });
    return;
  }
  task.in_flight = false;
  if (is_final(task.state)) return;
  if (ticket.error == Error::closed) return wait_for_device(task);
  if (ticket.error == Error::no_space) {
    task.has_slot = false;
    task.due = now() + kBusy;
    return schedule(task);
  }
  change(number, [&](Task& one) { return ended(one, TaskState::failed, "not sent: " + ticket.detail, now()); });
}

void Jobs::on_ended(std::uint64_t number, const thing::CallResult& result) {
  const auto found = tasks_.find(number);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  task.in_flight = false;
  if (is_final(task.state)) return;
  change(number, [&](Task& one) {
    if (!result.timed_out) {
      one.details = result.data;
      if (result.code == 200) return ended(one, TaskState::succeeded, {}, now());
      return ended(one, TaskState::failed, "the device answered " + std::to_string(result.code) + ": " + result.message,
                   now());
    }
    if (++one.tries >= settings_.tries)
      return ended(one, TaskState::timed_out, "the device was sent it and did not answer in time, again and again",
                   now());
    one.has_slot = false;
    one.due = now();
    return true;
  });
}

void Jobs::on_online(std::uint64_t device) {
  const auto open = by_device_.find(device);
  if (open == by_device_.end()) return;
  for (const auto number : std::vector<std::uint64_t>(open->second.begin(), open->second.end()))
    change(number, [this](Task& task) {
      const Job& job = live_.at(task.job).job;
      return woken(task, std::max(now() + kAfterLogin, is_final(task.state) ? 0 : job.start));
    });
}

Task* Jobs::task_of(std::uint64_t device, std::string_view id) {
  const auto open = by_device_.find(device);
  if (open == by_device_.end()) return nullptr;
  for (const auto number : open->second) {
    Task& task = tasks_.at(number);
    const Job& job = live_.at(task.job).job;
    if (job.type != JobType::custom || job.status == JobStatus::waiting) continue;
    if (id == "$next" ? !is_final(task.state) : task.id == id) return &task;
  }
  return nullptr;
}

/// shown: the task whose document the device gets by this letter; 0 none.
Letter Jobs::on_get(const JobMessage& message, std::uint64_t& shown) {
  shown = 0;
  const std::string asked = json::serialize(json::string(message.task));
  if (message.task == "$list") {
    std::string list;
    std::size_t listed = 0;
    if (const auto open = by_device_.find(message.device); open != by_device_.end())
      for (const auto number : open->second) {
        const Task& task = tasks_.at(number);
        const Job& job = live_.at(task.job).job;
        if (is_final(task.state) || job.type != JobType::custom || job.status == JobStatus::waiting) continue;
        if (++listed > kMostListed) break;
        list.append(list.empty() ? "" : ",")
            .append(R"({"taskId":")" + task.id + R"(","status":")" + std::string(name(task.state)) + R"("})");
      }
    return reply_to(message, reply_text(message, alink::Code::success, R"({"taskId":"$list","tasks":[)" + list + "]}"));
  }
  std::string task_text;
  if (const Task* const task = task_of(message.device, message.task)) {
    const bool begins = task->state == TaskState::queued;
    const Job& job = live_.at(task->job).job;
    task_text = task_json(*task, job, begins ? "SENT" : name(task->state), file_url(job));
    if (!is_final(task->state)) shown = task->number;
  } else if (message.task != "$next") {
    const auto kept = this->task(message.task);  // one that is over
    if (kept && kept->task.device == message.device && is_final(kept->task.state))
      if (const auto job = find_job(kept->job_id); job && job->type == JobType::custom)
        task_text = task_json(kept->task, *job, name(kept->task.state));
  }
  const std::string data =
      task_text.empty() ? R"({"taskId":)" + asked + "}" : R"({"taskId":)" + asked + R"(,"task":)" + task_text + "}";
  return reply_to(message, reply_text(message, alink::Code::success, data));
}

Letter Jobs::on_update(const JobMessage& message) {
  const auto refuse = [&](std::string_view text) {
    return reply_to(message, reply_text(message, alink::Code::parameter_error, "{}", text));
  };
  const auto state = task_state(message.status);
  if (!state) return refuse("status must be IN_PROGRESS, SUCCEEDED, FAILED or REJECTED");
  Reported how = Reported::refused;
  TaskState is = TaskState::removed;
  if (const Task* const task = task_of(message.device, message.task); task != nullptr && message.task != "$next") {
    change(task->number, [&](Task& one) {
      how = reported(one, *state, message.progress, message.details, now());
      is = one.state;
      return how == Reported::taken;
    });
  } else {
    const auto kept = this->task(message.task);
    if (!kept || kept->task.device != message.device)
      return refuse("there is no such task for this device: ask thing/job/get for $next");
    is = kept->task.state;
    if (is == *state) how = Reported::known;
  }
  if (how == Reported::refused)
    return refuse("the task is " + std::string(name(is)) + " and stays so: stop it, and ask thing/job/get for $next");
  return reply_to(message, reply_text(message, alink::Code::success,
                                      R"({"taskId":)" + json::serialize(json::string(message.task)) + "}"));
}

void Jobs::on_messages(const std::vector<JobMessage>& messages) {
  std::vector<std::pair<Letter, std::uint64_t>> letters;
  for (const JobMessage& message : messages) {
    std::uint64_t shown = 0;
    if (message.kind == JobMessage::Kind::online)
      on_online(message.device);
    else if (Letter letter = message.kind == JobMessage::Kind::get ? on_get(message, shown) : on_update(message);
             !letter.topic.empty())
      letters.emplace_back(std::move(letter), shown);
  }
  if (!flush()) return;  // nobody is told of what is not on disk; devices ask again
  for (auto& [letter, shown] : letters) {
    wiring_.send(std::move(letter), [this, alive = std::weak_ptr(alive_), number = shown](Delivery delivery) {
      if (!alive.expired() && number != 0 && delivery == Delivery::sent)
        change(number, [this](Task& one) { return sent(one, now()); });
    });
  }
}

}  // namespace tercet::job
