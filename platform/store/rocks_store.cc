#include "platform/store/rocks_store.h"

#include <utility>

#include "platform/store/rocks_engine.h"
#include "platform/store/rocks_writer.h"

namespace tercet::store {

runtime::Outcome<std::unique_ptr<RocksStore>> RocksStore::open(const RocksOptions& options) {
  auto engine = Engine::open(options);
  if (!engine) return engine.problem();
  auto writer = std::make_unique<Writer>(**engine, options);
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(*engine), std::move(writer)));
}

RocksStore::RocksStore(std::unique_ptr<Engine> engine, std::unique_ptr<Writer> writer)
    : engine_(std::move(engine)), writer_(std::move(writer)) {}

RocksStore::~RocksStore() { close(); }

Result<void> RocksStore::submit(runtime::Loop& origin, Mutations mutations, runtime::Task on_durable) {
  return writer_->submit(origin, std::move(mutations), std::move(on_durable));
}

Result<std::string> RocksStore::get(Family family, std::string_view key) { return engine_->get(family, key); }

Result<void> RocksStore::scan(Family family, std::string_view from, std::string_view to, Order order,
                              const Visit& visit) {
  return engine_->scan(family, from, to, order, visit);
}

void RocksStore::close() { writer_->close(); }

RocksStore::Counters RocksStore::counters() const { return writer_->counters(); }

std::string RocksStore::failure() const { return writer_->failure(); }

}  // namespace tercet::store
