#include <algorithm>

#include "platform/broker/identity.h"
#include "platform/thing/shard.h"

// Remote configuration (device-protocol 8.4): one file per product, which devices ask for and are told about, and fetch
// over HTTPS by a signed address.
namespace tercet::thing {

using alink::Code;
using auth::Cause;
using Taken = broker::Ingress::Taken;

namespace {

constexpr std::size_t kSlice = 256;       // devices told in one task
constexpr std::size_t kPushesKept = 256;  // whose answers are understood

/// What the member says; `usual` when it is not there.
std::string_view text_of(const std::optional<json::Value>& params, std::string_view name, std::string_view usual) {
  if (!params || !params->is(json::Type::object)) return usual;
  const auto value = params->find(name);
  if (!value) return usual;
  const auto text = value->text();
  return text ? text->raw() : std::string_view{};
}

}  // namespace

struct ThingIngress::Shard::ConfigurationPush {
  std::string product;
  std::string data;
  std::uint32_t id = 0;
  std::vector<std::uint64_t> devices;
  std::size_t next = 0, sent = 0;
  std::function<void(std::size_t)> done;
};

std::string ThingIngress::Shard::configuration_json(std::string_view product,
                                                    const registry::Configuration& configuration) const {
  std::string path = "/files/configuration/";
  path.append(product).append("/").append(configuration.id);
  std::string data = R"({"configId":")" + configuration.id;
  data.append(R"(","configSize":)").append(std::to_string(configuration.bytes));
  data.append(R"(,"sign":")").append(configuration.sha256).append(R"(","signMethod":"Sha256","url":")");
  data.append(files_->link(path, loop_.wall())).append(R"(","getType":"file"})");
  return data;
}

Taken ThingIngress::Shard::on_config_get(const Message& message) {
  const auto request = alink::parse_request(as_text(message.in.payload));
  if (!request) return refuse_unreadable(message);
  if (files_ == nullptr || !files_->is_offered())
    return refuse(message, request->id, Code::config_off, Cause::function_not_offered,
                  "no address to fetch files from: set [files] in the configuration");
  if (const auto scope = text_of(request->params, "configScope", "product"); scope != "product")
    return refuse(message, request->id, Code::bad_config_scope, Cause::function_not_offered,
                  "configScope \"" + std::string(scope.substr(0, 64)) + "\": only \"product\" is offered");
  if (const auto type = text_of(request->params, "getType", "file"); type != "file")
    return refuse(message, request->id, Code::parameter_error, Cause::function_not_offered,
                  "getType \"" + std::string(type.substr(0, 64)) + "\": only \"file\" is offered");
  const auto product = directory_.shared_product(message.product.key);
  if (!product) return refuse(message, request->id, Code::product_not_found, Cause::unknown_product, {});
  // No news, and nobody's mistake: boards ask after each login.
  if (product->configuration.id.empty()) {
    reply_now(message, {.id = request->id, .code = Code::config_no_data, .method = "thing.config.get"});
    return Taken::done;
  }
  const std::string data = configuration_json(product->key, product->configuration);
  reply_now(message, {.id = request->id, .data = data, .method = "thing.config.get"});
  return Taken::done;
}

void ThingIngress::Shard::push_configuration(std::string key, std::function<void(std::size_t)> done) {
  const auto product = directory_.shared_product(key);
  const bool has_file = product && !product->configuration.id.empty() && files_ != nullptr && files_->is_offered();
  if (!has_file) return done(0);
  auto push = std::make_shared<ConfigurationPush>();
  push->data = configuration_json(key, product->configuration);
  for (const auto& device : devices_.ordered())
    if (device->online && device->product->key == key) push->devices.push_back(device->number);
  push->product = std::move(key);
  push->done = std::move(done);
  push->id = next_set_ = next_set_ == 0xFFFFFFFF ? 1 : next_set_ + 1;
  pushed_.emplace_back(push->id, product->configuration.id);
  if (pushed_.size() > kPushesKept) pushed_.pop_front();
  push_slice(push);
}

void ThingIngress::Shard::push_slice(const std::shared_ptr<ConfigurationPush>& push) {
  const std::string id = std::to_string(push->id);
  do {
    const std::size_t end = std::min(push->devices.size(), push->next + kSlice);
    for (; push->next < end; ++push->next) {
      const DeviceState* const device = devices_.find(push->devices[push->next]);
      if (device == nullptr || !device->online) continue;
      topic_.assign("/sys/").append(push->product).append("/").append(device->name).append("/thing/config/push");
      reply_.clear();
      append_written(reply_, push->data.size() + 160,
                     [&](auto& out) { alink::write_request(out, id, "thing.config.push", push->data); });
      if (egress_->send_to(broker::device_key(push->product, device->name), topic_, as_bytes(reply_), 1)) ++push->sent;
    }
    if (push->next == push->devices.size()) return push->done(push->sent);
    // A full queue: the next slice at once, rather than never.
  } while (!loop_.post([this, push] { push_slice(push); }));
}

Taken ThingIngress::Shard::on_config_push_reply(const Message& message) {
  const auto reply = alink::parse_reply(as_text(message.in.payload));
  if (!reply) {
    note(message.device, &message.in, Cause::payload_not_json, alink::number(Code::not_json),
         as_text(message.in.payload));
    return Taken::done;
  }
  const auto pushed = std::find_if(pushed_.rbegin(), pushed_.rend(),
                                   [&](const auto& one) { return reply->id == std::to_string(one.first); });
  if (pushed == pushed_.rend()) {
    note(message.device, &message.in, Cause::reply_unexpected, 0, as_text(message.in.payload));
    return Taken::done;
  }
  if (configured_) configured_({message.device.number, pushed->second, reply->code, loop_.wall()});
  return Taken::done;
}

}  // namespace tercet::thing
