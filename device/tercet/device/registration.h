#pragma once
#include <optional>
#include <string_view>

#include "tercet/device/client.h"
#include "tercet/device/login_source.h"

/// Dynamic registration (docs/identity.md): a board that holds the ProductSecret gets what is its own alone, keeps it,
/// and from then on logs in with it. Nothing of this is linked into a program that does not use it.
namespace tercet::device {

/// What a registration has put into a key-value store, under the key `identity`: the DeviceSecret, or the client id and
/// the token of a board without pre-registration. Give it to Device as Port::secrets and as Options::login: both cases
/// then log in. The store outlives it.
class RegisteredIdentity final : public SecretStore, public LoginSource {
 public:
  explicit RegisteredIdentity(KeyValueStore& store) : store_(store) {}

  /// Whether this device has registered.
  bool has(const DeviceId& id) const;
  /// Errors: not_found, it has not, or has a token instead; io_failed; malformed.
  Result<DeviceSecret> secret_of(const DeviceId& id) override;
  /// Errors: as secret_of(), and those of auth::make_credentials().
  Result<auth::Credentials> credentials(const DeviceId& id, const auth::LoginOptions& wishes) override;
  /// client_id "" for a DeviceSecret. One write, whole or not at all. Errors: bad_argument, a text is too long; those
  /// of KeyValueStore::set().
  Result<void> keep(const DeviceId& id, std::string_view client_id, std::string_view secret);
  /// The board is to register anew. Errors: io_failed.
  Result<void> forget() { return store_.remove(kKey); }

 private:
  static constexpr std::string_view kKey = "identity";
  struct Kept;
  Result<Kept> read(const DeviceId& id) const;
  KeyValueStore& store_;
};

struct RegistrationOptions {
  bool unlisted = false;                        ///< without pre-registration: the answer is a client id and a token
  std::string_view instance_id = {};            ///< of the cloud's enterprise instances; outlives the registration
  std::optional<auth::SignMethod> method = {};  ///< hmacsha256 when not given
};

/// The way to it: connects over TLS, asks, keeps the answer in port.store, says goodbye. It goes on trying, with the
/// pauses of a Device, until it is told or dropped. Before the Device that uses the answer is started; both may have
/// the same buffers. One task owns it.
///
///   Registration registration{port, buffers.storage()};
///   registration.start(id, {"iot.example.com"}, product_secret);
///   while (!registration.is_done()) registration.run(), wait(registration.next_deadline());
class Registration final : DeviceEvents, LoginSource {
 public:
  /// `watcher` hears of rungs and failed attempts; may be null.
  Registration(const Port& port, const Storage& storage, DeviceEvents* watcher = nullptr);
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  /// product_secret outlives the registration. Errors: bad_argument, no TLS, no product secret, or what Device::start()
  /// says; bad_state, port.store is null.
  Result<void> start(const DeviceId& id, const Endpoint& endpoint, std::string_view product_secret,
                     const RegistrationOptions& options = {});
  void run();
  /// At once when it is done, so that a loop that waits comes to see it.
  Instant next_deadline() const { return is_done() ? Instant{} : device_.next_deadline(); }
  /// The answer is kept and the connection closed.
  bool is_done() const { return is_kept_ && device_.is_stopped(); }
  /// Why the last answer could not be kept: the board asks again, which it may until its first login.
  std::optional<Error> keeping_failed() const { return failed_; }

 private:
  void on_message(std::string_view topic, Bytes payload) override;
  void on_rung(Rung rung, const RungRecord& record, std::string_view detail) override;
  void on_offline(Rung rung, Error error, Millis retry_in) override;
  void on_time(const TimeStep& step) override;
  Result<auth::Credentials> credentials(const DeviceId& id, const auth::LoginOptions& wishes) override;

  Random& random_;
  KeyValueStore* store_;
  DeviceEvents* watcher_;
  Device device_;
  std::optional<DeviceId> id_;
  std::string_view product_secret_;
  RegistrationOptions options_;
  std::optional<Error> failed_;
  bool is_kept_ = false;
  bool is_leaving_ = false;
};

}  // namespace tercet::device
