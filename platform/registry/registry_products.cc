#include <algorithm>
#include <utility>

#include "platform/registry/registry_state.h"

#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

constexpr std::string_view kColumns =
    "id, key, name, secret, node_type, data_format, auth_type, category_key, net_type, protocol_type, commodity_code, "
    "description, id2, released, validation, clock_policy, article_dialect, tsl, version, created, modified, "
    "dynamic_register";

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_argument) {
  return {error, code, std::move(detail)};
}

RegistryProblem unknown_product(std::string_view key) {
  if (key.empty()) return refused("iot.prod.NullProductKey", "a ProductKey is needed");
  return refused("iot.prod.NotExistedProduct", "there is no product " + std::string(utf8_prefix(key, 64)),
                 Error::not_found);
}

std::optional<RegistryProblem> name_problem(std::string_view name) {
  if (name.empty()) return refused("iot.prod.NullProductName", "a ProductName is needed");
  if (is_product_name(name)) return std::nullopt;
  return refused("iot.prod.InvalidFormattedProductName",
                 "a ProductName has 4 to 30 letters, digits and _ - @ . ( ); a Chinese character counts 2");
}

std::optional<RegistryProblem> description_problem(std::string_view text) {
  if (is_description(text)) return std::nullopt;
  return refused("iot.prod.LongProductDesc", "a description has at most 100 characters");
}

RegistryProblem no_secrets() {
  return refused("tercet.certificate.NoRegistration",
                 "the product's devices log in with certificates (AuthType x509): there is no secret to register for");
}

std::optional<RegistryProblem> form_problem(const NewProduct& wanted) {
  if (auto bad = name_problem(wanted.name)) return bad;
  if (auto bad = description_problem(wanted.description)) return bad;
  if (wanted.node_type != 0 && wanted.node_type != 1)
    return refused("iot.prod.InvalidNodeType", "NodeType is 0 (device) or 1 (gateway)");
  if (wanted.data_format != 0 && wanted.data_format != 1)
    return refused("iot.prod.CreateProductFailed", "DataFormat is 0 (pass-through) or 1 (Alink JSON)");
  if (wanted.commodity_code != "iothub" && wanted.commodity_code != "iothub_senior")
    return refused("iot.prod.InvalidAliyunCommodityCode", "AliyunCommodityCode is iothub or iothub_senior");
  if (wanted.dynamic_register && wanted.auth_type == kByCertificate) return no_secrets();
  if (!wanted.key.empty() && !is_product_key(wanted.key))
    return refused("iot.prod.InvalidFormattedProductkey", "a ProductKey has 1 to 20 letters and digits");
  if (!wanted.secret.empty() && !is_secret(wanted.secret))
    return refused("iot.prod.CreateProductFailed", "a ProductSecret has 1 to 64 printable characters");
  return std::nullopt;
}

RegistryProblem taken(const ProductRecord& wanted) {
  return refused("iot.prod.AlreadyExistedProductName",
                 "another product has the name \"" + wanted.product.name + "\" or the key " + wanted.product.key,
                 Error::already_exists);
}

}  // namespace

runtime::Outcome<void> Registry::State::load_products() {
  const auto configurations = load_configurations();
  if (!configurations) return configurations.problem();
  if (auto done = load_topics(); !done) return done;
  const auto scripts = load_scripts();
  if (!scripts) return scripts.problem();
  auto read = database.must_prepare("SELECT " + std::string(kColumns) +
                                    ", (SELECT count(*) FROM devices WHERE product=key) FROM products ORDER BY id");
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) return {};
    ProductRecord record;
    Product& product = record.product;
    product.key = read.text(1);
    product.name = read.text(2);
    const auto secret = box.open(read.text(3), product_row(product.key));
    if (!secret) return runtime::Problem{Error::malformed, "the secret of product " + product.key + " is damaged"};
    product.secret = *secret;
    record.node_type = static_cast<int>(read.integer(4));
    product.is_gateway = record.node_type == 1;
    record.data_format = static_cast<int>(read.integer(5));
    product.pass_through = record.data_format == 0;
    record.auth_type = read.text(6);
    record.category_key = read.text(7);
    record.net_type = read.text(8);
    record.protocol_type = read.text(9);
    record.commodity_code = read.text(10);
    record.description = read.text(11);
    record.id2 = read.integer(12) != 0;
    record.released = read.integer(13) != 0;
    product.validation = static_cast<Validation>(read.integer(14));
    product.clock_policy = static_cast<ClockPolicy>(read.integer(15));
    product.article_dialect = read.integer(16) != 0;
    product.tsl = read.text(17);
    product.version = static_cast<std::uint64_t>(read.integer(18));
    record.created = {read.integer(19)};
    record.modified = {read.integer(20)};
    product.dynamic_register = read.integer(21) != 0;
    record.device_count = static_cast<std::uint64_t>(read.integer(22));
    if (const auto at = configurations->find(product.key); at != configurations->end())
      product.configuration = at->second;
    if (const auto at = topics.find(product.key); at != topics.end()) product.topics = std::move(at->second);
    product.free_topics = !closed_topics.contains(product.key);
    if (const auto at = scripts->find(product.key); at != scripts->end()) product.script = at->second;
    device_total += record.device_count;
    feed.load(std::make_shared<const Product>(product));
    const auto id = static_cast<std::uint64_t>(read.integer(0));
    product_rows[product.key] = id;
    products.emplace(id, std::move(record));
  }
}

ProductRecord* Registry::State::find_product(std::string_view key) {
  const auto row = product_rows.find(std::string(key));
  return row == product_rows.end() ? nullptr : &products.at(row->second);
}

void Registry::State::publish(const ProductRecord& record, runtime::Task applied) {
  feed.put(std::make_shared<const Product>(record.product), std::move(applied));
}

Answer<ProductRecord> Registry::create_product(const NewProduct& wanted, runtime::Task applied) {
  if (auto bad = form_problem(wanted)) return *bad;
  State& state = *state_;
  if (state.products.size() >= limits_.products)
    return refused("iot.prod.ProductCountExceedMax",
                   "there are " + std::to_string(limits_.products) + " products already; raise the limit",
                   Error::no_space);
  ProductRecord record;
  Product& product = record.product;
  product.key = wanted.key.empty() ? state.names.product_key() : wanted.key;
  product.name = wanted.name;
  product.secret = wanted.secret.empty() ? state.names.product_secret() : wanted.secret;
  product.clock_policy = wanted.clock_policy;
  product.article_dialect = wanted.article_dialect;
  product.dynamic_register = wanted.dynamic_register;
  product.validation = wanted.validation;
  record.node_type = wanted.node_type;
  product.is_gateway = wanted.node_type == 1;
  record.data_format = wanted.data_format;
  product.pass_through = wanted.data_format == 0;
  record.auth_type = wanted.auth_type;
  record.category_key = wanted.category_key;
  record.net_type = wanted.net_type;
  record.protocol_type = wanted.protocol_type;
  record.commodity_code = wanted.commodity_code;
  record.description = wanted.description;
  record.id2 = wanted.id2;
  record.created = record.modified = state.now();
  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  auto insert = state.database.must_prepare("INSERT INTO products(" + std::string(kColumns) +
                                            ") VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  const auto done =
      insert
          .bind(product.key, product.name, state.box.seal(product.secret, product_row(product.key)), record.node_type,
                record.data_format, record.auth_type, record.category_key, record.net_type, record.protocol_type,
                record.commodity_code, record.description, record.id2, record.released, product.validation,
                product.clock_policy, product.article_dialect, product.tsl, product.version, record.created.ms,
                record.modified.ms, product.dynamic_register)
          .run();
  if (!done) return done.problem().code == Error::already_exists ? taken(record) : system_problem(done.problem());
  const auto id = static_cast<std::uint64_t>(state.database.last_row());
  if (auto begun = state.begin_topics(product); !begun) return system_problem(begun.problem());
  if (auto committed = transaction->commit(); !committed) return system_problem(committed.problem());
  state.product_rows[product.key] = id;
  state.products.emplace(id, record);
  state.publish(record, std::move(applied));
  return record;
}

Answer<ProductRecord> Registry::product(std::string_view key) {
  const ProductRecord* found = state_->find_product(key);
  if (found == nullptr) return unknown_product(key);
  return *found;
}

Answer<Page<ProductRecord>> Registry::products(PageRequest page, std::string_view commodity_code) {
  if (auto bad = page_problem(page, limits_.product_page)) return *bad;
  Page<ProductRecord> answer;
  answer.asked = page;
  const std::size_t first = (page.page - 1) * page.size;
  for (auto at = state_->products.rbegin(); at != state_->products.rend(); ++at) {
    if (!commodity_code.empty() && at->second.commodity_code != commodity_code) continue;
    if (answer.total >= first && answer.items.size() < page.size) answer.items.push_back(at->second);
    ++answer.total;
  }
  return answer;
}

/// Writes what may change of a product, then shows it to everyone.
Answer<ProductRecord> Registry::State::store_product(const ProductRecord& changed, runtime::Task applied) {
  const Product& product = changed.product;
  auto update = database.must_prepare(
      "UPDATE products SET name=?, description=?, released=?, validation=?, clock_policy=?, article_dialect=?, tsl=?, "
      "version=?, modified=?, dynamic_register=? WHERE key=?");
  const auto done = update
                        .bind(product.name, changed.description, changed.released, product.validation,
                              product.clock_policy, product.article_dialect, product.tsl, product.version,
                              changed.modified.ms, product.dynamic_register, product.key)
                        .run();
  if (!done) return done.problem().code == Error::already_exists ? taken(changed) : system_problem(done.problem());
  *find_product(product.key) = changed;
  publish(changed, std::move(applied));
  return changed;
}

Answer<ProductRecord> Registry::update_product(std::string_view key, const ProductChange& change,
                                               runtime::Task applied) {
  const ProductRecord* found = state_->find_product(key);
  if (found == nullptr) return unknown_product(key);
  if (change.name)
    if (auto bad = name_problem(*change.name)) return *bad;
  if (change.description)
    if (auto bad = description_problem(*change.description)) return *bad;
  ProductRecord changed = *found;
  if (change.name) changed.product.name = *change.name;
  if (change.description) changed.description = *change.description;
  if (change.validation) changed.product.validation = *change.validation;
  if (change.clock_policy) changed.product.clock_policy = *change.clock_policy;
  if (change.article_dialect) changed.product.article_dialect = *change.article_dialect;
  if (change.dynamic_register.value_or(false) && changed.auth_type == kByCertificate) return no_secrets();
  if (change.dynamic_register) changed.product.dynamic_register = *change.dynamic_register;
  if (change.released) changed.released = *change.released;
  changed.modified = state_->now();
  return state_->store_product(changed, std::move(applied));
}

Answer<ProductRecord> Registry::set_tsl(std::string_view key, std::string_view tsl, runtime::Task applied) {
  const ProductRecord* found = state_->find_product(key);
  if (found == nullptr) return unknown_product(key);
  if (tsl.size() > limits_.tsl_bytes)
    return refused("iot.prod.UpdateProductFailed",
                   "a thing model has at most " + std::to_string(limits_.tsl_bytes / 1024) + " KB", Error::too_large);
  ProductRecord changed = *found;
  changed.product.tsl = tsl;
  ++changed.product.version;
  changed.modified = state_->now();
  return state_->store_product(changed, std::move(applied));
}

Answer<void> Registry::delete_product(std::string_view key, runtime::Task applied) {
  State& state = *state_;
  const ProductRecord* found = state.find_product(key);
  if (found == nullptr) return unknown_product(key);
  if (found->device_count != 0)
    return refused("iot.prod.DeleteProductFailed",
                   "the product has " + std::to_string(found->device_count) + " devices: delete them first",
                   Error::bad_state);
  const auto done = state.database.must_prepare("DELETE FROM products WHERE key=?").bind(key).run();
  if (!done) return system_problem(done.problem());
  const std::string gone(key);
  state.products.erase(state.product_rows.at(gone));
  state.product_rows.erase(gone);
  state.feed.remove_product(gone, std::move(applied));
  return {};
}

}  // namespace tercet::registry
