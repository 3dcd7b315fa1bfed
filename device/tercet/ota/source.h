#pragma once
#include <cstdint>

#include "tercet/base/bytes.h"
#include "tercet/base/result.h"
#include "tercet/base/time.h"
#include "tercet/ota/offer.h"

namespace tercet::ota {

/// Where a source puts what it has fetched.
class ImageSink {
 public:
  /// The next bytes; `at` is their place, and they follow without a gap upon the ones before. Valid during the call.
  /// Any error ends the download.
  virtual Result<void> on_image(std::uint32_t at, Bytes bytes) = 0;

 protected:
  ~ImageSink() = default;
};

/// A way to fetch an image: HttpsSource, SessionSource. The updater's task only.
class Source {
 public:
  enum class State : std::uint8_t { idle, busy, done, failed };
  enum class Trouble : std::uint8_t {
    none,
    may_pass,    ///< try again a little later, from where it stopped
    no_memory,   ///< the board has no room for this way now: another, or again a little later
    expired,     ///< the address is not good any more: ask for another
    wrong_size,  ///< the file is not as long as was offered
    hopeless,    ///< the server will not, or speaks something else
  };
  virtual ~Source() = default;

  /// Keeps what it needs of the offer; not while busy. false: it cannot fetch this one.
  virtual bool take(const Offer& offer) = 0;
  /// Fetches what was taken, from this byte on. What goes wrong shows in state().
  virtual void start(std::uint32_t from, ImageSink& sink, Instant now) = 0;
  virtual void run(Instant now) = 0;
  virtual Instant next_deadline() const = 0;
  virtual void cancel() = 0;
  virtual State state() const = 0;
  virtual Trouble trouble() const = 0;  ///< of failed
  /// One run() hands over so many bytes at most; that much has been erased before.
  virtual std::uint32_t most_bytes() const = 0;
};

}  // namespace tercet::ota
