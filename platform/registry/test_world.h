#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/broker/identity.h"
#include "platform/registry/registry.h"
#include "platform/store/test_folder.h"
#include "platform/store/test_loop.h"

namespace tercet::registry {

/// Shards whose loops the test runs.
class TestShards final : public runtime::Shards {
 public:
  explicit TestShards(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) loops.push_back(std::make_unique<store::TestLoop>());
  }
  std::size_t count() const override { return loops.size(); }
  runtime::Loop& loop(std::size_t shard) override { return *loops[shard]; }
  std::vector<std::unique_ptr<store::TestLoop>> loops;
};

/// A registry with two shards in one thread; reopened as often as the test likes.
struct TestWorld {
  store::TestFolder folder;
  store::TestLoop management;
  TestShards shards{2};
  std::vector<std::unique_ptr<Directory>> directories;
  std::unique_ptr<DirectoryFeed> feed;
  std::unique_ptr<Registry> registry;
  SecretBox::Key key{1, 2, 3};
  RegistryLimits limits;

  TestWorld() { reset(); }
  void reset() {
    registry.reset();
    feed.reset();
    directories.clear();
    std::vector<Directory*> raw;
    for (std::size_t i = 0; i < shards.count(); ++i) {
      directories.push_back(std::make_unique<Directory>());
      raw.push_back(directories.back().get());
    }
    feed = std::make_unique<DirectoryFeed>(management, shards, raw);
  }
  runtime::Outcome<std::unique_ptr<Registry>> try_open() {
    return Registry::open(folder.path() / "registry.db", SecretBox(key), management, *feed, limits);
  }
  Registry& open() {
    reset();
    auto opened = try_open();
    if (!opened) throw std::runtime_error(opened.problem().detail);
    registry = std::move(*opened);
    return *registry;
  }
  /// Runs all loops until nothing is left to do.
  void settle() {
    for (bool busy = true; busy;) {
      busy = management.run() != 0;
      for (auto& loop : shards.loops) busy = loop->run() != 0 || busy;
    }
  }
  Directory& home(std::string_view product, std::string_view name) {
    return *directories[shards.home_of(broker::device_key(product, name))];
  }
};

}  // namespace tercet::registry
