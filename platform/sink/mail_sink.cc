#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ctime>

#include "platform/sink/http_client.h"
#include "platform/sink/make.h"
#include "platform/sink/message.h"
#include "tercet/crypto/encoding.h"

namespace tercet::sink {
namespace {

using rule::Sent;

struct MailSettings {
  std::string url, user, password, from, ca_file, rule_name;
  std::vector<std::string> to;
  Template subject, text;
  bool needs_tls = true;
  Millis between{60'000}, timeout{25'000};
};

std::string base64(std::string_view bytes) {
  std::string out(crypto::base64_size(bytes.size()), '\0');
  const auto written = crypto::encode_base64(as_bytes(bytes), out);
  return written ? std::string(*written) : std::string{};
}

struct Upload {
  std::string_view rest;
};
std::size_t give(char* into, std::size_t size, std::size_t count, void* from) {
  auto& upload = *static_cast<Upload*>(from);
  const std::size_t part = std::min(size * count, upload.rest.size());
  std::memcpy(into, upload.rest.data(), part);
  upload.rest.remove_prefix(part);
  return part;
}
std::size_t ignore(char*, std::size_t size, std::size_t count, void*) { return size * count; }
int look_up(void* interrupted, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(interrupted)->load() ? 1 : 0;
}

/// E-mail over SMTP. What has gathered since the last one goes as one.
class MailSink final : public rule::Sink {
 public:
  explicit MailSink(MailSettings settings) : settings_(std::move(settings)) {}
  void interrupt() override { is_interrupted_.store(true); }
  std::size_t max_batch() const override { return 200; }

  Sent send(std::span<const rule::Queued> records, UnixMillis now) override {
    std::string text;
    for (const rule::Queued& record : records)
      text.append(settings_.text.text(Message(record, settings_.rule_name))).append("\r\n");
    std::string subject = settings_.subject.text(Message(records.front(), settings_.rule_name));
    if (records.size() > 1) subject += " (+" + std::to_string(records.size() - 1) + ")";
    return deliver(letter(subject, text, now), records.size());
  }

 private:
  /// RFC 5322, with everything that is not plain in Base64, so that no value can make a header.
  std::string letter(const std::string& subject, const std::string& text, UnixMillis now) const {
    const std::time_t seconds = now.ms / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char date[48];
    const std::size_t size = std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &parts);
    std::string out = "Date: " + std::string(date, size) + "\r\nFrom: <" + settings_.from + ">\r\nTo: ";
    for (std::size_t i = 0; i < settings_.to.size(); ++i)
      out.append(i == 0 ? "<" : ", <").append(settings_.to[i]).append(">");
    out += "\r\nMessage-ID: <" + std::to_string(now.ms) + "." + settings_.from + ">\r\nSubject:";
    // Encoded words of at most 75 characters, never cutting a character in two.
    for (std::size_t at = 0; at < subject.size();) {
      std::size_t end = std::min(at + 45, subject.size());
      while (end < subject.size() && end > at && (static_cast<unsigned char>(subject[end]) & 0xC0) == 0x80) --end;
      out.append(at == 0 ? " " : "\r\n ")
          .append("=?UTF-8?B?")
          .append(base64(subject.substr(at, end - at)))
          .append("?=");
      at = end;
    }
    out +=
        "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
        "Auto-Submitted: auto-generated\r\n\r\n";
    const std::string body = base64(text);
    for (std::size_t at = 0; at < body.size(); at += 76) out.append(body, at, 76).append("\r\n");
    return out;
  }

  Sent deliver(const std::string& text, std::size_t records) {
    if (is_interrupted_.load()) return {0, Sent::Stop::retry, "the platform is stopping", {}};
    CURL* const curl = curl_easy_init();
    if (curl == nullptr) return {0, Sent::Stop::retry, "no memory for a letter", {}};
    Upload upload{text};
    curl_slist* readers = nullptr;
    for (const std::string& one : settings_.to) readers = curl_slist_append(readers, ("<" + one + ">").c_str());
    char problem[CURL_ERROR_SIZE] = {};
    curl_easy_setopt(curl, CURLOPT_URL, settings_.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + settings_.from + ">").c_str());
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, readers);
    curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(settings_.needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    if (!settings_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, settings_.ca_file.c_str());
    if (!settings_.user.empty()) {
      curl_easy_setopt(curl, CURLOPT_USERNAME, settings_.user.c_str());
      curl_easy_setopt(curl, CURLOPT_PASSWORD, settings_.password.c_str());
    }
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.timeout.count()));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &is_interrupted_);
    const CURLcode code = curl_easy_perform(curl);
    long answer = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    curl_slist_free_all(readers);
    curl_easy_cleanup(curl);
    if (code == CURLE_OK) return {records, Sent::Stop::none, {}, settings_.between};
    std::string cause = problem[0] != 0 ? problem : curl_easy_strerror(code);
    if (answer != 0) cause += " (" + std::to_string(answer) + ")";
    // 5xx to the letter itself: never. A login that is refused is a matter of the configuration, and can be mended.
    const bool is_never = answer >= 500 && answer < 600 && code != CURLE_LOGIN_DENIED && code != CURLE_USE_SSL_FAILED;
    if (is_never && records > 1) return {0, Sent::Stop::retry, std::move(cause), {}};
    return {0, is_never ? Sent::Stop::reject : Sent::Stop::retry, std::move(cause), {}};
  }

  MailSettings settings_;
  std::atomic<bool> is_interrupted_{false};
};

bool is_address(std::string_view text) {
  return text.find_first_of(" \t\r\n<>,\"") == std::string_view::npos && text.find('@') != std::string_view::npos &&
         text.front() != '@' && text.back() != '@';
}

}  // namespace

std::unique_ptr<rule::Sink> make_mail(const Making& making, Settings& settings) {
  MailSettings made;
  made.url = settings.text("url");
  if (!made.url.empty() && !made.url.starts_with("smtp://") && !made.url.starts_with("smtps://"))
    settings.refuse("url", "begins with smtp:// or smtps://, and has a host and a port");
  made.user = settings.text_or("user", "");
  made.password = settings.text_or("password", "");
  made.ca_file = settings.text_or("ca_file", "");
  made.needs_tls = settings.flag_or("tls", true);
  if (!made.needs_tls && !made.user.empty())
    settings.refuse("tls", "a password is not sent over a connection that may be open: leave tls true");
  made.from = settings.text("from");
  made.to = settings.list("to");
  if (!made.from.empty() && !is_address(made.from)) settings.refuse("from", "is no address");
  if (made.to.empty()) settings.refuse("to", "is an address, or a list of them");
  for (const std::string& one : made.to)
    if (!is_address(one)) settings.refuse("to", one + " is no address");
  made.rule_name = making.rule_name;
  const auto parse = [&settings](std::string_view name, std::string_view text) {
    std::string problem;
    auto read = Template::parse(text, problem);
    if (!read) settings.refuse(name, problem);
    return read.value_or(Template{});
  };
  made.subject = parse("subject", settings.text_or("subject", "${rule}: ${deviceName} ${state}"));
  made.text = parse("text", settings.text_or("text", "${time} ${productKey}/${deviceName} ${state} ${result}"));
  made.between = Millis{60'000 / settings.number_or("per_minute", 1, 1, 600)};
  made.timeout = Millis{settings.number_or("timeout_ms", 25'000, 500, 25'000)};
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<MailSink>(std::move(made));
}

}  // namespace tercet::sink
