#pragma once
#include <string>
#include <vector>

#include "platform/server/listeners.h"

namespace tercet::server {

/// What a test, a script or the management verbs must know of a running server.
struct ReadyInfo {
  std::vector<OpenListener> listeners;
  std::string ca_path;
  std::string openapi_url;
  std::string files_url;  ///< where devices fetch files; "" = nowhere
  std::string amqp_url;   ///< where consumers connect: "amqps://127.0.0.1:5671"; "" = nowhere
  std::string access_key_id, access_key_secret;
  std::string page_url;    ///< a link that logs in once
  std::string page_token;  ///< another token, for a script that asks as the page does
  long pid = 0;
};

/// One JSON object, as docs/configuration.md shows it.
std::string render_ready(const ReadyInfo& info);

}  // namespace tercet::server
