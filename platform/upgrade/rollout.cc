#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "platform/upgrade/tables.h"
#include "tercet/alink/block.h"
#include "tercet/alink/envelope.h"

// What goes to devices, and what comes from them.
namespace tercet::upgrade {
namespace {

namespace json = boost::json;
using thing::Delivery;
using thing::UpgradeMessage;

constexpr std::size_t kLooksPerTick = 5000;
constexpr std::int64_t kInFlight = 30'000, kFirstWait = 2000, kAfterLogin = 1000;
constexpr int kMostRefusedPushes = 6;
constexpr std::uint64_t kFileId = 1;

std::string topic_of(std::string_view front, const UpgradeMessage& message, std::string_view back = {}) {
  return std::string(front).append(message.product).append("/").append(message.name).append(back);
}

std::string reply_text(std::string_view id, alink::Code code, std::string_view data, std::string_view method) {
  std::string out(id.size() + data.size() + 256, '\0');
  Writer writer({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  alink::write_reply(writer, {.id = id, .code = code, .data = data, .method = method});
  out.resize(writer.size());
  return out;
}

}  // namespace

/// Whether the file may be fetched over the session too: a board may have no memory for a connection beside it.
bool Upgrades::has_stream(const Live& live) const { return live.firmware.bytes <= settings_.image_bytes_over_mqtt; }

/// `data` of 7.2: what the device is to fetch.
std::string Upgrades::offer(const Live& live) const {
  const Firmware& f = live.firmware;
  json::object data{{"size", f.bytes}, {"version", f.version}};
  if (f.diff) data["isDiff"] = 1;
  // Without `dProtocol` the vendor's clients fetch from the address and do not look at a stream.
  if (live.job.options.over_mqtt)
    data["dProtocol"] = "mqtt";
  else
    data["url"] = link(f);
  if (has_stream(live)) data["streamId"] = f.number, data["streamFileId"] = kFileId;
  if (f.method == SignMethod::md5) data["md5"] = f.md5;
  data["sign"] = f.sign;
  data["signMethod"] = f.method == SignMethod::md5 ? "Md5" : "SHA256";
  if (!f.signature.empty()) data["digestsign"] = f.signature;
  if (f.module != kDefaultModule) data["module"] = f.module;
  json::object more;
  for (const auto& tag : live.job.options.tags) more[tag.first] = tag.second;
  if (!f.udi.empty()) more["_package_udi"] = f.udi;
  if (!more.empty()) data["extData"] = std::move(more);
  return json::serialize(data);
}

void Upgrades::on_tick() {
  begin_and_end_jobs();
  for (std::size_t looks = 0; looks < kLooksPerTick && !agenda_.empty(); ++looks) {
    const auto first = *agenda_.begin();
    if (first.first > now()) break;
    agenda_.erase(agenda_.begin());
    const auto found = tasks_.find(first.second);
    if (found == tasks_.end()) continue;
    found->second.agenda = 0;
    if (change(first.second,
               [this](Task& task, const Patience& patience) { return time_passed(task, patience, now()); }))
      continue;
    push(found->second);
  }
  static_cast<void>(flush());
  arm();
}

/// Gives the task its place in the queue of pushes, and pushes when that has come.
void Upgrades::push(Task& task) {
  Live* const live = live_of(task);
  if (live == nullptr) return;
  if (task.due > now()) return schedule(task);
  if (!live->job.options.push) {
    task.due = kNever;
    return schedule(task);
  }
  if (!task.has_slot) {
    const std::int64_t slot = std::max({now() * 1000, live->next_slot, next_slot_});
    live->next_slot = slot + 60'000'000 / live->job.options.per_minute;
    next_slot_ = slot + 1'000'000 / settings_.pushes_per_second;
    task.has_slot = true;
    task.due = slot / 1000;
    if (task.due > now()) return schedule(task);
  }
  task.due = now() + kInFlight;
  schedule(task);
  Letter letter;
  letter.device = task.device;
  letter.product = live->firmware.product;
  letter.name = task.device_name;
  letter.topic = "/ota/device/upgrade/" + letter.product + "/" + letter.name;
  letter.payload = R"({"code":"1000","data":)" + offer(*live) + R"(,"id":")" + std::to_string(next_message_++) +
                   R"(","message":"success"})";
  wiring_.send(std::move(letter), [this, alive = std::weak_ptr(alive_), number = task.number](Delivery delivery) {
    if (!alive.expired()) on_told(number, delivery);
  });
}

void Upgrades::on_told(std::uint64_t number, Delivery delivery) {
  const auto found = tasks_.find(number);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  if (delivery == Delivery::sent) {
    change(number, [this](Task& one, const Patience&) { return pushed(one, now()); });
    return;
  }
  task.has_slot = false;
  // Not there: its login wakes the task. There, but not listening: it may be about to subscribe.
  const bool wait = delivery == Delivery::not_subscribed && task.refused_pushes < kMostRefusedPushes;
  task.due = wait ? now() + (kFirstWait << task.refused_pushes) : kNever;
  if (wait) ++task.refused_pushes;
  schedule(task);
}

void Upgrades::on_messages(const std::vector<UpgradeMessage>& messages) {
  for (const UpgradeMessage& message : messages) {
    switch (message.kind) {
      case UpgradeMessage::Kind::online: {
        const auto open = by_device_.find(message.device);
        if (open == by_device_.end()) break;
        for (const auto number : std::vector<std::uint64_t>(open->second))
          change(number, [this](Task& task, const Patience&) {
            task.has_slot = false;
            return woken(task, now() + kAfterLogin);
          });
        break;
      }
      case UpgradeMessage::Kind::inform:
        on_inform(message);
        break;
      case UpgradeMessage::Kind::progress:
        if (const Task* const task = task_of(message.device, message.module))
          change(task->number, [&](Task& one, const Patience& patience) {
            return progressed(one, message.step, message.text, patience, now());
          });
        break;
      case UpgradeMessage::Kind::pull:
      case UpgradeMessage::Kind::request:
        on_pull(message);
        break;
      case UpgradeMessage::Kind::block:
        on_block(message);
        break;
    }
  }
  static_cast<void>(flush());
}

Task* Upgrades::task_of(std::uint64_t device, std::string_view module) {
  if (module.empty()) module = kDefaultModule;
  const auto open = by_device_.find(device);
  if (open == by_device_.end()) return nullptr;
  for (const auto number : open->second) {
    Task& task = tasks_.at(number);
    const Live* const live = live_of(task);
    if (live != nullptr && live->firmware.module == module) return &task;
  }
  return nullptr;
}

void Upgrades::on_inform(const UpgradeMessage& message) {
  const std::string module = message.module.empty() ? std::string(kDefaultModule) : message.module;
  tell_version(message.device, module, message.version);
  reported_[message.device][module] = {message.version, now()};
  if (Task* const task = task_of(message.device, module)) {
    const std::string target = live_of(*task)->firmware.version;
    const auto number = task->number;
    change(number, [&](Task& one, const Patience& patience) {
      return version_reported(one, message.version, target, patience, now());
    });
    // It is there and does not run the new version: it is told (again).
    change(number, [this](Task& one, const Patience&) { return woken(one, now()); });
  }
  welcome(message);
}

/// Dynamic jobs take in a device that reports a version they are for.
void Upgrades::welcome(const UpgradeMessage& message) {
  const std::string_view module = message.module.empty() ? kDefaultModule : std::string_view(message.module);
  for (auto& [number, live] : live_) {
    if (live.job.kind != JobKind::dynamic || live.job.status != JobStatus::in_progress) continue;
    if (live.firmware.product != message.product || live.firmware.module != module) continue;
    if (!suits(live.job, live.firmware, message.device)) continue;
    if (task_of(message.device, module) != nullptr) continue;
    auto known = database_.must_prepare("SELECT 1 FROM tasks WHERE job=? AND device=?");
    if (const auto row = known.bind(number, message.device).step(); !row || *row) continue;  // once per device
    const Live& job = live;
    const bool just_ended = std::any_of(over_.begin(), over_.end(), [&](std::uint64_t one) {
      const auto task = tasks_.find(one);
      return task != tasks_.end() && task->second.job == job.job.number && task->second.device == message.device;
    });
    if (just_ended) continue;
    add_task(live, {message.device, message.name});
  }
}

void Upgrades::on_pull(const UpgradeMessage& message) {
  Task* const task = task_of(message.device, message.module);
  const Live* const live = task == nullptr ? nullptr : live_of(*task);
  const bool is_there = live != nullptr && live->job.status != JobStatus::planned && task->state != TaskState::confirm;
  const std::string data = is_there ? offer(*live) : std::string("{}");
  Letter letter{message.device, message.product, message.name, {}, {}, 1};
  if (message.kind == UpgradeMessage::Kind::pull) {
    letter.topic = topic_of("/sys/", message, "/thing/ota/firmware/get_reply");
    letter.payload = reply_text(message.id, alink::Code::success, data, {});
  } else {
    letter.topic = topic_of("/ota/device/request/", message);
    letter.payload = R"({"code":"1000","data":)" + data + R"(,"id":")" + message.id + R"(","message":"success"})";
  }
  const std::uint64_t number = is_there ? task->number : 0;
  wiring_.send(std::move(letter), [this, alive = std::weak_ptr(alive_), number](Delivery delivery) {
    if (!alive.expired() && number != 0 && delivery == Delivery::sent)
      change(number, [this](Task& one, const Patience&) { return pushed(one, now()); });
  });
}

/// 7.6. Only a file that the device is to have, and only while it is to have it.
void Upgrades::on_block(const UpgradeMessage& message) {
  alink::BlockReply reply;
  reply.id = message.id;
  std::vector<std::uint8_t> bytes;
  std::shared_ptr<const ImageReader> image;
  const auto open = by_device_.find(message.device);
  if (open != by_device_.end() && message.file == kFileId)
    for (const auto number : open->second)
      if (const Live* const live = live_of(tasks_.at(number));
          live != nullptr && live->firmware.number == message.stream && has_stream(*live))
        image = this->image(message.stream);
  if (!image) {
    reply.code = alink::number(alink::Code::parameter_error);
    reply.message = "no such file for this device: ask thing.ota.firmware.get";
  } else if (message.offset >= image->bytes() || message.size == 0) {
    reply.code = alink::number(alink::Code::parameter_error);
    reply.message = "the file ends before that block";
  } else {
    bytes.resize(std::min<std::uint64_t>(
        {message.size, image->bytes() - message.offset, static_cast<std::uint64_t>(settings_.block_bytes)}));
    bytes.resize(image->read(message.offset, bytes));
    reply.offset = static_cast<std::uint32_t>(message.offset);
    reply.file_length = static_cast<std::uint32_t>(image->bytes());
    reply.block = bytes;
    if (bytes.empty()) {
      reply.code = alink::number(alink::Code::system_exception);
      reply.message = "the file cannot be read";
    }
  }
  Letter letter{message.device,
                message.product,
                message.name,
                topic_of("/sys/", message, "/thing/file/download_reply"),
                std::string(bytes.size() + message.id.size() + message.token.size() + 512, '\0'),
                1};
  Writer writer({reinterpret_cast<std::uint8_t*>(letter.payload.data()), letter.payload.size()});
  alink::write_block_reply(writer, reply, message.token);
  letter.payload.resize(writer.size());
  wiring_.send(std::move(letter), [](Delivery) {});
}

}  // namespace tercet::upgrade
