#include "platform/registry/directory.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tercet;
using namespace tercet::registry;

namespace {

Device device(std::uint64_t number, std::string name, std::string secret = "s") {
  Device made;
  made.number = number;
  made.product = "pk";
  made.name = std::move(name);
  made.secret = std::move(secret);
  return made;
}

std::shared_ptr<const Product> product(std::string key, std::uint64_t version = 1) {
  auto made = std::make_shared<Product>();
  made->key = std::move(key);
  made->version = version;
  return made;
}

struct Listener final : DirectoryListener {
  std::string seen;
  void on_product_changed(const Product& p) override { seen += "P" + p.key + std::to_string(p.version) + " "; }
  void on_product_removed(std::string_view key) override { seen.append("p").append(key) += " "; }
  void on_device_changed(const Device& d) override { seen += "D" + d.name + (d.enabled ? " " : "! "); }
  void on_device_removed(const Device& d) override { seen += "d" + d.name + " "; }
};

std::string siblings(const Directory& directory, std::string_view product) {
  std::string names;
  directory.each_sibling(product, [&](std::string_view name, std::string_view secret) {
    names.append(name).append("=").append(secret).append(" ");
    return true;
  });
  return names;
}

}  // namespace

TEST_CASE("devices are found by name and by number, and by nothing else") {
  Directory directory;
  directory.put(device(7, "board"));
  REQUIRE(directory.device("pk", "board") != nullptr);
  CHECK(directory.device("pk", "board") == directory.device(7));
  CHECK(directory.device("pk", "boar") == nullptr);
  CHECK(directory.device("p", "k/board") == nullptr);
  CHECK(directory.device("pk", std::string(300, 'x')) == nullptr);
  CHECK(directory.device(8) == nullptr);
  CHECK(directory.device_count() == 1);
}

TEST_CASE("a device registered again under its name has a new number, and the old one is gone") {
  Directory directory;
  directory.put(device(1, "board"));
  directory.put(device(2, "board", "new"));
  CHECK(directory.device(1) == nullptr);
  CHECK(directory.device(2)->secret == "new");
  CHECK(directory.device_count() == 1);
}

TEST_CASE("a change that was made before the first login does not undo the activation") {
  Directory directory;
  directory.put(device(1, "board"));
  directory.set_activated(1, {1000});
  directory.set_activated(99, {1000});
  directory.put(device(1, "board"));
  CHECK(directory.device(1)->activated.ms == 1000);
  directory.put(device(2, "board"));
  CHECK(directory.device(2)->activated.ms == 0);
}

TEST_CASE("products are replaced as a whole; who holds the old one keeps it") {
  Directory directory;
  directory.put(product("pk", 1));
  const auto old = directory.shared_product("pk");
  directory.put(product("pk", 2));
  CHECK(old->version == 1);
  CHECK(directory.product("pk")->version == 2);
  directory.remove_product("pk");
  CHECK(directory.product("pk") == nullptr);
  CHECK(directory.shared_product("pk") == nullptr);
}

TEST_CASE("listeners hear of every change once, and of removals of what was there") {
  Directory directory;
  Listener listener;
  directory.listen(listener);
  directory.put(product("pk", 3));
  Device off = device(1, "a");
  off.enabled = false;
  directory.put(off);
  directory.put(device(2, "b"));
  directory.remove_device("pk", "a");
  directory.remove_device("pk", "a");
  directory.remove_product("pk");
  directory.remove_product("pk");
  CHECK(listener.seen == "Ppk3 Da! Db da ppk ");
}

TEST_CASE("the newest two hundred siblings of a product are kept, newest first") {
  Directory directory;
  directory.put_sibling("pk", "a", "1");
  directory.put_sibling("pk", "b", "2");
  directory.put_sibling("pk", "a", "3");
  directory.put_sibling("other", "c", "4");
  CHECK(siblings(directory, "pk") == "b=2 a=3 ");
  CHECK(directory.has_sibling("pk", "a"));
  CHECK(!directory.has_sibling("pk", "c"));
  CHECK(!directory.has_sibling("none", "c"));
  directory.remove_sibling("pk", "b");
  CHECK(siblings(directory, "pk") == "a=3 ");
  for (std::size_t i = 0; i < Directory::kSiblings; ++i) directory.put_sibling("pk", "n" + std::to_string(i), "s");
  CHECK(!directory.has_sibling("pk", "a"));
  CHECK(directory.has_sibling("pk", "n0"));
  std::size_t visited = 0;
  directory.each_sibling("pk", [&](std::string_view, std::string_view) { return ++visited < 5; });
  CHECK(visited == 5);
}
