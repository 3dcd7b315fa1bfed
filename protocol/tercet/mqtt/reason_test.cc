#include "tercet/mqtt/reason.h"

#include <doctest/doctest.h>

using namespace tercet;
using namespace tercet::mqtt;

TEST_CASE("each return code of 3.x has one reason and comes back as itself") {
  for (std::uint8_t value = 0; value <= 5; ++value) {
    const auto reason = connack_reason(ProtocolVersion::v311, value);
    REQUIRE(reason);
    CHECK(connack_code(ProtocolVersion::v311, *reason) == value);
  }
  CHECK(connack_reason(ProtocolVersion::v311, 6).error() == Error::malformed);
}

TEST_CASE("every reason of a CONNACK means some refusal and fits in a 3.x CONNACK") {
  for (int value = 0; value < 256; ++value) {
    const auto reason = static_cast<ReasonCode>(value);
    if (!is_reason_of(PacketType::connack, reason)) {
      CHECK(!connack_reason(ProtocolVersion::v5, static_cast<std::uint8_t>(value)));
      continue;
    }
    CHECK(connack_code(ProtocolVersion::v5, reason) == value);
    CHECK((connack_code(ProtocolVersion::v311, reason) == 0) == (value == 0));
    CHECK(name(reason) != "unknown");
  }
  CHECK(refusal(ReasonCode::bad_user_name_or_password) == Error::refused_credentials);
  CHECK(refusal(ReasonCode::unsupported_protocol_version) == Error::refused_protocol);
  CHECK(refusal(ReasonCode::client_identifier_not_valid) == Error::refused_client_id);
  CHECK(refusal(ReasonCode::banned) == Error::refused_not_authorized);
  CHECK(refusal(ReasonCode::server_busy) == Error::refused_unavailable);
}

TEST_CASE("every error has a failing reason that a DISCONNECT or CONNACK may carry") {
  for (int value = 0; value <= static_cast<int>(Error::internal); ++value) {
    const ReasonCode reason = reason_for(static_cast<Error>(value));
    CHECK(is_failure(reason));
    CHECK((is_reason_of(PacketType::disconnect, reason) || is_reason_of(PacketType::connack, reason)));
  }
}

TEST_CASE("packet types and reasons have names") {
  for (int value = 1; value <= 15; ++value) CHECK(name(static_cast<PacketType>(value)) != "unknown");
  CHECK(name(static_cast<PacketType>(0)) == "unknown");
  CHECK(name(ReasonCode::server_moved) == "server_moved");
  CHECK(name(static_cast<ReasonCode>(0x70)) == "unknown");
}
