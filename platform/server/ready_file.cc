#include "platform/server/ready_file.h"

#include <boost/json.hpp>

namespace tercet::server {

std::string render_ready(const ReadyInfo& info) {
  boost::json::array listeners;
  for (const OpenListener& one : info.listeners) {
    std::string host = one.address.ip_text();
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    listeners.push_back({{"name", one.config.name},
                         {"host", host},
                         {"port", one.address.port},
                         {"transport", std::string(name(one.config.transport))},
                         {"policy", std::string(name(one.config.policy))}});
  }
  const boost::json::object root{{"pid", info.pid},
                                 {"listeners", std::move(listeners)},
                                 {"ca", info.ca_path},
                                 {"openapi", info.openapi_url},
                                 {"files", info.files_url},
                                 {"amqp", info.amqp_url},
                                 {"accessKeyId", info.access_key_id},
                                 {"accessKeySecret", info.access_key_secret},
                                 {"page", info.page_url},
                                 {"pageToken", info.page_token}};
  return boost::json::serialize(root) + "\n";
}

}  // namespace tercet::server
