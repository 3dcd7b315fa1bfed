#pragma once
#include <string>
#include <string_view>

#include "platform/broker/refusal.h"
#include "platform/runtime/stream.h"
#include "tercet/auth/cause.h"

namespace tercet::broker {

/// Longest texts the journal is given.
inline constexpr std::size_t kMaxJournalClientId = 256;
inline constexpr std::size_t kMaxJournalEvidence = 1024;

/// An entry for the journal; the texts are cut to what it takes.
inline Refusal refusal_of(Refusal::Stage stage, auth::Cause cause, UnixMillis at, const runtime::Address& peer,
                          std::string_view name, std::string_view client_id, std::uint16_t code,
                          std::string_view evidence) {
  Refusal refusal;
  refusal.at = at;
  refusal.stage = stage;
  refusal.name = name.substr(0, kMaxJournalClientId);
  refusal.address = peer.text();
  refusal.client_id = client_id.substr(0, kMaxJournalClientId);
  refusal.code = code;
  refusal.cause = auth::code(cause);
  refusal.evidence = evidence.substr(0, kMaxJournalEvidence);
  return refusal;
}

/// "<ProductKey>/<DeviceName>" as a user name claims it, or the user name itself.
inline std::string claimed_name(std::string_view user_name) {
  const auto ampersand = user_name.find('&');
  if (ampersand == std::string_view::npos) return std::string(user_name.substr(0, kMaxJournalClientId));
  return std::string(user_name.substr(ampersand + 1)).append("/").append(user_name.substr(0, ampersand));
}

}  // namespace tercet::broker
