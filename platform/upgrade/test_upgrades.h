#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/registry/directory_feed.h"
#include "platform/registry/file_links.h"
#include "platform/registry/registry.h"
#include "platform/runtime/sim.h"
#include "platform/store/test_folder.h"
#include "platform/upgrade/upgrades.h"

namespace tercet::upgrade {

/// Upgrades on a real registry and a real disk, in virtual time; devices are what `delivery` says of them.
class TestUpgrades {
 public:
  explicit TestUpgrades(int devices = 3, Settings settings = {})
      : world(7), host(world.add_host("10.0.0.1")), shards(host, 1), loop(host.add_loop()), settings_(settings) {
    directories.push_back(&directory);
    feed = std::make_unique<registry::DirectoryFeed>(loop, shards, directories);
    registry::SecretBox::Key key{};
    auto opened = registry::Registry::open(":memory:", registry::SecretBox(key), loop, *feed);
    TERCET_CHECK(opened.has_value());
    registry = std::move(*opened);
    links.set_base("https://platform.example:8443");
    registry::NewProduct wanted;
    wanted.name = "climate";
    product = registry->create_product(wanted)->product.key;
    for (int i = 1; i <= devices; ++i) add_device();
    restart();
  }
  std::uint64_t add_device() {
    registry::NewDevice one;
    one.product = product;
    one.name = "board" + std::to_string(numbers.size() + 1);
    numbers.push_back(registry->register_device(one)->device.number);
    return numbers.back();
  }
  /// What is not on disk is gone.
  void restart() {
    upgrades.reset();
    auto opened =
        Upgrades::open(folder.path() / "ota.db", folder.path() / "ota",
                       {loop, *registry, &links,
                        [this](Letter letter, std::function<void(thing::Delivery)> told) {
                          sent.push_back(letter);
                          static_cast<void>(loop.post([this, told, device = letter.device] {
                            told(device == deaf ? thing::Delivery::offline : delivery);
                          }));
                        },
                        [this](thing::Announcement message) { told_applications.push_back(std::move(message)); }},
                       settings_);
    TERCET_CHECK(opened.has_value());
    upgrades = std::move(*opened);
  }
  void run(Millis span = Millis{300}) { world.run_for(span); }

  std::string upload(std::string_view content) {
    const auto form = upgrades->make_form("bin");
    auto writer = upgrades->begin_upload(*form);
    TERCET_CHECK(writer.has_value());
    TERCET_CHECK((*writer)->add(as_bytes(content)).has_value());
    const auto facts = (*writer)->keep();
    TERCET_CHECK(upgrades->end_upload(form->key, *facts).has_value());
    return form->key;
  }
  NewFirmware wanted(const std::string& version, std::string_view content = "123456789") {
    NewFirmware made;
    made.product = product;
    made.name = "climate " + version;
    made.version = version;
    made.key = upload(content);
    made.verify = false;
    return made;
  }
  Firmware firmware(const std::string& version = "2.0") {
    const auto made = upgrades->create_firmware(wanted(version));
    TERCET_CHECK(made.has_value());
    return *made;
  }
  Job job(const Firmware& firmware, const JobOptions& options = {}, JobKind kind = JobKind::fixed) {
    const auto made = upgrades->create_job(kind, firmware.id, product, options);
    TERCET_CHECK(made.has_value());
    return *made;
  }
  thing::UpgradeMessage from(int board, thing::UpgradeMessage::Kind kind) const {
    thing::UpgradeMessage message;
    message.kind = kind;
    message.device = numbers.at(static_cast<std::size_t>(board - 1));
    message.product = product;
    message.name = "board" + std::to_string(board);
    message.id = "1";
    return message;
  }
  void inform(int board, const std::string& version, const std::string& module = "") {
    auto message = from(board, thing::UpgradeMessage::Kind::inform);
    message.version = version;
    message.module = module;
    upgrades->on_messages({message});
  }
  void progress(int board, int step) {
    auto message = from(board, thing::UpgradeMessage::Kind::progress);
    message.step = step;
    upgrades->on_messages({message});
  }
  void online(int board) { upgrades->on_messages({from(board, thing::UpgradeMessage::Kind::online)}); }
  std::vector<TaskRow> tasks(const Job& of) {
    TaskFilter filter;
    filter.job = of.number;
    return upgrades->tasks(filter, {1, 1000})->items;
  }
  /// "QUEUED NOTIFIED": of its tasks, in the order of the devices.
  std::string states(const Job& of) {
    std::string text;
    for (const TaskRow& row : tasks(of)) text.append(text.empty() ? "" : " ").append(name(row.task.state));
    return text;
  }
  std::string status(const Job& of) { return std::string(name(upgrades->job(of.id)->status)); }

  runtime::SimWorld world;
  runtime::SimHost& host;
  runtime::SimShards shards;
  runtime::SimLoop& loop;
  store::TestFolder folder;
  registry::Directory directory;
  std::vector<registry::Directory*> directories;
  std::unique_ptr<registry::DirectoryFeed> feed;
  std::unique_ptr<registry::Registry> registry;
  registry::FileLinks links{loop.random()};
  std::string product;
  std::vector<std::uint64_t> numbers;
  std::vector<Letter> sent;
  std::vector<thing::Announcement> told_applications;
  thing::Delivery delivery = thing::Delivery::sent;
  std::uint64_t deaf = 0;  ///< a device that is offline
  std::unique_ptr<Upgrades> upgrades;

 private:
  Settings settings_;
};

}  // namespace tercet::upgrade
