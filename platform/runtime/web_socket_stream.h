#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/runtime/stream.h"
#include "platform/runtime/web_socket_frame.h"
#include "platform/runtime/web_socket_handshake.h"

namespace tercet::runtime {

/// A WebSocket as a stream of bytes, over a plain or TLS stream: the server's side of RFC 6455. Frames are taken apart
/// where they are read, so that an idle connection holds no buffer, and messages have no limit of size; what is
/// written goes out in binary frames. Pings are answered here, the newest only when the peer does not read; a close is
/// answered and ends the stream. A peer that breaks the protocol makes it fail.
class WebSocketStream final : public Stream {
 public:
  /// The peer begins with an HTTP request, of which `first` has been read; it is answered here. pages_of_others: see
  /// answer_web_socket().
  static std::unique_ptr<Stream> greet(std::unique_ptr<Stream> inner, Bytes first, bool pages_of_others);
  /// The request has been read and answer() was accepted; `unread` came behind it.
  static std::unique_ptr<Stream> open(std::unique_ptr<Stream> inner, const WebSocketAnswer& answer,
                                      std::string_view unread);

  Io read(MutableBytes into) override;
  Io write(Bytes from) override;
  void shut_down() override;
  const Address& peer() const override { return inner_->peer(); }
  bool is_tls() const override { return inner_->is_tls(); }
  bool is_web_socket() const override { return true; }
  bool wants_write() const override { return inner_->wants_write() || may_send_control(); }
  std::string tls_description() const override { return inner_->tls_description(); }
  std::optional<PeerCertificate> peer_certificate() const override { return inner_->peer_certificate(); }
  StreamFailure failure() const override;
  bool has_buffered() const override;
  Stream& transport() override { return inner_->transport(); }

 private:
  explicit WebSocketStream(std::unique_ptr<Stream> inner) : inner_(std::move(inner)) {}
  enum class Phase : std::uint8_t { greeting, open, closed, failed };
  /// What waits to be sent beside the data, and why it ended. Few connections have it, none while it is idle.
  struct Aside {
    std::string header;   ///< bytes that must leave before anything else
    std::string control;  ///< whole control frames, to be sent between two frames of data
    StreamFailure failure;
  };
  Aside& aside();
  Io read_greeting();
  void answer(std::string_view head);
  std::size_t decode(MutableBytes bytes);
  void on_event(WebSocketReader::Event event);
  void say(WebSocketOpcode opcode, std::string_view payload);
  void say_close(std::uint16_t code);
  bool may_send_control() const;
  Io::State flush_aside();
  Io begin_frame(Bytes from);
  Io go_on(Bytes from);
  void fail_as(StreamFailure::Kind kind, std::string detail);
  Io stopped();

  std::unique_ptr<Stream> inner_;
  std::unique_ptr<std::string> early_;  ///< greeting: the request so far; open: what came behind it
  std::unique_ptr<Aside> aside_;
  WebSocketReader reader_;
  std::uint32_t frame_left_ = 0;  ///< of the payload of the frame that is being sent
  Phase phase_ = Phase::open;
  bool pages_of_others_ = true;
  bool told_ = false;  ///< the end
  bool close_said_ = false;
};

}  // namespace tercet::runtime
