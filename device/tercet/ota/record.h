#pragma once
#include <array>
#include <cstdint>

#include "tercet/base/fixed_string.h"
#include "tercet/device/port.h"
#include "tercet/ota/offer.h"

namespace tercet::ota {

/// What an update remembers over restarts. Where the image comes from is not in it: after a restart the platform offers
/// it again, with a new address and the signature.
struct Record {
  enum class Phase : std::uint8_t {
    none,      ///< nothing in the slot is of worth
    fetching,  ///< `written` bytes of the image are in the slot
    trying,    ///< the boot loader was told, or was just about to be
  };
  Phase phase = Phase::none;
  std::uint8_t trials = 0;                               ///< how often the boot loader was told
  Fault due = Fault::none;                               ///< has not been told to the platform
  crypto::Algorithm method = crypto::Algorithm::sha256;  ///< of digest
  std::uint32_t size = 0, written = 0;
  crypto::Digest digest = {};  ///< which image it is
  FixedString<kMaxVersionBytes> version;
  crypto::Digest condemned = {};  ///< the offered digest of the image that was rolled back last

  bool is_of(const Offer& offer) const {
    return phase != Phase::none && size == offer.size && method == offer.method && version == offer.version &&
           crypto::equals(digest.view(), offer.digest.view());
  }
};

/// A Record as it stands in a KeyValueStore, version 1, big-endian:
///   format 1 | phase 1 | trials 1 | due 1 | method 1 | size 4 | written 4 | digest size 1, 32 | condemned size 1, 32 |
///   version length 1, 64 | CRC-32 of all before
inline constexpr std::size_t kRecordBytes = 5 + 8 + 33 + 33 + 65 + 4;

/// What was kept; a record that is missing, damaged or of another format is an empty one: then an image that was
/// fetched is fetched again, and nothing worse. Errors: io_failed, the store cannot be read now.
Result<Record> load_record(device::KeyValueStore& store, std::string_view key);
/// Errors: those of KeyValueStore::set().
Result<void> save_record(device::KeyValueStore& store, std::string_view key, const Record& record);

}  // namespace tercet::ota
