// An AMQP 1.0 client over TLS for benches, the same for this platform and for others:
//   amqp_client receive HOST PORT CA USER PASSWORD ADDRESS COUNT [CREDIT, 1000]
//   amqp_client send HOST PORT CA USER PASSWORD ADDRESS COUNT BYTES
// Prints one line of JSON: messages, seconds from the first to the last, messages a second. Each message received is
// accepted when it comes; each one sent is counted when it has been accepted. "-" as ADDRESS: none.
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/message.h>
#include <proton/proactor.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/ssl.h>
#include <proton/terminus.h>
#include <proton/transport.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Client {
  bool sends = false;
  std::string address;
  long count = 0, done = 0, sent = 0;
  int credit = 1000;
  std::string body;
  std::vector<char> encoded, buffer;
  pn_link_t* link = nullptr;
  Clock::time_point first, last;
  bool is_over = false;
  int exit_code = 0;

  void note() {
    last = Clock::now();
    if (done++ == 0) first = last;
  }
  void encode() {
    pn_message_t* const message = pn_message();
    pn_message_set_inferred(message, true);
    pn_message_set_durable(message, true);
    pn_data_put_binary(pn_message_body(message), pn_bytes(body.size(), body.data()));
    encoded.resize(body.size() + 256);
    std::size_t size = encoded.size();
    if (pn_message_encode(message, encoded.data(), &size) != 0) std::abort();
    encoded.resize(size);
    pn_message_free(message);
  }
  void send_some() {
    while (sent < count && pn_link_credit(link) > 0) {
      ++sent;
      pn_delivery(link, pn_dtag(reinterpret_cast<const char*>(&sent), sizeof sent));
      pn_link_send(link, encoded.data(), encoded.size());
      pn_link_advance(link);
    }
  }
  void take(pn_delivery_t* delivery) {
    if (sends) {
      if (!pn_delivery_updated(delivery)) return;
      if (pn_delivery_remote_state(delivery) != PN_ACCEPTED) std::fprintf(stderr, "a message was not accepted\n");
      pn_delivery_settle(delivery);
      note();
    } else {
      if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) return;
      buffer.resize(pn_delivery_pending(delivery));
      pn_link_recv(link, buffer.data(), buffer.size());
      pn_link_advance(link);
      pn_delivery_update(delivery, PN_ACCEPTED);
      pn_delivery_settle(delivery);
      note();
      const int left = pn_link_credit(link);
      if (left <= credit / 2) pn_link_flow(link, credit - left);
    }
    if (done >= count) pn_connection_close(pn_session_connection(pn_link_session(link)));
  }
  void handle(pn_event_t* event) {
    switch (pn_event_type(event)) {
      case PN_CONNECTION_INIT: {
        pn_connection_t* const connection = pn_event_connection(event);
        pn_session_t* const session = pn_session(connection);
        pn_connection_open(connection);
        pn_session_open(session);
        link = sends ? pn_sender(session, "bench") : pn_receiver(session, "bench");
        if (address != "-")
          pn_terminus_set_address(sends ? pn_link_target(link) : pn_link_source(link), address.c_str());
        pn_link_open(link);
        if (!sends) pn_link_flow(link, credit);
        break;
      }
      case PN_LINK_FLOW:
        if (sends) send_some();
        break;
      case PN_DELIVERY:
        take(pn_event_delivery(event));
        break;
      case PN_CONNECTION_REMOTE_CLOSE:
      case PN_LINK_REMOTE_CLOSE: {
        pn_condition_t* const why = pn_event_type(event) == PN_LINK_REMOTE_CLOSE
                                        ? pn_link_remote_condition(pn_event_link(event))
                                        : pn_connection_remote_condition(pn_event_connection(event));
        if (pn_condition_is_set(why))
          std::fprintf(stderr, "closed: %s %s\n", pn_condition_get_name(why), pn_condition_get_description(why));
        pn_connection_close(pn_event_connection(event));
        break;
      }
      case PN_TRANSPORT_ERROR: {
        pn_condition_t* const why = pn_transport_condition(pn_event_transport(event));
        std::fprintf(stderr, "%s %s\n", pn_condition_get_name(why), pn_condition_get_description(why));
        exit_code = 1;
        break;
      }
      case PN_PROACTOR_INACTIVE:
        is_over = true;
        break;
      default:
        break;
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 9 || (std::strcmp(argv[1], "send") == 0 && argc < 10)) {
    std::fprintf(stderr, "usage: amqp_client receive|send HOST PORT CA USER PASSWORD ADDRESS COUNT [CREDIT|BYTES]\n");
    return 2;
  }
  Client client;
  client.sends = std::strcmp(argv[1], "send") == 0;
  client.address = argv[7];
  client.count = std::atol(argv[8]);
  if (argc > 9 && client.sends) client.body.assign(static_cast<std::size_t>(std::atol(argv[9])), 'x');
  if (argc > 9 && !client.sends) client.credit = std::atoi(argv[9]);
  if (client.sends) client.encode();

  pn_proactor_t* const proactor = pn_proactor();
  pn_connection_t* const connection = pn_connection();
  pn_transport_t* const transport = pn_transport();
  pn_connection_set_user(connection, argv[5]);
  pn_connection_set_password(connection, argv[6]);
  pn_connection_set_container(connection, "amqp_client");
  pn_connection_set_hostname(connection, argv[2]);
  pn_sasl_allowed_mechs(pn_sasl(transport), "PLAIN");
  pn_transport_set_idle_timeout(transport, 120'000);
  pn_ssl_domain_t* const domain = pn_ssl_domain(PN_SSL_MODE_CLIENT);
  if (pn_ssl_domain_set_trusted_ca_db(domain, argv[4]) != 0) {
    std::fprintf(stderr, "%s cannot be read\n", argv[4]);
    return 2;
  }
  pn_ssl_domain_set_peer_authentication(domain, PN_SSL_VERIFY_PEER, nullptr);
  pn_ssl_init(pn_ssl(transport), domain, nullptr);
  char address[PN_MAX_ADDR];
  pn_proactor_addr(address, sizeof address, argv[2], argv[3]);
  pn_proactor_connect2(proactor, connection, transport, address);
  while (!client.is_over) {
    pn_event_batch_t* const batch = pn_proactor_wait(proactor);
    while (pn_event_t* event = pn_event_batch_next(batch)) client.handle(event);
    pn_proactor_done(proactor, batch);
  }
  pn_ssl_domain_free(domain);
  pn_proactor_free(proactor);
  const double seconds = std::chrono::duration<double>(client.last - client.first).count();
  std::printf("{\"messages\":%ld,\"seconds\":%.3f,\"perSecond\":%.0f}\n", client.done, seconds,
              seconds > 0 ? static_cast<double>(client.done - 1) / seconds : 0.0);
  return client.done >= client.count ? client.exit_code : 1;
}
