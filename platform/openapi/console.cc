#include "platform/openapi/console.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "platform/openapi/network.h"
#include "platform/openapi/percent.h"
#include "platform/runtime/log.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr std::string_view kCookie = "tercet_session";
constexpr std::string_view kApi = "/console/api/";
constexpr Seconds kTurn{1};               // between two tries that wait
constexpr std::size_t kMostWaiting = 20;  // so none waits longer than the server waits for an answer

HttpResponse json_response(int status, const json::object& body) {
  HttpResponse response;
  response.status = status;
  response.body = json::serialize(body);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse denied(int status, registry::ApiCode code, std::string_view text) {
  return json_response(status, {{"Success", false}, {"Code", code.text()}, {"Message", text}});
}

std::string_view cookie_of(const HttpRequest& request) {
  std::string_view cookies = request.header("cookie");
  while (!cookies.empty()) {
    const auto end = cookies.find(';');
    std::string_view one = cookies.substr(0, end);
    cookies = end == std::string_view::npos ? std::string_view{} : cookies.substr(end + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(kCookie) && one.substr(kCookie.size()).starts_with('=')) return one.substr(kCookie.size() + 1);
  }
  return {};
}

std::string set_cookie(std::string_view value, bool tls) {
  std::string text(kCookie);
  text.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict");
  if (value.empty()) text += "; Max-Age=0";
  if (tls) text += "; Secure";
  return text;
}

/// Not sent by our page: another site's form or script. Browsers that send Sec-Fetch-Site say it themselves.
bool is_foreign(const HttpRequest& request) {
  const std::string_view site = request.header("sec-fetch-site");
  return !site.empty() && site != "same-origin" && site != "none";
}

/// The body as a JSON object; nothing when it is something else.
std::optional<json::object> object_of(const std::string& body) {
  if (body.empty()) return json::object{};
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  json::value value = json::parse(body, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Console::Console(Services& services, Gateway& gateway, LiveUpdates& updates)
    : services_(services),
      gateway_(gateway),
      updates_(updates),
      sessions_(services.loop.random()),
      turn_([](void* self) { static_cast<Console*>(self)->try_next(); }, this) {
  updates_.use_sessions([this](const std::string& hash) { return sessions_.lives(hash, services_.loop.now()); });
}

std::string Console::make_login_token() { return sessions_.make_login_token(services_.loop.now()); }

bool Console::is_logged_in(const HttpRequest& request) {
  return sessions_.touch(cookie_of(request), services_.loop.now());
}

void Console::on_request(const HttpRequest& request, HttpResponder respond) {
  try {
    const bool is_post = request.method == HttpRequest::Method::post;
    if (is_foreign(request)) return respond(denied(403, "Forbidden", "The request comes from another site."));
    if (is_post && request.header("x-tercet-console").empty())
      return respond(denied(403, "Forbidden", "The header X-Tercet-Console is missing."));
    if (request.path == "/console/session" && !is_post)
      return respond(json_response(200, {{"LoggedIn", is_logged_in(request)}}));
    if (request.path == "/console/login" && is_post) return log_in(request, respond);
    if (!is_logged_in(request)) return respond(denied(401, "NotLoggedIn", "Log in first."));
    if (request.path == "/console/logout" && is_post) return log_out(request, respond);
    if (request.path == "/console/events" && !is_post) return stream(request, respond);
    if (request.path.starts_with(kApi) && is_post) return call(request, respond);
    respond(denied(404, "NotFound", "There is no such thing here."));
  } catch (const std::exception& failure) {
    runtime::log(runtime::LogLevel::error, "console_failed", {{"path", request.path}, {"what", failure.what()}});
    respond(denied(500, "InternalError", "The platform failed to process the request. The server's log says why."));
  }
}

void Console::log_in(const HttpRequest& request, const HttpResponder& respond) {
  const auto body = object_of(request.body);
  const std::string token = body ? text_of(*body, "token") : std::string();
  if (!token.empty()) {  // of 256 random bits: nobody guesses one, so nothing that others do may hold it up
    if (sessions_.use_login_token(token, services_.loop.now())) return let_in(request.tls, respond);
    return respond(denied(401, "WrongToken", "The link has been used or is too old. Use the password."));
  }
  Try one{network_of(request.peer), body ? text_of(*body, "password") : std::string(), request.tls, respond};
  switch (brake_.judge(one.network, services_.loop.now())) {
    case LoginBrake::Verdict::go:
      return try_password(one);
    case LoginBrake::Verdict::wait:
      if (waiting_.size() < kMostWaiting &&
          std::none_of(waiting_.begin(), waiting_.end(), [&](const Try& w) { return w.network == one.network; })) {
        waiting_.push_back(std::move(one));
        if (!turn_.is_set()) turn_.set(services_.loop, services_.loop.now() + kTurn);
        return;
      }
      [[fallthrough]];
    case LoginBrake::Verdict::refuse:
      respond(denied(429, "TooManyTries", "Too many wrong passwords. Wait a minute, then try again."));
  }
}

void Console::try_password(const Try& one) {
  if (!one.password.empty() && services_.registry.check_admin_password(one.password))
    return let_in(one.tls, one.respond);
  brake_.count_wrong(one.network, services_.loop.now());
  one.respond(denied(401, "WrongPassword", "The password is wrong."));
}

void Console::try_next() {
  const Try one = std::move(waiting_.front());
  waiting_.pop_front();
  if (!waiting_.empty()) turn_.set(services_.loop, services_.loop.now() + kTurn);
  try_password(one);
}

void Console::let_in(bool tls, const HttpResponder& respond) {
  HttpResponse response = json_response(200, {{"Success", true}});
  response.headers.emplace_back("Set-Cookie", set_cookie(sessions_.open(services_.loop.now()), tls));
  respond(std::move(response));
}

void Console::log_out(const HttpRequest& request, const HttpResponder& respond) {
  const std::string_view secret = cookie_of(request);
  updates_.close_session(Sessions::hash_of(secret));
  sessions_.close(secret);
  HttpResponse response = json_response(200, {{"Success", true}});
  response.headers.emplace_back("Set-Cookie", set_cookie("", request.tls));
  respond(std::move(response));
}

void Console::call(const HttpRequest& request, const HttpResponder& respond) {
  const auto body = object_of(request.body);
  if (!body) return respond(denied(400, "BadRequest", "The body must be a JSON object."));
  Parameters parameters;
  if (!parameters.add(*body))
    return respond(denied(400, "BadRequest", "The parameters are nested too deeply, or too many."));
  const std::string action = request.path.substr(kApi.size());
  gateway_.call(action, std::move(parameters),
                [respond, action](Answer answer) { respond(render(answer, action, Format::json)); });
}

void Console::stream(const HttpRequest& request, const HttpResponder& respond) {
  if (!updates_.may_add()) return respond(denied(503, "TooManyReaders", "Too many pages are open. Close some."));
  const Parameters asked(parse_fields(request.query, Plus::blank));
  const EventStream opened = respond.stream({{"X-Accel-Buffering", "no"}});
  if (!opened.is_open()) return;
  updates_.add(opened, std::string(asked.text("ProductKey")), std::string(asked.text("DeviceName")),
               Sessions::hash_of(cookie_of(request)));
}

}  // namespace tercet::openapi
