#include "platform/registry/registry.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "platform/registry/test_world.h"

using namespace tercet;
using namespace tercet::registry;

namespace {

NewProduct named(std::string name) {
  NewProduct made;
  made.name = std::move(name);
  return made;
}
NewDevice board(const ProductRecord& product, std::string name) {
  NewDevice made;
  made.product = product.product.key;
  made.name = std::move(name);
  return made;
}
ProductRecord climate(Registry& registry) {
  auto made = registry.create_product(named("climate"));
  REQUIRE(made);
  return *made;
}
template <typename T>
std::string code_of(const Answer<T>& answer) {
  return answer ? "ok" : std::string(answer.problem().code);
}

}  // namespace

TEST_CASE("a product is on disk and on every shard when its answer goes out") {
  TestWorld world;
  Registry& registry = world.open();
  NewProduct wanted = named("climate");
  wanted.node_type = 1;
  wanted.description = "boards";
  wanted.validation = Validation::strong;
  wanted.clock_policy = ClockPolicy::enforce;
  wanted.article_dialect = false;
  bool applied = false;
  const auto made = registry.create_product(wanted, [&] { applied = true; });
  REQUIRE(made);
  CHECK(made->product.key.size() == 11);
  CHECK(made->product.secret.size() == 16);
  CHECK(!applied);
  world.settle();
  CHECK(applied);
  CHECK(world.directories[1]->product(made->product.key)->secret == made->product.secret);

  const std::string key = made->product.key;
  Registry& again = world.open();
  const auto read = again.product(key);
  REQUIRE(read);
  CHECK(read->product.secret == made->product.secret);
  CHECK(read->product.name == "climate");
  CHECK(read->node_type == 1);
  CHECK(read->net_type == "WIFI");
  CHECK(read->description == "boards");
  CHECK(read->created == made->created);
  const Product* on_shard = world.directories[0]->product(key);
  REQUIRE(on_shard != nullptr);
  CHECK(on_shard->validation == Validation::strong);
  CHECK(on_shard->clock_policy == ClockPolicy::enforce);
  CHECK(!on_shard->article_dialect);
}

TEST_CASE("products that the cloud would refuse are refused with its codes") {
  TestWorld world;
  world.limits.products = 2;
  Registry& registry = world.open();
  CHECK(code_of(registry.create_product(named(""))) == "iot.prod.NullProductName");
  CHECK(code_of(registry.create_product(named("abc"))) == "iot.prod.InvalidFormattedProductName");
  NewProduct wanted = named("climate");
  wanted.description = std::string(101, 'x');
  CHECK(code_of(registry.create_product(wanted)) == "iot.prod.LongProductDesc");
  wanted = named("climate"), wanted.node_type = 2;
  CHECK(code_of(registry.create_product(wanted)) == "iot.prod.InvalidNodeType");
  wanted = named("climate"), wanted.data_format = 7;
  CHECK(code_of(registry.create_product(wanted)) == "iot.prod.CreateProductFailed");
  wanted = named("climate"), wanted.commodity_code = "x";
  CHECK(code_of(registry.create_product(wanted)) == "iot.prod.InvalidAliyunCommodityCode");
  wanted = named("climate"), wanted.key = "a/b";
  CHECK(code_of(registry.create_product(wanted)) == "iot.prod.InvalidFormattedProductkey");
  wanted = named("climate"), wanted.secret = "a b";
  CHECK(code_of(registry.create_product(wanted)) == "iot.prod.CreateProductFailed");
  wanted = named("climate"), wanted.key = "a1B2c3D4e5F", wanted.secret = "brought";
  const auto brought = registry.create_product(wanted);
  REQUIRE(brought);
  CHECK(brought->product.key == "a1B2c3D4e5F");
  CHECK(brought->product.secret == "brought");
  CHECK(code_of(registry.create_product(named("climate"))) == "iot.prod.AlreadyExistedProductName");
  wanted.name = "other";
  CHECK(code_of(registry.create_product(wanted)) == "iot.prod.AlreadyExistedProductName");
  CHECK(registry.create_product(named("third")));
  CHECK(code_of(registry.create_product(named("fourth"))) == "iot.prod.ProductCountExceedMax");
  CHECK(code_of(registry.product("")) == "iot.prod.NullProductKey");
  CHECK(code_of(registry.product("none")) == "iot.prod.NotExistedProduct");
}

TEST_CASE("only what is set in a change of a product changes; the thing model raises the version") {
  TestWorld world;
  Registry& registry = world.open();
  const std::string key = climate(registry).product.key;
  ProductChange change;
  change.name = "renamed";
  change.released = true;
  REQUIRE(registry.update_product(key, change));
  change = {};
  change.description = "text";
  change.article_dialect = false;
  change.validation = Validation::none;
  change.clock_policy = ClockPolicy::off;
  REQUIRE(registry.update_product(key, change));
  const auto modelled = registry.set_tsl(key, R"({"properties":[]})");
  REQUIRE(modelled);
  CHECK(modelled->product.version == 1);
  world.settle();
  CHECK(world.directories[1]->product(key)->tsl == R"({"properties":[]})");
  Registry& again = world.open();
  const auto read = again.product(key);
  CHECK(read->product.name == "renamed");
  CHECK(read->description == "text");
  CHECK(read->released);
  CHECK(read->product.version == 1);
  CHECK(!read->product.article_dialect);
  CHECK(read->product.validation == Validation::none);
  CHECK(read->product.clock_policy == ClockPolicy::off);

  REQUIRE(again.create_product(named("second")));
  change = {};
  change.name = "second";
  CHECK(code_of(again.update_product(key, change)) == "iot.prod.AlreadyExistedProductName");
  change.name = "x";
  CHECK(code_of(again.update_product(key, change)) == "iot.prod.InvalidFormattedProductName");
  change = {};
  change.description = std::string(101, 'x');
  CHECK(code_of(again.update_product(key, change)) == "iot.prod.LongProductDesc");
  CHECK(code_of(again.update_product("none", {})) == "iot.prod.NotExistedProduct");
  CHECK(again.set_tsl(key, std::string(600 * 1024, 'x')).problem().error == Error::too_large);
  CHECK(code_of(again.set_tsl("none", "")) == "iot.prod.NotExistedProduct");
}

TEST_CASE("lists of products go from the newest, in pages") {
  TestWorld world;
  Registry& registry = world.open();
  for (int i = 0; i < 5; ++i) {
    NewProduct wanted = named("product" + std::to_string(i));
    if (i == 2) wanted.commodity_code = "iothub";
    REQUIRE(registry.create_product(wanted));
  }
  const auto second = registry.products({2, 2});
  REQUIRE(second);
  CHECK(second->total == 5);
  CHECK(second->page_count() == 3);
  REQUIRE(second->items.size() == 2);
  CHECK(second->items[0].product.name == "product2");
  CHECK(second->items[1].product.name == "product1");
  CHECK(registry.products({9, 2})->items.empty());
  CHECK(registry.products({1, 10}, "iothub")->total == 1);
  for (const PageRequest bad : {PageRequest{0, 10}, PageRequest{1, 0}, PageRequest{1, 201}})
    CHECK(code_of(registry.products(bad)) == "iot.common.InvalidPageParams");
}

TEST_CASE("a product goes only without devices, and from every shard") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  REQUIRE(registry.register_device(board(product, "board")));
  CHECK(code_of(registry.delete_product(product.product.key)) == "iot.prod.DeleteProductFailed");
  REQUIRE(registry.delete_device({"", product.product.key, "board"}));
  REQUIRE(registry.delete_product(product.product.key));
  world.settle();
  CHECK(world.directories[0]->product(product.product.key) == nullptr);
  CHECK(code_of(registry.delete_product(product.product.key)) == "iot.prod.NotExistedProduct");
  CHECK(!world.open().product(product.product.key));
}

TEST_CASE("a device is made with a triple, kept over a restart, and known to its home shard") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  NewDevice wanted = board(product, "board");
  wanted.nickname = "in the cellar";
  bool applied = false;
  const auto made = registry.register_device(wanted, [&] { applied = true; });
  REQUIRE(made);
  CHECK(made->device.secret.size() == 32);
  CHECK(made->device.number == 1);
  world.settle();
  CHECK(applied);
  CHECK(world.home(product.product.key, "board").device(1)->secret == made->device.secret);

  Registry& again = world.open();
  const auto by_name = again.device({"", product.product.key, "board"});
  REQUIRE(by_name);
  CHECK(by_name->nickname == "in the cellar");
  CHECK(by_name->device.secret == made->device.secret);
  CHECK(again.device({made->device.iot_id, "ignored", "ignored"})->device.name == "board");
  CHECK(again.device(std::uint64_t{1})->device.name == "board");
  CHECK(!again.device(std::uint64_t{2}));
  CHECK(again.is_known(product.product.key, "board"));
  CHECK(!again.is_known(product.product.key, "other"));
  CHECK(again.device_count() == 1);
  CHECK(again.device_count(product.product.key) == 1);
  CHECK(again.device_count("none") == 0);
  CHECK(world.home(product.product.key, "board").device(1)->iot_id == made->device.iot_id);
  CHECK(world.directories[0]->has_sibling(product.product.key, "board"));
  CHECK(world.directories[1]->has_sibling(product.product.key, "board"));
}

TEST_CASE("devices that the cloud would refuse are refused with its codes") {
  TestWorld world;
  world.limits.devices_per_product = 2;
  Registry& registry = world.open();
  const auto product = climate(registry);
  CHECK(code_of(registry.register_device({"none", "board", {}, {}})) == "iot.prod.NotExistedProduct");
  CHECK(code_of(registry.register_device(board(product, "a b c"))) == "iot.device.InvalidFormattedDeviceName");
  NewDevice wanted = board(product, "board");
  wanted.nickname = "x";
  CHECK(code_of(registry.register_device(wanted)) == "iot.device.CreateDeviceFailed");
  wanted.nickname.clear(), wanted.secret = "a b";
  CHECK(code_of(registry.register_device(wanted)) == "iot.device.CreateDeviceFailed");
  wanted.secret = "brought-along";
  CHECK(registry.register_device(wanted)->device.secret == "brought-along");
  CHECK(code_of(registry.register_device(wanted)) == "iot.device.AlreadyExistedDeviceName");
  CHECK(registry.register_device(board(product, ""))->device.name.size() == 20);
  CHECK(code_of(registry.register_device(board(product, "third"))) == "iot.device.DeviceCountExceeded");
  const std::string key = product.product.key;
  CHECK(code_of(registry.device(DeviceRef{})) == "iot.prod.NullProductKey");
  CHECK(code_of(registry.device({"", key, ""})) == "iot.device.NullDeviceName");
  CHECK(code_of(registry.device({"", key, "none"})) == "iot.device.NotExistedDevice");
  CHECK(code_of(registry.device({"", "none", "none"})) == "iot.prod.NotExistedProduct");
  CHECK(code_of(registry.device({"wrong", "", ""})) == "iot.device.InvalidIoTId");
}

TEST_CASE("disabling, naming and deleting reach the disk and the shard; numbers are never used again") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  const std::string key = product.product.key;
  REQUIRE(registry.register_device(board(product, "board")));
  const DeviceRef ref{"", key, "board"};
  int applied = 0;
  REQUIRE(registry.set_enabled(ref, false, [&] { ++applied; }));
  REQUIRE(registry.set_nickname(ref, "attic board"));
  world.settle();
  CHECK(applied == 1);
  CHECK(!world.home(key, "board").device(1)->enabled);
  Registry& again = world.open();
  CHECK(!again.device(ref)->device.enabled);
  CHECK(again.device(ref)->nickname == "attic board");
  CHECK(code_of(again.set_nickname(ref, "x")) == "iot.device.SaveOrUpdateDevicePropertiesFailed");
  REQUIRE(again.set_nickname(ref, ""));
  REQUIRE(again.delete_device(ref, [&] { ++applied; }));
  world.settle();
  CHECK(applied == 2);
  CHECK(world.home(key, "board").device(key, "board") == nullptr);
  CHECK(code_of(again.delete_device(ref)) == "iot.device.NotExistedDevice");
  CHECK(code_of(again.set_enabled(ref, true)) == "iot.device.NotExistedDevice");
  CHECK(code_of(again.set_nickname(ref, "board")) == "iot.device.NotExistedDevice");
  CHECK(again.register_device(board(product, "board"))->device.number == 2);
}

TEST_CASE("device lists filter, count and page from the newest") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  auto other = registry.create_product(named("other"));
  for (int i = 0; i < 7; ++i) REQUIRE(registry.register_device(board(product, "board" + std::to_string(i))));
  REQUIRE(registry.register_device(board(*other, "gateway")));
  REQUIRE(registry.set_enabled({"", product.product.key, "board3"}, false));
  registry.note_activated(1, {5000});
  DeviceFilter filter;
  CHECK(registry.devices(filter, {1, 50})->total == 8);
  filter.product = product.product.key;
  const auto page = registry.devices(filter, {2, 3});
  CHECK(page->total == 7);
  REQUIRE(page->items.size() == 3);
  CHECK(page->items[0].device.name == "board3");
  filter.enabled = false;
  CHECK(registry.devices(filter, {1, 10})->items[0].device.name == "board3");
  filter.enabled = true;
  CHECK(registry.devices(filter, {1, 10})->total == 6);
  filter = {};
  filter.activated = true;
  CHECK(registry.devices(filter, {1, 10})->total == 1);
  filter.activated = false;
  CHECK(registry.devices(filter, {1, 10})->total == 7);
  filter = {};
  filter.name_contains = "oard";
  CHECK(registry.devices(filter, {1, 10})->total == 7);
  filter.product = other->product.key;
  CHECK(registry.devices(filter, {1, 10})->total == 0);
  CHECK(code_of(registry.devices(filter, {1, 51})) == "iot.common.InvalidPageParams");
  filter.product = "none";
  CHECK(code_of(registry.devices(filter, {1, 10})) == "iot.prod.NotExistedProduct");
  CHECK(registry.devices(product.product.key, {"board1", "none", "", "board2"}).size() == 2);
}

TEST_CASE("a batch makes devices with names of their own, all or none") {
  TestWorld world;
  world.limits.devices_per_product = 30;
  Registry& registry = world.open();
  const auto product = climate(registry);
  const std::string key = product.product.key;
  bool applied = false;
  const auto made = registry.batch_register(key, 20, [&] { applied = true; });
  REQUIRE(made);
  CHECK(made->status == "CREATE_SUCCESS");
  world.settle();
  CHECK(applied);
  CHECK(world.directories[0]->device_count() + world.directories[1]->device_count() == 20);
  const auto page = registry.batch_devices(made->apply_id, {2, 15});
  REQUIRE(page);
  CHECK(page->total == 20);
  CHECK(page->items.size() == 5);
  CHECK(registry.batch(key, made->apply_id)->status == "CREATE_SUCCESS");
  CHECK(code_of(registry.batch_register(key, 11)) == "iot.device.DeviceCountExceeded");
  CHECK(code_of(registry.batch_register(key, 0)) == "iot.device.ApplyManyDevicesFailed");
  CHECK(code_of(registry.batch_register(key, 1001)) == "iot.device.ApplyManyDevicesFailed");
  CHECK(code_of(registry.batch_register("none", 1)) == "iot.prod.NotExistedProduct");
  CHECK(code_of(registry.batch(key, 5)) == "iot.device.DeviceApplyIsNotFound");
  CHECK(code_of(registry.batch("other", made->apply_id)) == "iot.device.DeviceApplyIsNotFound");
  CHECK(code_of(registry.batch_devices(5, {1, 10})) == "iot.device.DeviceApplyIsNotFound");
  CHECK(code_of(registry.batch_devices(made->apply_id, {0, 10})) == "iot.common.InvalidPageParams");
}

TEST_CASE("given names are checked first, then made once") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  const std::string key = product.product.key;
  REQUIRE(registry.register_device(board(product, "taken")));
  const auto failed = registry.batch_check(key, {"good1", "taken", "b d", "good1"});
  REQUIRE(failed);
  CHECK(failed->status == "CHECK_FAILED");
  CHECK(failed->valid == std::vector<std::string>{"good1"});
  CHECK(failed->invalid == std::vector<std::string>{"taken", "b d", "good1"});
  const auto checked = registry.batch_check(key, {"good2", "good3"});
  CHECK(checked->status == "CHECK_SUCCESS");
  CHECK(checked->apply_id != failed->apply_id);
  CHECK(registry.device_count(key) == 1);
  const auto made = registry.batch_register_checked(key, checked->apply_id);
  REQUIRE(made);
  CHECK(made->apply_id == checked->apply_id);
  CHECK(registry.device_count(key) == 3);
  CHECK(registry.is_known(key, "good3"));
  CHECK(registry.batch(key, checked->apply_id)->valid.size() == 2);
  CHECK(code_of(registry.batch_register_checked(key, checked->apply_id)) == "iot.device.CreateDeviceTaskIsRunning");
  CHECK(code_of(registry.batch_register_checked(key, 1)) == "iot.device.DeviceApplyIsNotFound");
  CHECK(code_of(registry.batch_check(key, {})) == "iot.device.NoneDeviceNameElement");
  CHECK(code_of(registry.batch_check("none", {"good5"})) == "iot.prod.NotExistedProduct");
  CHECK(code_of(registry.batch_check(key, std::vector<std::string>(1001, "many"))) ==
        "iot.device.ApplyManyDevicesFailed");
  const auto none = registry.batch_check(key, {"x"});
  CHECK(code_of(registry.batch_register_checked(key, none->apply_id)) == "iot.device.NoneDeviceNameElement");
}

TEST_CASE("a batch that fails half-way leaves nothing behind") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  const std::string key = product.product.key;
  const auto checked = registry.batch_check(key, {"good2", "good3"});
  REQUIRE(registry.register_device(board(product, "good3")));
  CHECK(code_of(registry.batch_register_checked(key, checked->apply_id)) == "iot.device.AlreadyExistedDeviceName");
  CHECK(!registry.is_known(key, "good2"));
  CHECK(registry.device_count(key) == 1);
  CHECK(registry.batch(key, checked->apply_id)->status == "CHECK_SUCCESS");
}

TEST_CASE("activation and last login are gathered, seen by the next question, and kept") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  const DeviceRef ref{"", product.product.key, "board"};
  REQUIRE(registry.register_device(board(product, "board")));
  registry.note_activated(1, {1000});
  registry.note_activated(1, {2000});
  registry.note_online(1, {1000}, "192.0.2.1");
  registry.note_online(1, {3000}, "192.0.2.2");
  CHECK(registry.device(ref)->device.activated.ms == 1000);
  CHECK(registry.device(ref)->last_online.ms == 3000);
  CHECK(registry.device(ref)->last_address == "192.0.2.2");
  registry.note_activated(1, {9000});
  registry.note_online(1, {4000}, "192.0.2.3");
  world.management.advance(Seconds{1});
  Registry& again = world.open();
  CHECK(again.device(ref)->device.activated.ms == 1000);
  CHECK(again.device(ref)->last_online.ms == 4000);
  CHECK(world.home(product.product.key, "board").device(1)->activated.ms == 1000);
}

TEST_CASE("access keys and the admin password outlive a restart; secrets are not in the file") {
  TestWorld world;
  world.limits.access_keys = 2;
  Registry& registry = world.open();
  CHECK(!registry.has_admin_password());
  CHECK(!registry.check_admin_password(""));
  const auto key = registry.create_access_key("ci");
  REQUIRE(key);
  const auto product = climate(registry);
  const auto made = registry.register_device(board(product, "board"));
  REQUIRE(registry.set_admin_password("correct horse"));
  CHECK(code_of(registry.set_admin_password("short")) == "InvalidPassword");
  REQUIRE(registry.set_access_key_active(key->id, false));
  Registry& again = world.open();
  REQUIRE(again.access_key(key->id) != nullptr);
  CHECK(again.access_key(key->id)->secret == key->secret);
  CHECK(again.access_key(key->id)->remark == "ci");
  CHECK(!again.access_key(key->id)->active);
  CHECK(again.has_admin_password());
  CHECK(again.check_admin_password("correct horse"));
  CHECK(!again.check_admin_password("wrong horse"));
  CHECK(again.access_key("LTAInone") == nullptr);
  REQUIRE(again.create_access_key(""));
  CHECK(!again.create_access_key(""));
  CHECK(again.access_keys().size() == 2);
  REQUIRE(again.delete_access_key(key->id));
  CHECK(code_of(again.delete_access_key(key->id)) == "InvalidAccessKeyId.NotFound");
  CHECK(code_of(again.set_access_key_active(key->id, true)) == "InvalidAccessKeyId.NotFound");
  world.reset();
  for (const auto& file : std::filesystem::directory_iterator(world.folder.path())) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    for (const std::string& secret :
         {made->device.secret, product.product.secret, key->secret, std::string("correct horse")})
      CHECK(bytes.find(secret) == std::string::npos);
  }
}

TEST_CASE("another master key is refused with the remedy") {
  TestWorld world;
  climate(world.open());
  world.reset();
  world.key[0] ^= 1;
  const auto refused = world.try_open();
  REQUIRE(!refused);
  CHECK(refused.problem().code == Error::denied);
  CHECK(refused.problem().detail.find("another master key") != std::string::npos);
}

TEST_CASE("a registry of a newer version, and a file that is none, are refused") {
  TestWorld world;
  world.open();
  world.reset();
  {
    auto database = store::Database::open(world.folder.path() / "registry.db");
    REQUIRE(database->run("PRAGMA user_version=99"));
  }
  const auto newer = world.try_open();
  REQUIRE(!newer);
  CHECK(newer.problem().code == Error::unsupported);
  std::filesystem::remove_all(world.folder.path() / "registry.db-wal");
  std::ofstream(world.folder.path() / "registry.db") << std::string(8192, 'x');
  const auto damaged = world.try_open();
  REQUIRE(!damaged);
  CHECK(damaged.problem().detail.find("registry.db") != std::string::npos);
}

TEST_CASE("a damaged secret disarms its device only; of a product or access key it is refused") {
  TestWorld world;
  const auto damage = [&](std::string_view sql) {
    world.reset();
    auto database = store::Database::open(world.folder.path() / "registry.db");
    REQUIRE(database->run(sql));
  };
  Registry& registry = world.open();
  const auto product = climate(registry);
  REQUIRE(registry.register_device(board(product, "board")));
  REQUIRE(registry.create_access_key(""));
  damage("UPDATE devices SET secret=x'0102'");
  CHECK(world.open().device({"", product.product.key, "board"})->device.secret.empty());
  damage("UPDATE access_keys SET secret=x'0102'");
  CHECK(world.try_open().problem().detail.find("access key") != std::string::npos);
  damage("DELETE FROM access_keys; UPDATE products SET secret=x'0102'");
  CHECK(world.try_open().problem().detail.find("product") != std::string::npos);
}

TEST_CASE("a full disk is an answer, changes nothing, and is over when there is room") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  const std::string key = product.product.key;
  registry.limit_pages_for_test(1);
  const std::string big(100 * 1024, 'x');
  const auto refused = registry.set_tsl(key, big);
  REQUIRE(!refused);
  CHECK(refused.problem().error == Error::no_space);
  CHECK(refused.problem().code == "iot.system.SystemException");
  CHECK(registry.product(key)->product.tsl.empty());
  world.settle();
  CHECK(world.directories[0]->product(key)->tsl.empty());
  for (int i = 0; i < 200; ++i) {
    const auto made = registry.batch_register(key, 100);
    if (!made) {
      CHECK(made.problem().error == Error::no_space);
      break;
    }
    REQUIRE(i < 199);
  }
  registry.limit_pages_for_test(1'000'000);
  CHECK(registry.set_tsl(key, big));
}

TEST_CASE("logins that cannot be written down are kept and written when they can") {
  TestWorld world;
  Registry& registry = world.open();
  const auto product = climate(registry);
  const DeviceRef ref{"", product.product.key, "board"};
  REQUIRE(registry.register_device(board(product, "board")));
  auto other = store::Database::open(world.folder.path() / "registry.db");
  REQUIRE(other->run("CREATE TRIGGER full BEFORE UPDATE ON devices BEGIN SELECT RAISE(ABORT, 'full'); END"));
  registry.note_activated(1, {5000});
  registry.note_online(1, {6000}, "192.0.2.1");
  CHECK(registry.device(ref)->device.activated.ms == 0);
  REQUIRE(other->run("DROP TRIGGER full"));
  world.management.advance(Seconds{5});
  CHECK(registry.device(ref)->device.activated.ms == 5000);
  CHECK(registry.device(ref)->last_address == "192.0.2.1");
}

TEST_CASE("the file of version 11 has these tables") {
  TestWorld world;
  world.open();
  world.reset();
  auto database = store::Database::open(world.folder.path() / "registry.db");
  REQUIRE(database);
  CHECK(*database->version() == 11);
  auto read = database->must_prepare(
      "SELECT name, (SELECT group_concat(name) FROM pragma_table_info(t.name)) FROM "
      "sqlite_master t WHERE type='table' AND name NOT LIKE 'sqlite%' ORDER BY 1");
  std::string tables;
  for (;;) {
    const auto row = read.step();
    REQUIRE(row);
    if (!*row) break;
    tables += read.text(0) + "(" + read.text(1) + ")\n";
  }
  CHECK(
      tables ==
      "access_keys(id,secret,remark,active,created)\n"
      "batch_names(apply_id,position,name,valid)\n"
      "batches(apply_id,product,status,created)\n"
      "closed_topics(product)\n"
      "configuration_answers(device,id,code,at)\n"
      "configurations(product,version,id,sha256,created,text)\n"
      "device_authorities(sha256,pem,created)\n"
      "device_certificates(sha256,device,serial,pem,revoked,created)\n"
      "device_groups(number,id,name,description,parent,created)\n"
      "device_tags(device,is_system,key,value)\n"
      "device_tokens(device,client_id,token,created)\n"
      "devices(number,iot_id,product,name,secret,enabled,nickname,created,modified,activated,last_online,last_address,"
      "apply_id,enrolment,reset,gateway,earlier_secret,earlier_until)\n"
      "group_members(owner,device)\n"
      "group_tags(owner,key,value)\n"
      "products(id,key,name,secret,node_type,data_format,auth_type,category_key,net_type,protocol_type,commodity_code,"
      "description,id2,released,validation,clock_policy,article_dialect,tsl,version,created,modified,dynamic_register)"
      "\n"
      "scripts(product,version,type,created,text)\n"
      "settings(name,value)\n"
      "topic_classes(id,product,name,operation,description)\n");
}
