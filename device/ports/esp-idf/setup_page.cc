#include "ports/esp-idf/setup_page.h"

#include <sdkconfig.h>

#ifdef CONFIG_TERCET_SETUP_PAGE
#include <esp_http_server.h>
#include <esp_log.h>
#include <esp_random.h>
#include <esp_system.h>
#include <esp_timer.h>
#include <fcntl.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <lwip/sockets.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>

#include "setup/dns_answer.h"
#include "setup/field.h"
#include "setup/form.h"
#include "setup/host.h"
#include "setup/page.h"

namespace tercet::idf {
namespace {

constexpr const char* kTag = "tercet";
constexpr std::array<std::uint8_t, 4> kOwnAddress{192, 168, 4, 1};
constexpr const char *kOwnName = "192.168.4.1", *kOwnUrl = "http://192.168.4.1/";
constexpr std::size_t kMostForm = 1'024;
constexpr std::uint64_t kRestartAfterUs = 1'500'000, kLookEveryUs = 20'000;
constexpr std::int64_t kOpenForUs = 600'000'000, kLookAgainUs = 60'000'000, kUploadUs = 5'000'000;
constexpr std::size_t kTokenDigits = 32;

/// One page, hence one.
struct Page {
  Board* board = nullptr;
  httpd_handle_t server = nullptr;
  esp_timer_handle_t names = nullptr, restart = nullptr;
  int socket = -1;
  std::atomic<bool> ending{false};  ///< a task of its own is closing the page
  std::int64_t look_at_us = 0;      ///< when to ask whether it is still needed
  std::array<char, kTokenDigits> token{};
};
Page page;

bool is_own(const sockaddr_storage& address, std::size_t octets) {
  std::array<std::uint8_t, 4> found{};
  if (address.ss_family == AF_INET) {
    std::memcpy(found.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  }
#if CONFIG_LWIP_IPV6
  else if (address.ss_family == AF_INET6) {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const auto* bytes =
        reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
    if (std::memcmp(bytes, kMapped.data(), kMapped.size()) != 0) return false;
    std::memcpy(found.data(), bytes + kMapped.size(), 4);
  }
#endif
  else {
    return false;
  }
  return std::memcmp(found.data(), kOwnAddress.data(), octets) == 0;
}

/// The server listens on every interface. Whoever comes from another network than the board's own is refused; and lwIP
/// takes packets for any of its addresses on any interface, hence both ends are looked at.
bool is_from_own_network(httpd_req_t* request) {
  const int socket = httpd_req_to_sockfd(request);
  sockaddr_storage here{}, there{};
  socklen_t here_size = sizeof here, there_size = sizeof there;
  return ::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &here_size) == 0 &&
         ::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &there_size) == 0 && is_own(here, 4) &&
         is_own(there, 3);
}

/// Under a name of another site (DNS rebinding) nobody gets the page, nor may send the form.
setup::Host host_of(httpd_req_t* request) {
  char name[64];
  const bool whole = httpd_req_get_hdr_value_str(request, "Host", name, sizeof name) == ESP_OK;
  return setup::host_of(whole ? name : "", kOwnName);
}

esp_err_t refuse(httpd_req_t* request) {
  httpd_resp_set_status(request, "403 Forbidden");
  httpd_resp_set_type(request, "text/plain");
  return httpd_resp_send(request, kOwnUrl, HTTPD_RESP_USE_STRLEN);
}

/// Where telephones look whether they are online: they open the page for their owner.
esp_err_t lead_here(httpd_req_t* request) {
  httpd_resp_set_status(request, "302 Found");
  httpd_resp_set_hdr(request, "Location", kOwnUrl);
  return httpd_resp_send(request, nullptr, 0);
}

/// A form that another page has made does not know it.
void make_token() {
  for (char& digit : page.token) digit = "0123456789abcdef"[esp_random() % 16];
}

bool has_token(std::string_view form) {
  std::array<std::uint8_t, kTokenDigits> buffer{};
  const auto said = setup::form_value(form, "token", buffer);
  return said && *said == std::string_view(page.token.data(), page.token.size());
}

esp_err_t answer(httpd_req_t* request, std::string_view text) {
  httpd_resp_set_type(request, "text/html; charset=utf-8");
  httpd_resp_set_hdr(request, "Cache-Control", "no-store");
  return httpd_resp_send(request, text.data(), static_cast<ssize_t>(text.size()));
}

bool send(httpd_req_t* request, std::string_view part) {
  return httpd_resp_send_chunk(request, part.data(), static_cast<ssize_t>(part.size())) == ESP_OK;
}

esp_err_t show(httpd_req_t* request) {
  const setup::Host host = host_of(request);
  if (!is_from_own_network(request) || host == setup::Host::other) return refuse(request);
  if (host == setup::Host::portal) return lead_here(request);
  constexpr std::string_view kFormEnd = "</form>";
  const std::string_view whole = setup::page();
  const std::size_t at = whole.find(kFormEnd);
  if (at == std::string_view::npos) return ESP_FAIL;
  httpd_resp_set_type(request, "text/html; charset=utf-8");
  httpd_resp_set_hdr(request, "Cache-Control", "no-store");
  const bool sent = send(request, whole.substr(0, at)) && send(request, "<input type=hidden name=token value=") &&
                    send(request, {page.token.data(), page.token.size()}) && send(request, ">") &&
                    send(request, whole.substr(at));
  return sent ? httpd_resp_send_chunk(request, nullptr, 0) : ESP_FAIL;
}

esp_err_t show_nothing(httpd_req_t* request, httpd_err_code_t) {
  if (!is_from_own_network(request) || host_of(request) == setup::Host::other) return refuse(request);
  return lead_here(request);
}

Result<std::size_t> receive(httpd_req_t* request, MutableBytes into) {
  if (request->content_len > into.size()) return fail(Error::too_large);
  std::size_t size = 0;
  const std::int64_t until = esp_timer_get_time() + kUploadUs;  // all of it, however slowly it drips
  while (size < request->content_len && esp_timer_get_time() < until) {
    const int got = httpd_req_recv(request, reinterpret_cast<char*>(into.data()) + size, request->content_len - size);
    if (got == HTTPD_SOCK_ERR_TIMEOUT) continue;
    if (got <= 0) return fail(Error::closed);
    size += static_cast<std::size_t>(got);
  }
  if (size != request->content_len) return fail(Error::timed_out);
  return size;
}

/// All values are checked before one is stored.
bool store(std::string_view form) {
  std::array<std::uint8_t, 160> buffer{};
  for (const bool storing : {false, true})
    for (const setup::Field& field : setup::fields()) {
      const auto change = setup::change_of(form, field, buffer);
      if (!change) return false;
      if (!*change) continue;
      const std::string_view value = **change;
      if (!storing && !setup::check(field.key, value)) return false;
      if (storing && !page.board->provisioning().set_text(field.key, value)) return false;
    }
  return true;
}

esp_err_t save(httpd_req_t* request) {
  if (!is_from_own_network(request) || host_of(request) != setup::Host::own) return refuse(request);
  static std::array<std::uint8_t, kMostForm> form;  // the server has one task
  const auto size = receive(request, form);
  const std::string_view text = size ? as_text(Bytes{form}.first(*size)) : std::string_view{};
  const bool stored = has_token(text) && store(text);
  form.fill(0);
  if (!stored) return answer(request, setup::page_refused());
  make_token();  // it was good for once
  ESP_LOGI(kTag, "set up by the page; starting again");
  esp_timer_start_once(page.restart, kRestartAfterUs);  // the answer goes out first
  return answer(request, setup::page_done());
}

void close_names() {
  if (page.socket >= 0) ::close(page.socket);
  page.socket = -1;
}

/// On the timer's task, which alone reads from the socket and therefore closes it.
void answer_names(void*) {
  if (page.ending) {
    close_names();
    esp_timer_stop(page.names);
    return;
  }
  std::array<std::uint8_t, 320> question, reply;
  sockaddr_in from{};
  for (int most = 0; most < 8; ++most) {
    socklen_t size = sizeof from;
    const auto got = ::recvfrom(page.socket, question.data(), 300, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got <= 0) return;
    const auto made = setup::answer_dns(Bytes{question}.first(static_cast<std::size_t>(got)), kOwnAddress, reply);
    if (made) ::sendto(page.socket, reply.data(), *made, 0, reinterpret_cast<const sockaddr*>(&from), size);
  }
}

bool open_names() {
  page.socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (page.socket < 0) return false;
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_port = htons(53);
  own.sin_addr.s_addr = htonl(0xC0A80401);
  const int flags = ::fcntl(page.socket, F_GETFL, 0);
  if (::fcntl(page.socket, F_SETFL, flags | O_NONBLOCK) < 0) return false;
  return ::bind(page.socket, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
}

bool open_server() {
  httpd_config_t config = HTTPD_DEFAULT_CONFIG();
  config.stack_size = 6'144;
  config.max_open_sockets = 3;
  config.lru_purge_enable = true;
  config.recv_wait_timeout = 2;
  if (httpd_start(&page.server, &config) != ESP_OK) return false;
  httpd_uri_t get{}, post{};
  get.uri = post.uri = "/";
  get.method = HTTP_GET;
  get.handler = show;
  post.method = HTTP_POST;
  post.handler = save;
  return httpd_register_uri_handler(page.server, &get) == ESP_OK &&
         httpd_register_uri_handler(page.server, &post) == ESP_OK &&
         httpd_register_err_handler(page.server, HTTPD_404_NOT_FOUND, show_nothing) == ESP_OK;
}

bool make_timers() {
  esp_timer_create_args_t names{}, restart{};
  names.callback = answer_names;
  names.name = "tercet names";
  restart.callback = [](void*) { esp_restart(); };
  restart.name = "tercet restart";
  return (page.names != nullptr || esp_timer_create(&names, &page.names) == ESP_OK) &&
         (page.restart != nullptr || esp_timer_create(&restart, &page.restart) == ESP_OK);
}

/// The menu's; or the board's own, made once and kept: whoever reads it off the console may set the board up.
Result<Provisioning::Text> password(Board& board) {
  if (const std::string_view built = CONFIG_TERCET_SETUP_PASSWORD; !built.empty())
    return Provisioning::Text::from(built);
  std::array<std::uint8_t, 8> digits{};
  const auto kept = board.store().get("setup_pass", digits);
  if (!kept || *kept != digits.size()) {
    for (std::uint8_t& digit : digits) digit = static_cast<std::uint8_t>('0' + esp_random() % 10);
    if (const auto stored = board.store().set("setup_pass", digits); !stored) return fail(stored.error());
  }
  return Provisioning::Text::from(as_text(digits));
}

/// Waits for the server's task, which may be within a slow request.
void close_all() {
  page.ending = true;
  while (page.names != nullptr && esp_timer_is_active(page.names)) vTaskDelay(pdMS_TO_TICKS(20) + 1);
  close_names();
  if (page.server != nullptr) httpd_stop(page.server);
  page.server = nullptr;
  close_access_point();
  page.ending = false;
}

void close_and_end(void*) {
  close_all();
  vTaskDelete(nullptr);
}

}  // namespace

bool is_setup_page_open() { return page.ending || page.server != nullptr; }

Result<void> open_setup_page(Board& board) {
  if (page.ending) return fail(Error::would_block);
  page.look_at_us = esp_timer_get_time() + kOpenForUs;
  if (page.server != nullptr) return {};
  page.board = &board;
  make_token();
  const auto word = password(board);
  if (!word) return fail(Error::no_space);
  if (const auto opened = open_access_point(board.network(), word->str()); !opened) return opened;
  if (!make_timers() || !open_server() || !open_names() ||
      esp_timer_start_periodic(page.names, kLookEveryUs) != ESP_OK) {
    close_all();
    return fail(Error::no_space);
  }
  ESP_LOGI(kTag, "set-up: join the Wi-Fi network %.*s, password %.*s, and open %s",
           static_cast<int>(access_point_name().size()), access_point_name().data(),
           static_cast<int>(word->str().size()), word->str().data(), kOwnUrl);
  return {};
}

void run_setup_page() {
  if (page.ending || page.server == nullptr || esp_timer_get_time() < page.look_at_us) return;
  page.look_at_us = esp_timer_get_time() + kLookAgainUs;
  if (!page.board->provisioning().is_complete() || !page.board->provisioning().has("wifi_ssid")) return;
  page.ending = true;
  // Not here: it waits for the server. Without memory for the task it is tried again in a minute.
  if (xTaskCreate(close_and_end, "tercet close", 3'072, nullptr, 1, nullptr) != pdPASS) page.ending = false;
}

}  // namespace tercet::idf
#else
namespace tercet::idf {
Result<void> open_setup_page(Board&) { return fail(Error::unsupported); }
bool is_setup_page_open() { return false; }
void run_setup_page() {}
}  // namespace tercet::idf
#endif
