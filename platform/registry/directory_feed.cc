#include "platform/registry/directory_feed.h"

#include <utility>

#include "platform/broker/identity.h"
#include "tercet/base/check.h"

namespace tercet::registry {
namespace {

constexpr Millis kRetry{1};

/// Tells the management loop, and as long as that takes nothing, tries again from the shard's next pass.
void report(runtime::Loop& management, runtime::Loop& shard, std::shared_ptr<void> ticket, void (*done)(void*)) {
  if (management.post([ticket, done] { done(ticket.get()); })) return;
  static_cast<void>(
      shard.post([&management, &shard, ticket = std::move(ticket), done] { report(management, shard, ticket, done); }));
}

}  // namespace

/// One change under way. Touched on the management thread only; shards just hold it.
struct DirectoryFeed::Ticket {
  std::size_t left;
  runtime::Task applied;
  static void done(void* self) {
    auto& ticket = *static_cast<Ticket*>(self);
    if (--ticket.left == 0 && ticket.applied) ticket.applied();
  }
};

/// What goes to one shard. Immutable, so that a refused post loses nothing.
struct DirectoryFeed::Delivery {
  std::shared_ptr<const std::function<void(Directory&, std::size_t)>> change;
  std::shared_ptr<Ticket> ticket;
};

DirectoryFeed::DirectoryFeed(runtime::Loop& management, runtime::Shards& shards, std::vector<Directory*> directories)
    : management_(management),
      shards_(shards),
      directories_(std::move(directories)),
      backlog_(directories_.size()),
      again_([](void* self) { static_cast<DirectoryFeed*>(self)->retry(); }, this) {
  TERCET_CHECK(directories_.size() == shards.count());
}

DirectoryFeed::~DirectoryFeed() = default;

void DirectoryFeed::put(std::shared_ptr<const Product> product, runtime::Task applied) {
  send([product = std::move(product)](Directory& directory, std::size_t) { directory.put(product); },
       std::move(applied));
}

void DirectoryFeed::remove_product(std::string key, runtime::Task applied) {
  send([key = std::move(key)](Directory& directory, std::size_t) { directory.remove_product(key); },
       std::move(applied));
}

void DirectoryFeed::put(std::vector<Device> devices, runtime::Task applied) {
  send(
      [this, devices = std::make_shared<const std::vector<Device>>(std::move(devices))](Directory& directory,
                                                                                        std::size_t shard) {
        for (const Device& device : *devices) {
          directory.put_sibling(device.product, device.name, device.secret);
          if (shards_.home_of(broker::device_key(device.product, device.name)) == shard) directory.put(device);
        }
      },
      std::move(applied));
}

void DirectoryFeed::remove_devices(std::vector<Device> devices, runtime::Task applied) {
  send(
      [devices = std::make_shared<const std::vector<Device>>(std::move(devices))](Directory& directory, std::size_t) {
        for (const Device& device : *devices) directory.remove_device(device.product, device.name);
      },
      std::move(applied));
}

void DirectoryFeed::load(std::shared_ptr<const Product> product) {
  for (Directory* directory : directories_) directory->put(product);
}

void DirectoryFeed::load(Device device, bool sibling) {
  if (sibling)
    for (Directory* directory : directories_) directory->put_sibling(device.product, device.name, device.secret);
  Directory& home = *directories_[shards_.home_of(broker::device_key(device.product, device.name))];
  home.put(std::move(device));
}

void DirectoryFeed::send(std::function<void(Directory&, std::size_t)> change, runtime::Task applied) {
  const auto shared = std::make_shared<const std::function<void(Directory&, std::size_t)>>(std::move(change));
  const auto ticket = std::make_shared<Ticket>(Ticket{directories_.size(), std::move(applied)});
  for (std::size_t shard = 0; shard < directories_.size(); ++shard) {
    const auto delivery = std::make_shared<Delivery>(Delivery{shared, ticket});
    if (backlog_[shard].empty() && post(shard, delivery)) continue;
    backlog_[shard].push_back(delivery);
    ++waiting_;
    if (!again_.is_set()) again_.set(management_, management_.now() + kRetry);
  }
}

bool DirectoryFeed::post(std::size_t shard, const std::shared_ptr<Delivery>& delivery) {
  return shards_.loop(shard).post([this, shard, delivery] {
    (*delivery->change)(*directories_[shard], shard);
    report(management_, shards_.loop(shard), delivery->ticket, &Ticket::done);
  });
}

void DirectoryFeed::retry() {
  for (std::size_t shard = 0; shard < backlog_.size(); ++shard) {
    auto& backlog = backlog_[shard];
    while (!backlog.empty() && post(shard, backlog.front())) {
      backlog.pop_front();
      --waiting_;
    }
  }
  if (waiting_ > 0) again_.set(management_, management_.now() + kRetry);
}

}  // namespace tercet::registry
