#include "cli/openapi_client.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>

namespace tercet::cli {
namespace {

constexpr char kVersion[] = "2018-01-20";
constexpr char kFormType[] = "application/x-www-form-urlencoded";
/// A longer value (a thing model) travels in the body: proxies and servers bound the request line.
constexpr std::size_t kMaxQueryValue = 2048;

std::string hex(const unsigned char* bytes, std::size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string sha256_hex(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  return hex(digest, size);
}

std::string hmac_sha256_hex(const std::string& key, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest, &size);
  return hex(digest, size);
}

std::string percent_encode(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string signed_headers(const V3Request& request) {
  const std::string type = request.form.empty() ? "" : std::string("content-type:") + kFormType + "\n";
  return type + "host:" + request.host + "\nx-acs-action:" + request.action +
         "\nx-acs-content-sha256:" + sha256_hex(request.form) +
         "\nx-acs-credentials-provider:static_ak\nx-acs-date:" + request.date +
         "\nx-acs-signature-nonce:" + request.nonce + "\nx-acs-version:" + kVersion + "\n";
}

std::string signed_names(const V3Request& request) {
  return std::string(request.form.empty() ? "" : "content-type;") +
         "host;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;"
         "x-acs-version";
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string random_nonce() {
  unsigned char bytes[16];
  RAND_bytes(bytes, sizeof bytes);
  return hex(bytes, sizeof bytes);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

bool read_ready_file(const std::string& path, ApiAccess& access, std::string& problem) {
  std::ifstream in(path);
  if (!in) {
    problem = path + " cannot be read";
    return false;
  }
  std::ostringstream text;
  text << in.rdbuf();
  boost::system::error_code bad;
  const auto value = boost::json::parse(text.str(), bad);
  if (bad || !value.is_object()) {
    problem = path + " is not the JSON object that `tercet serve --ready` writes";
    return false;
  }
  const auto& ready = value.as_object();
  const auto field = [&ready](const char* name) {
    const auto* found = ready.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string{};
  };
  access.url = field("openapi");
  access.access_key_id = field("accessKeyId");
  access.access_key_secret = field("accessKeySecret");
  access.ca_file = field("ca");
  if (access.url.empty() || access.access_key_id.empty() || access.access_key_secret.empty()) {
    problem = path + " lacks openapi, accessKeyId or accessKeySecret";
    return false;
  }
  return true;
}

std::size_t collect(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

struct CurlClosed {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct HeadersFreed {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

std::string canonical_query(const std::map<std::string, std::string>& parameters) {
  std::string query;
  for (const auto& [name, value] : parameters) {
    if (!query.empty()) query += '&';
    query += name + "=" + percent_encode(value);
  }
  return query;
}

Payload divide(const std::map<std::string, std::string>& parameters) {
  std::map<std::string, std::string> query, form;
  for (const auto& [name, value] : parameters) (value.size() > kMaxQueryValue ? form : query).emplace(name, value);
  return {canonical_query(query), canonical_query(form)};
}

std::string authorization_v3(const V3Request& request, const std::string& query) {
  const std::string names = signed_names(request);
  const std::string canonical =
      "POST\n/\n" + query + "\n" + signed_headers(request) + "\n" + names + "\n" + sha256_hex(request.form);
  const std::string signature =
      hmac_sha256_hex(request.access_key_secret, "ACS3-HMAC-SHA256\n" + sha256_hex(canonical));
  return "ACS3-HMAC-SHA256 Credential=" + request.access_key_id + ",SignedHeaders=" + names + ",Signature=" + signature;
}

bool find_access(const AccessSources& sources, ApiAccess& access, std::string& problem) {
  access = sources.flags;
  if (access.url.empty()) access.url = environment("TERCET_ENDPOINT");
  if (access.access_key_id.empty()) access.access_key_id = environment("TERCET_ACCESS_KEY_ID");
  if (access.access_key_secret.empty()) access.access_key_secret = environment("TERCET_ACCESS_KEY_SECRET");
  if (!access.url.empty() && !access.access_key_id.empty() && !access.access_key_secret.empty()) return true;
  if (!access.url.empty() || !access.access_key_id.empty() || !access.access_key_secret.empty()) {
    // Filling the gaps from a ready file could send the command to another platform than the one named.
    problem =
        "endpoint, access key id and secret belong together: give all of --endpoint URL --access-key-id ID "
        "--access-key-secret SECRET (or TERCET_ENDPOINT, TERCET_ACCESS_KEY_ID, TERCET_ACCESS_KEY_SECRET), or none and "
        "a ready file";
    return false;
  }

  std::string path = sources.ready_file;
  if (path.empty()) path = environment("TERCET_READY");
  if (!path.empty()) return read_ready_file(path, access, problem);
  const std::string home = environment("HOME");
  for (const std::string& candidate : {std::string(".tercet/ready.json"), home + "/.tercet/ready.json"})
    if (std::ifstream(candidate)) return read_ready_file(candidate, access, problem);
  problem =
      "no platform to talk to: start one with `tercet serve` here, or name a running one's ready file with --ready "
      "FILE, "
      "or give --endpoint URL --access-key-id ID --access-key-secret SECRET "
      "(or TERCET_ENDPOINT, TERCET_ACCESS_KEY_ID, TERCET_ACCESS_KEY_SECRET)";
  return false;
}

ApiAnswer post_file(const ApiAccess& access, const std::string& path, const std::map<std::string, std::string>& fields,
                    const std::string& file) {
  ApiAnswer answer;
  std::string base = access.url;
  while (base.ends_with('/')) base.pop_back();
  const std::unique_ptr<CURL, CurlClosed> curl(curl_easy_init());
  curl_mime* const form = curl_mime_init(curl.get());
  const auto freed = [](curl_mime* one) { curl_mime_free(one); };
  const std::unique_ptr<curl_mime, decltype(freed)> owner(form, freed);
  for (const auto& [name, value] : fields) {
    curl_mimepart* const part = curl_mime_addpart(form);
    curl_mime_name(part, name.c_str());
    curl_mime_data(part, value.data(), value.size());
  }
  curl_mimepart* const part = curl_mime_addpart(form);
  curl_mime_name(part, "file");
  if (curl_mime_filedata(part, file.c_str()) != CURLE_OK) {
    answer.problem = file + " cannot be read";
    return answer;
  }
  char reason[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(curl.get(), CURLOPT_URL, (base + path).c_str());
  curl_easy_setopt(curl.get(), CURLOPT_MIMEPOST, form);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, 60L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  if (!access.ca_file.empty()) curl_easy_setopt(curl.get(), CURLOPT_CAINFO, access.ca_file.c_str());
  const CURLcode done = curl_easy_perform(curl.get());
  if (done != CURLE_OK) {
    answer.problem =
        "the file did not reach " + access.url + ": " + (reason[0] != 0 ? reason : curl_easy_strerror(done));
    return answer;
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.http_status = static_cast<int>(status);
  return answer;
}

ApiAnswer call(const ApiAccess& access, const std::string& action,
               const std::map<std::string, std::string>& parameters) {
  ApiAnswer answer;
  std::string base = access.url;
  while (base.ends_with('/')) base.pop_back();
  const auto scheme_end = base.find("://");
  if (scheme_end == std::string::npos) {
    answer.problem = "the endpoint '" + access.url + "' has no scheme; write http://HOST:PORT or https://HOST:PORT";
    return answer;
  }
  const Payload payload = divide(parameters);
  const V3Request request{base.substr(scheme_end + 3), action,      now_utc(), random_nonce(), access.access_key_id,
                          access.access_key_secret,    payload.form};

  const std::unique_ptr<CURL, CurlClosed> curl(curl_easy_init());
  std::unique_ptr<curl_slist, HeadersFreed> headers;
  const auto header = [&headers](const std::string& line) {
    curl_slist* grown = curl_slist_append(headers.get(), line.c_str());
    static_cast<void>(headers.release());
    headers.reset(grown);
  };
  header("Host: " + request.host);
  header("x-acs-action: " + action);
  header(std::string("x-acs-version: ") + kVersion);
  header("x-acs-date: " + request.date);
  header("x-acs-signature-nonce: " + request.nonce);
  header("x-acs-content-sha256: " + sha256_hex(payload.form));
  header("x-acs-credentials-provider: static_ak");
  header("Authorization: " + authorization_v3(request, payload.query));
  header("Accept: application/json");
  header(std::string("Content-Type:") + (payload.form.empty() ? "" : std::string(" ") + kFormType));
  header("Expect:");  // curl would otherwise wait for a 100 Continue before a large body
  const std::string url = base + "/?" + payload.query;
  char reason[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, payload.form.data());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(payload.form.size()));
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 15L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  if (!access.ca_file.empty()) curl_easy_setopt(curl.get(), CURLOPT_CAINFO, access.ca_file.c_str());
  const CURLcode done = curl_easy_perform(curl.get());
  if (done != CURLE_OK) {
    answer.problem = "no answer from " + access.url + ": " + (reason[0] != 0 ? reason : curl_easy_strerror(done)) +
                     "; is `tercet serve` running there?";
    return answer;
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.http_status = static_cast<int>(status);
  return answer;
}

}  // namespace tercet::cli
