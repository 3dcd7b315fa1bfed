#include "platform/store/memory_store.h"

#include <utility>

namespace tercet::store {

MemoryStore::MemoryStore(MemoryOptions options)
    : options_(options), synced_([](void* self) { static_cast<MemoryStore*>(self)->end_sync(); }, this) {}

MemoryStore::~MemoryStore() = default;

Result<void> MemoryStore::submit(runtime::Loop& origin, Mutations mutations, runtime::Task on_durable) {
  if (!failure_.empty()) return tercet::fail(Error::io_failed);
  if (closed_) return tercet::fail(Error::closed);
  if (waiting_bytes_ > 0 && waiting_bytes_ + mutations.bytes() > options_.max_waiting_bytes)
    return tercet::fail(Error::no_space);
  waiting_bytes_ += mutations.bytes();
  gathering_.push_back({&origin, std::move(mutations), std::move(on_durable)});
  if (!synced_.is_set()) begin_sync(origin);
  return {};
}

/// `running`: whose pass this is. Another loop's now() is the time of its last pass, and a sync that ended by it could
/// overtake the completions of the one before.
void MemoryStore::begin_sync(runtime::Loop& running) {
  syncing_ = std::exchange(gathering_, {});
  syncing_on_ = &running;
  synced_.set(running, running.now() + options_.sync_delay);
}

void MemoryStore::end_sync() {
  const auto done = std::exchange(syncing_, {});
  ++counters_.commits;
  counters_.sync_micros += static_cast<std::uint64_t>(std::chrono::microseconds(options_.sync_delay).count());
  for (const Submission& submission : done) apply(submission.mutations);
  for (const Submission& submission : done) {
    // A loop in tests takes every post; one that does not has stopped, and nobody is there to be told.
    auto& task = const_cast<runtime::Task&>(submission.on_durable);
    if (task) static_cast<void>(submission.origin->post(std::move(task)));
  }
  if (!gathering_.empty() && !synced_.is_set()) begin_sync(*syncing_on_);
}

void MemoryStore::apply(const Mutations& mutations) {
  waiting_bytes_ -= mutations.bytes();
  counters_.mutations += mutations.count();
  counters_.bytes += mutations.bytes();
  mutations.each([this](const Mutations::Op& op) {
    Table& table = tables_[static_cast<std::size_t>(op.family)];
    switch (op.kind) {
      case Mutations::Op::Kind::put:
        table.insert_or_assign(std::string(op.key), std::string(op.value));
        break;
      case Mutations::Op::Kind::erase:
        if (const auto at = table.find(op.key); at != table.end()) table.erase(at);
        break;
      case Mutations::Op::Kind::erase_range:
        table.erase(table.lower_bound(op.key), table.lower_bound(op.value));
        break;
    }
  });
}

Result<std::string> MemoryStore::get(Family family, std::string_view key) {
  const Table& table = tables_[static_cast<std::size_t>(family)];
  const auto at = table.find(key);
  if (at == table.end()) return tercet::fail(Error::not_found);
  return at->second;
}

Result<void> MemoryStore::scan(Family family, std::string_view from, std::string_view to, Order order,
                               const Visit& visit) {
  if (from >= to) return {};
  const Table& table = tables_[static_cast<std::size_t>(family)];
  const auto first = table.lower_bound(from);
  auto last = table.lower_bound(to);
  if (order == Order::ascending) {
    for (auto at = first; at != last; ++at)
      if (!visit(at->first, at->second)) break;
    return {};
  }
  while (last != first) {
    --last;
    if (!visit(last->first, last->second)) break;
  }
  return {};
}

void MemoryStore::close() {
  closed_ = true;
  if (!failure_.empty()) return;
  synced_.cancel();
  for (Submission& submission : std::exchange(gathering_, {})) syncing_.push_back(std::move(submission));
  if (!syncing_.empty()) end_sync();
}

void MemoryStore::crash() {
  synced_.cancel();
  syncing_.clear();
  gathering_.clear();
  waiting_bytes_ = 0;
  failure_.clear();
  closed_ = false;
}

void MemoryStore::fail(std::string why) {
  crash();
  failure_ = std::move(why);
}

}  // namespace tercet::store
