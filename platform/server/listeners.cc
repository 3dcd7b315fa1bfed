#include "platform/server/listeners.h"

namespace tercet::server {
namespace {

runtime::Outcome<broker::SecureStream> secure_stream(const runtime::Pki& pki, const ListenerConfig& listener,
                                                     const runtime::PskSource& psk,
                                                     const runtime::AskForCertificates& ask) {
  const auto wanted = listener.tls_profile == ListenerConfig::TlsProfile::modern ? runtime::TlsProfile::modern
                                                                                 : runtime::TlsProfile::compatible;
  const bool devices = listener.policy == ListenerConfig::Policy::cloud;
  auto opened = runtime::TlsServerContext::open(wanted, pki.identities(wanted), devices ? psk : runtime::PskSource(),
                                                devices ? ask : runtime::AskForCertificates());
  if (!opened) return opened.problem();
  const auto context = std::make_shared<const runtime::TlsServerContext>(std::move(*opened));
  return broker::SecureStream(
      [context](std::unique_ptr<runtime::Stream> plain, Bytes first) -> Result<std::unique_ptr<runtime::Stream>> {
        return context->wrap(std::move(plain), first);
      });
}

broker::PortMode mode_of(ListenerConfig::Transport transport) {
  switch (transport) {
    case ListenerConfig::Transport::tls:
      return broker::PortMode::tls;
    case ListenerConfig::Transport::sniff:
      return broker::PortMode::sniff;
    case ListenerConfig::Transport::plain:
      return broker::PortMode::plain;
  }
  return broker::PortMode::tls;
}

}  // namespace

std::string_view name(ListenerConfig::Transport transport) {
  switch (transport) {
    case ListenerConfig::Transport::tls:
      return "tls";
    case ListenerConfig::Transport::sniff:
      return "sniff";
    case ListenerConfig::Transport::plain:
      return "plain";
  }
  return "";
}

std::string_view name(ListenerConfig::Policy policy) {
  return policy == ListenerConfig::Policy::cloud ? "cloud" : "standard";
}

runtime::Outcome<std::vector<OpenListener>> open_listeners(const Config& config, const runtime::Pki& pki,
                                                           broker::Broker& first, runtime::PskSource psk,
                                                           runtime::AskForCertificates ask) {
  std::vector<OpenListener> open;
  for (const ListenerConfig& wanted : config.listeners) {
    const std::string host = wanted.host == "localhost" ? "127.0.0.1" : wanted.host;
    const auto address = runtime::make_address(host, wanted.port);
    if (!address)
      return runtime::Problem{Error::bad_argument, "listener '" + wanted.name + "': host '" + wanted.host +
                                                       "' is no IP address; write 0.0.0.0 for every interface"};
    auto listener = std::make_shared<broker::ListenerConfig>();
    listener->address = *address;
    listener->policy =
        wanted.policy == ListenerConfig::Policy::cloud ? broker::PolicyKind::cloud : broker::PolicyKind::standard;
    listener->mode = mode_of(wanted.transport);
    listener->allow_plain = wanted.allow_plain;
    listener->anonymous = wanted.anonymous;
    // Handshakes are shared out; a plain connection goes home with its CONNECT and needs no other move.
    listener->spread = wanted.transport != ListenerConfig::Transport::plain;
    if (wanted.transport != ListenerConfig::Transport::plain) {
      auto secure = secure_stream(pki, wanted, psk, ask);
      if (!secure) return secure.problem();
      listener->secure = std::move(*secure);
    }
    const auto bound = first.listen(listener);
    if (!bound)
      return runtime::Problem{Error::io_failed,
                              "listener '" + wanted.name + "' cannot listen on " + address->text() +
                                  ": is another server using the port? Stop it, or give another port in --config"};
    open.push_back({wanted, *bound});
  }
  return open;
}

}  // namespace tercet::server
