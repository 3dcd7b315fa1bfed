#include <algorithm>

#include "platform/registry/registry_state.h"
#include "tercet/base/utf8.h"

// Classes of custom topics, and whether a product's devices may use topics without one.
namespace tercet::registry {
namespace {

constexpr std::size_t kMaxClasses = 50;

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_argument) {
  return {error, code, std::move(detail)};
}

RegistryProblem no_such_product(std::string_view key) {
  return refused("iot.prod.NotExistedProduct", "there is no product " + std::string(utf8_prefix(key, 64)),
                 Error::not_found);
}

std::optional<RegistryProblem> form_problem(const TopicClass& wanted) {
  if (!is_topic_class(wanted.name, wanted.right))
    return refused(
        "iot.prod.InvalidFormattedTopicShortName",
        "a TopicShortName is what follows /{ProductKey}/{DeviceName}/user/: levels of letters, digits and _, 64 "
        "bytes at most; + and a last # in classes with Operation SUB only");
  if (utf8_prefix(wanted.description, 400) != wanted.description)
    return refused("iot.prod.LongTopicDesc", "a description has at most 400 bytes");
  return std::nullopt;
}

RegistryProblem already_there(std::string_view name) {
  return refused("iot.prod.AlreadyExistedTopic", "the product has a class " + std::string(name) + " already",
                 Error::already_exists);
}

}  // namespace

runtime::Outcome<void> Registry::State::load_topics() {
  auto classes =
      database.must_prepare("SELECT id, product, name, operation, description FROM topic_classes ORDER BY id");
  for (;;) {
    const auto row = classes.step();
    if (!row) return row.problem();
    if (!*row) break;
    topics[classes.text(1)].push_back({static_cast<std::uint64_t>(classes.integer(0)), classes.text(2),
                                       static_cast<TopicRight>(classes.integer(3)), classes.text(4)});
  }
  auto closed = database.must_prepare("SELECT product FROM closed_topics");
  for (;;) {
    const auto row = closed.step();
    if (!row) return row.problem();
    if (!*row) return {};
    closed_topics.insert(closed.text(0));
  }
}

/// Gives a new product its classes; what no class is for, its devices may not use.
runtime::Outcome<void> Registry::State::begin_topics(Product& product) {
  product.topics = default_topic_classes();
  product.free_topics = false;
  if (auto done = database.must_prepare("INSERT INTO closed_topics(product) VALUES(?)").bind(product.key).run(); !done)
    return done.problem();
  for (TopicClass& one : product.topics)
    if (auto done = insert_topic(product.key, one); !done) return done.problem();
  return {};
}

runtime::Outcome<void> Registry::State::insert_topic(std::string_view product, TopicClass& wanted) {
  auto done = database.must_prepare("INSERT INTO topic_classes(product, name, operation, description) VALUES(?,?,?,?)")
                  .bind(product, wanted.name, wanted.right, wanted.description)
                  .run();
  if (!done) return done.problem();
  wanted.id = static_cast<std::uint64_t>(database.last_row());
  return {};
}

std::pair<ProductRecord*, TopicClass*> Registry::State::find_topic(std::uint64_t id) {
  for (auto& [row, record] : products)
    for (TopicClass& one : record.product.topics)
      if (one.id == id) return {&record, &one};
  return {nullptr, nullptr};
}

Answer<TopicClass> Registry::create_topic(std::string_view key, const TopicClass& wanted, runtime::Task applied) {
  State& state = *state_;
  ProductRecord* const record = state.find_product(key);
  if (record == nullptr) return no_such_product(key);
  if (auto bad = form_problem(wanted)) return *bad;
  if (record->product.topics.size() >= kMaxClasses)
    return refused("iot.prod.TopicCountExceedMax", "a product has at most 50 topic classes", Error::no_space);
  TopicClass made = wanted;
  if (auto done = state.insert_topic(key, made); !done)
    return done.problem().code == Error::already_exists ? already_there(wanted.name) : system_problem(done.problem());
  record->product.topics.push_back(made);
  state.publish(*record, std::move(applied));
  return made;
}

Answer<TopicClass> Registry::update_topic(std::uint64_t id, const TopicChange& change, runtime::Task applied) {
  State& state = *state_;
  const auto [record, found] = state.find_topic(id);
  if (found == nullptr)
    return refused("iot.prod.NotExistedTopic", "there is no topic class of this TopicId", Error::not_found);
  TopicClass changed = *found;
  if (change.name) changed.name = *change.name;
  if (change.right) changed.right = *change.right;
  if (change.description) changed.description = *change.description;
  if (auto bad = form_problem(changed)) return *bad;
  const auto done =
      state.database.must_prepare("UPDATE topic_classes SET name=?, operation=?, description=? WHERE id=?")
          .bind(changed.name, changed.right, changed.description, id)
          .run();
  if (!done)
    return done.problem().code == Error::already_exists ? already_there(changed.name) : system_problem(done.problem());
  *found = changed;
  state.publish(*record, std::move(applied));
  return changed;
}

Answer<void> Registry::delete_topic(std::uint64_t id, runtime::Task applied) {
  State& state = *state_;
  const auto [record, found] = state.find_topic(id);
  if (found == nullptr)
    return refused("iot.prod.NotExistedTopic", "there is no topic class of this TopicId", Error::not_found);
  const auto done = state.database.must_prepare("DELETE FROM topic_classes WHERE id=?").bind(id).run();
  if (!done) return system_problem(done.problem());
  record->product.topics.erase(record->product.topics.begin() + (found - record->product.topics.data()));
  state.publish(*record, std::move(applied));
  return {};
}

Answer<void> Registry::set_free_topics(std::string_view key, bool is_free, runtime::Task applied) {
  State& state = *state_;
  ProductRecord* const record = state.find_product(key);
  if (record == nullptr) return no_such_product(key);
  const auto done = state.database
                        .must_prepare(is_free ? "DELETE FROM closed_topics WHERE product=?"
                                              : "INSERT OR IGNORE INTO closed_topics(product) VALUES(?)")
                        .bind(key)
                        .run();
  if (!done) return system_problem(done.problem());
  record->product.free_topics = is_free;
  state.publish(*record, std::move(applied));
  return {};
}

}  // namespace tercet::registry
