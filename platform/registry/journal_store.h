#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/broker/refusal.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/problem.h"
#include "platform/store/sqlite.h"
#include "tercet/auth/cause.h"

namespace tercet::registry {

struct JournalLimits {
  std::size_t per_name = 100;    ///< entries of one device or of one unknown name
  std::size_t nameless = 2'000;  ///< entries that carry no name: a TLS alert, a connection without CONNECT
  std::size_t known = 80'000;    ///< entries of registered devices, together
  std::size_t unknown = 20'000;  ///< entries of names that are not registered, together: a flood evicts only these
  std::size_t waiting = 4096;    ///< handed over and not yet written; more are counted as lost
  Millis delay{50};              ///< how long entries gather before they are written together
};

struct JournalEntry {
  std::uint64_t id = 0;  ///< rises with time of writing
  bool known = false;    ///< the name was a registered device when it was written
  broker::Refusal refusal;
};

/// The entries of one name, together.
struct NameTally {
  std::string name;
  bool known = false;  ///< as of the newest entry, like the next two
  UnixMillis last;
  std::string last_cause;
  std::uint64_t count = 0;
};
struct NamePage {
  std::vector<NameTally> rows;
  std::uint64_t total = 0;  ///< names, on all pages; 0 on a page behind the last
};

struct JournalFilter {
  std::string name;     ///< exact, as claimed; "" = any
  std::string product;  ///< names that begin with "<product>/"; "" = any
  std::optional<broker::Refusal::Stage> stage;
  std::optional<bool> warning;
  std::optional<UnixMillis> from, until;  ///< [from, until)
  std::uint64_t before_id = 0;            ///< for paging: only older ones; 0 = from the newest
  std::size_t limit = 50;                 ///< at most 1000
};

/// What a reader is told beside the entry itself.
struct CauseInWords {
  std::string_view cause, remedy;  ///< static texts; both "" for a code this version does not know
};
enum class Language : std::uint8_t { en, zh };
CauseInWords in_words(std::string_view cause_code, Language language);
std::string_view name(broker::Refusal::Stage stage);  ///< "connect"
std::optional<broker::Refusal::Stage> find_stage(std::string_view name);

/// The refusal journal: a SQLite table on the management thread. record() may be called from any loop's thread; it
/// hands the entry over by post. Everything else: management thread only.
class JournalStore final : public broker::Journal {
 public:
  using IsKnown = std::function<bool(std::string_view name)>;  ///< "<ProductKey>/<DeviceName>"
  /// Problems: io_failed, unsupported (written by a newer version).
  static runtime::Outcome<std::unique_ptr<JournalStore>> open(const std::filesystem::path& file,
                                                              runtime::Loop& management, IsKnown is_known,
                                                              JournalLimits limits = {});
  ~JournalStore() override;

  void record(broker::Refusal refusal) override;

  /// Newest first.
  std::vector<JournalEntry> query(const JournalFilter& filter);
  /// Names with their tallies, the newest entry's first; of one product, or "" = of all. One page of at most 1000.
  NamePage names(std::string_view product, std::size_t skip, std::size_t most);
  void flush();  ///< writes what has been handed over
  /// Told of every entry as it is written; for the page's live view.
  void listen(std::function<void(const JournalEntry&)> listener) { listeners_.push_back(std::move(listener)); }

  /// So many pages of 4 KB may the file have: a full disk, for tests.
  void limit_pages_for_test(std::int64_t pages) { static_cast<void>(database_.limit_pages(pages)); }

  std::uint64_t recorded() const { return recorded_; }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  std::size_t size() const { return known_ + unknown_; }

 private:
  JournalStore(store::Database database, runtime::Loop& management, IsKnown is_known, JournalLimits limits);
  /// What a batch adds and removes, before it is committed.
  struct Changes {
    std::unordered_map<std::string, std::ptrdiff_t> per_name;
    std::ptrdiff_t known = 0, unknown = 0;
  };
  runtime::Outcome<void> prepare();
  void take(broker::Refusal refusal);
  runtime::Outcome<std::vector<JournalEntry>> write(std::vector<broker::Refusal>& batch);
  runtime::Outcome<void> trim(Changes& changes);
  runtime::Outcome<void> remove_oldest(std::string_view where, std::string_view value, std::ptrdiff_t count,
                                       Changes& changes);

  store::Database database_;
  runtime::Loop& management_;
  IsKnown is_known_;
  JournalLimits limits_;
  std::shared_ptr<JournalStore*> alive_;  // what was posted may run after the end of this
  std::atomic<std::size_t> waiting_{0};   // handed over, not written yet; counted by all threads
  std::atomic<std::uint64_t> lost_{0};
  std::vector<broker::Refusal> batch_;
  std::unordered_map<std::string, std::size_t> per_name_;
  std::size_t known_ = 0, unknown_ = 0;
  std::uint64_t recorded_ = 0;
  runtime::Timer due_;
  std::vector<std::function<void(const JournalEntry&)>> listeners_;
};

}  // namespace tercet::registry
