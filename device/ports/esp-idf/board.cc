#include "ports/esp-idf/board.h"

#include <esp_log.h>
#include <sdkconfig.h>
#include <sys/select.h>

#include <algorithm>
#include <cstdlib>

#include "tercet/base/check.h"

#ifdef CONFIG_TERCET_ENTROPY_WITHOUT_RADIO
#include <bootloader_random.h>
#endif

#ifdef CONFIG_TERCET_TRUST_FILE
extern "C" const char tercet_roots_start[] asm("_binary_tercet_roots_pem_start");
extern "C" const char tercet_roots_end[] asm("_binary_tercet_roots_pem_end");
#endif

namespace tercet::idf {
namespace {

constexpr const char* kTag = "tercet";
constexpr Millis kSlice{100}, kLongest{2'000}, kLookUp{20};
constexpr std::size_t kMostTrustBytes = 4'001;

/// The servers of the menu, "a,b,c".
struct TimeServers {
  std::array<std::string_view, 4> names;
  std::size_t count = 0;
};
TimeServers split(std::string_view list) {
  TimeServers servers;
  while (!list.empty() && servers.count < servers.names.size()) {
    const std::size_t end = std::min(list.find_first_of(", "), list.size());
    if (end != 0) servers.names[servers.count++] = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return servers;
}

/// What select() is to wait for.
struct Awaited {
  Awaited() {
    FD_ZERO(&readable);
    FD_ZERO(&writable);
  }
  void add(int socket, bool read, bool write) {
    if (socket < 0) return;
    if (read) FD_SET(socket, &readable);
    if (write) FD_SET(socket, &writable);
    highest = std::max(highest, socket);
  }
  fd_set readable, writable;
  int highest = -1;
};

}  // namespace

Board::Board() = default;

Result<void> Board::open() {
#ifdef CONFIG_TERCET_ENTROPY_WITHOUT_RADIO
  bootloader_random_enable();  // without a radio the generator has no noise of its own
#endif
  if (const auto network = open_network(network_); !network) return network;
  if (const auto nvs = open_nvs(); !nvs) return nvs;
  flash_ = PartitionFlash::find(CONFIG_TERCET_OUTBOX_PARTITION);
  if (!flash_)
    ESP_LOGW(kTag, "no plain partition '%s' of 8 KB or more: posts wait in RAM only", CONFIG_TERCET_OUTBOX_PARTITION);
  trusted_ = load_trust();
  if (const auto ethernet = start_ethernet_if_built(); !ethernet) return ethernet;
  return trusted_;
}

device::Port Board::port() {
  return {transport_, clock_,  random_, network_,   secrets_,
          &datagram_, &store_, &log_,   &watchdog_, flash_ ? &*flash_ : nullptr};
}

/// What was provisioned comes first, and alone: a platform of one's own needs nobody else's roots.
Result<void> Board::load_trust() {
#ifdef CONFIG_TERCET_TLS_CERTIFICATES
  auto* buffer = static_cast<std::uint8_t*>(std::malloc(kMostTrustBytes));
  if (buffer == nullptr) return fail(Error::no_space);
  Result<void> added;
  const auto text = provisioning_.text("ca", {buffer, kMostTrustBytes});
  if (text) added = transport_.trust().add(*text);
  if (!text && text.error() != Error::not_found) added = fail(text.error());  // there, but unreadable: believe nobody
  std::free(buffer);
  if (!added) {
    ESP_LOGE(kTag, "the provisioned 'ca' holds neither certificates nor pins that can be read");
    return added;
  }
#ifdef CONFIG_TERCET_TRUST_FILE
  if (transport_.trust().is_empty())
    added =
        transport_.trust().add({tercet_roots_start, static_cast<std::size_t>(tercet_roots_end - tercet_roots_start)});
  if (!added) ESP_LOGE(kTag, "the build's root certificates cannot be read");
#endif
  return added;
#else
  return {};
#endif
}

Result<device::Endpoint> Board::endpoint() {
  if (!trusted_) return fail(trusted_.error());
  device::Endpoint endpoint;
#ifdef CONFIG_TERCET_PLAIN_TCP
  endpoint.tls = false;
#endif
  endpoint.port = CONFIG_TERCET_PORT;
  const auto port = provisioning_.port();
  if (port) endpoint.port = *port;
  if (!port && port.error() == Error::malformed) return fail(Error::malformed);
  if (const auto provisioned = provisioning_.text("host"); provisioned && !provisioned->empty()) {
    host_ = *provisioned;
  } else if (const std::string_view built = CONFIG_TERCET_HOST; !built.empty()) {
    if (const auto fits = host_.assign(built); !fits) return fail(Error::bad_argument);
  } else {
    const std::string_view instance = CONFIG_TERCET_INSTANCE, region = CONFIG_TERCET_REGION;
    const auto device = provisioning_.device();
    if (instance.empty() && (region.empty() || !device)) return fail(Error::not_found);
    const auto made =
        instance.empty() ? auth::host_of_product(device->product, region) : auth::host_of_instance(instance);
    if (!made) return fail(Error::not_found);
    host_ = *made;
  }
  endpoint.host = host_.str();
  return endpoint;
}

device::Options Board::options() const {
  static const TimeServers servers = split(CONFIG_TERCET_TIME_SERVERS);
  device::Options options;
  if (servers.count != 0) options.time.servers = std::span(servers.names.data(), servers.count);
#ifdef CONFIG_TERCET_START_FROM_BUILD_TIME
  options.time.start_from_floor = true;
#endif
#ifdef CONFIG_TERCET_SECURITY_PSK
  options.psk = true;
#endif
#ifdef CONFIG_TERCET_PLAIN_TCP
  options.other.tls = false;
#endif
  options.other.host = CONFIG_TERCET_OTHER_HOST;
  options.other.port = CONFIG_TERCET_OTHER_PORT;
  options.keep_alive = Seconds{CONFIG_TERCET_KEEP_ALIVE};
  return options;
}

Result<void> Board::start_ethernet_if_built() {
#ifdef CONFIG_TERCET_NETWORK_ETHERNET
  return start_ethernet(network_);
#else
  return {};
#endif
}

Result<void> Board::join_network() {
#ifdef CONFIG_TERCET_NETWORK_WIFI
  const auto ssid = provisioning_.text("wifi_ssid");
  if (!ssid) return fail(ssid.error());
  auto password = provisioning_.text("wifi_pass");
  const auto started = start_wifi(network_, ssid->str(), password ? password->str() : std::string_view{});
  if (password) password->wipe();
  return started;
#else
  return {};
#endif
}

void Board::add(SocketTransport& other) {
  const auto place = std::find(others_.begin(), others_.end(), nullptr);
  TERCET_CHECK(place != others_.end());
  other.trust().share(transport_.trust());
  *place = &other;
}

void Board::wait(Instant at) {
  const Instant most = clock_.now() + kLongest;
  const Instant until = std::min(at, most);
  for (mailbox_.run(); mailbox_.is_empty();) {
    Awaited sockets;
    bool looking_up = datagram_.is_looking_up(), at_once = false;
    const auto add = [&](const SocketTransport& one) {
      const auto interest = one.interest();
      sockets.add(interest.socket, interest.readable, interest.writable);
      looking_up = looking_up || interest.soon, at_once = at_once || interest.at_once;
    };
    add(transport_);
    for (const SocketTransport* const other : others_)
      if (other != nullptr) add(*other);
    const Millis left = until - clock_.now();
    if (at_once || left <= Millis{0}) return;
    sockets.add(datagram_.socket(), true, false);
    const Millis slice = std::min(left, looking_up ? kLookUp : kSlice);
    timeval timeout{};
    timeout.tv_usec = static_cast<decltype(timeout.tv_usec)>(slice.count() * 1000);
    if (sockets.highest < 0)
      pause(slice);
    else if (::select(sockets.highest + 1, &sockets.readable, &sockets.writable, nullptr, &timeout) != 0)
      return;
    if (looking_up) return;
  }
  mailbox_.run();
}

void Board::pause(Millis longest) {
  vTaskDelay(std::max<TickType_t>(1, pdMS_TO_TICKS(static_cast<std::uint32_t>(longest.count()))));
}

}  // namespace tercet::idf
