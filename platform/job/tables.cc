#include "platform/job/tables.h"

#include <array>

namespace tercet::job {
namespace {

constexpr std::array<std::string_view, 2> kMigrations{R"sql(
CREATE TABLE jobs(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, about TEXT NOT NULL, type INTEGER NOT NULL,
  status INTEGER NOT NULL, document TEXT NOT NULL, url TEXT NOT NULL, sign TEXT NOT NULL, method TEXT NOT NULL,
  target INTEGER NOT NULL, devices TEXT NOT NULL, grp TEXT NOT NULL, product TEXT NOT NULL,
  per_minute INTEGER NOT NULL, timeout INTEGER NOT NULL, qos INTEGER NOT NULL, start INTEGER NOT NULL,
  created INTEGER NOT NULL, modified INTEGER NOT NULL);
CREATE TABLE tasks(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, job INTEGER NOT NULL, device INTEGER NOT NULL,
  product TEXT NOT NULL, name TEXT NOT NULL, state INTEGER NOT NULL, progress INTEGER NOT NULL, details TEXT NOT NULL,
  text TEXT NOT NULL, tries INTEGER NOT NULL, due INTEGER NOT NULL, started INTEGER NOT NULL, owed INTEGER NOT NULL,
  created INTEGER NOT NULL, modified INTEGER NOT NULL);
CREATE INDEX tasks_by_job ON tasks(job, number);
CREATE INDEX tasks_by_device ON tasks(device, number);
)sql",
                                                      "ALTER TABLE jobs ADD COLUMN file TEXT NOT NULL DEFAULT ''"};

std::uint64_t natural(const store::Statement& row, int at) { return static_cast<std::uint64_t>(row.integer(at)); }

}  // namespace

runtime::Outcome<void> Jobs::Tables::prepare(store::Database& database) { return database.migrate(kMigrations); }

Job Jobs::Tables::job(const store::Statement& row) {
  Job j;
  j.number = natural(row, 0);
  j.id = row.text(1), j.name = row.text(2), j.about = row.text(3);
  j.type = static_cast<JobType>(row.integer(4));
  j.status = static_cast<JobStatus>(row.integer(5));
  j.document = row.text(6);
  j.file = {row.text(7), row.text(8), row.text(9), row.text(20)};
  j.target = static_cast<Target>(row.integer(10));
  j.devices = row.text(11), j.group = row.text(12), j.product = row.text(13);
  j.per_minute = static_cast<int>(row.integer(14));
  j.timeout_minutes = static_cast<int>(row.integer(15));
  j.qos = static_cast<std::uint8_t>(row.integer(16));
  j.start = row.integer(17), j.created = row.integer(18), j.modified = row.integer(19);
  return j;
}

Task Jobs::Tables::task(const store::Statement& row) {
  Task t;
  t.number = natural(row, 0);
  t.id = row.text(1);
  t.job = natural(row, 2);
  t.device = natural(row, 3);
  t.product = row.text(4), t.device_name = row.text(5);
  t.state = static_cast<TaskState>(row.integer(6));
  t.progress = static_cast<int>(row.integer(7));
  t.details = row.text(8), t.text = row.text(9);
  t.tries = static_cast<int>(row.integer(10));
  t.due = row.integer(11), t.started = row.integer(12);
  t.owed = row.integer(13) != 0;
  t.created = row.integer(14), t.modified = row.integer(15);
  return t;
}

runtime::Outcome<void> Jobs::Tables::put(store::Database& database, const Job& j) {
  auto write = database.must_prepare("INSERT OR REPLACE INTO jobs VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  write.bind(j.number, j.id, j.name, j.about, j.type, j.status, j.document, j.file.url, j.file.sign, j.file.method,
             j.target, j.devices, j.group, j.product, j.per_minute, j.timeout_minutes, j.qos, j.start, j.created,
             j.modified, j.file.key);
  return write.run();
}

runtime::Outcome<void> Jobs::Tables::put(store::Database& database, const Task& t) {
  auto write = database.must_prepare("INSERT OR REPLACE INTO tasks VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  write.bind(t.number, t.id, t.job, t.device, t.product, t.device_name, t.state, t.progress, t.details, t.text, t.tries,
             t.due, t.started, t.owed, t.created, t.modified);
  return write.run();
}

}  // namespace tercet::job
