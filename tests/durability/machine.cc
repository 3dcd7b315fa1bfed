#include "tests/durability/machine.h"

#include <doctest/doctest.h>

#include "platform/thing/record.h"
#include "tests/durability/board.h"

namespace tercet::durability {
namespace {

/// Small tables and groups: flushes, new logs and their syncs happen on the way.
store::RocksOptions options(rocksdb::Env& env) {
  return {.folder = "/data",
          .max_group_bytes = 40'000,
          .cache_bytes = std::size_t{4} << 20,
          .memtable_bytes = std::size_t{1} << 20,
          .env = &env};
}

std::uint64_t device_number(int board) { return static_cast<std::uint64_t>(board) + 1; }

/// The record as posts.h writes it. A damaged one fails the test.
std::string line_of(const thing::HistoryKey& key, std::string_view record) {
  auto reader = thing::RecordReader::open(record);
  REQUIRE(reader);
  std::vector<std::string_view> fields;
  while (!reader->at_end()) {
    const auto field = reader->next();
    REQUIRE(field);
    fields.push_back(*field);
  }
  return record_line(static_cast<char>(key.kind), key.time.ms, reader->flags() == thing::kPast, fields);
}

}  // namespace

Machine::Machine(const Disk& disk, std::optional<Cut> cut, int boards)
    : cut_(cut), files_(std::make_shared<store::DroppingFileSystem>(disk)), env_(store::make_dropping_env(files_)) {
  config_.cloud.switch_off_rates();
  auto product = std::make_shared<registry::Product>();
  product->key = kProduct;
  product->name = "power cuts";
  product->tsl = board_model();
  product->version = 1;
  directory_.put(product);
  for (int board = 0; board < boards; ++board) {
    registry::Device device;
    device.number = device_number(board);
    device.product = kProduct;
    device.name = board_name(board);
    device.secret = Board::secret(board);
    directory_.put(std::move(device));
  }
}

Machine::~Machine() {
  open_gate();
  if (store_) store_->close();
  shard_.reset();
  brokers_.reset();
  store_.reset();
  files_->on_sync({});
}

bool Machine::start() {
  auto loop = runtime::EpollLoop::open();
  REQUIRE(loop);
  loop_ = std::move(*loop);
  files_->on_sync([this](std::uint64_t number) { on_sync(number); });
  auto opened = store::RocksStore::open(options(*env_));
  if (!opened) FAIL(opened.problem().detail);
  store_ = std::move(*opened);
  runtime::Shards& shards = *this;
  brokers_ = std::make_unique<broker::ShardBrokers>(shards, config_);
  const server::ShardSurroundings around{shards, *store_, *this, *brokers_, *this};
  shard_ = std::make_unique<server::Shard>(0, around, server::ShardSettings{}, directory_);
  REQUIRE(shard_->start());
  auto listener = std::make_shared<broker::ListenerConfig>();
  listener->address = *runtime::make_address("127.0.0.1", 0);
  listener->mode = broker::PortMode::plain;
  listener->policy = broker::PolicyKind::cloud;
  const auto bound = shard_->broker().listen(std::move(listener));
  REQUIRE(bound);
  address_ = *bound;
  return !is_cut();
}

void Machine::on_sync(std::uint64_t number) {
  if (std::this_thread::get_id() == main_) {  // the store is being opened
    if (cut_ && number == cut_->sync) pull_plug();
    return;
  }
  std::unique_lock lock(mutex_);
  if (gate_open_) return;
  waiting_.insert(number);
  TERCET_CHECK(loop_->post([] {}));  // wakes it
  passed_.wait(lock, [&] { return gate_open_ || !waiting_.contains(number); });
}

bool Machine::run_once() {
  loop_->run_once(Seconds{1});
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

void Machine::let_syncs_pass() {
  const std::lock_guard lock(mutex_);
  if (cut_ && waiting_.contains(cut_->sync)) return pull_plug();
  waiting_.clear();
  passed_.notify_all();
}

void Machine::pull_plug() {
  if (!is_cut()) left_ = files_->after_power_cut(cut_ ? cut_->torn_bytes : 0);
}

void Machine::open_gate() {
  const std::lock_guard lock(mutex_);
  gate_open_ = true;
  passed_.notify_all();
}

Held Machine::held(int board) {
  Held held;
  const auto number = device_number(board);
  const auto scanned = store_->scan(store::Family::history, "", "\xff", store::StreamStore::Order::ascending,
                                    [&](std::string_view key, std::string_view record) {
                                      const auto at = thing::decode_history_key(key);
                                      REQUIRE(at);
                                      if (at->device == number) held.records.insert(line_of(*at, record));
                                      return true;
                                    });
  REQUIRE(scanned);
  shard_->things().latest(number, [&](std::optional<thing::Summary> found) {
    if (!found) return;
    for (const auto& one : found->values) held.last[one.identifier] = {one.time.ms, one.value};
  });
  return held;
}

}  // namespace tercet::durability
