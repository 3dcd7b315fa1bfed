#include "platform/sink/http_client.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>
#include <mutex>

#include "tercet/crypto/encoding.h"

namespace tercet::sink {
namespace {

constexpr std::size_t kMostAnswer = 64 * 1024;
using rule::Sent;

std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* into) {
  auto* body = static_cast<std::string*>(into);
  body->append(bytes, std::min(size * count, kMostAnswer - std::min(body->size(), kMostAnswer)));
  return size * count;
}

std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* into) {
  std::string line(bytes, size * count);
  std::transform(line.begin(), line.end(), line.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::string_view kName = "retry-after:";
  if (line.starts_with(kName)) {
    const std::size_t digits = std::min(line.find_first_not_of(' ', kName.size()), line.size());
    int seconds = 0;
    std::from_chars(line.data() + digits, line.data() + line.size(), seconds);
    static_cast<HttpAnswer*>(into)->retry_after = std::clamp(seconds, 0, 3600);
  }
  return size * count;
}

int look_up(void* interrupted, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(interrupted)->load() ? 1 : 0;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  unsigned char digest[32];
  unsigned size = sizeof digest;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

}  // namespace

HttpClient::Options HttpClient::Options::read(Settings& settings) {
  Options made;
  made.ca = settings.text_or("ca", "");
  made.user = settings.text_or("user", "");
  made.password = settings.text_or("password", "");
  made.timeout_ms = settings.number_or("timeout_ms", made.timeout_ms, 100, 30'000);
  return made;
}

HttpClient::HttpClient(Options options) : options_(std::move(options)) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

HttpClient::~HttpClient() {
  if (curl_ != nullptr) curl_easy_cleanup(static_cast<CURL*>(curl_));
}

HttpAnswer HttpClient::perform(const HttpRequest& request) {
  HttpAnswer answer;
  if (is_interrupted_.load()) {
    answer.problem = "the platform is stopping";
    return answer;
  }
  if (curl_ == nullptr) curl_ = curl_easy_init();
  CURL* const curl = static_cast<CURL*>(curl_);
  if (curl == nullptr) {
    answer.problem = "no memory for a request";
    return answer;
  }
  curl_easy_reset(curl);  // keeps the connection
  curl_slist* headers = nullptr;
  for (const std::string& header : request.headers) headers = curl_slist_append(headers, header.c_str());
  headers = curl_slist_append(headers, "Expect:");
  char problem[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout_ms));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &is_interrupted_);
  if (!options_.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, options_.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, options_.password.c_str());
  }
  curl_blob blob{options_.ca.data(), options_.ca.size(), CURL_BLOB_NOCOPY};
  if (!options_.ca.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (code != CURLE_OK) {
    answer.problem = problem[0] != 0 ? problem : curl_easy_strerror(code);
    return answer;
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

Sent judge(const HttpAnswer& answer, std::size_t records) {
  if (answer.status >= 200 && answer.status < 300) return {records, Sent::Stop::none, {}, {}};
  if (answer.status == 0) return {0, Sent::Stop::retry, answer.problem, {}};
  std::string cause = "HTTP " + std::to_string(answer.status);
  std::string_view text = answer.body;
  text = text.substr(0, std::min({text.find('\n'), text.size(), std::size_t{200}}));
  if (!text.empty()) cause.append(": ").append(text);
  const bool is_later = answer.status == 408 || answer.status == 425 || answer.status == 429 || answer.status >= 500;
  return {0, is_later ? Sent::Stop::retry : Sent::Stop::reject, std::move(cause), Millis{answer.retry_after * 1000}};
}

void check_url(Settings& settings, std::string_view name, std::string_view url) {
  if (url.empty()) return;  // said already
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")})
    if (url.starts_with(scheme) && url.size() > scheme.size() && url[scheme.size()] != '/' &&
        url.find_first_of(" \t\r\n") == std::string_view::npos)
      return;
  settings.refuse(name, "must begin with http:// or https:// and a host");
}

std::string hmac_sha256_hex(std::string_view key, std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : hmac_sha256(key, text)) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string hmac_sha256_base64(std::string_view key, std::string_view text) {
  const std::string digest = hmac_sha256(key, text);
  std::string out(crypto::base64_size(digest.size()), '\0');
  const auto written = crypto::encode_base64(as_bytes(digest), out);
  return written ? std::string(*written) : std::string{};
}

std::string percent_encoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    if (is_plain) {
      out += c;
      continue;
    }
    out += '%';
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace tercet::sink
