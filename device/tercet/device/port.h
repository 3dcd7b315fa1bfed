#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/base/triple.h"

/// What a board must supply. A few small interfaces; everything else of the SDK is the same on every board.
///
/// Thread: all calls come from the one task that runs the client (Device::run). An implementation may use threads of
/// its own behind them. Blocking: no call may take longer than 50 ms, whatever the network does; what takes longer
/// answers Error::would_block, or a stage that has not been reached yet, and is called again. Allocation: after
/// Device::start() the SDK allocates nothing; what an implementation does is its own affair.
namespace tercet::device {

/// How far a connection has come.
enum class Stage : std::uint8_t { closed, resolving, connecting, securing, ready };

/// TLS by a pre-shared key in place of certificates (tercet/auth/psk.h): both are text, and valid no longer than
/// Transport::open() says.
struct PreSharedKey {
  std::string_view identity, key;
};

/// Where to connect.
struct Target {
  std::string_view host;  ///< a name or an address; also the name the certificate must carry
  std::uint16_t port = 8883;
  bool tls = true;
  std::optional<PreSharedKey> psk = {};  ///< TLS 1.2 with TLS_PSK_WITH_AES_128_CBC_SHA, and no certificate
};

/// One connection to the platform: name look-up, TCP and TLS in one object, so that a board may use whatever its
/// system offers (esp-tls, a modem's own TLS, OpenSSL).
class Transport {
 public:
  virtual ~Transport() = default;

  /// Begins a connection, dropping an earlier one. The text of `target` outlives the connection, but for that of `psk`:
  /// it is valid until the stage is ready, advance() has failed or close() is called, and is then overwritten.
  /// Errors: bad_argument, no_space (a handle or memory is missing: try again later), unsupported (no pre-shared keys
  /// here).
  virtual Result<void> open(const Target& target) = 0;

  /// Takes the next step and says how far it has come. Call it again until `ready`; the caller keeps the deadlines.
  /// Errors, after which stage() still says where it was and the connection is to be closed:
  ///   resolving   dns_failed
  ///   connecting  connect_refused, timed_out, io_failed (no route)
  ///   securing    tls_untrusted, tls_expired (or not valid yet), tls_wrong_host, tls_failed, closed (the peer hung up:
  ///               often a port that does not speak TLS), bad_argument (no root certificate could be read),
  ///               denied (the server has another pre-shared key)
  virtual Result<Stage> advance() = 0;
  virtual Stage stage() const = 0;

  /// At least one byte, or: would_block; closed (the peer said goodbye); io_failed (reset); tls_failed.
  virtual Result<std::size_t> read(MutableBytes into) = 0;
  /// How many bytes were taken, at least one. Errors as read().
  virtual Result<std::size_t> write(Bytes from) = 0;
  /// Ends the connection at once, with a TLS goodbye if that needs no waiting. Harmless when closed.
  virtual void close() = 0;

  /// More about the last failure for a person to read ("certificate of CN=x expired 2021-09-30"), or about the
  /// connection ("TLSv1.3 TLS_AES_128_GCM_SHA256"); may be empty. Valid until the next call.
  virtual std::string_view detail() const { return {}; }
  /// While ready: when the first certificate of the server's chain expires, as far as it was sent. Nothing without
  /// certificates, or where the port cannot tell.
  virtual std::optional<UnixMillis> chain_expiry() const { return {}; }
};

class Clock {
 public:
  virtual ~Clock() = default;
  /// Never goes back, never jumps; goes on during light sleep.
  virtual Instant now() const = 0;
  /// What the wall says. May be anything before it was set: the SDK compares it with its floor.
  virtual UnixMillis wall() const = 0;
  /// Sets the wall time (an offset of this process where the system's clock belongs to somebody else). Certificates
  /// are checked against it from now on.
  virtual void set_wall(UnixMillis to) = 0;
};

/// Unpredictable numbers: jitter, SNTP cookies.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes into) = 0;
  std::uint32_t next() {
    std::uint8_t b[4];
    fill(b);
    return static_cast<std::uint32_t>(b[0]) << 24 | static_cast<std::uint32_t>(b[1]) << 16 |
           static_cast<std::uint32_t>(b[2]) << 8 | b[3];
  }
};

/// What the board knows of its network without sending anything.
class Network {
 public:
  virtual ~Network() = default;
  virtual bool has_link() const = 0;     ///< Wi-Fi is associated, or a cable is in
  virtual bool has_address() const = 0;  ///< an IP address is configured
};

/// One UDP exchange at a time: SNTP.
class Datagram {
 public:
  virtual ~Datagram() = default;
  /// Sends one datagram; `host` outlives the exchange. Errors: would_block (the name is being looked up: call again
  /// with the same arguments), dns_failed, io_failed.
  virtual Result<void> send(std::string_view host, std::uint16_t port, Bytes bytes) = 0;
  /// The next datagram from where the last one went; the rest of a longer one is lost. Errors: would_block, io_failed.
  virtual Result<std::size_t> receive(MutableBytes into) = 0;
  /// Forgets the exchange. Harmless when there is none.
  virtual void close() = 0;
};

/// Small values that survive a restart. Keys are 1 to 15 letters, digits and `_` (what NVS takes); a write is whole or
/// not at all, also when power fails.
class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;
  /// How many bytes were put into `into`. Errors: not_found, no_space (the value is longer than `into`), io_failed.
  virtual Result<std::size_t> get(std::string_view key, MutableBytes into) = 0;
  /// Errors: no_space, io_failed, bad_argument (the key).
  virtual Result<void> set(std::string_view key, Bytes value) = 0;
  /// Also fine when there is nothing. Errors: io_failed.
  virtual Result<void> remove(std::string_view key) = 0;
};

/// A region of NOR flash that belongs to the SDK alone: erased bytes are 0xFF, programming turns ones into zeros, only
/// erasing a whole sector turns them back. No translation layer is wanted below it; FlashLog levels the wear and
/// survives power cuts by itself. Between two erasures of its sector a unit is programmed once at most, as memory with
/// error-correcting codes asks. Not for a partition under transparent encryption, whose erased bytes do not read as
/// 0xFF. An erasure is the one call of a port that may take longer than 50 ms on some chips; one run() makes one at
/// most.
class Flash {
 public:
  struct Geometry {
    std::uint32_t sectors = 0;        ///< 2 or more
    std::uint32_t sector_bytes = 0;   ///< what is erased at once: 512 to 32768, usually 4096
    std::uint32_t program_bytes = 1;  ///< unit and alignment of programming: 1, 2, 4, 8 or 16
  };
  virtual ~Flash() = default;
  virtual Geometry geometry() const = 0;
  /// Any place, any size. Errors: bad_argument, beyond the region; io_failed.
  virtual Result<void> read(std::uint32_t at, MutableBytes into) = 0;
  /// `at` and the size are multiples of program_bytes; the bytes there are erased. When it returns, the bytes survive a
  /// power cut; a cut during the call leaves any mixture of programmed and erased bits. Errors: bad_argument;
  /// io_failed, nothing is known about the place.
  virtual Result<void> program(std::uint32_t at, Bytes bytes) = 0;
  /// A cut during the call leaves the sector's bits anyhow. Errors: bad_argument; io_failed.
  virtual Result<void> erase(std::uint32_t sector) = 0;
};

/// Where the DeviceSecret lives: encrypted NVS, a file only its owner can read, a secure element. Asked at each login;
/// the SDK wipes its copy as soon as the login is signed.
class SecretStore {
 public:
  virtual ~SecretStore() = default;
  /// Errors: not_found (the board is not provisioned), denied (readable by others, or locked), malformed, io_failed.
  virtual Result<DeviceSecret> secret_of(const DeviceId& device) = 0;
};

enum class LogLevel : std::uint8_t { info, warning, error };

/// One line at a time, no line end, UTF-8, never a secret. Valid during the call.
class Log {
 public:
  virtual ~Log() = default;
  virtual void line(LogLevel level, std::string_view text) = 0;
};

/// Resets the board unless fed. Fed by each pass of the client's task that came to its end, by nothing else.
class Watchdog {
 public:
  virtual ~Watchdog() = default;
  virtual void feed() = 0;
};

/// A board's parts, handed to Device. The objects outlive it. Pointers may be null: the SDK then goes without.
struct Port {
  Transport& transport;
  Clock& clock;
  Random& random;
  Network& network;
  SecretStore& secrets;
  Datagram* datagram = nullptr;    ///< without it no SNTP: the wall clock must be right by itself for TLS
  KeyValueStore* store = nullptr;  ///< without it the time is not carried over a restart
  Log* log = nullptr;
  Watchdog* watchdog = nullptr;
  Flash* flash = nullptr;  ///< without it posts wait in RAM only, and a restart loses them
};

}  // namespace tercet::device
