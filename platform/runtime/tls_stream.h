#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/runtime/stream.h"
#include "platform/runtime/tls.h"
#include "tercet/base/bytes.h"

struct ssl_st;
struct bio_st;
struct bio_method_st;
struct x509_st;

namespace tercet::runtime {

PeerCertificate facts_of(const x509_st& certificate);

/// TLS over any stream. OpenSSL reads and writes the inner stream directly through a BIO of ours: no buffers between,
/// and none kept while the connection is idle. Made by the contexts of tls.h.
class TlsStream final : public Stream {
 public:
  /// Takes `ssl`, with its role, host and verification set.
  TlsStream(std::unique_ptr<Stream> inner, ssl_st* ssl, Bytes initial);
  /// Before the first read: pre-shared keys of clients are asked for here. `source` outlives the handshake.
  void use_psk(const PskSource& source);
  /// The connecting side, before the first read or write: this pre-shared key.
  void offer_psk(std::string identity, std::string key);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Io read(MutableBytes into) override;
  Io write(Bytes from) override;
  void shut_down() override;
  const Address& peer() const override { return inner_->peer(); }
  bool is_tls() const override { return true; }
  bool wants_write() const override { return write_blocked_; }
  std::string tls_description() const override;
  std::optional<PeerCertificate> peer_certificate() const override;
  StreamFailure failure() const override;
  bool has_buffered() const override;
  Stream& transport() override { return inner_->transport(); }

 private:
  /// Needed only until the handshake is done.
  struct Early {
    std::vector<std::uint8_t> initial;  ///< read before TLS began; given to OpenSSL first
    std::size_t initial_used = 0;
    std::vector<std::uint8_t> outgoing;  ///< written before the handshake was done
  };
  /// A pre-shared key was tried.
  struct Psk {
    const PskSource* source = nullptr;
    PskAnswer::Kind kind = PskAnswer::Kind::known;
    bool asked = false;
    std::string name, identity, key;
  };
  enum class Phase : std::uint8_t { handshake, open, closed, failed };

  static bio_method_st* bio_method();
  static int bio_read(bio_st* bio, char* into, int size);
  static int bio_write(bio_st* bio, const char* from, int size);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);
  int take_inner(MutableBytes into);
  int give_inner(Bytes from);

  static unsigned psk_server(ssl_st* ssl, const char* identity, unsigned char* key, unsigned room);
  static unsigned psk_client(ssl_st* ssl, const char* hint, char* identity, unsigned identity_room, unsigned char* key,
                             unsigned room);
  std::optional<StreamFailure> psk_failure() const;

  bool step_handshake();
  bool flush_pending();
  Io stopped();
  void note_end(int result);
  void fail_as(StreamFailure::Kind kind, std::string detail);
  StreamFailure classify() const;
  std::string offered() const;

  std::unique_ptr<Stream> inner_;
  ssl_st* ssl_;
  std::unique_ptr<Early> early_;
  std::unique_ptr<Psk> psk_;  ///< until the handshake is done
  std::unique_ptr<StreamFailure> failure_;
  std::uint16_t unsent_ = 0;  ///< bytes taken by write() whose record OpenSSL could not send whole
  Phase phase_ = Phase::handshake;
  Io::State inner_state_ = Io::State::more;  ///< what the inner stream said last
  bool read_blocked_ = false;
  bool write_blocked_ = false;
  bool any_byte_ = false;
  std::uint8_t first_byte_ = 0;
};

}  // namespace tercet::runtime
