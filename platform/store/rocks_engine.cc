#include "platform/store/rocks_engine.h"

#include <algorithm>
#include <cstdarg>
#include <string>
#include <utility>
#include <vector>

#include "platform/runtime/log.h"
#include "platform/store/log_damage.h"
#include "rocksdb/cache.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"

namespace tercet::store {
namespace {

using rocksdb::Slice;
using rocksdb::Status;
using runtime::Outcome;
using runtime::Problem;

constexpr std::string_view kFormatKey = "format";
constexpr std::array<std::string_view, kFamilies> kNames{"default", "history", "state", "queue", "session", "forward"};

/// The first eight bytes of a key, for hints; not of one that ends in NUL. RocksDB shares the hints of puts with range
/// deletions, which are in another table, and corrupts its memory when one meets the other: so a range deletion always
/// begins at a key that ends in NUL (Engine::add()).
class HintPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "tercet.HintPrefix"; }
  Slice Transform(const Slice& key) const override { return {key.data(), 8}; }
  bool InDomain(const Slice& key) const override { return key.size() > 8 && key[key.size() - 1] != '\0'; }
};

/// RocksDB takes no null pointer, also for nothing.
Slice slice(std::string_view text) { return text.data() == nullptr ? Slice() : Slice(text.data(), text.size()); }
std::string_view view(const Slice& text) { return {text.data(), text.size()}; }

/// RocksDB's own log is not kept: what matters comes back as a Status. (Its log file, too, would meet a full disk, and
/// the second write to a failed file trips an assertion in Debian's build.)
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : Logger(rocksdb::InfoLogLevel::HEADER_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions database_options(const RocksOptions& options) {
  rocksdb::DBOptions made;
  if (options.env != nullptr) made.env = options.env;
  made.create_if_missing = true;
  made.create_missing_column_families = true;
  // One writer thread: no machinery for many.
  made.allow_concurrent_memtable_write = false;
  made.enable_write_thread_adaptive_yield = false;
  // Bounded: background threads, log to replay at start, open files, memory.
  made.max_background_jobs = 2;
  made.max_total_wal_size = options.memtable_bytes / 2;
  made.db_write_buffer_size = options.memtable_bytes;
  made.max_open_files = 512;
  made.info_log = std::make_shared<NoLog>();
  made.stats_dump_period_sec = 0;
  made.stats_persist_period_sec = 0;
  // Recovery ends at the first record that cannot be read, without a word. That this is a torn tail, and not damage in
  // front of what was acknowledged, is looked for before (check_logs); that no log is missing or too short, by RocksDB.
  made.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  made.track_and_verify_wals_in_manifest = !options.accept_loss;
  made.bytes_per_sync = std::size_t{1} << 20;  // tables go out evenly, so that a log sync never waits behind one
  return made;
}

rocksdb::ColumnFamilyOptions family_options(const RocksOptions& options, std::string_view name,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions made;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  table.block_size = 16 * 1024;
  made.compression = rocksdb::kLZ4Compression;
  made.write_buffer_size = std::max<std::size_t>(options.memtable_bytes / 4, std::size_t{1} << 20);
  made.max_write_buffer_number = 4;
  // Keys of these two begin with the device's number, eight bytes: remembering where the last insertion for a device
  // went saves half of the search.
  if (name == "history" || name == "state")
    made.memtable_insert_with_hint_prefix_extractor = std::make_shared<HintPrefix>();
  if (name == "history") {
    // Append-mostly and never read by single keys: the fewest rewrites, no filter; what is new is not compressed yet.
    made.compaction_style = rocksdb::kCompactionStyleUniversal;
    made.compaction_options_universal.compression_size_percent = 70;
    made.write_buffer_size = std::max<std::size_t>(options.memtable_bytes / 2, std::size_t{1} << 20);
  } else {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    made.target_file_size_base = std::size_t{16} << 20;
    made.level_compaction_dynamic_level_bytes = true;
  }
  made.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return made;
}

constexpr std::string_view kDamaged =
    ": damaged, acknowledged data would be lost; restore a backup, or move the directory away to begin anew";
constexpr std::string_view kOrAccept = ", or start with --accept-data-loss to go on with what is readable";

Problem open_problem(const std::filesystem::path& folder, const Status& status) {
  std::string detail = "cannot open the store " + folder.string() + ": " + status.ToString();
  const auto says = [&detail](std::string_view words) { return detail.find(words) != std::string::npos; };
  if (status.IsCorruption()) {
    const bool in_logs = says("WAL");
    return {Error::malformed, detail.append(kDamaged).append(in_logs ? kOrAccept : "")};
  }
  if (status.IsNoSpace() || says("No space left")) return {Error::no_space, detail + "; free some space on the disk"};
  if (says("Permission denied") || says("Read-only file system"))
    return {Error::io_failed, detail + "; make the folder and all in it writable for this user"};
  if (status.IsIOError() && says("lock"))
    return {Error::io_failed, detail + "; another tercet is using this data folder: stop it, or choose another --data"};
  return {Error::io_failed, std::move(detail)};
}

Problem newer_format(const std::string& folder, const std::string& format) {
  return {Error::unsupported, "the store " + folder + " has format " + format + ", this program knows " +
                                  std::to_string(RocksStore::kFormatVersion) +
                                  ": it was written by a newer tercet; use that one, or restore a backup"};
}

/// A store that has lost its CURRENT file would be taken for a new one, and what it held be erased.
Outcome<bool> is_new(rocksdb::Env& env, const std::string& folder) {
  if (env.FileExists(folder + "/CURRENT").ok()) return false;
  std::vector<std::string> names;
  static_cast<void>(env.GetChildren(folder, &names));
  for (const std::string& name : names) {
    std::uint64_t bytes = 0;
    static_cast<void>(env.GetFileSize(folder + "/" + name, &bytes));
    if (bytes > 0 && (name.ends_with(".sst") || name.ends_with(".log")))
      return Problem{Error::malformed,
                     folder + "/CURRENT is missing and " + name + " is there" + std::string(kDamaged)};
  }
  return true;
}

/// What a look at the folder finds that changes nothing in it. Gives the number of the oldest log that is needed.
Outcome<std::uint64_t> look(const rocksdb::DBOptions& options, const std::string& folder) {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  const std::vector<rocksdb::ColumnFamilyDescriptor> meta{{std::string(kNames[0]), {}}};
  const Status opened = rocksdb::DB::OpenForReadOnly(options, folder, meta, &handles, &raw);
  if (!opened.ok()) return open_problem(folder, opened);
  const std::unique_ptr<rocksdb::DB> db(raw);
  std::string format;
  const Status read = db->Get({}, handles.front(), slice(kFormatKey), &format);
  std::uint64_t oldest = 0;
  static_cast<void>(db->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &oldest));
  for (auto* handle : handles) static_cast<void>(db->DestroyColumnFamilyHandle(handle));
  if (read.ok() && format != std::to_string(RocksStore::kFormatVersion)) return newer_format(folder, format);
  if (!read.ok() && !read.IsNotFound()) return open_problem(folder, read);
  return oldest;
}

/// Refuses damage in the logs, or tells what is going to be left out.
Outcome<void> check_logs(const RocksOptions& options, rocksdb::Env& env, std::uint64_t oldest) {
  const LogFindings found = find_log_damage(env, options.folder, oldest);
  if (!found.problem.empty()) return Problem{Error::io_failed, found.problem};
  if (found.tail && !found.damage)
    runtime::log(runtime::LogLevel::warning, "the store's log ends in an incomplete record, which is left out",
                 {{"file", found.tail->file}, {"from_byte", found.tail->offset}});
  if (!found.damage) return {};
  if (!options.accept_loss)
    return Problem{Error::malformed, found.damage->file + ", from byte " + std::to_string(found.damage->offset) +
                                         " on" + std::string(kDamaged).append(kOrAccept)};
  runtime::log(runtime::LogLevel::warning,
               "the store's log is damaged; all that was written later is left out, as told or as without syncs",
               {{"file", found.damage->file}, {"from_byte", found.damage->offset}});
  return {};
}

}  // namespace

Outcome<std::unique_ptr<RocksStore::Engine>> RocksStore::Engine::open(const RocksOptions& options) {
  std::unique_ptr<Engine> engine(new Engine);
  engine->write_options_.sync = options.durability == Durability::synced;
  // Without syncs a power cut may leave holes anywhere in the logs, and nothing was promised about it.
  RocksOptions judged = options;
  if (options.durability == Durability::memory) judged.accept_loss = true;
  if (auto opened = engine->open_database(judged); !opened) return opened.problem();
  if (auto fits = engine->check_format(); !fits) return fits.problem();
  return engine;
}

Outcome<void> RocksStore::Engine::open_database(const RocksOptions& options) {
  auto database = database_options(options);
  const auto cache = rocksdb::NewLRUCache(options.cache_bytes);
  const std::string folder = options.folder.string();
  if (const Status made = database.env->CreateDirIfMissing(folder); !made.ok())
    return open_problem(options.folder, made);
  const auto fresh = is_new(*database.env, folder);
  if (!fresh) return fresh.problem();
  if (!*fresh) {
    const auto oldest = look(database, folder);
    if (!oldest) return oldest.problem();
    if (auto whole = check_logs(options, *database.env, *oldest); !whole) return whole;
  }
  database.env->LowerThreadPoolCPUPriority(rocksdb::Env::LOW);

  // All families that are there must be opened, also those of a newer version.
  std::vector<std::string> names;
  static_cast<void>(rocksdb::DB::ListColumnFamilies(database, folder, &names));  // fails when there is nothing yet
  for (const std::string_view name : kNames)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) descriptors.emplace_back(name, family_options(options, name, cache));

  rocksdb::DB* db = nullptr;
  Status opened = rocksdb::DB::Open(database, folder, descriptors, &handles_, &db);
  if (opened.IsCorruption() && options.accept_loss) {
    // Some families had been written to tables up to a later moment than the damage: all that is readable, then.
    runtime::log(runtime::LogLevel::warning,
                 "the store's families do not go back to one moment; as told, gaps are left",
                 {{"why", opened.ToString()}});
    database.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
    opened = rocksdb::DB::Open(database, folder, descriptors, &handles_, &db);
  }
  if (!opened.ok()) return open_problem(options.folder, opened);
  db_.reset(db);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto known = std::find(kNames.begin(), kNames.end(), names[i]);
    if (known != kNames.end()) families_[static_cast<std::size_t>(known - kNames.begin())] = handles_[i];
  }
  return {};
}

Outcome<void> RocksStore::Engine::check_format() {
  std::string text;
  const Status read = db_->Get({}, family(Family::meta), slice(kFormatKey), &text);
  if (read.IsNotFound()) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    const Status written =
        db_->Put(synced, family(Family::meta), slice(kFormatKey), std::to_string(RocksStore::kFormatVersion));
    if (!written.ok()) return Problem{Error::io_failed, "cannot write the store's format: " + written.ToString()};
    return {};
  }
  if (!read.ok()) return Problem{Error::io_failed, "cannot read the store's format: " + read.ToString()};
  if (text == std::to_string(RocksStore::kFormatVersion)) return {};
  return newer_format(db_->GetName(), text);
}

RocksStore::Engine::~Engine() {
  if (db_ == nullptr) return;
  if (broken_) {
    // Closing a RocksDB whose log has failed trips an assertion of its own in Debian's build (7.8). Nothing in it is
    // worth saving, so it is left as it is until the process ends, which the owner of a failed store is about to do.
    using Abandoned = std::pair<std::unique_ptr<rocksdb::DB>, std::vector<rocksdb::ColumnFamilyHandle*>>;
    static auto& abandoned = *new std::vector<Abandoned>;  // never destroyed
    abandoned.emplace_back(std::move(db_), std::move(handles_));
    return;
  }
  for (auto* handle : handles_) static_cast<void>(db_->DestroyColumnFamilyHandle(handle));
  static_cast<void>(db_->Close());
}

void RocksStore::Engine::add(rocksdb::WriteBatch& batch, const Mutations& mutations) const {
  mutations.each([&](const Mutations::Op& op) {
    // A batch in memory refuses only what exceeds 4 GB, which submit() has ruled out.
    switch (op.kind) {
      case Mutations::Op::Kind::put:
        static_cast<void>(batch.Put(family(op.family), slice(op.key), slice(op.value)));
        break;
      case Mutations::Op::Kind::erase:
        static_cast<void>(batch.Delete(family(op.family), slice(op.key)));
        break;
      case Mutations::Op::Kind::erase_range: {
        if (op.key >= op.value) break;
        static_cast<void>(batch.Delete(family(op.family), slice(op.key)));
        const std::string after = std::string(op.key) + '\0';  // see HintPrefix
        static_cast<void>(batch.DeleteRange(family(op.family), after, slice(op.value)));
        break;
      }
    }
  });
}

Status RocksStore::Engine::write(rocksdb::WriteBatch& batch) {
  Status written = db_->Write(write_options_, &batch);
  broken_ = !written.ok();
  return written;
}

Result<std::string> RocksStore::Engine::get(Family which, std::string_view key) const {
  std::string value;
  const Status read = db_->Get({}, family(which), slice(key), &value);
  if (read.IsNotFound()) return fail(Error::not_found);
  if (!read.ok()) return fail(Error::io_failed);
  return value;
}

Result<void> RocksStore::Engine::scan(Family which, std::string_view from, std::string_view to, Order order,
                                      const Visit& visit) const {
  if (from >= to) return {};
  const Slice lower = slice(from), upper = slice(to);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  options.iterate_upper_bound = &upper;
  options.fill_cache = true;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family(which)));
  const bool up = order == Order::ascending;
  for (up ? at->SeekToFirst() : at->SeekToLast(); at->Valid(); up ? at->Next() : at->Prev())
    if (!visit(view(at->key()), view(at->value()))) break;
  if (!at->status().ok()) return fail(Error::io_failed);
  return {};
}

}  // namespace tercet::store
