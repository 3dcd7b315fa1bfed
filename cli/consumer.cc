#include "cli/consumer.h"

#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/message.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/transport.h>

#include <chrono>
#include <vector>

#include "cli/secure_socket.h"
#include "platform/subscription/consumer_login.h"

namespace tercet::cli {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kPatience{10'000}, kLook{500};
constexpr pn_millis_t kIdle = 120'000;  // Proton announces half of it

std::int64_t steady_now() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
std::string text_of(pn_bytes_t bytes) { return {bytes.start, bytes.size}; }

class Consumer {
 public:
  Consumer(const ConsumeOptions& options, const std::function<void(const ConsumedMessage&)>& take)
      : options_(options), take_(take), message_(pn_message()) {
    pn_connection_driver_init(&driver_, nullptr, nullptr);
  }
  ~Consumer() {
    pn_message_free(message_);
    pn_connection_driver_destroy(&driver_);
  }
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  std::string run(const std::function<bool()>& goes_on) {
    if (std::string problem = connect(); !problem.empty()) return problem;
    begin();
    while (problem_.empty() && !pn_connection_driver_finished(&driver_)) {
      if (!is_closing_ && (is_done() || !goes_on())) {
        is_closing_ = true;
        closing_since_ = steady_now();
        pn_connection_close(driver_.connection);
      }
      if (is_closing_ && steady_now() - closing_since_ > 2'000) break;
      step();
    }
    return is_closing_ ? std::string{} : problem_;
  }

 private:
  bool is_done() const { return options_.count != 0 && taken_ >= options_.count; }

  std::string connect() {
    const std::string where = options_.host + ":" + std::to_string(options_.port);
    auto done = socket_.resolve(options_.host, options_.port, kPatience);
    if (done.ok()) done = socket_.connect(kPatience);
    if (done.ok()) done = socket_.start_tls(options_.host, options_.ca_file, kPatience);
    if (done.ok()) return {};
    const bool is_about_trust = done.failure == SecureSocket::Failure::untrusted && options_.ca_file.empty();
    return where + " cannot be reached over TLS: " + done.detail +
           (is_about_trust ? "; name the platform's CA with --ca" : "");
  }

  void begin() {
    subscription::ConsumerLogin login;
    login.client_id = options_.client_id;
    login.timestamp = std::to_string(
        std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
    login.access_key_id = options_.access_key_id;
    login.group = options_.group;
    const std::string user = options_.client_id + "|authMode=aksign,signMethod=hmacsha1,timestamp=" + login.timestamp +
                             ",authId=" + login.access_key_id + ",iotInstanceId=,consumerGroupId=" + login.group + "|";
    pn_connection_set_user(driver_.connection, user.c_str());
    pn_connection_set_password(driver_.connection,
                               subscription::consumer_password(login, options_.access_key_secret).c_str());
    pn_connection_set_container(driver_.connection, options_.client_id.c_str());
    pn_sasl_t* const sasl = pn_sasl(driver_.transport);
    pn_sasl_set_allow_insecure_mechs(sasl, true);  // PLAIN; TLS is around all of it
    pn_sasl_allowed_mechs(sasl, "PLAIN");
    pn_transport_set_idle_timeout(driver_.transport, kIdle);
    pn_connection_open(driver_.connection);
    pn_session_t* const session = pn_session(driver_.connection);
    pn_session_open(session);
    link_ = pn_receiver(session, "consume");
    pn_link_open(link_);
    pn_link_flow(link_, options_.credit);
  }

  /// Writes what there is, then waits for bytes.
  void step() {
    work();
    while (problem_.empty()) {
      const pn_bytes_t bytes = pn_connection_driver_write_buffer(&driver_);
      if (bytes.size == 0) break;
      const auto written = socket_.write({reinterpret_cast<const std::uint8_t*>(bytes.start), bytes.size}, kPatience);
      if (!written.ok()) return fail("the connection broke: " + written.detail);
      pn_connection_driver_write_done(&driver_, bytes.size);
    }
    if (!problem_.empty() || pn_connection_driver_finished(&driver_)) return;
    input_.clear();
    const auto read = socket_.read(input_, kLook);
    if (read.failure == SecureSocket::Failure::timed_out) {
      pn_transport_tick(driver_.transport, steady_now());
      return;
    }
    if (!read.ok()) {
      pn_connection_driver_read_close(&driver_);
      work();
      return fail("the platform has closed the connection" +
                  (is_open_ ? ": " + read.detail
                            : std::string("; if it does not know the AccessKey or the group, its log says so")));
    }
    pn_transport_tick(driver_.transport, steady_now());
    for (std::size_t at = 0; at < input_.size();) {
      const pn_rwbytes_t room = pn_connection_driver_read_buffer(&driver_);
      const std::size_t size = std::min(room.size, input_.size() - at);
      if (size == 0) {
        work();
        if (pn_connection_driver_read_buffer(&driver_).size == 0) break;
        continue;
      }
      std::copy_n(input_.data() + at, size, room.start);
      pn_connection_driver_read_done(&driver_, size);
      at += size;
      work();
    }
  }

  void fail(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }
  void fail(pn_condition_t* condition, const char* otherwise) {
    const char* const name = pn_condition_is_set(condition) ? pn_condition_get_name(condition) : nullptr;
    const char* const text = pn_condition_is_set(condition) ? pn_condition_get_description(condition) : nullptr;
    std::string problem(name == nullptr ? otherwise : name);
    if (text != nullptr && *text != 0) problem.append(": ").append(text);
    if (pn_sasl_outcome(pn_sasl(driver_.transport)) == PN_SASL_AUTH)
      problem = "the platform refused the login: check AccessKey, secret and group; its log says why";
    fail(problem);
  }

  void work() {
    while (pn_event_t* event = pn_connection_driver_next_event(&driver_)) {
      switch (pn_event_type(event)) {
        case PN_CONNECTION_REMOTE_OPEN:
          is_open_ = true;
          break;
        case PN_CONNECTION_REMOTE_CLOSE:
          if (!is_closing_)
            fail(pn_connection_remote_condition(driver_.connection), "the platform has closed the connection");
          pn_connection_close(driver_.connection);
          break;
        case PN_LINK_REMOTE_CLOSE:
          if (!is_closing_) fail(pn_link_remote_condition(pn_event_link(event)), "the platform refused the receiver");
          break;
        case PN_TRANSPORT_ERROR:
          fail(pn_transport_condition(driver_.transport), "the connection broke");
          break;
        case PN_DELIVERY:
          take(pn_event_delivery(event));
          break;
        default:
          break;
      }
    }
  }

  void take(pn_delivery_t* delivery) {
    if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) return;
    bytes_.resize(pn_delivery_pending(delivery));
    pn_link_recv(link_, bytes_.data(), bytes_.size());
    pn_link_advance(link_);
    if (is_done()) {  // it stays for the next consumer
      pn_delivery_update(delivery, PN_RELEASED);
      pn_delivery_settle(delivery);
      return;
    }
    if (pn_message_decode(message_, bytes_.data(), bytes_.size()) == 0) take_(read());
    pn_delivery_update(delivery, PN_ACCEPTED);
    pn_delivery_settle(delivery);
    ++taken_;
    const int low = options_.credit / 2;
    if (pn_link_credit(link_) <= low) pn_link_flow(link_, options_.credit - pn_link_credit(link_));
  }

  ConsumedMessage read() {
    ConsumedMessage out;
    out.tries = pn_message_get_delivery_count(message_);
    pn_data_t* const body = pn_message_body(message_);
    pn_data_rewind(body);
    if (pn_data_next(body))
      out.body = text_of(pn_data_type(body) == PN_STRING ? pn_data_get_string(body) : pn_data_get_binary(body));
    pn_data_t* const map = pn_message_properties(message_);
    pn_data_rewind(map);
    if (!pn_data_next(map) || pn_data_type(map) != PN_MAP) return out;
    pn_data_enter(map);
    while (pn_data_next(map)) {
      const std::string name = pn_data_type(map) == PN_STRING ? text_of(pn_data_get_string(map)) : std::string{};
      if (!pn_data_next(map)) break;
      if (pn_data_type(map) == PN_STRING) {
        const std::string value = text_of(pn_data_get_string(map));
        if (name == "topic") out.topic = value;
        if (name == "messageId") out.message_id = value;
        if (name == "tag") out.tag = value;
      }
      if (name == "generateTime" && pn_data_type(map) == PN_LONG) out.generate_time = pn_data_get_long(map);
      if (name == "qos" && pn_data_type(map) == PN_INT) out.qos = pn_data_get_int(map);
    }
    return out;
  }

  const ConsumeOptions& options_;
  const std::function<void(const ConsumedMessage&)>& take_;
  SecureSocket socket_;
  pn_connection_driver_t driver_{};
  pn_message_t* message_;
  pn_link_t* link_ = nullptr;
  std::vector<std::uint8_t> input_;
  std::vector<char> bytes_;
  std::string problem_;
  std::uint64_t taken_ = 0;
  std::int64_t closing_since_ = 0;
  bool is_open_ = false, is_closing_ = false;
};

}  // namespace

std::string consume(const ConsumeOptions& options, const std::function<void(const ConsumedMessage&)>& take,
                    const std::function<bool()>& goes_on) {
  return Consumer(options, take).run(goes_on);
}

}  // namespace tercet::cli
