#include "tercet/device/network_report.h"

#include "tercet/alink/envelope.h"

namespace tercet::device {
namespace {

constexpr std::string_view kPost = "_thing/diag/post", kPostReply = "_thing/diag/post_reply";
constexpr std::string_view kNow = "format=simple|quantity=single|time=now";
constexpr std::string_view kHistory = "format=simple|quantity=batch|time=history";
constexpr std::size_t kMostStates = 100;

/// At least two digits, as the cloud's samples have it.
void two_digits(Writer& out, std::uint16_t value) {
  if (value < 10) out.ch('0');
  out.decimal(std::uint64_t{value});
}

/// {"wifi":{"rssi":-40,"snr":20,"per":1,"err_stats":"10,02,01;10,05,01"},"_time":1524448722000}
void write_state(json::Writer& json, const NetworkState& state) {
  json.begin_object().key("wifi").begin_object();
  json.key("rssi").number(state.rssi).key("snr").number(state.snr).key("per").number(state.per);
  json.key("err_stats").raw("\"");
  Writer& out = json.out();
  for (const NetworkError& error : state.errors) {
    if (&error != state.errors.data()) out.ch(';');
    two_digits(out, error.type), out.ch(',');
    two_digits(out, error.code), out.ch(',');
    two_digits(out, error.count);
  }
  out.ch('"');
  json.end_object();
  if (state.at) json.key("_time").number(state.at->ms);
  json.end_object();
}

}  // namespace

Result<void> NetworkReport::start(Device& device, const DeviceId& id) {
  if (const auto made = topics_.start(device, id); !made) return made;
  return topics_.subscribe(kPostReply, filter_);
}

template <typename Write>
Result<MessageId> NetworkReport::send(std::string_view model, Write&& write_states) {
  if (!topics_.is_online()) return fail(Error::bad_state);
  Writer out{scratch_};
  const MessageId id = topics_.take_id();
  const IdText digits{id};
  alink::RequestWriter request{out, digits.str(), "_thing.diag.post"};
  request.params().begin_object().key("p");
  write_states(request.params());
  request.params().key("model").string(model).end_object();
  request.finish();
  if (!out.ok()) return fail(Error::too_large);
  if (const auto sent = topics_.publish(kPost, out.written()); !sent) return fail(sent.error());
  return id;
}

Result<MessageId> NetworkReport::post(const NetworkState& now) {
  return send(kNow, [&](json::Writer& params) { write_state(params, now); });
}

Result<MessageId> NetworkReport::post_history(std::span<const NetworkState> states) {
  if (states.empty() || states.size() > kMostStates) return fail(Error::bad_argument);
  return send(kHistory, [&](json::Writer& params) {
    params.begin_array();
    for (const NetworkState& state : states) write_state(params, state);
    params.end_array();
  });
}

std::optional<PostReply> NetworkReport::on_message(std::string_view topic, Bytes payload) const {
  if (topics_.tail_of(topic) != kPostReply) return std::nullopt;
  const auto reply = alink::parse_reply(as_text(payload));
  if (!reply) return std::nullopt;
  return PostReply{parse_id(reply->id), 1, reply->code, reply->message, reply->data ? reply->data->raw() : "{}"};
}

}  // namespace tercet::device
