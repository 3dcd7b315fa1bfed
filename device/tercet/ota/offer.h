#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tercet/base/result.h"
#include "tercet/crypto/digest.h"
#include "tercet/json/reader.h"
#include "tercet/ota/fault.h"

namespace tercet::ota {

inline constexpr std::size_t kMaxVersionBytes = 64;
inline constexpr std::size_t kMaxModuleBytes = 64;
/// How much of a message is not meant literally, and has to be unescaped somewhere.
inline constexpr std::size_t kOfferScratch = 1024;

/// What the platform offers (7.2, 7.4). Views into the message, or into the scratch that parse_offer() was given.
struct Offer {
  std::string_view id;
  std::string_view module = {};  ///< "" for the whole device's firmware, also when `default` was said
  std::string_view version;
  std::uint32_t size = 0;
  crypto::Algorithm method = crypto::Algorithm::sha256;  ///< or md5
  crypto::Digest digest = {};
  std::string_view signature = {};  ///< base64; "" without
  std::string_view url = {};        ///< "" when it is to be fetched over the session
  std::uint32_t stream_id = 0, file_id = 0;
  bool over_session = false;              ///< 7.6: `dProtocol` is `mqtt`
  std::optional<json::Value> extra = {};  ///< `extData`: an object
};

/// What came: an offer; or no package (`data` is {}), or a reply that says no; or an offer that cannot be used.
struct ParsedOffer {
  enum class Kind : std::uint8_t { offer, nothing, unusable };
  Kind kind = Kind::nothing;
  Offer offer = {};           ///< of unusable: what could be read of id, module and version
  Fault fault = Fault::none;  ///< of unusable
  std::int32_t code = 0;      ///< 1000 of a push, 200 of a reply, or why it says no
};

/// Reads `/ota/device/upgrade/…`, `…/thing/ota/firmware/get_reply` and the legacy `/ota/device/request/…`; members in
/// any order, unknown ones ignored, a number for `id` and digits in quotes for numbers accepted, one file in `files`
/// taken for a package of one file. `scratch`: room for texts with escapes (kOfferScratch suffices for any address our
/// own platform sends).
ParsedOffer parse_offer(std::string_view payload, MutableBytes scratch);

}  // namespace tercet::ota
