#include <algorithm>
#include <utility>

#include "platform/registry/registry_state.h"
#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_argument) {
  return {error, code, std::move(detail)};
}

RegistryProblem no_such_product(std::string_view key) {
  if (key.empty()) return refused("iot.prod.NullProductKey", "a ProductKey is needed");
  return refused("iot.prod.NotExistedProduct", "there is no product " + std::string(utf8_prefix(key, 64)),
                 Error::not_found);
}

}  // namespace

runtime::Outcome<std::unordered_map<std::string, std::shared_ptr<const std::string>>> Registry::State::load_scripts() {
  std::unordered_map<std::string, std::shared_ptr<const std::string>> newest;
  auto read = database.must_prepare("SELECT product, text FROM scripts ORDER BY product, version");
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) return newest;
    newest[read.text(0)] = std::make_shared<const std::string>(read.text(1));
  }
}

Answer<ScriptRecord> Registry::set_script(std::string_view product, std::string_view type, std::string_view text,
                                          runtime::Task applied) {
  State& state = *state_;
  const ProductRecord* found = state.find_product(product);
  if (found == nullptr) return no_such_product(product);
  if (text.empty()) return refused("tercet.script.Empty", "the script is empty");
  if (text.size() > limits_.script_bytes)
    return refused("tercet.script.TooLong",
                   "the script has " + std::to_string(text.size()) + " bytes; at most " +
                       std::to_string(limits_.script_bytes) + " are taken: leave out comments, or tables",
                   Error::too_large);
  std::string lower(type);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!lower.empty() && lower != "javascript" && lower != "js")
    return refused("tercet.script.NotJavaScript",
                   std::string(utf8_prefix(type, 32)) + ": scripts are JavaScript here; translate it",
                   Error::unsupported);
  ScriptRecord record;
  record.type = "JavaScript";
  record.created = state.now();
  record.text = text;
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto last = state.database.must_prepare("SELECT coalesce(max(version), 0) FROM scripts WHERE product=?");
  const auto row = last.bind(product).step();
  if (!row) return system_problem(row.problem());
  record.version = static_cast<std::uint64_t>(last.integer(0)) + 1;
  auto insert = state.database.must_prepare("INSERT INTO scripts VALUES(?,?,?,?,?)");
  if (const auto done = insert.bind(product, record.version, record.type, record.created.ms, text).run(); !done)
    return system_problem(done.problem());
  const auto kept = std::max<std::uint64_t>(limits_.script_versions, 1);
  auto erase = state.database.must_prepare("DELETE FROM scripts WHERE product=? AND version<=?");
  if (record.version > kept)
    if (const auto done = erase.bind(product, record.version - kept).run(); !done)
      return system_problem(done.problem());
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  ProductRecord changed = *found;
  changed.product.script = std::make_shared<const std::string>(text);
  *state.find_product(product) = changed;
  state.publish(changed, std::move(applied));
  return record;
}

Answer<ScriptRecord> Registry::script(std::string_view product, std::uint64_t version) {
  if (state_->find_product(product) == nullptr) return no_such_product(product);
  auto read = state_->database.must_prepare(
      "SELECT version, type, created, text FROM scripts WHERE product=? AND (version=? OR ?=0) "
      "ORDER BY version DESC LIMIT 1");
  const auto row = read.bind(product, version, version).step();
  if (!row) return system_problem(row.problem());
  if (!*row)
    return refused("tercet.script.NotExisted",
                   version == 0
                       ? "the product has no script: set one first"
                       : "there is no version " + std::to_string(version) + " of this product's script (the last " +
                             std::to_string(limits_.script_versions) + " are kept)",
                   Error::not_found);
  return ScriptRecord{static_cast<std::uint64_t>(read.integer(0)), read.text(1), {read.integer(2)}, read.text(3)};
}

}  // namespace tercet::registry
