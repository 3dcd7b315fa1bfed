#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "platform/thing/shadow_error_table.h"
#include "tercet/base/time.h"

namespace tercet::thing {

/// Error codes of a shadow's replies (device-side reference, section 6).
enum class ShadowError : std::uint16_t {
  none = 0,
#define TERCET_ROW(name, number, ...) name = number,
  TERCET_SHADOW_ERRORS(TERCET_ROW)
#undef TERCET_ROW
};
/// In words, for the device's log and the journal.
std::string_view text(ShadowError error);

struct ShadowLimits {
  std::size_t max_bytes = 16 * 1024;  ///< of a request and of the document
  std::size_t max_attributes = 128;   ///< members of reported and of desired, at every level
  int max_depth = 5;
  std::uint32_t per_second = 20;  ///< requests of a device
};

/// Who asks: a device over its topic, or an application over the API.
enum class ShadowCaller : std::uint8_t {
  device,
  application,         ///< replaces what is desired
  application_merging  ///< UpdateDeviceShadow with DeltaUpdate: changes only the members that it names
};

/// What a request has come to.
struct ShadowOutcome {
  ShadowError error = ShadowError::none;
  std::string detail;       ///< of an error: what exactly
  bool is_changed = false;  ///< `document` is the new one
  bool is_get = false;
  bool desired_changed = false;
  std::int64_t version = 0;  ///< after the request
  std::string document;
};

/// Works a request out on a document; both are JSON texts, "" is a device without a shadow. Members are merged one by
/// one, objects within them too; arrays are replaced; the text "null", or null, takes a member away. Pure.
ShadowOutcome apply_shadow(std::string_view document, std::string_view request, ShadowCaller caller, UnixMillis now,
                           const ShadowLimits& limits = {});

/// The messages on `/shadow/get/{pk}/{dn}`. Times in them are seconds.
std::string shadow_reply(const ShadowOutcome& outcome, std::string_view document, UnixMillis now);
std::string shadow_control(std::string_view document, UnixMillis now);
std::string shadow_refusal(ShadowError error, std::string_view detail, UnixMillis now);

/// The document as GetDeviceShadow shows it: state, metadata, version, timestamp.
std::string shadow_text(std::string_view document);
std::int64_t shadow_version(std::string_view document);

}  // namespace tercet::thing
