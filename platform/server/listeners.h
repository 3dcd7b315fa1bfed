#pragma once
#include <string>
#include <vector>

#include "platform/broker/broker.h"
#include "platform/runtime/pki.h"
#include "platform/runtime/problem.h"
#include "platform/runtime/tls.h"
#include "platform/server/config.h"

namespace tercet::server {

/// A port that is open.
struct OpenListener {
  ListenerConfig config;
  runtime::Address address;
};

/// Opens every configured MQTT port on the first shard's loop; accepted streams are handed to all shards in turn.
/// Before the loops run. `psk` serves compatible listeners with the cloud's policy. Problems: io_failed, a port is
/// taken or not permitted, with the remedy.
runtime::Outcome<std::vector<OpenListener>> open_listeners(const Config& config, const runtime::Pki& pki,
                                                           broker::Broker& first, runtime::PskSource psk,
                                                           runtime::AskForCertificates ask);

std::string_view name(ListenerConfig::Transport transport);
std::string_view name(ListenerConfig::Policy policy);

}  // namespace tercet::server
