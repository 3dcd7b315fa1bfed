#include "platform/server/login_feed.h"

#include <memory>
#include <utility>

namespace tercet::server {
namespace {

constexpr Millis kGather{50};

}  // namespace

LoginFeed::LoginFeed(runtime::Loop& loop, runtime::Loop& management, registry::Registry& registry)
    : loop_(loop),
      management_(management),
      registry_(registry),
      due_([](void* self) { static_cast<LoginFeed*>(self)->flush(); }, this) {}

void LoginFeed::on_first_login(std::uint64_t device_number, UnixMillis at) {
  gathered_.activated.try_emplace(device_number, at);
  arm();
}

void LoginFeed::on_login(std::uint64_t device_number, UnixMillis at, const runtime::Address& peer) {
  gathered_.online.insert_or_assign(device_number, Online{at, peer.ip_text()});
  arm();
}

void LoginFeed::on_configuration_answer(const registry::ConfigurationAnswer& answer) {
  gathered_.configured.insert_or_assign(answer.device, answer);
  arm();
}

void LoginFeed::arm() {
  if (!due_.is_set()) due_.set(loop_, loop_.now() + kGather);
}

bool LoginFeed::flush() {
  due_.cancel();
  if (gathered_.activated.empty() && gathered_.online.empty() && gathered_.configured.empty()) return true;
  const auto batch = std::make_shared<Batch>(std::exchange(gathered_, {}));
  if (management_.post([&registry = registry_, batch] {
        for (const auto& [number, at] : batch->activated) registry.note_activated(number, at);
        for (const auto& [number, was] : batch->online) registry.note_online(number, was.at, was.address);
        for (const auto& [number, said] : batch->configured) registry.note_configuration_answer(said);
      }))
    return true;
  gathered_ = std::move(*batch);
  arm();
  return false;
}

}  // namespace tercet::server
