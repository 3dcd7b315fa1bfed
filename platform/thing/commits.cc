#include "platform/thing/commits.h"

#include <utility>

#include "platform/thing/device_state.h"

namespace tercet::thing {

namespace {

/// Buffers that one large pass has blown up are given back.
constexpr std::size_t kKeptArena = std::size_t{1} << 20;
/// A failed disk completes nothing, so somebody has to look.
constexpr Millis kWatch{500};

}  // namespace

void CommitGroup::clear() {
  mutations.clear();
  arena.clear();
  if (arena.capacity() > kKeptArena) arena.shrink_to_fit();
  answers.clear();
  before.clear();
  desired_before.clear();
  log_upload_before.clear();
  shadow_before.clear();
  dirty.clear();
  told.clear();
  left_out = 0;
  has_outgoing = false;
  presences.clear();
  forgotten.clear();
  reads.clear();
}

Commits::Commits(runtime::Loop& loop, store::StreamStore& store, CommitOwner& owner)
    : loop_(loop),
      store_(store),
      owner_(owner),
      current_(std::make_unique<CommitGroup>()),
      watch_(&Commits::on_watch, this) {}

void Commits::flush() {
  if (current_->is_empty()) return;
  // Whatever the owner does from here on, connections that it closes included, gathers in the next group.
  auto group = std::exchange(current_, take_group());
  watch();
  owner_.before_submit(*group);
  group->number = ++submitted_;
  const auto taken = store_.submit(loop_, std::move(group->mutations), [this, number = submitted_] { finish(number); });
  group->mutations = {};
  if (taken) {
    in_flight_.push_back(std::move(group));
    return;
  }
  owner_.undo(*group);
  owner_.on_refused(*group, taken.error());
  put_back(std::move(group));
  if (taken.error() == Error::io_failed) give_up_soon();
}

void Commits::when_durable(Read read) {
  if (in_flight_.empty()) return read.show();
  in_flight_.back()->reads.push_back(std::move(read));
  if (!store_.failure().empty()) give_up_soon();
}

void Commits::forget(const DeviceState& device) {
  for (const auto& group : in_flight_) {
    std::erase_if(group->before, [&](const Before& before) { return before.device == &device; });
    std::erase_if(group->shadow_before, [&](const ShadowBefore& before) { return before.device == &device; });
    std::erase_if(group->desired_before, [&](const DesiredBefore& before) { return before.device == &device; });
    std::erase_if(group->log_upload_before, [&](const LogUploadBefore& before) { return before.device == &device; });
  }
}

void Commits::finish(std::uint64_t number) {
  if (in_flight_.empty() || in_flight_.front()->number != number) return;  // given up, and durable after all
  auto group = std::move(in_flight_.front());
  in_flight_.pop_front();
  owner_.on_durable(*group);
  const auto reads = std::move(group->reads);
  for (const auto& read : reads) read.show();
  put_back(std::move(group));
}

/// What is in flight will not become durable: a write has failed. Completions of what was durable before that are on
/// their way to this loop, and come first.
void Commits::give_up_soon() {
  if (giving_up_ || in_flight_.empty()) return;
  giving_up_ = loop_.post([this] { give_up(); });  // a full loop: watch() tries again
}

void Commits::give_up() {
  flush();  // is refused and undone; it lies on top of the others
  giving_up_ = false;
  const auto lost = std::exchange(in_flight_, {});
  for (auto group = lost.rbegin(); group != lost.rend(); ++group) owner_.undo(**group);
  for (const auto& group : lost) owner_.on_refused(*group, Error::io_failed);
  for (const auto& group : lost)
    for (const auto& read : group->reads) read.again();
}

void Commits::watch() {
  if (!watch_.is_set()) watch_.set(loop_, loop_.now() + kWatch);
}

void Commits::on_watch(void* self) {
  auto& commits = *static_cast<Commits*>(self);
  commits.flush();  // what a refused group has left
  if (commits.in_flight_.empty()) return;
  if (!commits.store_.failure().empty()) commits.give_up_soon();
  commits.watch();
}

std::unique_ptr<CommitGroup> Commits::take_group() {
  if (idle_.empty()) return std::make_unique<CommitGroup>();
  auto group = std::move(idle_.back());
  idle_.pop_back();
  return group;
}

void Commits::put_back(std::unique_ptr<CommitGroup> group) {
  group->clear();
  idle_.push_back(std::move(group));
}

}  // namespace tercet::thing
