#include "platform/openapi/http_channel.h"

#include <algorithm>
#include <utility>

#include "platform/broker/identity.h"
#include "tercet/crypto/encoding.h"
#include "tercet/json/object_reader.h"

namespace tercet::openapi {
namespace {

using registry::HttpCode;

constexpr std::string_view kTopics = "/topic";
constexpr std::size_t kMostForm = 4096, kMostFields = 32;

/// `info`: JSON, or "" for none.
HttpResponse answer_of(HttpCode code, std::string_view info = {}) {
  HttpResponse response;
  response.body = "{\"code\":" + std::to_string(static_cast<std::int32_t>(code)) + ",\"message\":\"" +
                  std::string(registry::message_of(code)) + "\"";
  if (!info.empty()) response.body.append(",\"info\":").append(info);
  response.body += "}";
  return response;
}

bool is_type(std::string_view header, std::string_view type) {
  header = header.substr(0, header.find(';'));
  while (header.ends_with(' ')) header.remove_suffix(1);
  return std::equal(header.begin(), header.end(), type.begin(), type.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

/// The members of an object of texts and numbers.
std::optional<registry::HttpLoginForm> form_of(std::string_view body) {
  if (body.size() > kMostForm) return std::nullopt;
  registry::HttpLoginForm form;
  json::ObjectReader in(body);
  std::string room(body.size(), '\0');
  const MutableBytes buffer{reinterpret_cast<std::uint8_t*>(room.data()), room.size()};
  bool good = true;
  while (in.next()) {
    const auto name = in.name().unescape(buffer);
    if (!name || form.fields.size() == kMostFields) return std::nullopt;
    std::string key(*name);
    const json::Value value = in.value();
    if (value.is(json::Type::number)) {
      form.fields.emplace_back(std::move(key), value.raw());
    } else if (const auto text = value.text()) {
      const auto plain = text->unescape(buffer);
      if (plain) form.fields.emplace_back(std::move(key), *plain);
      good = good && plain;
    } else {
      good = false;
    }
  }
  if (!in.ok() || !good) return std::nullopt;
  return form;
}

std::string base64(std::string_view text) {
  std::string room(crypto::base64_size(text.size()), '\0');
  static_cast<void>(crypto::encode_base64(as_bytes(text), room));
  return room;
}

HttpCode code_of(broker::Visits::Answer::Kind kind) {
  switch (kind) {
    case broker::Visits::Answer::Kind::kept:
      return HttpCode::success;
    case broker::Visits::Answer::Kind::too_many:
      return HttpCode::too_many;
    case broker::Visits::Answer::Kind::refused:
    case broker::Visits::Answer::Kind::not_kept:
      break;
  }
  return HttpCode::publish_error;
}

}  // namespace

HttpChannel::HttpChannel(runtime::Loop& loop, runtime::Shards& shards, std::vector<HttpChannelShard> parts)
    : loop_(loop), shards_(shards), parts_(std::move(parts)), timer_(&HttpChannel::on_timer, this) {}

void HttpChannel::on_request(HttpRequest request, HttpResponder respond) {
  if (request.method != HttpRequest::Method::post) {
    HttpResponse response = plain_response(405, "Devices POST here: /auth, then /topic/... (docs/channels.md).");
    response.headers.emplace_back("Allow", "POST");
    return respond(std::move(response));
  }
  if (request.path == "/auth") return log_in(request, std::move(respond));
  publish(std::move(request), std::move(respond));
}

void HttpChannel::log_in(const HttpRequest& request, HttpResponder respond) {
  auto form = is_type(request.header("content-type"), "application/json") ? form_of(request.body) : std::nullopt;
  if (!form || form->value("productKey").empty() || form->value("deviceName").empty() || form->value("sign").empty())
    return respond(answer_of(HttpCode::param_error));
  const std::size_t home = shards_.home_of(broker::device_key(form->value("productKey"), form->value("deviceName")));
  registry::HttpLogins* const logins = parts_[home].logins;
  runtime::Loop& there = shards_.loop(home);
  const bool posted = there.post([this, logins, &there, respond, form = std::move(*form), peer = request.peer] {
    auto login = logins->authenticate(form, peer, there.wall(), there.now());
    static_cast<void>(loop_.post([this, respond, login = std::move(login)] { answer_login(login, respond); }));
  });
  if (!posted) respond(answer_of(HttpCode::common_error));
}

void HttpChannel::answer_login(const registry::HttpLogins::Login& login, HttpResponder respond) {
  if (login.code == HttpCode::success)
    return respond(answer_of(HttpCode::success, "{\"token\":\"" + login.token + "\"}"));
  const bool waits = login.code == HttpCode::auth_check_error && login.delay.count() > 0;
  if (!waits || delayed_.size() >= kMostWaiting) return respond(answer_of(login.code));
  delayed_.emplace(loop_.now() + std::min(login.delay, kLongestDelay), std::move(respond));
  timer_.set(loop_, delayed_.begin()->first);
}

void HttpChannel::send_delayed() {
  while (!delayed_.empty() && delayed_.begin()->first <= loop_.now()) {
    const HttpResponder respond = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    respond(answer_of(HttpCode::auth_check_error));
  }
  if (!delayed_.empty()) timer_.set(loop_, delayed_.begin()->first);
}

/// Rising, unique since this start, and beyond 2^53 as the cloud's are: milliseconds and a count.
std::string HttpChannel::next_message_id() {
  const auto ms = static_cast<std::uint64_t>(loop_.wall().ms);
  messages_ = std::max(messages_ + 1, ms << 19);
  return std::to_string(messages_);
}

void HttpChannel::publish(HttpRequest request, HttpResponder respond) {
  if (!is_type(request.header("content-type"), "application/octet-stream") || request.body.size() > kMostBody)
    return respond(answer_of(HttpCode::param_error));
  const std::string token(request.header("password"));
  if (token.empty()) return respond(answer_of(HttpCode::token_null));
  const auto names = registry::names_in_token(token);
  if (!names) return respond(answer_of(HttpCode::token_check_error));
  const std::size_t home = shards_.home_of(broker::device_key(names->product, names->device));
  const HttpChannelShard part = parts_[home];
  runtime::Loop& there = shards_.loop(home);
  auto answer = [this, respond, id = next_message_id()](HttpCode code, std::string_view reply) {
    std::string info;
    if (code == HttpCode::success) {
      info = "{\"messageId\":" + id;
      if (!reply.empty()) info.append(",\"data\":\"").append(base64(reply)).append("\"");
      info += "}";
    }
    static_cast<void>(loop_.post([respond, made = answer_of(code, info)] { respond(made); }));
  };
  const bool posted = there.post([part, &there, token, answer = std::move(answer), request = std::move(request)] {
    const auto bearer = part.logins->check(token, there.wall());
    if (bearer.code != HttpCode::success) return answer(bearer.code, {});
    const broker::Identity identity{broker::Identity::Kind::device, bearer.device->product + "/" + bearer.device->name};
    const std::string topic = request.path.substr(kTopics.size());
    part.visits->post({identity, bearer.device->number, topic, as_bytes(request.body), request.peer},
                      [answer](broker::Visits::Answer got) { answer(code_of(got.kind), got.reply); });
  });
  if (!posted) respond(answer_of(HttpCode::common_error));
}

}  // namespace tercet::openapi
