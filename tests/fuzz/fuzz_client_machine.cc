#include <algorithm>
#include <cstdint>
#include <vector>

#include "tercet/base/check.h"
#include "tercet/mqtt/client.h"

/// A script of what an owner, a transport and a server may do to a client, in any order: one byte says what, the next
/// how much, then come the server's bytes. Whatever happens, the client keeps its promises.

namespace {

using namespace tercet;
using namespace tercet::mqtt;

class Script {
 public:
  explicit Script(Bytes bytes) : left_(bytes) {}
  bool done() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const std::uint8_t first = left_[0];
    left_ = left_.subspan(1);
    return first;
  }
  Bytes take(std::size_t count) {
    const Bytes taken = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes left_;
};

/// What an owner knows from events alone.
struct Owner {
  bool open = false;
  bool online = false;
  std::size_t accepted = 0;
  std::size_t delivered = 0;

  void operator()(const OpenTransport&) {
    TERCET_CHECK(!open);
    open = true;
  }
  void operator()(const Online&) {
    TERCET_CHECK(open && !online);
    online = true;
  }
  void operator()(const Offline& event) {
    TERCET_CHECK(open);
    TERCET_CHECK(event.retry_in >= Millis{0} && event.retry_in <= Millis{60'000});
    open = online = false;
  }
  void operator()(const Received& event) {
    TERCET_CHECK(online);
    TERCET_CHECK(is_valid_topic(event.publish.topic));
  }
  void operator()(const Skipped& event) { TERCET_CHECK(online && event.packet_bytes > 64); }
  void operator()(const Delivered& event) {
    TERCET_CHECK(event.packet_id != 0);
    ++delivered;
  }
  void operator()(const Subscribed& event) { TERCET_CHECK(online && !event.filter.empty()); }
  void operator()(const Unsubscribed& event) { TERCET_CHECK(online && !event.filter.empty()); }
};

constexpr std::string_view kFilters[] = {"a", "b/+", "c/#", "#", "bad#"};

struct Scene {
  explicit Scene(std::uint8_t options)
      : client({.version = (options & 1) != 0 ? ProtocolVersion::v5 : ProtocolVersion::v311,
                .clean_start = (options & 2) != 0,
                .keep_alive = Seconds{(options & 4) != 0 ? 30 : 0}},
               {.client_id = "id"}, buffers.storage(), &draw, this) {}
  static std::uint32_t draw(void* scene) { return static_cast<Scene*>(scene)->random += 0x9E3779B9; }

  void settle() {
    for (int events = 0;; ++events) {
      TERCET_CHECK(events < 10'000);
      const auto event = client.next_event(now);
      if (!event) break;
      std::visit(owner, *event);
    }
    TERCET_CHECK(client.next_deadline() > now);
    TERCET_CHECK(owner.accepted - owner.delivered == client.in_flight());
    TERCET_CHECK(!client.is_online() || owner.online);
  }

  void publish(std::uint8_t how) {
    const Qos qos = static_cast<Qos>(how % 3);
    const auto payload = Bytes{zeros}.first(how / 4);
    const auto id =
        client.publish({.topic = "t", .payload = payload, .qos = qos, .retain = (how & 128) != 0, .dup = true});
    if (id && qos != Qos::at_most_once) ++owner.accepted;
    TERCET_CHECK(!id || (*id != 0) == (qos != Qos::at_most_once));
  }

  void step(Script& script) {
    const std::uint8_t what = script.byte();
    const std::uint8_t how = script.byte();
    switch (what % 12) {
      case 0:
        return client.start(now);
      case 1:
        return client.stop(now);
      case 2:
        return client.transport_up(now);
      case 3:
        return client.transport_down(now, Error::io_failed);
      case 4:
      case 5: {
        const Bytes in = script.take(how);
        TERCET_CHECK(client.receive(in, now) <= in.size());
        return;
      }
      case 6:
        return client.sent(std::min<std::size_t>(how, client.outgoing().size()));
      case 7:
        return client.sent(client.outgoing().size());
      case 8:
        return publish(how);
      case 9:
        return (void)client.subscribe(kFilters[how % 5], static_cast<Qos>((how >> 4) % 3));
      case 10:
        return (void)client.unsubscribe(kFilters[how % 5]);
      case 11:
        now =
            how == 255 ? std::max(now, std::min(client.next_deadline(), now + Seconds{3600})) : now + Millis{how * 200};
        return;
    }
  }

  ClientBuffers<64, 96, 80, 3, 3, 2> buffers;
  std::vector<std::uint8_t> zeros = std::vector<std::uint8_t>(64);
  Instant now{Millis{5'000}};
  std::uint32_t random = 1;
  Owner owner;
  Client client;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script{{data, size}};
  Scene scene{script.byte()};
  while (!script.done()) {
    scene.step(script);
    scene.settle();
  }
  return 0;
}
