#include "platform/upgrade/tables.h"

#include <array>

namespace tercet::upgrade {
namespace {

constexpr std::array<std::string_view, 1> kMigrations{R"sql(
CREATE TABLE modules(
  product TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL, about TEXT NOT NULL, created INTEGER NOT NULL,
  modified INTEGER NOT NULL, PRIMARY KEY(product, name)) WITHOUT ROWID;
CREATE TABLE uploads(
  key TEXT PRIMARY KEY, bytes INTEGER NOT NULL, md5 TEXT NOT NULL, sha256 TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE firmware(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, product TEXT NOT NULL, module TEXT NOT NULL,
  name TEXT NOT NULL, about TEXT NOT NULL, version TEXT NOT NULL, source TEXT NOT NULL, diff INTEGER NOT NULL,
  method INTEGER NOT NULL, sign TEXT NOT NULL, md5 TEXT NOT NULL, sha256 TEXT NOT NULL, signature TEXT NOT NULL,
  udi TEXT NOT NULL, file TEXT NOT NULL, status INTEGER NOT NULL, bytes INTEGER NOT NULL, created INTEGER NOT NULL,
  modified INTEGER NOT NULL);
CREATE TABLE versions(
  device INTEGER NOT NULL, module TEXT NOT NULL, version TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(device, module)) WITHOUT ROWID;
CREATE TABLE jobs(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, firmware INTEGER NOT NULL, kind INTEGER NOT NULL,
  status INTEGER NOT NULL, text TEXT NOT NULL, options TEXT NOT NULL, created INTEGER NOT NULL,
  modified INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL);
CREATE INDEX jobs_by_firmware ON jobs(firmware, number);
CREATE TABLE tasks(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, job INTEGER NOT NULL, device INTEGER NOT NULL,
  name TEXT NOT NULL, source TEXT NOT NULL, state INTEGER NOT NULL, progress INTEGER NOT NULL, text TEXT NOT NULL,
  retries INTEGER NOT NULL, due INTEGER NOT NULL, progressed INTEGER NOT NULL, created INTEGER NOT NULL,
  modified INTEGER NOT NULL);
CREATE INDEX tasks_by_job ON tasks(job, number);
CREATE INDEX tasks_by_device ON tasks(device, number);
)sql"};

std::uint64_t natural(const store::Statement& row, int at) { return static_cast<std::uint64_t>(row.integer(at)); }

}  // namespace

runtime::Outcome<void> Upgrades::Tables::prepare(store::Database& database) { return database.migrate(kMigrations); }

Firmware Upgrades::Tables::firmware(const store::Statement& row, int at) {
  Firmware f;
  f.number = natural(row, at);
  std::string* const texts[] = {&f.id, &f.product, &f.module, &f.name, &f.about, &f.version, &f.source};
  for (int i = 0; i < 7; ++i) *texts[i] = row.text(at + 1 + i);
  f.diff = row.integer(at + 8) != 0;
  f.method = static_cast<SignMethod>(row.integer(at + 9));
  std::string* const more[] = {&f.sign, &f.md5, &f.sha256, &f.signature, &f.udi, &f.file};
  for (int i = 0; i < 6; ++i) *more[i] = row.text(at + 10 + i);
  f.status = static_cast<FirmwareStatus>(row.integer(at + 16));
  f.bytes = natural(row, at + 17);
  f.created.ms = row.integer(at + 18);
  f.modified.ms = row.integer(at + 19);
  return f;
}

Job Upgrades::Tables::job(const store::Statement& row, int at) {
  Job j;
  j.number = natural(row, at);
  j.id = row.text(at + 1);
  j.firmware = natural(row, at + 2);
  j.kind = static_cast<JobKind>(row.integer(at + 3));
  j.status = static_cast<JobStatus>(row.integer(at + 4));
  j.text = row.text(at + 5);
  j.options = options_of(row.text(at + 6));
  j.created.ms = row.integer(at + 7);
  j.modified.ms = row.integer(at + 8);
  j.started.ms = row.integer(at + 9);
  j.ended.ms = row.integer(at + 10);
  return j;
}

Task Upgrades::Tables::task(const store::Statement& row, int at) {
  Task t;
  t.number = natural(row, at);
  t.id = row.text(at + 1);
  t.job = natural(row, at + 2);
  t.device = natural(row, at + 3);
  t.device_name = row.text(at + 4);
  t.source = row.text(at + 5);
  t.state = static_cast<TaskState>(row.integer(at + 6));
  t.progress = static_cast<int>(row.integer(at + 7));
  t.text = row.text(at + 8);
  t.retries = static_cast<int>(row.integer(at + 9));
  t.due = row.integer(at + 10);
  t.progressed = row.integer(at + 11);
  t.created = row.integer(at + 12);
  t.modified = row.integer(at + 13);
  return t;
}

runtime::Outcome<void> Upgrades::Tables::put(store::Database& database, const Firmware& f) {
  auto write = database.must_prepare("INSERT OR REPLACE INTO firmware VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  write.bind(f.number == 0 ? std::optional<std::uint64_t>() : std::optional(f.number), f.id, f.product, f.module,
             f.name, f.about, f.version, f.source, f.diff, f.method, f.sign, f.md5, f.sha256, f.signature, f.udi,
             f.file, f.status, f.bytes, f.created.ms, f.modified.ms);
  return write.run();
}

runtime::Outcome<void> Upgrades::Tables::put(store::Database& database, const Job& j) {
  auto write = database.must_prepare("INSERT OR REPLACE INTO jobs VALUES(?,?,?,?,?,?,?,?,?,?,?)");
  write.bind(j.number, j.id, j.firmware, j.kind, j.status, j.text, to_text(j.options), j.created.ms, j.modified.ms,
             j.started.ms, j.ended.ms);
  return write.run();
}

runtime::Outcome<void> Upgrades::Tables::put(store::Database& database, const Task& t) {
  auto write = database.must_prepare("INSERT OR REPLACE INTO tasks VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  write.bind(t.number, t.id, t.job, t.device, t.device_name, t.source, t.state, t.progress, t.text, t.retries, t.due,
             t.progressed, t.created, t.modified);
  return write.run();
}

}  // namespace tercet::upgrade
