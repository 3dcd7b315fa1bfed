#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/base/result.h"
#include "tercet/base/time.h"

namespace tercet::thing {

/// What the thing module writes into the stream store. docs/thing-model.md shows the layouts. Every value begins with
/// the format's version; a reader refuses a version it does not know. Integers in keys are big-endian so that keys sort
/// by device, kind and time.
inline constexpr std::uint8_t kRecordVersion = 1;

/// Kinds of history. A key is: device number (8), kind (1), time (8), hash of the content (4). Two records of one
/// device with the same time and content are therefore one: a message that is sent again does not double.
enum class RecordKind : std::uint8_t { properties = 'p', event = 'e', service = 's', log = 'l', network = 'n' };

struct HistoryKey {
  std::uint64_t device = 0;
  RecordKind kind = RecordKind::properties;
  UnixMillis time;
  std::uint32_t hash = 0;
  static constexpr std::size_t kBytes = 21;
};
void append_key(std::string& out, const HistoryKey& key);
Result<HistoryKey> decode_history_key(std::string_view key);  ///< errors: malformed
std::uint32_t content_hash(std::string_view record);

/// Keys of Family::state: device number (8), then 'v' and a chunk number (2): up to sixteen last values; or 's': the
/// presence; or 'd': the desired values; or 'l': whether its log is wanted (version, 0 or 1).
inline constexpr std::size_t kValuesPerChunk = 16;
void append_values_key(std::string& out, std::uint64_t device, std::uint16_t chunk);
void append_presence_key(std::string& out, std::uint64_t device);
void append_desired_key(std::string& out, std::uint64_t device);
void append_log_upload_key(std::string& out, std::uint64_t device);
struct StateKey {
  std::uint64_t device = 0;
  std::optional<std::uint16_t> chunk;  ///< nothing: the presence, or the desired values
  bool is_desired = false;
  bool is_log_upload = false;
  bool is_shadow = false;
};
Result<StateKey> decode_state_key(std::string_view key);  ///< errors: malformed

/// Appends name and value pairs to a record under construction. `out` begins empty.
/// properties: version, flags, then per property: identifier, value.
/// event:      version, flags, identifier, output.
/// service:    version, flags, identifier, input, output.
/// log:        version, flags, level, module, code, trace, content, time as the device wrote it.
/// network:    version, flags, report (JSON object).
/// All texts have a varint length in front of them.
enum RecordFlags : std::uint8_t {
  kLive = 0,
  kPast = 1,  ///< came by a history post: never a last value
};
void begin_record(std::string& out, RecordFlags flags);
void append_field(std::string& out, std::string_view text);

/// Walks the fields of a record.
class RecordReader {
 public:
  /// Errors: malformed, also for another version.
  static Result<RecordReader> open(std::string_view record);
  RecordFlags flags() const { return flags_; }
  bool at_end() const { return rest_.empty(); }
  /// Nothing when the record is cut: damaged.
  std::optional<std::string_view> next();

 private:
  std::string_view rest_;
  RecordFlags flags_ = kLive;
};

/// A chunk of last values: version, then per value: identifier, time (8), value.
void begin_values(std::string& out);
void append_value(std::string& out, std::string_view identifier, UnixMillis time, std::string_view value);
struct StoredValue {
  std::string_view identifier;
  UnixMillis time;
  std::string_view value;
};
class ValuesReader {
 public:
  static Result<ValuesReader> open(std::string_view record);  ///< errors: malformed
  bool at_end() const { return rest_.empty(); }
  std::optional<StoredValue> next();  ///< nothing when the record is cut

 private:
  std::string_view rest_;
};

/// Desired values: version, then per property: identifier, time (8), its version (8), value ("" when cleared).
struct StoredDesired {
  std::string_view identifier;
  UnixMillis time;
  std::uint64_t version = 0;
  std::string_view value;
};
void append_desired(std::string& out, const StoredDesired& desired);       ///< after begin_values()
Result<std::vector<StoredDesired>> read_desired(std::string_view record);  ///< errors: malformed

/// Shadow: version, whether the device is owed what is desired (1), the document.
struct StoredShadow {
  bool is_owed = false;
  std::string_view document;
};
void append_shadow_key(std::string& out, std::uint64_t device);
void write_shadow(std::string& out, const StoredShadow& shadow);
Result<StoredShadow> read_shadow(std::string_view record);  ///< errors: malformed

/// Presence: version, online (1), since (8), address, client id.
struct StoredPresence {
  bool online = false;
  UnixMillis since;
  std::string_view address;
  std::string_view client_id;
};
void write_presence(std::string& out, const StoredPresence& presence);
Result<StoredPresence> read_presence(std::string_view record);  ///< errors: malformed

}  // namespace tercet::thing
