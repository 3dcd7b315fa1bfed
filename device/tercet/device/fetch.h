#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/fixed_string.h"
#include "tercet/device/http_head.h"
#include "tercet/device/ladder.h"
#include "tercet/device/port.h"
#include "tercet/device/url.h"

namespace tercet::device {

/// Why a file could not be fetched.
enum class FetchFault : std::uint8_t {
  none,
  bad_url,      ///< not an address, too long for the buffer, or neither http nor https
  no_memory,    ///< the board has no room for one more connection
  dns,          ///< the host name means nothing here
  unreachable,  ///< nobody answers at the address
  tls,          ///< the certificate is not believed, or TLS failed otherwise: Failure::error says which
  stalled,      ///< nothing came for FetchOptions::idle, or it took longer than FetchOptions::whole
  cut_off,      ///< the connection ended before the file did
  bad_answer,   ///< not HTTP, or an answer that contradicts itself
  unsupported,  ///< the answer is chunked, compressed, or does not say its length
  redirect,     ///< 3xx: the file is elsewhere
  denied,       ///< 401 or 403: a signed address has usually expired
  not_found,    ///< 404 or 410
  range,        ///< 416: the file ends before the place to go on from
  busy,         ///< 408, 429 or 5xx: the server cannot now
  refused,      ///< another status
  too_large,    ///< longer than FetchRequest::most_bytes
  wrong_size,   ///< not FetchRequest::size
  sink,         ///< FetchSink::on_body() failed: Failure::error is its error
  cancelled,
};
inline constexpr std::size_t kFetchFaults = 20;

struct FetchFailure {
  FetchFault fault = FetchFault::none;
  Error error = Error::internal;
  std::uint16_t status = 0;  ///< of HTTP, 0 when there was none
};

std::string_view name(FetchFault fault);  ///< "cut_off": for logs, never localised
/// What happened, and what to do. Empty when built with TERCET_NO_REMEDY_TEXT.
std::string_view explain(FetchFault fault, Language language);
std::string_view remedy(FetchFault fault, Language language);
/// Whether the same address may work a little later: go on from Fetch::position(). Otherwise a new address is wanted.
bool may_pass(FetchFault fault);

/// Where the file goes.
class FetchSink {
 public:
  /// The next bytes of the file; `at` is their place in it, and they follow without a gap upon the ones before. They
  /// are valid during the call. Errors: would_block, nothing was taken, the same bytes come again at a later run();
  /// any other ends the fetch.
  virtual Result<void> on_body(std::uint64_t at, Bytes bytes) = 0;

 protected:
  ~FetchSink() = default;
};

struct FetchRequest {
  std::string_view url;                    ///< copied
  std::uint64_t from = 0;                  ///< go on at this byte: asks with `Range`
  std::uint64_t most_bytes = 64 * 1024;    ///< the whole file may have
  std::optional<std::uint64_t> size = {};  ///< the whole file must have
};

struct FetchOptions {
  Millis stage{15'000};   ///< each of DNS, TCP and TLS may take
  Millis idle{20'000};    ///< without a byte
  Millis whole{600'000};  ///< everything together; zero: as long as it takes
};

/// Fetches one file at a time over HTTP or HTTPS with GET, on a Transport of its own (the session with the platform
/// stays open; on a board that is one more TLS session). No redirects, no chunks, no compression. Nothing blocks or is
/// allocated; one task calls it. What came is not believed: the caller verifies size and digest of the whole.
///
///   idle --start--> opening --> asking --> head --> body --> done
///                        '---------'---------'--------'----> failed (failure())
class Fetch {
 public:
  enum class State : std::uint8_t { idle, opening, asking, head, body, done, failed };
  static constexpr std::size_t kLeastBuffer = 512;

  /// buffer: holds the URL, and behind it the request (200 bytes more than the URL) and then what comes; 2 KB take a
  /// URL of 900 bytes. All outlive the fetch. The transport belongs to it alone.
  Fetch(Transport& transport, MutableBytes buffer, FetchSink& sink)
      : transport_(transport), buffer_(buffer), sink_(sink) {}
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  /// Drops a fetch that goes on. Errors are also in failure(): malformed, unsupported (the URL), too_large (for the
  /// buffer, or `from` beyond the file), no_space (the transport).
  Result<void> start(const FetchRequest& request, Instant now, const FetchOptions& options = {});
  /// Does what can be done without waiting: one step of the connection, or one piece of the file.
  void run(Instant now);
  /// When run() wants to be called again at the latest, even if the network stays silent.
  Instant next_deadline() const;
  /// The file is not wanted any more. Harmless when nothing goes on.
  void cancel();

  State state() const { return state_; }
  bool is_busy() const { return state_ > State::idle && state_ < State::done; }
  /// How far the sink has come: the place to go on from.
  std::uint64_t position() const { return position_; }
  /// How long the file is, once the head has come.
  std::optional<std::uint64_t> total() const { return total_; }
  const FetchFailure& failure() const { return failure_; }
  /// More about the failure for a person to read, in the transport's words; may be empty.
  std::string_view detail() const { return detail_.str(); }

 private:
  void open(Instant now);
  void ask(Instant now);
  void read(Instant now);
  void read_head(Instant now);
  void begin_body();
  bool judge_length();
  void deliver(Instant now);
  Result<void> write_request();
  void end(FetchFault fault, Error error);
  void heard(Instant now) { idle_until_ = now + options_.idle; }
  MutableBytes room() const { return buffer_.subspan(url_bytes_); }

  Transport& transport_;
  MutableBytes buffer_;
  FetchSink& sink_;
  FetchOptions options_;
  Url url_;
  HttpHeadParser parser_;
  FetchFailure failure_;
  FixedString<96> detail_;
  Bytes pending_;  ///< of the request, or of the body
  std::size_t url_bytes_ = 0;
  std::uint64_t most_ = 0, position_ = 0, at_ = 0;  ///< at_: place in the file of what comes next
  std::uint64_t end_ = 0;                           ///< of what this answer brings
  std::optional<std::uint64_t> size_, total_;
  Instant idle_until_ = Instant::never(), whole_until_ = Instant::never(), again_ = Instant::never();
  Stage stage_ = Stage::closed;
  State state_ = State::idle;
};

}  // namespace tercet::device
