#include "platform/sink/http_client.h"
#include "platform/sink/make.h"
#include "platform/sink/message.h"

namespace tercet::sink {
namespace {

using rule::Sent;

struct HttpSettings {
  HttpClient::Options client;
  std::string method;
  Template url;
  std::vector<std::pair<std::string, Template>> headers;
  std::optional<Template> body;  ///< none: all that is known of the message, as JSON
  std::string secret;
  bool batches = false;
};

/// A web address. With a secret each request is signed: X-Tercet-Signature is `sha256=` and the HMAC-SHA256 of
/// X-Tercet-Timestamp (milliseconds), a dot and the body, in hexadecimal.
class HttpSink final : public rule::Sink {
 public:
  HttpSink(HttpSettings settings, std::string rule_name)
      : settings_(std::move(settings)), rule_name_(std::move(rule_name)), client_(settings_.client) {}
  void interrupt() override { client_.interrupt(); }
  std::size_t max_batch() const override { return 100; }

  Sent send(std::span<const rule::Queued> records, UnixMillis now) override {
    if (settings_.batches) {
      std::string all = "[";
      for (const rule::Queued& record : records)
        all.append(all.size() == 1 ? "" : ",").append(Message(record, rule_name_).whole());
      return post(Message(records.front(), rule_name_), all + "]", records.size(), now);
    }
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Message message(records[i], rule_name_);
      Sent one = post(message, settings_.body ? settings_.body->json_text(message) : message.whole(), 1, now);
      if (one.stop == Sent::Stop::none) continue;
      one.taken = i;
      return one;
    }
    return {records.size(), Sent::Stop::none, {}, {}};
  }

 private:
  Sent post(const Message& message, std::string body, std::size_t records, UnixMillis now) {
    HttpRequest request;
    request.method = settings_.method;
    request.url = settings_.url.text(message);
    request.body = std::move(body);
    bool has_type = false;
    for (const auto& [name, value] : settings_.headers) {
      std::string text = value.text(message);
      std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
      request.headers.push_back(name + ": " + text);
      has_type |= name == "Content-Type" || name == "content-type";
    }
    if (!has_type) request.headers.push_back("Content-Type: application/json; charset=utf-8");
    if (!settings_.secret.empty()) {
      const std::string time = std::to_string(now.ms);
      request.headers.push_back("X-Tercet-Timestamp: " + time);
      request.headers.push_back("X-Tercet-Signature: sha256=" +
                                hmac_sha256_hex(settings_.secret, time + "." + request.body));
    }
    return judge(client_.perform(request), records);
  }

  HttpSettings settings_;
  std::string rule_name_;
  HttpClient client_;
};

Template template_of(Settings& settings, std::string_view name, std::string_view text) {
  std::string problem;
  auto made = Template::parse(text, problem);
  if (!made) settings.refuse(name, problem);
  return made.value_or(Template{});
}

}  // namespace

std::unique_ptr<rule::Sink> make_http(const Making& making, Settings& settings) {
  HttpSettings made;
  const std::string url = settings.text("url");
  check_url(settings, "url", url);
  made.url = template_of(settings, "url", url);
  made.method = settings.choice("method", {"POST", "PUT", "PATCH"}, "POST");
  if (const auto* headers = settings.object("headers"))
    for (const auto& member : *headers) {
      const std::string name(member.key());
      if (!member.value().is_string() || name.find_first_of(" :\r\n") != std::string::npos || name.empty())
        settings.refuse("headers", name + ": names and values are texts, names without blanks and colons");
      else
        made.headers.emplace_back(name, template_of(settings, "headers." + name, member.value().get_string()));
    }
  if (settings.has("body")) made.body = template_of(settings, "body", settings.text("body"));
  made.secret = settings.text_or("secret", "");
  made.batches = settings.flag_or("batch", false);
  if (made.batches && made.body) settings.refuse("batch", "sends a list of whole messages and has no body of its own");
  made.client = HttpClient::Options::read(settings);
  if (making.only_checks || !settings.ok()) return nullptr;
  return std::make_unique<HttpSink>(std::move(made), making.rule_name);
}

}  // namespace tercet::sink
