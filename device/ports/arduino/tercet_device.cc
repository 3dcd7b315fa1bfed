#include <charconv>

#include "Tercet.h"
#include "ports/arduino/board.h"
#include "tercet/auth/host.h"

namespace device = tercet::device;
using tercet::Error;

namespace {

/// Digits of a number, for say().
class Digits {
 public:
  explicit Digits(long long value) : end_(std::to_chars(text_, text_ + sizeof text_, value).ptr) {}
  operator std::string_view() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }

 private:
  char text_[24];
  const char* end_;
};

bool is_placeholder(std::string_view text) {
  return text.empty() || text.starts_with("your") || text.starts_with("YOUR") || text.starts_with("<");
}

}  // namespace

void TercetDevice::host(const char* name, std::uint16_t port) { host_ = name, port_number_ = port; }

bool TercetDevice::fail(const char* problem) {
  problem_ = problem;
  say({"error: ", problem});
  return false;
}

void TercetDevice::say(std::initializer_list<std::string_view> parts) {
  if (out_ == nullptr) return;
  const auto write = [this](std::string_view text) {
    out_->write(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  write("[tercet] ");
  for (const std::string_view part : parts) write(part);
  write("\r\n");
}

bool TercetDevice::begin(const char* product_key, const char* device_name, const char* device_secret) {
  if (is_placeholder(product_key) || is_placeholder(device_name) || is_placeholder(device_secret))
    return fail("secrets.h has not been filled in: ProductKey, DeviceName and DeviceSecret are on the device's page");
  const auto product = tercet::ProductKey::parse(product_key);
  if (!product) return fail("the ProductKey has characters that no ProductKey has: copy it again");
  const auto name = tercet::DeviceName::parse(device_name);
  if (!name) return fail("the DeviceName has characters that no DeviceName has: copy it again");
  if (!tercet::DeviceSecret::parse(device_secret)) return fail("the DeviceSecret is too long: copy it again");
  secrets_.set({*product, *name}, device_secret);
  return start({*product, *name}, &secrets_);
}

bool TercetDevice::begin() {
  if (const auto opened = tercet::arduino::board().open(); !opened)
    return fail("the board's store (NVS) cannot be read: erase the flash once");
  const auto id = tercet::arduino::board().provisioned_device();
  if (!id)
    return fail("this board has no triple yet: write one with `tercet provision`, or use begin(key, name, secret)");
  return start(*id, nullptr);
}

bool TercetDevice::start(const tercet::DeviceId& id, device::SecretStore* secrets) {
  auto& board = tercet::arduino::board();
  if (device_) return fail("begin() was called already");
  if (!board.open()) return fail("the board's store (NVS) cannot be read: erase the flash once");
  if (!board.trust(trust_ == nullptr ? "" : trust_))
    return fail(
        "the root certificate cannot be read: it is cut off, or no PEM text; copy it whole, with its first and last "
        "line");
  device::Endpoint endpoint;
  if (!find_host(id, endpoint)) return false;
  const device::Port parts = board.port();
  port_.emplace(device::Port{parts.transport, parts.clock, parts.random, parts.network,
                             secrets == nullptr ? parts.secrets : *secrets, parts.datagram, parts.store, parts.log,
                             parts.watchdog, parts.flash});
  load_settings();
  device_.emplace(*port_, buffers_.storage(), static_cast<device::DeviceEvents&>(*this));
  if (device_->start(id, endpoint, options_)) return true;
  device_.reset();
  return fail("an option is out of its range");
}

bool TercetDevice::find_host(const tercet::DeviceId& id, device::Endpoint& endpoint) {
  auto& board = tercet::arduino::board();
  endpoint.port = port_number_;
  const bool from_sketch = host_ != nullptr || instance_ != nullptr || region_ != nullptr;
  tercet::Result<tercet::FixedString<128>> name = tercet::fail(Error::not_found);
  if (host_ != nullptr)
    name = tercet::FixedString<128>::from(host_);
  else if (instance_ != nullptr)
    name = tercet::auth::host_of_instance(instance_);
  else if (region_ != nullptr)
    name = tercet::auth::host_of_product(id.product, region_);
  else
    name = board.provisioned_host();
  if (!name || is_placeholder(name->str()))
    return fail(from_sketch ? "the host, instance or region is no host name"
                            : "no platform: call host(), instance() or region() before begin()");
  if (const auto port = board.provisioned_port(); port && !from_sketch) endpoint.port = *port;
  host_name_ = *name;
  endpoint.host = host_name_.str();
  return true;
}

void TercetDevice::loop() {
  if (!device_) return;
  device_->run();
  if (settings_due_ && online()) post_settings();
}

bool TercetDevice::took(const tercet::Result<device::MessageId>& posted) {
  if (posted) return true;
  switch (posted.error()) {
    case Error::no_space:
      return fail("the outbox is full");
    case Error::too_large:
      return fail("the message is too long: post fewer values at once");
    default:
      return fail("the name of an event or property is not one");
  }
}

bool TercetDevice::post(std::initializer_list<TercetValue> values) {
  if (!device_) return fail("begin() has not succeeded");
  if (values.size() > kMostValues) return fail("the message is too long: post fewer values at once");
  std::array<device::PropertyValue, kMostValues> list;
  std::size_t count = 0;
  for (const TercetValue& value : values) list[count++] = value.get();
  return took(device_->post_properties(std::span(list.data(), count)));
}

bool TercetDevice::event(const char* name, std::initializer_list<TercetValue> output) {
  if (!device_) return fail("begin() has not succeeded");
  if (output.size() > kMostValues) return fail("the message is too long: post fewer values at once");
  std::array<device::PropertyValue, kMostValues> list;
  std::size_t count = 0;
  for (const TercetValue& value : output) list[count++] = value.get();
  return took(device_->post_event(name, std::span<const device::PropertyValue>(list.data(), count)));
}

void TercetDevice::on_reply(const device::PostReply& reply) {
  if (reply.code != 200)
    say({"the platform answered ", Digits{reply.code}, " to a post: ", reply.message, " ", reply.data});
  else if (!reply.data.empty() && reply.data != "{}")
    say({"the platform took a post but for: ", reply.data});
}

void TercetDevice::on_rung(device::Rung rung, const device::RungRecord& record, std::string_view detail) {
  if (!record.error) return say({name(rung), ": ok, ", Digits{record.duration.count()}, " ms ", detail});
  const std::string_view error = name(*record.error);
  error_name_[error.copy(error_name_, sizeof error_name_ - 1)] = '\0';
  problem_ = error_name_;
  say({name(rung), ": ", name(*record.error), " ", detail});
  say({explain(rung, *record.error, language_), " ", remedy(rung, *record.error, language_)});
}

void TercetDevice::on_online() {
  problem_ = "";
  say({"online"});
}

void TercetDevice::on_offline(device::Rung, Error, tercet::Millis retry_in) {
  say({"offline; next attempt in ", Digits{retry_in.count()}, " ms"});
}
