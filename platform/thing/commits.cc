#include "platform/thing/commits.h"

#include "platform/thing/device_state.h"

namespace tercet::thing {

namespace {

/// Buffers that one large pass has blown up are given back.
constexpr std::size_t kKeptArena = std::size_t{1} << 20;

}  // namespace

void CommitGroup::clear() {
  mutations.clear();
  arena.clear();
  if (arena.capacity() > kKeptArena) arena.shrink_to_fit();
  answers.clear();
  before.clear();
  dirty.clear();
  told.clear();
  left_out = 0;
  forgotten.clear();
  reads.clear();
}

Commits::Commits(runtime::Loop& loop, store::StreamStore& store, CommitOwner& owner)
    : loop_(loop), store_(store), owner_(owner), current_(std::make_unique<CommitGroup>()) {}

void Commits::flush() {
  if (current_->is_empty()) return;
  owner_.before_submit(*current_);
  const auto taken = store_.submit(loop_, std::move(current_->mutations), [this] { finish(); });
  current_->mutations = {};
  if (!taken) {
    owner_.on_refused(*current_, taken.error());
    auto again = std::move(current_->forgotten);
    current_->clear();
    current_->forgotten = std::move(again);
    return;
  }
  in_flight_.push_back(std::move(current_));
  current_ = take_group();
}

void Commits::when_durable(std::function<void()> read) {
  if (in_flight_.empty()) return read();
  in_flight_.back()->reads.push_back(std::move(read));
}

void Commits::finish() {
  auto group = std::move(in_flight_.front());
  in_flight_.pop_front();
  owner_.on_durable(*group);
  const auto reads = std::move(group->reads);
  for (const auto& read : reads) read();
  group->clear();
  idle_.push_back(std::move(group));
}

std::unique_ptr<CommitGroup> Commits::take_group() {
  if (idle_.empty()) return std::make_unique<CommitGroup>();
  auto group = std::move(idle_.back());
  idle_.pop_back();
  return group;
}

}  // namespace tercet::thing
