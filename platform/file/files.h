#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/broker/refusal.h"
#include "platform/file/folder.h"
#include "platform/registry/registry.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite.h"
#include "platform/thing/file_message.h"
#include "tercet/alink/codes.h"
#include "tercet/alink/crc64.h"
#include "tercet/auth/cause.h"

namespace tercet::file {

using registry::Answer;

struct Settings {
  std::uint64_t quota_bytes = std::uint64_t{1} << 30;  ///< of all files together
  std::size_t files_per_device = 1000;                 ///< unfinished ones included
  Millis unfinished = std::chrono::hours{24};          ///< then an upload that is not complete is given up
  std::uint32_t notes_per_minute = 6;                  ///< journal entries about one device
};

/// One message for one device.
struct Letter {
  std::uint64_t device = 0;
  std::string product, name, topic, payload;
};

/// A file that is complete.
struct FileRecord {
  std::uint64_t number = 0;
  std::string id, name;
  std::uint64_t bytes = 0;
  UnixMillis created{};
};

/// Files that devices upload.
///
///   init --> growing --block--> growing … --last block--> check --> complete
///              |  '--cancel, 24 h, a newer init of the name--> gone     '--wrong sum--> gone
///
/// What is growing is known in memory; the bytes are on disk, and where a growing file ends there is where it goes on
/// after a restart. Management thread only; the disk is waited for.
class Files {
 public:
  struct Parts {
    runtime::Loop& loop;
    registry::Registry& registry;
    broker::Journal& journal;
    std::function<void(Letter letter)> send;  ///< to a device that is online
  };
  /// Problems: io_failed, unsupported (written by a newer version).
  static runtime::Outcome<std::unique_ptr<Files>> open(const std::filesystem::path& database,
                                                       const std::filesystem::path& folder, Parts parts,
                                                       Settings settings = {});
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  /// What a device has said; answered by a letter.
  void on_message(const thing::FileMessage& message);
  /// The device was deleted: so are its files.
  void forget(std::uint64_t device);

  // The API. Errors of all: iot.device.NotExistedDevice, tercet.file.NotExisted
  /// Newest first.
  Answer<registry::Page<FileRecord>> list(const registry::DeviceRef& ref, registry::PageRequest page);
  Answer<FileRecord> find(const registry::DeviceRef& ref, std::string_view id);
  Answer<void> remove(const registry::DeviceRef& ref, std::string_view id);

  struct Opened {
    std::string name;
    std::shared_ptr<const Reader> content;  ///< null: there is no such file
  };
  Opened content(std::string_view id);

 private:
  struct Upload {
    std::uint64_t number = 0, device = 0;
    std::string id, name, init_uid, check;
    std::int64_t announced = -1;  ///< bytes; -1: not known
    std::uint64_t received = 0;
    std::int64_t created = 0;
    alink::Crc64 sum;
    std::uint64_t summed = 0;  ///< bytes that `sum` has seen; fewer than received after a restart
  };
  /// What came of a block, an init, a cancel.
  struct Verdict {
    alink::Code code = alink::Code::success;
    auth::Cause cause = auth::Cause::params_wrong_type;
    std::string evidence = {};  ///< "": nothing for the journal
    bool is_complete = false;
    std::string said = {};  ///< for the device, when the code alone does not tell it
  };

  Files(Parts parts, Settings settings, store::Database database, Folder folder);
  runtime::Outcome<void> load();
  void finish_interrupted();

  void on_init(const thing::FileMessage& message);
  void on_block(const thing::FileMessage& message);
  void on_cancel(const thing::FileMessage& message);
  Upload* resumable(const thing::FileMessage& message);
  Verdict begin(const thing::FileMessage& message, Upload*& begun);
  Verdict room_for(const thing::FileMessage& message);
  Verdict over_quota() const;
  Verdict take(const thing::FileMessage& message);
  Verdict fits(const Upload& upload, const thing::FileMessage& message) const;
  static bool is_last(const Upload& upload, const thing::FileMessage& message);
  Verdict complete(Upload& upload);
  std::optional<bool> is_whole(Upload& upload);
  Verdict failed(const runtime::Problem& problem) const;
  Verdict unknown(std::uint64_t device, std::string_view id);

  Upload* growing(std::uint64_t device, std::string_view id);
  Upload* growing_of_name(std::uint64_t device, std::string_view name);
  bool has_file(std::uint64_t device, std::string_view name);
  void give_up(std::uint64_t number);
  void drop(std::map<std::uint64_t, Upload>::iterator at);

  void expire();
  void send(const thing::FileMessage& message, std::string_view tail, std::string payload);
  void note(const thing::FileMessage& message, const Verdict& verdict);
  std::string new_id();
  std::int64_t now() const { return parts_.loop.wall().ms; }

  Parts parts_;
  Settings settings_;
  store::Database database_;
  Folder folder_;
  std::map<std::uint64_t, Upload> growing_;               ///< by number, so oldest first
  std::unordered_map<std::string, std::uint64_t> by_id_;  ///< those
  std::uint64_t kept_bytes_ = 0, growing_bytes_ = 0;      ///< of complete files; announced or received of growing ones
  std::int64_t notes_minute_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> notes_;  ///< of this minute, by device
  runtime::Timer timer_;
};

}  // namespace tercet::file
