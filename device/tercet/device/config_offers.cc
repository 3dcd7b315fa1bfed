#include "tercet/device/config_offers.h"

#include "tercet/alink/envelope.h"
#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

namespace tercet::device {
namespace {

constexpr std::string_view kGet = "get", kGetReply = "get_reply", kPush = "push", kPushReply = "push_reply";

/// The topic with another end.
Result<std::string_view> sibling(std::string_view topic, std::string_view end, MutableBytes buffer) {
  Writer out{buffer};
  out.text(topic.substr(0, topic.rfind('/') + 1)), out.text(end);
  if (!out.ok()) return fail(Error::too_large);
  return out.text();
}

}  // namespace

Result<void> ConfigOffers::start(Device& device, const DeviceId& id) {
  std::array<std::uint8_t, alink::kMaxBuiltTopic> buffer;
  for (const auto& [topic, end] : {std::pair{&push_, kPush}, std::pair{&reply_, kGetReply}}) {
    Writer out{buffer};
    out.text("/sys/"), out.text(id.product.str()), out.ch('/'), out.text(id.device.str());
    out.text("/thing/config/"), out.text(end);
    if (!out.ok() || !topic->assign(out.text())) return fail(Error::too_large);
    if (const auto asked = device.subscribe(topic->str(), mqtt::Qos::at_least_once); !asked) return asked;
  }
  device_ = &device;
  return {};
}

Result<void> ConfigOffers::ask() {
  if (device_ == nullptr) return fail(Error::bad_state);
  std::array<std::uint8_t, 160> payload_bytes, topic_bytes;
  const auto topic = sibling(push_.str(), kGet, topic_bytes);
  if (!topic) return fail(topic.error());
  std::array<std::uint8_t, 12> digits;
  Writer number{digits}, out{payload_bytes};
  number.decimal(std::uint64_t{++asked_});
  alink::write_request(out, number.text(), "thing.config.get", R"({"configScope":"product","getType":"file"})");
  return device_->publish(*topic, out.written(), mqtt::Qos::at_least_once);
}

std::optional<ConfigFile> ConfigOffers::on_message(std::string_view topic, Bytes payload) {
  ConfigFile file;
  if (push_.empty()) return std::nullopt;
  if (topic == reply_.str()) {
    const auto reply = alink::parse_reply(as_text(payload));
    if (!reply || reply->code != alink::number(alink::Code::success) || !reply->data) return std::nullopt;
    const auto pushed = digest_;
    if (!take(*reply->data, file)) return std::nullopt;
    if (digest_ != pushed) push_id_.clear();  // the same file: what becomes of it answers the push too
    return file;
  }
  if (topic != push_.str()) return std::nullopt;
  const auto request = alink::parse_request(as_text(payload));
  if (!request) return std::nullopt;
  file.pushed = true;
  if (!request->params || !take(*request->params, file)) {
    static_cast<void>(answer(request->id, alink::number(alink::Code::parameter_error)));
    return std::nullopt;
  }
  if (!push_id_.assign(request->id)) push_id_.clear();
  return file;
}

bool ConfigOffers::take(const json::Value& fields, ConfigFile& file) {
  const auto text = [&](std::string_view name) -> std::string_view {
    const auto value = fields.find(name);
    const auto found = value ? value->text() : std::nullopt;
    return found && !found->has_escapes() ? found->raw() : std::string_view{};
  };
  const auto type = text("getType"), method = text("signMethod");
  if (!type.empty() && type != "file") return false;
  if (method != "Sha256" && method != "SHA256") return false;
  const auto size = fields.find("configSize");
  const std::int64_t bytes = size ? size->integer().value_or(0) : 0;
  file.id = text("configId"), file.url = text("url");
  if (bytes < 1 || bytes > kMostBytes || file.url.empty()) return false;
  std::array<std::uint8_t, 32> bytes_of_sign{};
  const auto digest = crypto::decode_hex(text("sign"), bytes_of_sign);
  if (!digest || digest->size() != bytes_of_sign.size()) return false;
  digest_ = bytes_of_sign;
  file.size = size_ = static_cast<std::uint32_t>(bytes);
  return true;
}

bool ConfigOffers::verify(Bytes text) const {
  if (size_ == 0 || text.size() != size_) return false;
  return crypto::equals(crypto::hash(crypto::Algorithm::sha256, text).view(), digest_);
}

Result<void> ConfigOffers::answer(std::int32_t code) {
  if (device_ == nullptr || push_id_.empty()) return {};
  const auto sent = answer(push_id_.str(), code);
  if (sent) push_id_.clear();
  return sent;
}

Result<void> ConfigOffers::answer(std::string_view push_id, std::int32_t code) {
  std::array<std::uint8_t, 160> payload_bytes, topic_bytes;
  const auto topic = sibling(push_.str(), kPushReply, topic_bytes);
  if (!topic) return fail(topic.error());
  Writer out{payload_bytes};
  alink::write_device_reply(out, push_id, code);
  if (!out.ok()) return fail(Error::too_large);
  return device_->publish(*topic, out.written(), mqtt::Qos::at_least_once);
}

}  // namespace tercet::device
