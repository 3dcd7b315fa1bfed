#include "tercet/alink/sub_device.h"

namespace tercet::alink {
namespace {

std::string_view text_of(const json::Value& entry, std::string_view name) {
  const auto value = entry.find(name);
  const auto text = value ? value->text() : std::nullopt;
  return text && !text->has_escapes() ? text->raw() : std::string_view{};
}

/// A text, or the digits of a number.
std::optional<std::string_view> scalar_of(const json::Value& entry, std::string_view name) {
  const auto value = entry.find(name);
  if (!value) return std::nullopt;
  if (value->is(json::Type::number)) return value->raw();
  const auto text = value->text();
  return text && !text->has_escapes() ? std::optional(text->raw()) : std::nullopt;
}

/// Written `signmethod` in topo/add, `signMethod` elsewhere.
std::string_view method_in(const json::Value& entry) {
  const std::string_view camel = text_of(entry, "signMethod");
  return camel.empty() ? text_of(entry, "signmethod") : camel;
}

}  // namespace

Result<SubDevice> parse_sub_device(const json::Value& entry, const json::Value* message) {
  SubDevice made;
  made.product = text_of(entry, "productKey");
  made.device = text_of(entry, "deviceName");
  if (made.product.empty() || made.device.empty()) return fail(Error::malformed);
  made.client_id = scalar_of(entry, "clientId");
  made.timestamp = scalar_of(entry, "timestamp");
  made.sign = text_of(entry, "sign");
  made.sign_method = method_in(entry);
  if (made.sign_method.empty() && message != nullptr) made.sign_method = method_in(*message);
  made.random = text_of(entry, "random");
  return made;
}

SubDevices::SubDevices(const json::Value& params) : message_(params) {
  if (params.is(json::Type::array)) {
    entries_.emplace(params);
    count_ = params.size();
    return;
  }
  if (!params.is(json::Type::object)) return;
  for (const std::string_view name : {"deviceList", "proxieds"}) {
    const auto list = params.find(name);
    if (!list) continue;
    if (!list->is(json::Type::array)) return;
    entries_.emplace(*list);
    count_ = list->size();
    return;
  }
  single_ = params;
  count_ = 1;
}

std::optional<Result<SubDevice>> SubDevices::next() {
  if (single_) {
    const json::Value entry = *single_;
    single_.reset();
    return parse_sub_device(entry);
  }
  const auto entry = entries_ ? entries_->next() : std::nullopt;
  if (!entry) return std::nullopt;
  return parse_sub_device(*entry, &message_);
}

void write_sub_device(json::Writer& out, std::string_view product, std::string_view device) {
  out.begin_object().key("deviceName").string(device).key("productKey").string(product).end_object();
}

}  // namespace tercet::alink
