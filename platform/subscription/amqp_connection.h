#pragma once
#include <proton/connection_driver.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "platform/runtime/loop.h"
#include "tercet/auth/cause.h"
#include "tercet/base/bytes.h"

struct pnx_sasl_implementation;

namespace tercet::subscription {

class AmqpConnection;

/// What happens on a connection; on its loop. The connection outlives each call.
class AmqpEvents {
 public:
  /// SASL PLAIN: answer with AmqpConnection::admit() or turn_away(), now or later.
  virtual void on_login(AmqpConnection& connection, std::string_view user_name, std::string_view password) = 0;
  /// A receiver is attached and has room, or has more room than before.
  virtual void on_credit(AmqpConnection& connection) = 0;
  enum class Outcome : std::uint8_t { accepted, released, refused, none };
  /// What the consumer says of a delivery.
  virtual void on_outcome(AmqpConnection& connection, std::uint64_t token, Outcome outcome) = 0;
  /// Something that it asked for is against the rules of this port; it is told so by AMQP.
  virtual void on_refused(AmqpConnection& connection, auth::Cause cause, std::string_view evidence) = 0;
  /// It is gone, for this reason; what it has not answered has been told as `none` before. Do not use it any more.
  virtual void on_gone(AmqpConnection& connection, std::string_view cause) = 0;

 protected:
  ~AmqpEvents() = default;
};

/// Bounds of a connection (cloud-side reference 4.3).
struct AmqpLimits {
  Millis to_log_in{15'000};   ///< from the first byte to the end of SASL
  Millis to_attach{15'000};   ///< from Open to the receiver
  Millis idle_least{30'000};  ///< Open.idle-time-out must lie between these
  Millis idle_most{300'000};
  std::size_t waiting_bytes = std::size_t{1} << 20;  ///< more is not handed to it until the network has taken some
};

/// A consumer's connection: AMQP 1.0 by Qpid Proton over a stream (TLS, as a rule). One receiver, fed by send().
///
///   login -SASL-> admitted -Open-> open -receiver attached-> consuming -close, failure, idle-> gone
///
/// Whatever breaks the session's rules closes it with a condition that says which and what to do.
class AmqpConnection final : runtime::StreamEvents {
 public:
  AmqpConnection(runtime::Loop& loop, std::uint64_t id, std::unique_ptr<runtime::Stream> stream, AmqpEvents& events,
                 const AmqpLimits& limits);
  ~AmqpConnection();
  AmqpConnection(const AmqpConnection&) = delete;
  AmqpConnection& operator=(const AmqpConnection&) = delete;

  std::uint64_t id() const { return id_; }
  const runtime::Address& peer() const { return stream_->peer(); }
  /// The login is right.
  void admit(const std::string& user);
  /// It is not. SASL has no word for why: that is for the log.
  void turn_away(std::string_view cause);
  /// Ends it with a condition such as "amqp:resource-limit-exceeded".
  void close(const char* condition, const std::string& text);
  /// Whether send() may be called: attached, with credit, and the network keeps up.
  bool has_room() const;
  /// Hands one message to the consumer. Its outcome is told once; of a receiver that wants everything settled, at once.
  void send(std::uint64_t token, Bytes message);
  /// Writes what has gathered. After send(), admit() and the like, once per pass.
  void flush();

 private:
  void on_readable() override;
  void on_writable() override;
  void on_deadline();
  void work();
  void handle(pn_event_t* event);
  void on_open();
  void on_link(pn_link_t* link);
  void on_delivery(pn_delivery_t* delivery);
  void give_back_all();
  bool write_out();
  void end(std::string_view cause);
  void refuse(auth::Cause cause, const char* condition, const std::string& text);
  void refuse_link(pn_link_t* link, const char* condition, const char* text);
  void tick();

  // SASL PLAIN, the only mechanism: Proton calls these.
  static const pnx_sasl_implementation& sasl();
  void on_sasl(std::string_view response);
  void on_login();

  runtime::Loop& loop_;
  const std::uint64_t id_;
  std::unique_ptr<runtime::Stream> stream_;
  AmqpEvents& events_;
  const AmqpLimits limits_;
  pn_connection_driver_t driver_{};
  pn_link_t* link_ = nullptr;
  bool is_presettled_ = false;
  enum class State : std::uint8_t { login, admitted, open, consuming, closing, gone } state_ = State::login;
  std::string cause_;  ///< why it is closing
  std::string login_;  ///< SASL's response, until it is looked at
  bool is_working_ = false, has_login_ = false, asked_login_ = false;
  std::uint64_t tags_ = 0;
  runtime::Timer deadline_, tick_;
};

}  // namespace tercet::subscription
