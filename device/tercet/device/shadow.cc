#include "tercet/device/shadow.h"

#include <algorithm>

#include "tercet/base/writer.h"
#include "tercet/json/writer.h"

namespace tercet::device {

Result<void> ShadowClient::start(const DeviceId& id) {
  std::array<std::uint8_t, 112> buffer;
  const auto make = [&](std::string_view head, FixedString<112>& into) -> Result<void> {
    Writer out{buffer};
    out.text(head), out.text(id.product.str()), out.ch('/'), out.text(id.device.str());
    if (!out.ok()) return fail(Error::too_large);
    return into.assign(out.text());
  };
  if (const auto made = make("/shadow/update/", up_); !made) return made;
  if (const auto made = make("/shadow/get/", down_); !made) return made;
  return device_.subscribe(down_.str(), mqtt::Qos::at_least_once);
}

template <typename Write>
Result<void> ShadowClient::send(std::string_view method, bool has_version, Write&& write_state) {
  if (!device_.is_online()) return fail(Error::bad_state);
  Writer out{scratch_};
  json::Writer message{out};
  message.begin_object().key("method").string(method);
  write_state(message);
  if (has_version) message.key("version").number(version_ + 1);
  message.end_object();
  if (!out.ok()) return fail(Error::too_large);
  if (const auto sent = device_.publish(up_.str(), out.written(), mqtt::Qos::at_least_once); !sent) return sent;
  if (has_version) ++version_;  // the next one may be on its way before this one is answered
  return {};
}

Result<void> ShadowClient::get() {
  return send("get", false, [](json::Writer&) {});
}

Result<void> ShadowClient::report(std::span<const PropertyValue> values) {
  return send("update", true, [&](json::Writer& message) {
    message.key("state").begin_object().key("reported");
    write_properties(message, values, std::nullopt);
    message.end_object();
  });
}

Result<void> ShadowClient::forget(std::initializer_list<std::string_view> names) {
  return send("delete", true, [&](json::Writer& message) {
    message.key("state").begin_object().key("reported");
    if (names.size() == 0) {
      message.string("null");
    } else {
      message.begin_object();
      for (const std::string_view name : names) message.key(name).string("null");
      message.end_object();
    }
    message.end_object();
  });
}

Result<void> ShadowClient::clear_desired() {
  return send("update", true, [](json::Writer& message) {
    message.key("state").begin_object().key("desired").string("null").end_object();
  });
}

bool ShadowClient::on_message(std::string_view topic, Bytes payload) {
  if (down_.str().empty() || topic != down_.str()) return false;
  const auto message = json::parse(payload);
  const auto content = message ? message->find("payload") : std::nullopt;
  const auto method = message ? message->find("method") : std::nullopt;
  const auto name = method ? method->text() : std::nullopt;
  if (!content || !name) return true;  // the platform's mistake: nothing in it is for us
  if (*name == "control") on_control(*content, *message);
  if (*name == "reply") on_reply(*content, *message);
  return true;
}

void ShadowClient::on_control(const json::Value& payload, const json::Value& message) {
  const auto state = payload.find("state");
  const auto found = message.find("version");
  const std::int64_t version = found ? found->integer().value_or(0) : 0;
  version_ = version;
  if (!state || is_known(version, payload.raw())) return;
  events_.on_control(ShadowState(version, *state));
}

void ShadowClient::on_reply(const json::Value& payload, const json::Value& message) {
  const auto status = payload.find("status");
  const auto word = status ? status->text() : std::nullopt;
  if (!word) return;
  if (!(*word == "success")) {
    const auto content = payload.find("content");
    const auto code = content ? content->find("errorcode") : std::nullopt;
    const auto text = content ? content->find("errormessage") : std::nullopt;
    // The code comes as a text, or as a number.
    std::int32_t number = 0;
    const auto digits = code ? code->text() : std::nullopt;
    const std::string_view raw = digits ? digits->raw() : code ? code->raw() : std::string_view{};
    for (const char c : raw.substr(0, 6)) number = c >= '0' && c <= '9' ? number * 10 + (c - '0') : number;
    const auto words = text ? text->text() : std::nullopt;
    return events_.on_refused(number, words ? words->raw() : std::string_view{});
  }
  if (const auto state = payload.find("state")) {
    const auto version = message.find("version");
    if (version) version_ = version->integer().value_or(version_);
    return events_.on_shadow(ShadowState(version_, *state));
  }
  const auto version = payload.find("version");
  const std::int64_t now = version ? version->integer().value_or(version_) : version_;
  version_ = std::max(version_, now);
  events_.on_taken(now);
}

/// The same wish with the same version: it was delivered, and its acknowledgement lost.
bool ShadowClient::is_known(std::int64_t version, std::string_view content) {
  std::uint32_t hash = 2166136261u;
  for (const char c : content) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619u;
  const auto same = [&](const Seen& one) { return one.version == version && one.content == hash; };
  if (std::any_of(seen_.begin(), seen_.end(), same)) return true;
  seen_[next_seen_] = {version, hash};
  next_seen_ = static_cast<std::uint8_t>((next_seen_ + 1) % seen_.size());
  return false;
}

}  // namespace tercet::device
