#include <algorithm>
#include <array>
#include <utility>

#include "platform/registry/registry_state.h"
#include "tercet/base/utf8.h"
#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"
#include "tercet/json/reader.h"

namespace tercet::registry {
namespace {

constexpr std::size_t kIdSize = 16;

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_argument) {
  return {error, code, std::move(detail)};
}

RegistryProblem no_such_product(std::string_view key) {
  if (key.empty()) return refused("iot.prod.NullProductKey", "a ProductKey is needed");
  return refused("iot.prod.NotExistedProduct", "there is no product " + std::string(utf8_prefix(key, 64)),
                 Error::not_found);
}

std::optional<RegistryProblem> text_problem(std::string_view text, std::size_t most) {
  if (text.empty()) return refused("tercet.config.EmptyContent", "the file is empty: a configuration is JSON");
  if (text.size() > most)
    return refused("tercet.config.ContentTooLong",
                   "the file has " + std::to_string(text.size()) + " bytes; devices take " + std::to_string(most) +
                       " at most: leave out blanks, or what devices do not read",
                   Error::too_large);
  const auto fault = json::find_fault(text);
  if (!fault) return std::nullopt;
  return refused("tercet.config.ContentNotJson",
                 "the file is no JSON: byte " + std::to_string(fault->offset) + ": " + std::string(fault->reason) +
                     "; mend it and set it again, devices keep what they have",
                 Error::malformed);
}

std::string sha256_hex(std::string_view text) {
  std::array<char, 64> digits{};
  const auto written = crypto::encode_hex(crypto::sha256(text).view(), digits);
  return written ? std::string(*written) : std::string{};
}

/// A row of id, sha256, version, created, length(text).
ConfigurationRecord read_row(const store::Statement& row) {
  ConfigurationRecord record;
  record.configuration = {row.text(0), row.text(1), static_cast<std::uint64_t>(row.integer(4))};
  record.version = static_cast<std::uint64_t>(row.integer(2));
  record.created = {row.integer(3)};
  return record;
}
constexpr std::string_view kColumns = "id, sha256, version, created, length(CAST(text AS BLOB))";

}  // namespace

runtime::Outcome<std::unordered_map<std::string, Configuration>> Registry::State::load_configurations() {
  std::unordered_map<std::string, Configuration> newest;
  auto read = database.must_prepare("SELECT " + std::string(kColumns) +
                                    ", product FROM configurations ORDER BY product, version");
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) return newest;
    newest[read.text(5)] = read_row(read).configuration;
  }
}

Answer<ConfigurationRecord> Registry::set_configuration(std::string_view product, std::string_view text,
                                                        runtime::Task applied) {
  State& state = *state_;
  const ProductRecord* found = state.find_product(product);
  if (found == nullptr) return no_such_product(product);
  if (auto bad = text_problem(text, limits_.configuration_bytes)) return *bad;
  ConfigurationRecord record;
  record.configuration = {state.names.iot_id().substr(0, kIdSize), sha256_hex(text), text.size()};
  record.created = state.now();
  record.version = 1;
  if (!found->product.configuration.id.empty()) {
    auto newest = configuration(product);
    if (!newest) return newest.problem();
    if (newest->configuration.sha256 == record.configuration.sha256) {
      state.publish(*found, std::move(applied));
      return newest;
    }
    record.version = newest->version + 1;
  }
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto insert = state.database.must_prepare("INSERT INTO configurations VALUES(?,?,?,?,?,?)");
  const Configuration& made = record.configuration;
  if (const auto done = insert.bind(product, record.version, made.id, made.sha256, record.created.ms, text).run();
      !done)
    return system_problem(done.problem());
  auto erase = state.database.must_prepare("DELETE FROM configurations WHERE product=? AND version<=?");
  const auto kept = std::max<std::uint64_t>(limits_.configuration_versions, 1);
  if (record.version > kept)
    if (const auto done = erase.bind(product, record.version - kept).run(); !done)
      return system_problem(done.problem());
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  ProductRecord changed = *found;
  changed.product.configuration = made;
  *state.find_product(product) = changed;
  state.publish(changed, std::move(applied));
  record.text = text;
  return record;
}

Answer<std::vector<ConfigurationRecord>> Registry::configurations(std::string_view product) {
  if (state_->find_product(product) == nullptr) return no_such_product(product);
  std::vector<ConfigurationRecord> all;
  auto read = state_->database.must_prepare("SELECT " + std::string(kColumns) +
                                            " FROM configurations WHERE product=? ORDER BY version DESC");
  read.bind(product);
  for (;;) {
    const auto row = read.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return all;
    all.push_back(read_row(read));
  }
}

Answer<ConfigurationRecord> Registry::configuration(std::string_view product, std::string_view id) {
  const ProductRecord* found = state_->find_product(product);
  if (found == nullptr) return no_such_product(product);
  const std::string_view wanted = id.empty() ? std::string_view(found->product.configuration.id) : id;
  auto read = state_->database.must_prepare("SELECT " + std::string(kColumns) +
                                            ", text FROM configurations WHERE product=? AND id=?");
  const auto row = read.bind(product, wanted).step();
  if (!row) return system_problem(row.problem());
  if (!*row)
    return refused("tercet.config.NotExistedConfiguration",
                   id.empty() ? "the product has no configuration: set one first"
                              : "there is no configuration " + std::string(utf8_prefix(id, 64)) +
                                    " of this product (the last " + std::to_string(limits_.configuration_versions) +
                                    " versions are kept)",
                   Error::not_found);
  ConfigurationRecord record = read_row(read);
  record.text = read.text(5);
  return record;
}

Answer<ConfigurationTally> Registry::configuration_answers(std::string_view product, std::string_view id,
                                                           std::size_t refusals) {
  State& state = *state_;
  if (state.find_product(product) == nullptr) return no_such_product(product);
  flush();
  ConfigurationTally tally;
  auto count = state.database.must_prepare(
      "SELECT code=200, count(*) FROM configuration_answers JOIN devices ON device=number WHERE id=? AND product=? "
      "GROUP BY code=200");
  count.bind(id, product);
  for (;;) {
    const auto row = count.step();
    if (!row) return system_problem(row.problem());
    if (!*row) break;
    (count.integer(0) != 0 ? tally.taken : tally.refused) = static_cast<std::uint64_t>(count.integer(1));
  }
  auto list = state.database.must_prepare(
      "SELECT name, code, at FROM configuration_answers JOIN devices ON device=number WHERE id=? AND product=? AND "
      "code!=200 ORDER BY at DESC LIMIT ?");
  list.bind(id, product, refusals);
  for (;;) {
    const auto row = list.step();
    if (!row) return system_problem(row.problem());
    if (!*row) return tally;
    tally.last_refusals.push_back({list.text(0), static_cast<std::int32_t>(list.integer(1)), {list.integer(2)}});
  }
}

}  // namespace tercet::registry
