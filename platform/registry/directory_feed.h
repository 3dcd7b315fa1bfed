#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/registry/directory.h"
#include "platform/runtime/loop.h"

namespace tercet::registry {

/// Carries registry changes to the shards: products to all of them, a device to its home, its name and secret to all
/// (Directory::put_sibling). Belongs to the management thread. Changes reach each shard in the order of the
/// calls; `applied` runs on the management loop when the last shard has them. A shard whose queue is full gets them
/// later, in order.
class DirectoryFeed {
 public:
  /// One directory per shard, read and changed on the shards' threads only; all of it outlives the feed.
  DirectoryFeed(runtime::Loop& management, runtime::Shards& shards, std::vector<Directory*> directories);
  ~DirectoryFeed();

  void put(std::shared_ptr<const Product> product, runtime::Task applied = {});
  void put(std::vector<Device> devices, runtime::Task applied = {});
  void remove_product(std::string key, runtime::Task applied = {});
  void remove_devices(std::vector<Device> devices, runtime::Task applied = {});

  /// Start of the process, before the loops run: fills the directories at once, on the caller's thread. `siblings`
  /// says whether the device is also to be known to all shards for examinations.
  void load(std::shared_ptr<const Product> product);
  void load(Device device, bool sibling);

  std::size_t waiting() const { return waiting_; }  ///< posts that a full queue has refused so far and still holds

 private:
  struct Ticket;
  struct Delivery;
  /// change(directory, shard) runs on every shard.
  void send(std::function<void(Directory&, std::size_t)> change, runtime::Task applied);
  bool post(std::size_t shard, const std::shared_ptr<Delivery>& delivery);
  void retry();

  runtime::Loop& management_;
  runtime::Shards& shards_;
  std::vector<Directory*> directories_;
  std::vector<std::deque<std::shared_ptr<Delivery>>> backlog_;  // per shard, what its queue has refused so far
  std::size_t waiting_ = 0;
  runtime::Timer again_;
};

}  // namespace tercet::registry
