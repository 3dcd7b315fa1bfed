#include "tercet/device/registration.h"

#include <algorithm>
#include <array>

#include "tercet/alink/registration.h"
#include "tercet/auth/registration.h"
#include "tercet/base/writer.h"

namespace tercet::device {
namespace {

constexpr std::size_t kMostKept = 256;

/// Four texts on lines of their own: ProductKey, DeviceName, client id, secret. None has a line end in it.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void wipe(std::array<std::uint8_t, kMostKept>& bytes) {
  volatile std::uint8_t* at = bytes.data();
  for (std::size_t i = 0; i < bytes.size(); ++i) at[i] = 0;
}

Port without_flash(const Port& port) {
  Port made = port;
  made.flash = nullptr;  // what waits there is for the device's own connection
  return made;
}

}  // namespace

/// One record as read; wiped when it goes.
struct RegisteredIdentity::Kept {
  std::array<std::uint8_t, kMostKept> bytes{};
  std::size_t client_id_at = 0, client_id_size = 0, secret_at = 0, secret_size = 0;
  Kept() = default;
  Kept(const Kept&) = default;
  Kept& operator=(const Kept&) = default;
  ~Kept() { wipe(bytes); }
  std::string_view text() const { return as_text(bytes); }
  std::string_view client_id() const { return text().substr(client_id_at, client_id_size); }
  std::string_view secret() const { return text().substr(secret_at, secret_size); }
};

Result<RegisteredIdentity::Kept> RegisteredIdentity::read(const DeviceId& id) const {
  Kept kept;
  const auto size = store_.get(kKey, kept.bytes);
  if (!size) return fail(size.error() == Error::no_space ? Error::malformed : size.error());
  std::string_view rest = kept.text().substr(0, *size);
  const char* const begin = rest.data();
  const std::string_view product = next_line(rest), device = next_line(rest);
  const std::string_view client_id = next_line(rest), secret = next_line(rest);
  if (product != id.product.str() || device != id.device.str()) return fail(Error::not_found);
  if (secret.empty()) return fail(Error::malformed);
  kept.client_id_at = static_cast<std::size_t>(client_id.data() - begin), kept.client_id_size = client_id.size();
  kept.secret_at = static_cast<std::size_t>(secret.data() - begin), kept.secret_size = secret.size();
  return kept;
}

bool RegisteredIdentity::has(const DeviceId& id) const { return read(id).has_value(); }

Result<DeviceSecret> RegisteredIdentity::secret_of(const DeviceId& id) {
  const auto kept = read(id);
  if (!kept) return fail(kept.error());
  if (!kept->client_id().empty()) return fail(Error::not_found);
  return DeviceSecret::parse(kept->secret());
}

Result<auth::Credentials> RegisteredIdentity::credentials(const DeviceId& id, const auth::LoginOptions& wishes) {
  const auto kept = read(id);
  if (!kept) return fail(kept.error());
  if (!kept->client_id().empty())
    return auth::make_token_login(id, kept->client_id(), kept->secret(),
                                  {wishes.auto_subscribe, wishes.ext, wishes.version});
  const auto secret = DeviceSecret::parse(kept->secret());
  if (!secret) return fail(secret.error());
  return auth::make_credentials({id, *secret}, wishes);
}

Result<void> RegisteredIdentity::keep(const DeviceId& id, std::string_view client_id, std::string_view secret) {
  constexpr std::size_t kMostClientId = 64, kMostSecret = 64;  // as a login takes them
  const auto has_line_end = [](std::string_view text) { return text.find('\n') != text.npos; };
  if (secret.empty() || secret.size() > kMostSecret || client_id.size() > kMostClientId || has_line_end(secret) ||
      has_line_end(client_id))
    return fail(Error::bad_argument);
  std::array<std::uint8_t, kMostKept> bytes;
  Writer out{bytes};
  out.text(id.product.str()), out.ch('\n'), out.text(id.device.str()), out.ch('\n');
  out.text(client_id), out.ch('\n'), out.text(secret), out.ch('\n');
  const auto stored = out.ok() ? store_.set(kKey, as_bytes(out.text())) : fail(Error::bad_argument);
  wipe(bytes);
  return stored;
}

Registration::Registration(const Port& port, const Storage& storage, DeviceEvents* watcher)
    : random_(port.random), store_(port.store), watcher_(watcher), device_(without_flash(port), storage, *this) {}

Result<void> Registration::start(const DeviceId& id, const Endpoint& endpoint, std::string_view product_secret,
                                 const RegistrationOptions& options) {
  if (store_ == nullptr) return fail(Error::bad_state);
  if (!endpoint.tls || product_secret.empty()) return fail(Error::bad_argument);
  id_ = id;
  product_secret_ = product_secret;
  options_ = options;
  is_kept_ = is_leaving_ = false;
  failed_.reset();
  Options session;
  session.login = this;
  session.auto_subscribe = true;  // so that nothing is asked for: the answer comes by itself
  session.clean_session = true;
  session.platform_time = false;
  return device_.start(id, endpoint, session);
}

Result<auth::Credentials> Registration::credentials(const DeviceId& id, const auth::LoginOptions&) {
  std::array<std::uint8_t, 8> random;
  Writer out{random};
  for (std::uint32_t bits = random_.next(), i = 0; i < 8; ++i, bits >>= 4) out.ch("0123456789abcdef"[bits & 15]);
  auth::RegistrationOptions made;
  made.unlisted = options_.unlisted;
  made.instance_id = options_.instance_id;
  made.method = options_.method.value_or(made.method);
  return auth::make_registration(id, product_secret_, out.text(), made);
}

void Registration::on_message(std::string_view topic, Bytes payload) {
  if (is_kept_) return;
  const auto told = alink::parse_registered(topic, payload);
  if (!told || told->product != id_->product.str() || told->device != id_->device.str() ||
      told->is_unlisted() != options_.unlisted)
    return;
  const auto kept = RegisteredIdentity{*store_}.keep(*id_, told->is_unlisted() ? told->client_id : std::string_view{},
                                                     told->is_unlisted() ? told->token : told->secret);
  if (!kept) {
    failed_ = kept.error();  // the server hangs up, and we come again
    return;
  }
  failed_.reset();
  is_kept_ = true;
}

void Registration::run() {
  device_.run();
  if (!is_kept_ || is_leaving_) return;
  is_leaving_ = true;  // not in the handler, which may not
  device_.stop();
}

void Registration::on_rung(Rung rung, const RungRecord& record, std::string_view detail) {
  if (watcher_ != nullptr) watcher_->on_rung(rung, record, detail);
}

void Registration::on_offline(Rung rung, Error error, Millis retry_in) {
  if (watcher_ != nullptr) watcher_->on_offline(rung, error, retry_in);
}

void Registration::on_time(const TimeStep& step) {
  if (watcher_ != nullptr) watcher_->on_time(step);
}

}  // namespace tercet::device
