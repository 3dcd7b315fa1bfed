#include "platform/registry/registry.h"

#include <array>

#include "platform/registry/registry_state.h"

namespace tercet::registry {
namespace {

using runtime::Outcome;
using runtime::Problem;

constexpr std::array<std::string_view, 11> kMigrations{R"sql(
CREATE TABLE settings(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE products(
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, secret BLOB NOT NULL,
  node_type INTEGER NOT NULL, data_format INTEGER NOT NULL, auth_type TEXT NOT NULL, category_key TEXT NOT NULL,
  net_type TEXT NOT NULL, protocol_type TEXT NOT NULL, commodity_code TEXT NOT NULL, description TEXT NOT NULL,
  id2 INTEGER NOT NULL, released INTEGER NOT NULL, validation INTEGER NOT NULL, clock_policy INTEGER NOT NULL,
  article_dialect INTEGER NOT NULL, tsl TEXT NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL,
  modified INTEGER NOT NULL);
CREATE TABLE devices(
  number INTEGER PRIMARY KEY AUTOINCREMENT, iot_id TEXT NOT NULL UNIQUE, product TEXT NOT NULL REFERENCES products(key),
  name TEXT NOT NULL, secret BLOB NOT NULL, enabled INTEGER NOT NULL, nickname TEXT NOT NULL, created INTEGER NOT NULL,
  modified INTEGER NOT NULL, activated INTEGER NOT NULL, last_online INTEGER NOT NULL, last_address TEXT NOT NULL,
  apply_id INTEGER NOT NULL, UNIQUE(product, name));
CREATE INDEX devices_by_product ON devices(product, number);
CREATE INDEX devices_by_apply_id ON devices(apply_id, number) WHERE apply_id != 0;
CREATE TABLE batches(
  apply_id INTEGER PRIMARY KEY AUTOINCREMENT, product TEXT NOT NULL REFERENCES products(key) ON DELETE CASCADE,
  status TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE batch_names(
  apply_id INTEGER NOT NULL REFERENCES batches(apply_id) ON DELETE CASCADE, position INTEGER NOT NULL,
  name TEXT NOT NULL, valid INTEGER NOT NULL, PRIMARY KEY(apply_id, position)) WITHOUT ROWID;
CREATE TABLE access_keys(
  id TEXT PRIMARY KEY, secret BLOB NOT NULL, remark TEXT NOT NULL, active INTEGER NOT NULL, created INTEGER NOT NULL)
  WITHOUT ROWID;
INSERT INTO sqlite_sequence(name, seq) VALUES('batches', 1000000);
)sql",
                                                       R"sql(
CREATE TABLE configurations(
  product TEXT NOT NULL REFERENCES products(key) ON DELETE CASCADE, version INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL, created INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY(product, version)) WITHOUT ROWID;
CREATE TABLE configuration_answers(
  device INTEGER PRIMARY KEY REFERENCES devices(number) ON DELETE CASCADE, id TEXT NOT NULL, code INTEGER NOT NULL,
  at INTEGER NOT NULL);
CREATE INDEX configuration_answers_by_id ON configuration_answers(id, at);
)sql",
                                                       R"sql(
ALTER TABLE products ADD COLUMN dynamic_register INTEGER NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN enrolment INTEGER NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN reset INTEGER NOT NULL DEFAULT 0;
CREATE TABLE device_tokens(
  device INTEGER NOT NULL REFERENCES devices(number) ON DELETE CASCADE, client_id TEXT NOT NULL, token BLOB NOT NULL,
  created INTEGER NOT NULL, PRIMARY KEY(device, client_id)) WITHOUT ROWID;
)sql",
                                                       R"sql(
CREATE TABLE topic_classes(
  id INTEGER PRIMARY KEY AUTOINCREMENT, product TEXT NOT NULL REFERENCES products(key) ON DELETE CASCADE,
  name TEXT NOT NULL, operation INTEGER NOT NULL, description TEXT NOT NULL, UNIQUE(product, name));
CREATE TABLE closed_topics(
  product TEXT PRIMARY KEY REFERENCES products(key) ON DELETE CASCADE) WITHOUT ROWID;
INSERT INTO topic_classes(product, name, operation, description) SELECT key, 'update', 0, '' FROM products;
INSERT INTO topic_classes(product, name, operation, description) SELECT key, 'update/error', 0, '' FROM products;
INSERT INTO topic_classes(product, name, operation, description) SELECT key, 'get', 1, '' FROM products;
)sql",
                                                       R"sql(
ALTER TABLE devices ADD COLUMN gateway INTEGER NOT NULL DEFAULT 0;
CREATE INDEX devices_by_gateway ON devices(gateway, number) WHERE gateway != 0;
)sql",
                                                       R"sql(
CREATE TABLE scripts(
  product TEXT NOT NULL REFERENCES products(key) ON DELETE CASCADE, version INTEGER NOT NULL, type TEXT NOT NULL,
  created INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY(product, version)) WITHOUT ROWID;
)sql",
                                                       R"sql(
CREATE TABLE device_groups(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL, parent INTEGER NOT NULL, created INTEGER NOT NULL);
CREATE INDEX device_groups_by_parent ON device_groups(parent);
CREATE TABLE group_members(
  owner INTEGER NOT NULL REFERENCES device_groups(number) ON DELETE CASCADE,
  device INTEGER NOT NULL REFERENCES devices(number) ON DELETE CASCADE, PRIMARY KEY(owner, device)) WITHOUT ROWID;
CREATE INDEX group_members_by_device ON group_members(device, owner);
CREATE TABLE group_tags(
  owner INTEGER NOT NULL REFERENCES device_groups(number) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(owner, key)) WITHOUT ROWID;
CREATE INDEX group_tags_by_tag ON group_tags(key, value);
)sql",
                                                       R"sql(
CREATE TABLE device_tags(
  device INTEGER NOT NULL REFERENCES devices(number) ON DELETE CASCADE, is_system INTEGER NOT NULL, key TEXT NOT NULL,
  value TEXT NOT NULL, PRIMARY KEY(device, is_system, key)) WITHOUT ROWID;
CREATE INDEX device_tags_by_key ON device_tags(key, value, device) WHERE is_system = 0;
)sql",
                                                       R"sql(
ALTER TABLE devices ADD COLUMN earlier_secret BLOB NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN earlier_until INTEGER NOT NULL DEFAULT 0;
)sql",
                                                       R"sql(
CREATE TABLE device_certificates(
  sha256 TEXT PRIMARY KEY, device INTEGER NOT NULL REFERENCES devices(number) ON DELETE CASCADE, serial TEXT NOT NULL,
  pem TEXT NOT NULL, revoked INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX device_certificates_by_device ON device_certificates(device, created);
)sql",
                                                       R"sql(
CREATE TABLE device_authorities(sha256 TEXT PRIMARY KEY, pem TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
)sql"};

constexpr std::string_view kKeyCheck = "key_check";
constexpr std::string_view kKeyCheckText = "tercet";
constexpr Millis kFlushDelay = Seconds{1};
constexpr Millis kFlushAgain = Seconds{5};  // after a failure

}  // namespace

RegistryProblem system_problem(const Problem& problem) {
  return {problem.code, "iot.system.SystemException", problem.detail};
}

std::optional<RegistryProblem> page_problem(PageRequest page, std::size_t largest) {
  if (page.page >= 1 && page.size >= 1 && page.size <= largest) return std::nullopt;
  return RegistryProblem{Error::bad_argument, "iot.common.InvalidPageParams",
                         "pages count from 1 and hold 1 to " + std::to_string(largest) + " entries"};
}

Registry::Registry(std::unique_ptr<State> state, RegistryLimits limits) : state_(std::move(state)), limits_(limits) {
  state_->due.emplace([](void* self) { static_cast<Registry*>(self)->flush(); }, this);
}

Registry::~Registry() = default;

Outcome<std::unique_ptr<Registry>> Registry::open(const std::filesystem::path& file, SecretBox box,
                                                  runtime::Loop& management, DirectoryFeed& feed,
                                                  RegistryLimits limits) {
  auto database = store::Database::open(file);
  if (!database) return database.problem();
  auto state = std::make_unique<State>(std::move(*database), std::move(box), management, feed);
  if (auto ready = state->prepare(); !ready) return store::with_file(ready.problem(), file);
  return std::unique_ptr<Registry>(new Registry(std::move(state), limits));
}

Outcome<void> Registry::State::prepare() {
  if (auto done = database.migrate(kMigrations); !done) return done;
  if (auto done = check_key(); !done) return done;
  if (auto done = load_access_keys(); !done) return done;
  if (auto done = load_products(); !done) return done;
  if (auto done = load_devices(); !done) return done;
  return load_certificates();
}

Outcome<void> Registry::State::check_key() {
  const auto stored = setting(kKeyCheck);
  if (!stored) return stored.problem();
  if (!*stored) return set_setting(kKeyCheck, box.seal(kKeyCheckText, kKeyCheck));
  const auto opened = box.open(**stored, kKeyCheck);
  if (opened && *opened == kKeyCheckText) return {};
  return Problem{Error::denied,
                 "the secrets in here were encrypted under another master key: put that one back (the file master.key "
                 "of the backup, or TERCET_MASTER_KEY); without it devices must be registered anew"};
}

Outcome<std::optional<std::string>> Registry::State::setting(std::string_view name) {
  auto read = database.must_prepare("SELECT value FROM settings WHERE name=?");
  const auto row = read.bind(name).step();
  if (!row) return row.problem();
  return *row ? std::optional(read.text(0)) : std::nullopt;
}

Outcome<void> Registry::State::set_setting(std::string_view name, std::string_view value) {
  return database.must_prepare("INSERT OR REPLACE INTO settings VALUES(?,?)").bind(name, value).run();
}

Outcome<void> Registry::State::load_access_keys() {
  auto read = database.must_prepare("SELECT id, secret, remark, active, created FROM access_keys");
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) return {};
    AccessKey key{read.text(0), {}, read.text(2), read.integer(3) != 0, {read.integer(4)}};
    const auto secret = box.open(read.text(1), access_key_row(key.id));
    if (!secret) return Problem{Error::malformed, "the secret of access key " + key.id + " is damaged"};
    key.secret = *secret;
    access_keys[key.id] = std::move(key);
  }
}

void Registry::limit_pages_for_test(std::int64_t pages) { static_cast<void>(state_->database.limit_pages(pages)); }

void Registry::note_activated(std::uint64_t number, UnixMillis at) {
  state_->activated.try_emplace(number, at);
  if (!state_->due->is_set()) state_->due->set(state_->management, state_->management.now() + kFlushDelay);
}

void Registry::note_online(std::uint64_t number, UnixMillis at, std::string_view ip) {
  state_->online.insert_or_assign(number, State::Seen{at, std::string(ip)});
  if (!state_->due->is_set()) state_->due->set(state_->management, state_->management.now() + kFlushDelay);
}

void Registry::note_configuration_answer(const ConfigurationAnswer& answer) {
  state_->configured.insert_or_assign(answer.device, answer);
  if (!state_->due->is_set()) state_->due->set(state_->management, state_->management.now() + kFlushDelay);
}

/// What cannot be written now (a full disk) is kept and tried again: at most one note of a kind per device.
void Registry::flush() {
  State& state = *state_;
  state.due->cancel();
  if (state.activated.empty() && state.online.empty() && state.configured.empty()) return;
  if (write_notes()) {
    state.activated.clear();
    state.online.clear();
    state.configured.clear();
  } else {
    state.due->set(state.management, state.management.now() + kFlushAgain);
  }
}

bool Registry::write_notes() {
  State& state = *state_;
  auto transaction = state.database.begin();
  if (!transaction) return false;
  auto first = state.database.must_prepare(
      "UPDATE devices SET activated=CASE activated WHEN 0 THEN ? ELSE activated END, reset=0 WHERE number=?");
  for (const auto& [number, at] : state.activated)
    if (!first.bind(at.ms, number).run()) return false;
  auto seen = state.database.must_prepare("UPDATE devices SET last_online=?, last_address=? WHERE number=?");
  for (const auto& [number, was] : state.online)
    if (!seen.bind(was.at.ms, was.ip, number).run()) return false;
  // Of a device that still exists.
  auto answered = state.database.must_prepare(
      "INSERT OR REPLACE INTO configuration_answers SELECT number, ?, ?, ? FROM devices WHERE number=?");
  for (const auto& [number, said] : state.configured)
    if (!answered.bind(said.id, said.code, said.at.ms, number).run()) return false;
  return transaction->commit().has_value();
}

}  // namespace tercet::registry
