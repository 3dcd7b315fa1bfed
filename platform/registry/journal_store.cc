#include "platform/registry/journal_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

using runtime::Outcome;
using runtime::Problem;
using Stage = broker::Refusal::Stage;

constexpr std::array<std::string_view, 1> kMigrations{R"sql(
CREATE TABLE refusals(
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, stage INTEGER NOT NULL, name TEXT NOT NULL,
  known INTEGER NOT NULL, address TEXT NOT NULL, client_id TEXT NOT NULL, code INTEGER NOT NULL, cause TEXT NOT NULL,
  evidence TEXT NOT NULL, warning INTEGER NOT NULL);
CREATE INDEX refusals_by_name ON refusals(name, id);
CREATE INDEX refusals_by_known ON refusals(known, id);
)sql"};

constexpr std::array<std::string_view, 6> kStages{"transport", "connect", "subscribe", "publish", "message", "api"};
constexpr std::size_t kMostName = 128, kMostClientId = 256, kMostEvidence = 1024, kMostAddress = 64, kMostCause = 64;
constexpr std::size_t kLargestPage = 1000;

void cut(std::string& text, std::size_t most) { text.resize(utf8_prefix(text, most).size()); }

/// Conditions of a filter with the values they are bound to.
struct Where {
  std::string text = "1";
  std::vector<std::string> values;

  void with(std::string_view condition, std::string value) {
    text.append(" AND ").append(condition);
    values.push_back(std::move(value));
  }
  void with(std::string_view condition, std::int64_t value) {
    text.append(" AND ").append(condition).append(std::to_string(value));
  }
};

Where where_of(const JournalFilter& filter) {
  Where made;
  if (!filter.name.empty()) made.with("name=?", filter.name);
  if (!filter.product.empty()) {  // a range of the index, not a search
    made.with("name>=?", filter.product + "/");
    made.with("name<?", filter.product + "0");  // '0' follows '/'
  }
  if (filter.stage) made.with("stage=", static_cast<std::int64_t>(*filter.stage));
  if (filter.warning) made.with("warning=", std::int64_t{*filter.warning});
  if (filter.from) made.with("at>=", filter.from->ms);
  if (filter.until) made.with("at<", filter.until->ms);
  if (filter.before_id != 0) made.with("id<", static_cast<std::int64_t>(filter.before_id));
  return made;
}

}  // namespace

std::string_view name(Stage stage) { return kStages[static_cast<std::size_t>(stage)]; }

std::optional<Stage> find_stage(std::string_view name) {
  const auto found = std::find(kStages.begin(), kStages.end(), name);
  if (found == kStages.end()) return std::nullopt;
  return static_cast<Stage>(found - kStages.begin());
}

CauseInWords in_words(std::string_view cause_code, Language language) {
  const auto cause = auth::find_cause(cause_code);
  if (!cause) return {};
  const auth::CauseText& text = auth::text(*cause);
  return language == Language::zh ? CauseInWords{text.cause_zh, text.remedy_zh}
                                  : CauseInWords{text.cause_en, text.remedy_en};
}

Outcome<std::unique_ptr<JournalStore>> JournalStore::open(const std::filesystem::path& file, runtime::Loop& management,
                                                          IsKnown is_known, JournalLimits limits) {
  // Losing the last moments in a power cut is no loss here: the reasons come again with the next try.
  auto database = store::Database::open(file, store::Database::Sync::normal);
  if (!database) return database.problem();
  std::unique_ptr<JournalStore> made(new JournalStore(std::move(*database), management, std::move(is_known), limits));
  if (auto ready = made->prepare(); !ready) return store::with_file(ready.problem(), file);
  return made;
}

JournalStore::JournalStore(store::Database database, runtime::Loop& management, IsKnown is_known, JournalLimits limits)
    : database_(std::move(database)),
      management_(management),
      is_known_(std::move(is_known)),
      limits_(limits),
      alive_(std::make_shared<JournalStore*>(this)),
      due_([](void* self) { static_cast<JournalStore*>(self)->flush(); }, this) {}

JournalStore::~JournalStore() { *alive_ = nullptr; }

Outcome<void> JournalStore::prepare() {
  if (auto done = database_.migrate(kMigrations); !done) return done;
  auto read = database_.must_prepare("SELECT name, count(*), sum(known) FROM refusals GROUP BY name");
  for (;;) {
    const auto row = read.step();
    if (!row) return row.problem();
    if (!*row) return {};
    const auto count = static_cast<std::size_t>(read.integer(1));
    const auto known = static_cast<std::size_t>(read.integer(2));
    per_name_[read.text(0)] = count;
    known_ += known;
    unknown_ += count - known;
  }
}

void JournalStore::record(broker::Refusal refusal) {
  // The bound is our own: a storm of refusals must not fill the management loop's queue, where answers travel too.
  if (waiting_.fetch_add(1, std::memory_order_relaxed) < limits_.waiting &&
      management_.post([alive = alive_, refusal = std::move(refusal)]() mutable {
        if (*alive != nullptr) (*alive)->take(std::move(refusal));
      }))
    return;
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  lost_.fetch_add(1, std::memory_order_relaxed);
}

void JournalStore::take(broker::Refusal refusal) {
  batch_.push_back(std::move(refusal));
  if (!due_.is_set()) due_.set(management_, management_.now() + limits_.delay);
}

void JournalStore::flush() {
  due_.cancel();
  if (batch_.empty()) return;
  auto batch = std::exchange(batch_, {});
  waiting_.fetch_sub(batch.size(), std::memory_order_relaxed);
  auto written = write(batch);
  if (!written) {  // a full disk: the journal gives way
    lost_.fetch_add(batch.size(), std::memory_order_relaxed);
    return;
  }
  recorded_ += batch.size();
  for (const JournalEntry& entry : *written)
    for (const auto& listener : listeners_) listener(entry);
}

Outcome<std::vector<JournalEntry>> JournalStore::write(std::vector<broker::Refusal>& batch) {
  std::vector<JournalEntry> entries;
  auto transaction = database_.begin();
  if (!transaction) return transaction.problem();
  auto insert = database_.must_prepare(
      "INSERT INTO refusals(at, stage, name, known, address, client_id, code, cause, evidence, warning) "
      "VALUES(?,?,?,?,?,?,?,?,?,?)");
  Changes changes;
  for (broker::Refusal& refusal : batch) {
    cut(refusal.name, kMostName), cut(refusal.client_id, kMostClientId), cut(refusal.evidence, kMostEvidence);
    cut(refusal.address, kMostAddress), cut(refusal.cause, kMostCause);
    const bool known = !refusal.name.empty() && is_known_(refusal.name);
    if (const auto done = insert
                              .bind(refusal.at.ms, refusal.stage, refusal.name, known, refusal.address,
                                    refusal.client_id, refusal.code, refusal.cause, refusal.evidence, refusal.warning)
                              .run();
        !done)
      return done.problem();
    ++changes.per_name[refusal.name];
    ++(known ? changes.known : changes.unknown);
    entries.push_back({static_cast<std::uint64_t>(database_.last_row()), known, std::move(refusal)});
  }
  if (const auto done = trim(changes); !done) return done.problem();
  if (const auto done = transaction->commit(); !done) return done.problem();
  for (const auto& [name, change] : changes.per_name) {
    auto& count = per_name_[name];
    count = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(count) + change);
    if (count == 0) per_name_.erase(name);
  }
  known_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(known_) + changes.known);
  unknown_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(unknown_) + changes.unknown);
  return entries;
}

/// Removes the oldest entries of names, then of each kind, that have too many.
Outcome<void> JournalStore::trim(Changes& changes) {
  const auto count_of = [&](const std::string& name) {
    const auto at = per_name_.find(name);
    return (at == per_name_.end() ? 0 : static_cast<std::ptrdiff_t>(at->second)) + changes.per_name[name];
  };
  std::vector<std::string> touched;
  for (const auto& [name, change] : changes.per_name) touched.push_back(name);
  for (const std::string& name : touched)
    if (const auto over =
            count_of(name) - static_cast<std::ptrdiff_t>(name.empty() ? limits_.nameless : limits_.per_name);
        over > 0)
      if (const auto done = remove_oldest("name=?", name, over, changes); !done) return done;
  for (const bool known : {true, false}) {
    const auto held =
        static_cast<std::ptrdiff_t>(known ? known_ : unknown_) + (known ? changes.known : changes.unknown);
    const auto over = held - static_cast<std::ptrdiff_t>(known ? limits_.known : limits_.unknown);
    if (over > 0)
      if (const auto done = remove_oldest("known=CAST(? AS INTEGER)", known ? "1" : "0", over, changes); !done)
        return done;
  }
  return {};
}

Outcome<void> JournalStore::remove_oldest(std::string_view where, std::string_view value, std::ptrdiff_t count,
                                          Changes& changes) {
  auto remove = database_.must_prepare("DELETE FROM refusals WHERE id IN (SELECT id FROM refusals WHERE " +
                                       std::string(where) + " ORDER BY id LIMIT ?) RETURNING name, known");
  remove.bind(value, count);
  for (;;) {
    const auto row = remove.step();
    if (!row) return row.problem();
    if (!*row) return {};
    --changes.per_name[remove.text(0)];
    --(remove.integer(1) != 0 ? changes.known : changes.unknown);
  }
}

NamePage JournalStore::names(std::string_view product, std::size_t skip, std::size_t most) {
  flush();
  NamePage page;
  // Beside max(), SQLite takes the other columns from the row that holds the greatest id.
  auto read = database_.must_prepare(
      "SELECT name, known, at, cause, count(*), max(id) AS newest, count(*) OVER () FROM refusals "
      "WHERE ?='' OR substr(name, 1, length(?))=? GROUP BY name ORDER BY newest DESC LIMIT ? OFFSET ?");
  const std::string prefix = product.empty() ? std::string() : std::string(product) + "/";
  read.bind(prefix, prefix, prefix, std::min(most, kLargestPage), skip);
  for (;;) {
    const auto row = read.step();
    if (!row || !*row) return page;
    page.rows.push_back({read.text(0), read.integer(1) != 0, UnixMillis{read.integer(2)}, read.text(3),
                         static_cast<std::uint64_t>(read.integer(4))});
    page.total = static_cast<std::uint64_t>(read.integer(6));
  }
}

std::vector<JournalEntry> JournalStore::query(const JournalFilter& filter) {
  flush();
  std::vector<JournalEntry> found;
  const Where where = where_of(filter);
  auto read = database_.must_prepare(
      "SELECT id, at, stage, name, known, address, client_id, code, cause, evidence, warning FROM refusals WHERE " +
      where.text + " ORDER BY id DESC LIMIT " + std::to_string(std::min(filter.limit, kLargestPage)));
  const auto& values = where.values;
  switch (values.size()) {
    case 0:
      break;
    case 1:
      read.bind(values[0]);
      break;
    case 2:
      read.bind(values[0], values[1]);
      break;
    default:
      read.bind(values[0], values[1], values[2]);
  }
  for (;;) {
    const auto row = read.step();
    if (!row || !*row) return found;
    JournalEntry entry;
    entry.id = static_cast<std::uint64_t>(read.integer(0));
    entry.known = read.integer(4) != 0;
    broker::Refusal& refusal = entry.refusal;
    refusal.at = {read.integer(1)};
    refusal.stage = static_cast<Stage>(std::clamp<std::int64_t>(read.integer(2), 0, kStages.size() - 1));
    refusal.name = read.text(3);
    refusal.address = read.text(5);
    refusal.client_id = read.text(6);
    refusal.code = static_cast<std::uint32_t>(read.integer(7));
    refusal.cause = read.text(8);
    refusal.evidence = read.text(9);
    refusal.warning = read.integer(10) != 0;
    found.push_back(std::move(entry));
  }
}

}  // namespace tercet::registry
