#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/error.h"
#include "tercet/base/time.h"

namespace tercet::device {

/// The steps from a cold board to a working one, in order. A rung is stood on only when all below it hold.
enum class Rung : std::uint8_t {
  link,     ///< Wi-Fi associated, or cable in
  address,  ///< IP address
  dns,      ///< the host name means an address
  tcp,      ///< the port answers
  tls,      ///< the certificate is believed, by a clock that can be; skipped in plain TCP
  connect,  ///< CONNACK 0: the triple is right
  suback,   ///< the platform grants the subscriptions; skipped with auto-subscribe
  reply,    ///< the first answer to something we sent
};
inline constexpr std::size_t kRungs = 8;

enum class Language : std::uint8_t { english, chinese };

std::string_view name(Rung rung);                      ///< "tcp": for logs and exit codes, never localised
std::string_view title(Rung rung, Language language);  ///< "TCP connection"
/// What happened, and the next thing to try, in one or two sentences. Empty when built with TERCET_NO_REMEDY_TEXT,
/// which saves about 8 KB of flash.
std::string_view explain(Rung rung, Error error, Language language);
std::string_view remedy(Rung rung, Error error, Language language);

/// What is known of one rung.
struct RungRecord {
  Millis duration{0};          ///< of the last time it was passed, or took to fail
  std::optional<Error> error;  ///< of the last attempt, nothing if it was passed
  std::uint32_t passed = 0;    ///< times since start
  std::uint32_t failed = 0;
};

/// Where an attempt or a session ended.
struct LadderBreak {
  Rung rung;
  Error error;
};

/// Keeps the books of connection attempts. Pure memory, 8 rungs of 24 bytes.
class Ladder {
 public:
  /// A new attempt stands before `link`.
  void begin(Instant now);
  /// All rungs up to and including `rung` hold; those skipped over are counted as passed in no time.
  void passed(Rung rung, Instant now);
  void failed(Rung rung, Error error, Instant now);

  /// The attempt or session is over.
  void fell() { climbing_.reset(), standing_.reset(); }

  /// The rung being climbed; nothing once `reply` is passed, or before begin().
  std::optional<Rung> climbing() const { return climbing_; }
  const RungRecord& record(Rung rung) const { return records_[static_cast<std::size_t>(rung)]; }
  std::uint32_t attempts() const { return attempts_; }
  /// The last failure since start, whatever has been passed since.
  const std::optional<LadderBreak>& last_break() const { return last_break_; }
  /// The highest rung stood on now.
  std::optional<Rung> standing() const { return standing_; }

 private:
  std::array<RungRecord, kRungs> records_{};
  std::optional<Rung> climbing_, standing_;
  std::optional<LadderBreak> last_break_;
  Instant since_{};
  std::uint32_t attempts_ = 0;
};

}  // namespace tercet::device
