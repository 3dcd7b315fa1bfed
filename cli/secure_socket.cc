#include "cli/secure_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tercet::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string openssl_words() {
  char text[256] = {};
  const unsigned long code = ERR_peek_last_error();
  if (code == 0) return "the connection was closed";
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

std::string name_of(const X509_NAME* name) {
  char text[256] = {};
  X509_NAME_oneline(name, text, sizeof text);
  return text;
}

std::string day_of(const ASN1_TIME* time) {
  std::tm parts{};
  char text[32] = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "?";
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

std::string description_of(const X509* certificate) {
  if (certificate == nullptr) return "no certificate";
  return "certificate of " + name_of(X509_get_subject_name(certificate)) + ", issued by " +
         name_of(X509_get_issuer_name(certificate)) + ", valid " + day_of(X509_get0_notBefore(certificate)) + " to " +
         day_of(X509_get0_notAfter(certificate));
}

/// The certificate at which the check stopped: gone with the handshake, and what a person needs to see.
int remember_certificate(int believed, X509_STORE_CTX* store) {
  if (believed != 0) return believed;
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (const X509* at = X509_STORE_CTX_get_current_cert(store); ssl != nullptr && at != nullptr)
    *static_cast<std::string*>(SSL_get_ex_data(ssl, 0)) = description_of(at);
  return believed;
}

}  // namespace

SecureSocket::~SecureSocket() {
  ssl_.reset();
  if (socket_ >= 0) ::close(socket_);
}

bool SecureSocket::wait(int file, short events, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd one{file, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

SecureSocket::Step SecureSocket::resolve(const std::string& host, std::uint16_t port,
                                         std::chrono::milliseconds within) {
  const auto until = Clock::now() + within;
  resolver_.begin(host, port, SOCK_STREAM);
  if (!wait(resolver_.event_fd(), POLLIN, until))
    return {Failure::resolver_failed, host + ": no answer in " + std::to_string(within.count()) + " ms"};
  auto found = resolver_.poll();
  if (!found)
    return {resolver_.is_unknown() ? Failure::host_unknown : Failure::resolver_failed, resolver_.error_text()};
  candidates_ = std::move(*found);
  return {};
}

SecureSocket::Step SecureSocket::connect(std::chrono::milliseconds within) {
  Step last{Failure::unreachable, "no address"};
  for (const posix::SocketAddress& candidate : candidates_) {
    if (socket_ >= 0) ::close(socket_);
    socket_ = ::socket(candidate.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) continue;
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    address_ = candidate.text();
    int error = 0;
    if (::connect(socket_, candidate.get(), candidate.size) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        if (!wait(POLLOUT, Clock::now() + within))
          error = ETIMEDOUT;
        else {
          socklen_t size = sizeof error;
          getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
        }
      }
    }
    if (error == 0) return {};
    const Failure failure = error == ECONNREFUSED ? Failure::refused
                            : error == ETIMEDOUT  ? Failure::timed_out
                                                  : Failure::unreachable;
    last = {failure, address_ + ": " + std::strerror(error)};
  }
  return last;
}

SecureSocket::Step SecureSocket::verify_failure(long result) const {
  const std::string words = std::string(X509_verify_cert_error_string(result)) + "; " +
                            (refused_certificate_.empty() ? certificate_description() : refused_certificate_);
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {Failure::expired, words};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Failure::not_yet_valid, words};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {Failure::wrong_host, words};
    default:
      return {Failure::untrusted, words};
  }
}

SecureSocket::Step SecureSocket::start_tls(const std::string& host, const std::string& ca_file,
                                           std::chrono::milliseconds within) {
  ERR_clear_error();
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  if (ca_file.empty())
    SSL_CTX_set_default_verify_paths(context_.get());
  else if (SSL_CTX_load_verify_locations(context_.get(), ca_file.c_str(), nullptr) != 1)
    return {Failure::ca_unreadable, ca_file + ": " + openssl_words()};
  X509_STORE_set_flags(SSL_CTX_get_cert_store(context_.get()), X509_V_FLAG_PARTIAL_CHAIN);  // as the device's trust
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, remember_certificate);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_ex_data(ssl_.get(), 0, &refused_certificate_);
  SSL_set_fd(ssl_.get(), socket_);
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl_.get());
  if (is_address(host))
    X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str());
  else {
    // What SSL_set_tlsext_host_name() stands for, without its C cast.
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), 0);
  }
  const auto until = Clock::now() + within;
  for (;;) {
    const int done = SSL_connect(ssl_.get());
    if (done == 1) return {};
    const int why = SSL_get_error(ssl_.get(), done);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
      if (wait(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until)) continue;
      return {Failure::timed_out, "no answer to the ClientHello"};
    }
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK) return verify_failure(verified);
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
      return {Failure::not_tls, openssl_words()};
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
      return {Failure::reset, "the other end closed the connection during the handshake"};
    if (reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION ||
        reason == SSL_R_UNSUPPORTED_PROTOCOL)
      return {Failure::no_common, openssl_words()};
    return {why == SSL_ERROR_SYSCALL ? Failure::reset : Failure::tls_other, openssl_words()};
  }
}

SecureSocket::Step SecureSocket::write(Bytes bytes, std::chrono::milliseconds within) {
  const auto until = Clock::now() + within;
  while (!bytes.empty()) {
    long taken = 0;
    bool again = false;
    if (ssl_) {
      taken = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (taken <= 0) again = SSL_get_error(ssl_.get(), static_cast<int>(taken)) == SSL_ERROR_WANT_WRITE;
    } else {
      taken = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (taken < 0) again = errno == EAGAIN || errno == EINTR;
    }
    if (taken > 0)
      bytes = bytes.subspan(static_cast<std::size_t>(taken));
    else if (!again)
      return {Failure::reset, "closed while sending"};
    else if (!wait(POLLOUT, until))
      return {Failure::timed_out, "the other end takes no bytes"};
  }
  return {};
}

SecureSocket::Step SecureSocket::read(std::vector<std::uint8_t>& into, std::chrono::milliseconds within) {
  const auto until = Clock::now() + within;
  std::uint8_t buffer[4096];
  for (;;) {
    long got = 0;
    bool again = false;
    if (ssl_) {
      ERR_clear_error();
      got = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (got <= 0) again = SSL_get_error(ssl_.get(), static_cast<int>(got)) == SSL_ERROR_WANT_READ;
    } else {
      got = ::recv(socket_, buffer, sizeof buffer, 0);
      if (got < 0) again = errno == EAGAIN || errno == EINTR;
    }
    if (got > 0) {
      into.insert(into.end(), buffer, buffer + got);
      return {};
    }
    if (!again) return {Failure::reset, "the other end closed the connection"};
    if (!wait(POLLIN, until)) return {Failure::timed_out, "no answer"};
  }
}

std::string SecureSocket::tls_description() const {
  return ssl_ ? std::string(SSL_get_version(ssl_.get())) + " " + SSL_get_cipher_name(ssl_.get()) : "";
}

std::string SecureSocket::certificate_description() const {
  return ssl_ ? description_of(SSL_get0_peer_certificate(ssl_.get())) : "";
}

}  // namespace tercet::cli
