// Other shards: batches out at the end of each pass, batches in as tasks.
#include <algorithm>

#include "platform/broker/shard.h"

namespace tercet::broker {
namespace {

constexpr Millis kRetry{1};              // another shard's queue was full
constexpr std::size_t kMostAssured = 2;  // QoS 1 and 2 may wait for another shard so many times as much as QoS 0

}  // namespace

// --- out ---

/// Whether one more message may wait for that shard. QoS 0 gives way first.
bool Shard::has_room(const Link& link, std::uint8_t qos) {
  const std::size_t most = config().max_link_bytes * (qos == 0 ? 1 : kMostAssured);
  if (link.waiting() < most) return true;
  ++counters_.dropped_link_full;
  full_ = Full::link;
  return false;
}

/// What the other shard is to confirm, if its answer is waited for: when it may have to store the message, and when so
/// much waits for it that the publisher has to be held back.
std::optional<std::uint32_t> Shard::confirmation(const Link& link, const Publication& publication, bool durable) {
  if (publication.qos == 0) return std::nullopt;
  const bool is_slow = link.waiting() >= config().max_link_bytes;
  if (!is_slow && (!durable || store_ == nullptr)) return std::nullopt;
  need_wait();
  return waits_for_;
}

/// A place in this pass's batches: when all others say they have come to it, they know what was said before.
std::uint64_t Shard::next_barrier() {
  barrier_due_ = true;
  return barriers_ + 1;
}

std::uint64_t Shard::reached_by_all() const {
  std::uint64_t least = barriers_;
  for (std::size_t k = 0; k < links_.size(); ++k)
    if (k != index_) least = std::min(least, links_[k].reached);
  return least;
}

void Shard::flush_links() {
  if (barrier_due_) {
    ++barriers_;
    barrier_due_ = false;
    each_other([this](Link& link) { link.batch.number(LinkKind::barrier, barriers_); });
  }
  for (std::size_t k = 0; k < links_.size(); ++k) {
    LinkBatch& batch = links_[k].batch;
    if (batch.empty()) continue;
    // Shared only so that it is still here when the post is refused.
    auto bytes = std::make_shared<std::string>(std::move(batch.bytes()));
    batch.bytes().clear();
    Shard& there = *all_.at(k).shard_;
    const std::shared_ptr<runtime::SharedCount>& unread = links_[k].unread;
    unread->add(bytes->size());
    const bool posted = there.loop().post([&there, unread, bytes, from = index_] {
      there.on_link(from, *bytes);
      unread->remove(bytes->size());
    });
    if (posted) continue;
    unread->remove(bytes->size());
    batch.bytes() = std::move(*bytes);
    retry_in(kRetry);
  }
}

// --- in ---

void Shard::on_link(std::size_t from, std::string_view batch) {
  LinkReader in{batch};
  while (const auto next = in.next()) {
    const LinkRecord& record = *next;
    switch (record.kind) {
      case LinkKind::publish:
        linked_publish(from, record);
        break;
      case LinkKind::to_device:
        linked_to_device(from, record);
        break;
      case LinkKind::confirm:
        settle(*record.confirm);
        break;
      case LinkKind::refused:
        refuse(*record.confirm, Full::store_behind);
        break;
      case LinkKind::want:
      case LinkKind::unwant:
        linked_filter(from, record);
        break;
      case LinkKind::join:
      case LinkKind::leave:
        linked_group(from, record);
        break;
      case LinkKind::barrier:
        links_[from].batch.number(LinkKind::reached, record.number);
        break;
      case LinkKind::reached:
        reached(from, record.number);
        break;
      case LinkKind::retain:
        linked_retain(from, record);
        break;
      case LinkKind::ride_up:
        linked_ride_up(from, record);
        break;
      case LinkKind::ride_down:
        ride_down(record.ride, record.text, record.publication);
        break;
      case LinkKind::ride_left:
        ride_left(record.ride, record.text);
        break;
      case LinkKind::ride_over:
        ride_over(record.ride, record.text, record.why);
        break;
    }
  }
}

void Shard::linked_publish(std::size_t from, const LinkRecord& record) {
  ++counters_.messages_in_linked;
  if (record.clients || record.devices) {
    const Route& route = current(cached_route(record.publication.topic));
    deliver_local(route, record.publication, record.clients, record.devices);
    if (record.devices)
      for (const auto& [node, group] : route.groups)
        if (const Subscriber* member = next_member(*group, true)) deliver_to(*member, record.publication);
    if (record.devices) deliver_to_sub_device(record.publication);
  }
  each_share(record.text, [this, &record](std::string_view filter, std::string_view name) {
    Node* node = tree_.find(filter);
    Group* group = node != nullptr ? SubscriptionTree::find_group(*node, name) : nullptr;
    if (group == nullptr) return;
    if (const Subscriber* member = next_member(*group, false)) deliver_to(*member, record.publication);
  });
  confirm_later(from, record);
}

void Shard::linked_to_device(std::size_t from, const LinkRecord& record) {
  ++counters_.messages_in_linked;
  if (Session* session = sessions_.find(record.text))
    send(*session, record.publication.topic, record.publication.payload, record.publication.qos);
  confirm_later(from, record);
}

/// The message is with its receivers, or will be once the store has it, or could not be taken.
void Shard::confirm_later(std::size_t from, const LinkRecord& record) {
  kept_copy_ = MessageRef{};
  const std::uint32_t pending = std::exchange(waits_for_, PendingAcks::kNone);
  const Full full = std::exchange(full_, Full::none);
  if (!record.confirm) return;
  if (full != Full::none)
    links_[from].batch.refuse(*record.confirm);
  else if (pending == PendingAcks::kNone)
    links_[from].batch.confirm(*record.confirm);
  else
    pending_.set_confirm(pending, from, *record.confirm);
}

void Shard::linked_filter(std::size_t from, const LinkRecord& record) {
  const std::uint64_t bit = std::uint64_t{1} << from;
  if (record.kind == LinkKind::want) {
    Node& node = tree_.node_of(record.text);
    node.remote |= bit;
    node.remote_durable = record.number != 0 ? node.remote_durable | bit : node.remote_durable & ~bit;
  } else if (Node* node = tree_.find(record.text)) {
    node->remote &= ~bit;
    node->remote_durable &= ~bit;
    tree_.prune(*node);
  }
  tree_.changed();
}

void Shard::linked_group(std::size_t from, const LinkRecord& record) {
  Node& node = tree_.node_of(record.text);
  Group& group = tree_.group_of(node, record.group);
  group.members_of.resize(links_.size());
  if (record.kind == LinkKind::join) {
    ++group.members_of[from];
    ++group.members_elsewhere;
  } else {
    --group.members_of[from];
    --group.members_elsewhere;
  }
  SubscriptionTree::prune_group(node, group);
  tree_.prune(node);
  tree_.changed();
}

/// Releases the SUBACKs that waited for all shards to know the filters.
void Shard::reached(std::size_t from, std::uint64_t barrier) {
  links_[from].reached = barrier;
  const std::uint64_t least = reached_by_all();
  while (!held_subacks_.empty() && held_subacks_.front().barrier <= least) {
    const HeldSuback held = std::move(held_subacks_.front());
    held_subacks_.pop_front();
    Session* session = sessions_.at(held.session);
    if (session != nullptr && session->connection != nullptr &&
        session->connection_generation == held.connection_generation)
      answer_subscribe(*session, held);
  }
}

}  // namespace tercet::broker
