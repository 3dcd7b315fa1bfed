#pragma once
#include <map>
#include <string>

namespace tercet::cli {

/// Where the management API is and who asks.
struct ApiAccess {
  std::string url;  ///< "http://127.0.0.1:8080"
  std::string access_key_id;
  std::string access_key_secret;
  std::string ca_file;  ///< for https; "" for the system's roots
};

/// What came back. `body` is the answer's JSON text; `problem` is set, in words a person can act on, when there is
/// none.
struct ApiAnswer {
  int http_status = 0;
  std::string body;
  std::string problem;
  bool arrived() const { return problem.empty(); }
};

/// Finds the access in this order: the flags given, the environment (TERCET_ENDPOINT, TERCET_ACCESS_KEY_ID,
/// TERCET_ACCESS_KEY_SECRET), the ready file of a running server (TERCET_READY, else .tercet/ready.json here, else
/// ~/.tercet/ready.json). On failure `problem` names what was tried and the remedy.
struct AccessSources {
  ApiAccess flags;
  std::string ready_file;
};
bool find_access(const AccessSources& sources, ApiAccess& access, std::string& problem);

/// Calls one action, signed with ACS3-HMAC-SHA256 (cloud-protocol 1.4), and waits for at most 15 s.
ApiAnswer call(const ApiAccess& access, const std::string& action,
               const std::map<std::string, std::string>& parameters);

/// Posts a form with these fields and then one file (PostObject) to a path of the platform; waits as long as bytes
/// move.
ApiAnswer post_file(const ApiAccess& access, const std::string& path, const std::map<std::string, std::string>& fields,
                    const std::string& file);

/// The Authorization header's signature for known date and nonce: pure, so that the reference vectors test it.
struct V3Request {
  std::string host;  ///< with the port, as in the Host header
  std::string action;
  std::string date;  ///< YYYY-MM-DDThh:mm:ssZ
  std::string nonce;
  std::string access_key_id;
  std::string access_key_secret;
  std::string form = {};  ///< the body, form-encoded; "" for none
};
/// Where the parameters travel: short values in the query, long ones (over 2 KB) in a form body. Both encoded.
struct Payload {
  std::string query;
  std::string form;
};
Payload divide(const std::map<std::string, std::string>& parameters);
std::string canonical_query(const std::map<std::string, std::string>& parameters);
std::string authorization_v3(const V3Request& request, const std::string& query);

}  // namespace tercet::cli
