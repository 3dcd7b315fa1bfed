#pragma once
#include <cstdint>

#include "tercet/base/bytes.h"
#include "tercet/base/fixed_string.h"
#include "tercet/base/result.h"
#include "tercet/ota/offer.h"

/// What a board supplies for updates: where a new image is put, and how the boot loader is told of it. All calls come
/// from the task that runs the updater. No call may take longer than 50 ms, but for erase() and activate().
namespace tercet::ota {

/// The spare slot: the one that does not run. Erased bytes are 0xFF; between two erasures of its sector a unit is
/// written once. A power cut during erase() or write() may leave anything within that sector, and nothing outside it.
class ImageSlot {
 public:
  struct Geometry {
    std::uint32_t bytes = 0;         ///< the longest image
    std::uint32_t sector_bytes = 0;  ///< what is erased at once; the slot is a multiple of it
    std::uint32_t write_bytes =
        1;  ///< unit and alignment of writing: a power of two up to 32 (16 or 32 when encrypted)
  };
  virtual ~ImageSlot() = default;
  virtual Geometry geometry() const = 0;
  /// `at` is the start of a sector. Errors: bad_argument; io_failed.
  virtual Result<void> erase(std::uint32_t at) = 0;
  /// `at` and the size are multiples of write_bytes, the bytes there are erased. Errors: bad_argument; io_failed.
  virtual Result<void> write(std::uint32_t at, Bytes bytes) = 0;
  /// Any place, any size. Errors: bad_argument; io_failed.
  virtual Result<void> read(std::uint32_t at, MutableBytes into) = 0;
};

/// What an image says of itself.
struct ImageIdentity {
  FixedString<kMaxVersionBytes> version;
  FixedString<kMaxVersionBytes> project;  ///< what it is the firmware of; "" when it does not say
};

/// The boot loader, as ESP-IDF's with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE behaves: what was activated is tried once,
/// and any restart before confirm() goes back to the image before. A power cut during any call leaves an image selected
/// that was whole before the call.
class BootControl {
 public:
  virtual ~BootControl() = default;
  /// The running image was activated and has not been confirmed: the next restart goes back to the one before.
  virtual bool is_on_trial() const = 0;
  /// The boot loader has tried the spare image, and will not again by itself: it did not confirm, or gave itself up.
  virtual bool was_spare_rejected() const = 0;
  /// What the image in the spare slot says of itself. Errors: unsupported, this port cannot tell (nothing is compared
  /// then); malformed, it is no image; io_failed.
  virtual Result<ImageIdentity> spare_identity() = 0;
  /// The next restart tries the spare image. Errors: malformed, it is no image that can boot; io_failed. After an error
  /// the running image stays selected.
  virtual Result<void> activate() = 0;
  /// The running image is well and stays. Errors: io_failed, try again.
  virtual Result<void> confirm() = 0;
  /// The running image gives itself up; the next restart goes back. May restart at once, and not return. Errors:
  /// not_found, there is no other image; io_failed.
  virtual Result<void> roll_back() = 0;
};

}  // namespace tercet::ota
