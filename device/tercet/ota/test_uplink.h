#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tercet/ota/uplink.h"

namespace tercet::ota {

/// Keeps what was sent, for tests.
struct RecordingUplink final : Uplink {
  std::vector<std::pair<Channel, std::string>> sent;
  std::uint32_t id = 0;
  std::optional<Error> broken;

  Result<void> send(Channel channel, Bytes payload) override {
    if (broken) return fail(*broken);
    sent.emplace_back(channel, std::string(as_text(payload)));
    return {};
  }
  std::uint32_t next_id() override { return ++id; }
};

}  // namespace tercet::ota
