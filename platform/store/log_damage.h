#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace rocksdb {
class Env;
}

namespace tercet::store {

/// A place in RocksDB's write-ahead log from which on it cannot be replayed.
struct LogDamage {
  std::string file;
  std::uint64_t offset = 0;
};

struct LogFindings {
  std::optional<LogDamage> damage;  ///< acknowledged records would be lost
  std::optional<LogDamage> tail;    ///< the last record, incomplete: what a power cut leaves
  std::string problem;              ///< a log could not be read: why; else ""
};

/// Looks through the logs of a RocksDB folder, from log number `oldest` on, for damage that a power cut cannot have
/// left. A power cut leaves at most one incomplete record, the last, cut off or with sectors never written: each record
/// is synced before the next is begun. So a record that cannot be read although all of it is there, or although a later
/// one begins, in the same file or a following one, had been acknowledged. RocksDB would stop there without a word.
/// An earlier start may have left out such a last record and gone on in a following log: its numbers then go on, too.
/// Reads only.
LogFindings find_log_damage(rocksdb::Env& env, const std::filesystem::path& folder, std::uint64_t oldest);

}  // namespace tercet::store
