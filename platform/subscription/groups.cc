#include "platform/subscription/groups.h"

#include <algorithm>
#include <array>
#include <optional>

#include "platform/rule/destinations.h"
#include "tercet/mqtt/topic.h"

namespace tercet::subscription {
namespace {

using registry::RegistryProblem;
using thing::Source;

constexpr std::string_view kDefault = "DEFAULT_GROUP";

constexpr std::array<std::string_view, 1> kMigrations{R"sql(
CREATE TABLE groups(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL);
CREATE TABLE relations(product TEXT PRIMARY KEY, wishes INTEGER NOT NULL);
CREATE TABLE relation_groups(
  product TEXT NOT NULL REFERENCES relations(product) ON DELETE CASCADE,
  id TEXT NOT NULL REFERENCES groups(id), PRIMARY KEY(product, id));
)sql"};

RegistryProblem refused(Error error, registry::ApiCode code, std::string detail) {
  return {error, code, std::move(detail)};
}
RegistryProblem broken(const runtime::Problem& problem) {
  return {problem.code, "iot.system.SystemException", problem.detail};
}
RegistryProblem no_group(std::string_view id) {
  return refused(Error::not_found, "iot.consumergroup.NotExistedGroup",
                 "there is no consumer group " + std::string(id.substr(0, 40)) + ": see QueryConsumerGroupList");
}
RegistryProblem no_relation(std::string_view product) {
  return refused(Error::not_found, "iot.subscribe.NotExistedRelation",
                 "the product " + std::string(product.substr(0, 40)) +
                     " has no subscription: make one with CreateSubscribeRelation");
}

/// 4 to 30 letters, digits and _; a Chinese character counts as two.
bool is_group_name(std::string_view name) {
  std::size_t width = 0;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!is_word && byte < 0x80) return false;
    width += byte < 0x80 ? 1 : (byte & 0xC0) != 0x80 ? 2 : 0;
  }
  return width >= 4 && width <= 30 && mqtt::is_valid_topic(name);  // which is UTF-8
}

bool has_row(store::Statement& select) {
  const auto row = select.step();
  return row && *row;
}

Group read_group(const store::Statement& row) {
  Group group;
  group.number = static_cast<std::uint64_t>(row.integer(0));
  group.id = row.text(1);
  group.name = row.text(2);
  group.created = {row.integer(3)};
  return group;
}

}  // namespace

std::uint64_t Group::destination() const { return rule::Destinations::kFirstGroup + number; }

std::string_view parameter(Wish wish) {
  static constexpr std::array<std::string_view, kWishes> kNames{
      "DeviceDataFlag",      "ThingHistoryFlag", "DeviceStatusChangeFlag",
      "DeviceLifeCycleFlag", "DeviceTagFlag",    "DeviceTopoLifeCycleFlag",
      "FoundDeviceListFlag", "OtaEventFlag",     "OtaVersionFlag",
      "OtaJobFlag",          "ShadowFlag"};
  return kNames[static_cast<std::size_t>(wish)];
}

std::uint32_t sources_of(std::uint32_t wishes) {
  static constexpr std::array<std::uint32_t, kWishes> kSources{
      thing::bit(Source::custom) | thing::bit(Source::property) | thing::bit(Source::event) | thing::bit(Source::reply),
      thing::bit(Source::property_history) | thing::bit(Source::event_history),
      thing::bit(Source::status),
      thing::bit(Source::lifecycle),
      thing::bit(Source::tags),
      thing::bit(Source::topology),
      thing::bit(Source::found),
      thing::bit(Source::ota_result) | thing::bit(Source::ota_progress),
      thing::bit(Source::ota_version),
      thing::bit(Source::ota_job),
      thing::bit(Source::shadow)};
  std::uint32_t sources = 0;
  for (std::size_t i = 0; i < kWishes; ++i)
    if ((wishes >> i & 1U) != 0) sources |= kSources[i];
  return sources;
}

runtime::Outcome<std::unique_ptr<Groups>> Groups::open(const std::filesystem::path& file, Wiring wiring) {
  auto database = store::Database::open(file);
  if (!database) return database.problem();
  if (const auto migrated = database->migrate(kMigrations); !migrated) return migrated.problem();
  std::unique_ptr<Groups> groups(new Groups(std::move(*database), std::move(wiring)));
  if (const auto made = groups->make_default(); !made) return made.problem();
  return groups;
}

runtime::Outcome<void> Groups::make_default() {
  auto row = database_.must_prepare("INSERT OR IGNORE INTO groups(number, id, name, created) VALUES(1, ?, ?, ?)");
  return row.bind(kDefault, "DEFAULT_GROUP", wiring_.loop.wall().ms).run();
}

std::string Groups::new_id() {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string id;
  for (int i = 0; i < 24; ++i) id += kLetters[wiring_.loop.random().next() % kLetters.size()];
  return id;
}

// --- groups ---

Answer<Group> Groups::create(std::string_view name) {
  if (!is_group_name(name))
    return refused(Error::bad_argument, "iot.consumergroup.InvalidGroupName",
                   "GroupName has 4 to 30 letters, digits or _ (a Chinese character counts as two)");
  auto count = database_.must_prepare("SELECT count(*) FROM groups");
  if (const auto row = count.bind().step(); !row) return broken(row.problem());
  if (count.integer(0) >= static_cast<std::int64_t>(kMaxGroups))
    return refused(Error::no_space, "iot.consumergroup.GroupCountExceedMax",
                   "there are 1,000 consumer groups, which is the most: delete one");
  Group group;
  group.id = new_id();
  group.name = name;
  group.created = wiring_.loop.wall();
  auto insert = database_.must_prepare("INSERT INTO groups(id, name, created) VALUES(?, ?, ?)");
  if (const auto done = insert.bind(group.id, group.name, group.created.ms).run(); !done) {
    if (done.problem().code == Error::already_exists)
      return refused(Error::already_exists, "iot.consumergroup.GroupNameExisted",
                     "there is a consumer group of this name already: choose another");
    return broken(done.problem());
  }
  group.number = static_cast<std::uint64_t>(database_.last_row());
  wiring_.changed();
  return group;
}

Answer<void> Groups::rename(std::string_view id, std::string_view name) {
  if (const auto found = group(id); !found) return found.problem();
  if (!is_group_name(name))
    return refused(Error::bad_argument, "iot.consumergroup.InvalidGroupName",
                   "NewGroupName has 4 to 30 letters, digits or _ (a Chinese character counts as two)");
  auto update = database_.must_prepare("UPDATE groups SET name = ? WHERE id = ?");
  if (const auto done = update.bind(name, id).run(); !done) {
    if (done.problem().code == Error::already_exists)
      return refused(Error::already_exists, "iot.consumergroup.GroupNameExisted",
                     "there is a consumer group of this name already: choose another");
    return broken(done.problem());
  }
  return {};
}

Answer<void> Groups::erase(std::string_view id) {
  if (id == kDefault)
    return refused(Error::denied, "iot.consumergroup.DefaultGroupCannotBeDeleted",
                   "the default consumer group cannot be deleted");
  if (const auto found = group(id); !found) return found.problem();
  auto used = database_.must_prepare("SELECT product FROM relation_groups WHERE id = ? LIMIT 1");
  const auto row = used.bind(id).step();
  if (!row) return broken(row.problem());
  if (*row)
    return refused(Error::denied, "iot.consumergroup.GroupHasSubscribeRelation",
                   "the product " + used.text(0) +
                       " is subscribed by this group: take it from that subscription first "
                       "(DeleteConsumerGroupSubscribeRelation)");
  if (wiring_.is_used(id))
    return refused(Error::denied, "iot.consumergroup.GroupHasSubscribeRelation",
                   "an action of a rule sends to this group: delete the action first");
  auto erase = database_.must_prepare("DELETE FROM groups WHERE id = ?");
  if (const auto done = erase.bind(id).run(); !done) return broken(done.problem());
  wiring_.changed();
  return {};
}

Answer<Group> Groups::group(std::string_view id) {
  auto select = database_.must_prepare("SELECT number, id, name, created FROM groups WHERE id = ?");
  const auto row = select.bind(id).step();
  if (!row) return broken(row.problem());
  if (!*row) return no_group(id);
  return read_group(select);
}

Answer<registry::Page<Group>> Groups::groups(std::string_view name, bool fuzzy, registry::PageRequest page) {
  registry::Page<Group> out;
  out.asked = page;
  constexpr std::string_view kWhere =
      " FROM groups WHERE ?1 = '' OR (?2 AND instr(name, ?1) > 0) OR name = ?1 ORDER BY number DESC";
  auto count = database_.must_prepare("SELECT count(*)" + std::string(kWhere));
  if (const auto row = count.bind(name, fuzzy).step(); !row) return broken(row.problem());
  out.total = static_cast<std::uint64_t>(count.integer(0));
  auto select =
      database_.must_prepare("SELECT number, id, name, created" + std::string(kWhere) + " LIMIT ?3 OFFSET ?4");
  select.bind(name, fuzzy, page.size, (page.page - 1) * page.size);
  while (true) {
    const auto row = select.step();
    if (!row) return broken(row.problem());
    if (!*row) return out;
    out.items.push_back(read_group(select));
  }
}

std::vector<Group> Groups::all() {
  std::vector<Group> out;
  auto select = database_.must_prepare("SELECT number, id, name, created FROM groups ORDER BY number");
  select.bind();
  while (has_row(select)) out.push_back(read_group(select));
  return out;
}

// --- subscriptions ---

Answer<void> Groups::check(const Relation& relation) {
  if (!wiring_.is_product(relation.product))
    return refused(Error::not_found, "iot.prod.NotExistedProduct",
                   "there is no product " + relation.product.substr(0, 40));
  if (relation.wishes == 0)
    return refused(Error::bad_argument, "iot.subscribe.NoMessageType",
                   "set at least one flag, such as DeviceDataFlag, to true: without any nothing would be delivered");
  if (relation.groups.empty() || relation.groups.size() > kMaxGroupsOfProduct)
    return refused(Error::bad_argument, "iot.subscribe.InvalidConsumerGroups",
                   "give 1 to 10 consumer groups: ConsumerGroupIds.1 and so on");
  for (const std::string& id : relation.groups)
    if (const auto found = group(id); !found) return found.problem();
  return {};
}

Answer<void> Groups::write(const Relation& relation) {
  auto transaction = database_.begin();
  if (!transaction) return broken(transaction.problem());
  auto put = database_.must_prepare(
      "INSERT INTO relations(product, wishes) VALUES(?1, ?2) ON CONFLICT(product) DO UPDATE SET wishes = ?2");
  if (const auto done = put.bind(relation.product, relation.wishes).run(); !done) return broken(done.problem());
  auto clear = database_.must_prepare("DELETE FROM relation_groups WHERE product = ?");
  if (const auto done = clear.bind(relation.product).run(); !done) return broken(done.problem());
  auto add = database_.must_prepare("INSERT OR IGNORE INTO relation_groups(product, id) VALUES(?, ?)");
  for (const std::string& id : relation.groups)
    if (const auto done = add.bind(relation.product, id).run(); !done) return broken(done.problem());
  if (const auto done = transaction->commit(); !done) return broken(done.problem());
  wiring_.changed();
  return {};
}

Answer<void> Groups::create_relation(const Relation& wanted) {
  if (const auto good = check(wanted); !good) return good.problem();
  if (relation(wanted.product))
    return refused(Error::already_exists, "iot.subscribe.RelationAlreadyExisted",
                   "the product has a subscription already: change it with UpdateSubscribeRelation");
  return write(wanted);
}

Answer<void> Groups::update_relation(const Relation& wanted) {
  if (const auto good = check(wanted); !good) return good.problem();
  if (const auto found = relation(wanted.product); !found) return found.problem();
  return write(wanted);
}

Answer<void> Groups::erase_relation(std::string_view product) {
  if (const auto found = relation(product); !found) return found.problem();
  auto erase = database_.must_prepare("DELETE FROM relations WHERE product = ?");
  if (const auto done = erase.bind(product).run(); !done) return broken(done.problem());
  wiring_.changed();
  return {};
}

Answer<Relation> Groups::relation(std::string_view product) {
  auto select = database_.must_prepare("SELECT wishes FROM relations WHERE product = ?");
  const auto row = select.bind(product).step();
  if (!row) return broken(row.problem());
  if (!*row) return no_relation(product);
  Relation out;
  out.product = product;
  out.wishes = static_cast<std::uint32_t>(select.integer(0));
  auto groups = database_.must_prepare(
      "SELECT g.id FROM relation_groups r JOIN groups g USING(id) WHERE product = ? ORDER BY g.number");
  groups.bind(product);
  while (true) {
    const auto next = groups.step();
    if (!next) return broken(next.problem());
    if (!*next) return out;
    out.groups.push_back(groups.text(0));
  }
}

Answer<void> Groups::add_group(std::string_view product, std::string_view group) {
  auto found = relation(product);
  if (!found) return found.problem();
  if (std::find(found->groups.begin(), found->groups.end(), group) != found->groups.end()) return {};
  found->groups.emplace_back(group);
  if (const auto good = check(*found); !good) return good.problem();
  return write(*found);
}

Answer<void> Groups::remove_group(std::string_view product, std::string_view group) {
  auto found = relation(product);
  if (!found) return found.problem();
  if (std::erase(found->groups, group) == 0)
    return refused(Error::not_found, "iot.subscribe.NotExistedRelation", "this group has not subscribed the product");
  if (found->groups.empty())
    return refused(Error::denied, "iot.subscribe.InvalidConsumerGroups",
                   "it is the subscription's last group: delete the subscription instead (DeleteSubscribeRelation)");
  return write(*found);
}

std::vector<rule::Subscription> Groups::subscriptions() {
  std::vector<rule::Subscription> out;
  auto select = database_.must_prepare(
      "SELECT product, wishes, number FROM relations JOIN relation_groups USING(product) JOIN groups USING(id)");
  select.bind();
  while (has_row(select)) {
    Group group;
    group.number = static_cast<std::uint64_t>(select.integer(2));
    out.push_back({select.text(0), sources_of(static_cast<std::uint32_t>(select.integer(1))), group.destination()});
  }
  return out;
}

}  // namespace tercet::subscription
