#pragma once
#include <cstdint>
#include <string_view>

namespace tercet::ota {

/// Why an update was refused, or did not succeed.
enum class Fault : std::uint8_t {
  none,
  malformed,          ///< the offer lacks something or contradicts itself
  other_module,       ///< for a module that this board does not have
  several_files,      ///< a package of several files
  difference,         ///< a difference to the old image: this board takes whole ones
  older,              ///< older than what runs, or than Options::least_version
  failed_before,      ///< this very image was rolled back
  too_large,          ///< for the slot
  no_source,          ///< neither a way to fetch from its address, nor over the session
  signature_missing,  ///< the board has keys, and the offer has no signature
  signature_form,     ///< the signature is not base64, or longer than any
  download,           ///< given up after too many attempts, or the server will not
  wrong_size,         ///< the file is not as long as was said
  flash,              ///< the slot, or the store, could not be read, erased or written
  wrong_digest,       ///< the bytes in flash are not those that were offered
  wrong_signature,    ///< nobody we trust has signed them
  other_image,        ///< the image says it is another version, or for another product
  not_switched,       ///< the boot loader could not be told of the new image
  unhealthy,          ///< the new image ran, and was not well within its time
  crashed,            ///< the new image was ended by a fault
  interrupted,        ///< the new image lost its supply too often before it was well
};
inline constexpr std::size_t kFaults = 21;

/// The codes of 7.3.
enum class Step : std::int8_t { upgrade_failed = -1, download_failed = -2, verify_failed = -3, flash_failed = -4 };

std::string_view name(Fault fault);  ///< "wrong_digest": what the platform is told; never localised
Step step_of(Fault fault);

}  // namespace tercet::ota
