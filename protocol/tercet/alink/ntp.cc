#include "tercet/alink/ntp.h"

#include <optional>

#include "tercet/json/object_reader.h"

namespace tercet::alink {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && text.size() <= 20 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// A number, or digits in a string.
std::optional<std::int64_t> read_millis(const json::Value& value) {
  if (const auto number = value.integer()) return number;
  const auto text = value.text();
  if (!text || !is_digits(text->raw())) return std::nullopt;
  const auto inner = json::parse(text->raw());
  return inner ? inner->integer() : std::nullopt;
}

}  // namespace

Result<NtpRequest> parse_ntp_request(std::string_view payload) {
  NtpRequest request;
  json::ObjectReader in{payload, json::Grammar::trailing_commas};
  while (in.next()) {
    if (!(in.name() == "deviceSendTime")) continue;
    const json::Value value = in.value();
    const auto text = value.text();
    request.as_text = text.has_value();
    request.device_send_time = text ? text->raw() : value.raw();
  }
  if (!in.ok() || !is_digits(request.device_send_time)) return fail(Error::malformed);
  return request;
}

void write_ntp_response(Writer& out, const NtpRequest& request, UnixMillis received, UnixMillis sent) {
  const std::string_view quote = request.as_text ? "\"" : "";
  out.text("{\"deviceSendTime\":"), out.text(quote), out.text(request.device_send_time), out.text(quote);
  out.text(",\"serverRecvTime\":"), out.text(quote), out.decimal(received.ms), out.text(quote);
  out.text(",\"serverSendTime\":"), out.text(quote), out.decimal(sent.ms), out.text(quote);
  out.ch('}');
}

void write_ntp_request(Writer& out, UnixMillis device_send_time) {
  out.text("{\"deviceSendTime\":\""), out.decimal(device_send_time.ms), out.text("\"}");
}

Result<NtpResponse> parse_ntp_response(std::string_view payload) {
  std::optional<std::int64_t> device;
  std::optional<std::int64_t> received;
  std::optional<std::int64_t> sent;
  json::ObjectReader in{payload, json::Grammar::trailing_commas};
  while (in.next()) {
    if (in.name() == "deviceSendTime") device = read_millis(in.value());
    if (in.name() == "serverRecvTime") received = read_millis(in.value());
    if (in.name() == "serverSendTime") sent = read_millis(in.value());
  }
  if (!in.ok() || !device || !received || !sent) return fail(Error::malformed);
  return NtpResponse{UnixMillis{*device}, UnixMillis{*received}, UnixMillis{*sent}};
}

UnixMillis ntp_now(const NtpResponse& response, UnixMillis received) {
  // (serverRecv + serverSend + deviceRecv - deviceSend) / 2, in an order that cannot overflow for any clock.
  const std::int64_t server = response.server_receive_time.ms / 2 + response.server_send_time.ms / 2 +
                              (response.server_receive_time.ms % 2 + response.server_send_time.ms % 2) / 2;
  const auto round_trip = static_cast<std::int64_t>(static_cast<std::uint64_t>(received.ms) -
                                                    static_cast<std::uint64_t>(response.device_send_time.ms));
  return UnixMillis{
      static_cast<std::int64_t>(static_cast<std::uint64_t>(server) + static_cast<std::uint64_t>(round_trip / 2))};
}

}  // namespace tercet::alink
