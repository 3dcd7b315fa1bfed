#include "tercet/ota/session.h"

#include <algorithm>

namespace tercet::ota {
namespace {

constexpr Channel kDown[Session::kFilters] = {Channel::upgrade, Channel::get_reply, Channel::block_reply};

}  // namespace

Result<void> Session::start(const DeviceId& id, std::span<Updater* const> updaters, SessionSource* blocks,
                            Instant now) {
  if (updaters.size() > kMaxUpdaters) return fail(Error::bad_argument);
  id_ = id, updaters_ = updaters, blocks_ = blocks;
  for (std::size_t i = 0; i < kFilters; ++i) {
    std::array<std::uint8_t, alink::kMaxBuiltTopic> buffer;
    Writer out{buffer};
    write_topic(out, kDown[i], id);
    if (!out.ok() || !filters_[i].assign(out.text())) return fail(Error::too_large);
    if (const auto asked = device_.subscribe(filters_[i].str(), mqtt::Qos::at_least_once); !asked) return asked;
  }
  for (Updater* const updater : updaters_) updater->start(now);
  return {};
}

Result<void> Session::send(Channel channel, Bytes payload) {
  if (!device_.is_online()) return fail(Error::bad_state);
  std::array<std::uint8_t, alink::kMaxBuiltTopic> buffer;
  Writer topic{buffer};
  write_topic(topic, channel, id_);
  if (!topic.ok()) return fail(Error::too_large);
  return device_.publish(topic.text(), payload,
                         channel == Channel::block ? mqtt::Qos::at_most_once : mqtt::Qos::at_least_once);
}

void Session::run(Instant now) {
  const bool is_online = device_.is_online();
  if (is_online && !was_online_ && blocks_ != nullptr) blocks_->on_online(now);
  for (Updater* const updater : updaters_) {
    if (is_online && !was_online_) updater->on_online(now);
    if (!is_online && was_online_) updater->on_offline();
    updater->run(now);
  }
  was_online_ = is_online;
  if (put_off_ == 0 || is_any_busy(nullptr)) return;
  for (std::size_t i = 0; i < updaters_.size(); ++i)
    if ((put_off_ >> i & 1) != 0) updaters_[i]->ask();
  put_off_ = 0;
}

Instant Session::next_deadline() const {
  if (device_.is_online() != was_online_) return Instant{};
  Instant due = Instant::never();
  for (const Updater* const updater : updaters_) due = std::min(due, updater->next_deadline());
  return due;
}

bool Session::wants_restart() const {
  return std::any_of(updaters_.begin(), updaters_.end(), [](const Updater* each) { return each->wants_restart(); });
}

bool Session::is_any_busy(const Updater* but) const {
  return std::any_of(updaters_.begin(), updaters_.end(),
                     [but](const Updater* each) { return each != but && each->is_busy(); });
}

bool Session::on_message(std::string_view topic, Bytes payload, Instant now) {
  if (topic.empty()) return false;
  if (topic == filters_[2].str()) {
    if (blocks_ != nullptr) blocks_->on_block(payload, now);
    return true;
  }
  const bool is_push = topic == filters_[0].str(), is_reply = topic == filters_[1].str();
  if (!is_push && !is_reply) return false;
  on_offer(as_text(payload), is_push, now);
  if (is_reply)
    for (Updater* const updater : updaters_) updater->on_answer(now);
  return true;
}

void Session::on_offer(std::string_view payload, bool is_push, Instant now) {
  const ParsedOffer parsed = parse_offer(payload, scratch_);
  if (parsed.kind == ParsedOffer::Kind::nothing) {  // it does not say of which module
    if (!is_push && updaters_.size() == 1) updaters_[0]->on_offer(parsed, now);
    return;
  }
  for (std::size_t i = 0; i < updaters_.size(); ++i) {
    if (updaters_[i]->module() != parsed.offer.module) continue;
    if (is_any_busy(updaters_[i])) {  // they share sources and memory: one after the other
      put_off_ |= 1u << i;
      return;
    }
    return updaters_[i]->on_offer(parsed, now);
  }
  refuse(parsed.offer);
}

/// Of a module that nobody here updates.
void Session::refuse(const Offer& offer) {
  std::array<std::uint8_t, kMaxReportBytes> buffer;
  Writer out{buffer};
  write_progress(out, next_id(), static_cast<int>(step_of(Fault::other_module)), name(Fault::other_module),
                 offer.module);
  static_cast<void>(send(Channel::progress, out.written()));  // when it is offered again, it is refused again
}

}  // namespace tercet::ota
