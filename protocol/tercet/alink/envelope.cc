#include "tercet/alink/envelope.h"

#include <charconv>

#include "tercet/json/object_reader.h"

namespace tercet::alink {
namespace {

/// The inside of a string as it stands there; "" for anything else.
std::string_view read_text(const json::Value& value) {
  const std::string_view raw = value.raw();
  return value.is(json::Type::string) ? std::string_view{raw.data() + 1, raw.size() - 2} : std::string_view{};
}

/// What stands in an `id`, without quotes.
std::string_view read_id(const json::Value& value) {
  return value.is(json::Type::number) ? value.raw() : read_text(value);
}

bool read_ack(const json::Value& sys) {
  const auto ack = sys.find("ack");
  return !ack || ack->integer() != 0;
}

/// Official C clients send the string "{}" where an object belongs.
json::Value read_params(const json::Value& value) {
  const auto text = value.text();
  if (!text || text->has_escapes()) return value;
  const auto inner = json::parse(text->raw());
  return inner && (inner->is(json::Type::object) || inner->is(json::Type::array)) ? *inner : value;
}

/// A number, or digits in a string.
std::optional<std::int32_t> read_code(const json::Value& value) {
  const std::string_view digits = value.is(json::Type::string) ? read_text(value) : value.raw();
  std::int32_t code = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return code;
}

}  // namespace

Result<Request> parse_request(std::string_view payload) {
  Request request;
  json::ObjectReader in{payload, json::Grammar::trailing_commas};
  while (in.next()) {
    const json::Text name = in.name();
    if (name == "params") {
      request.params = read_params(in.value());
    } else if (name == "id") {
      request.id = read_id(in.value());
    } else if (name == "version") {
      request.version = read_text(in.value());
    } else if (name == "method") {
      request.method = read_text(in.value());
    } else if (name == "sys") {
      request.wants_reply = read_ack(in.value());
    }
  }
  if (!in.ok()) return fail(Error::malformed);
  return request;
}

Result<Reply> parse_reply(std::string_view payload) {
  Reply reply;
  std::optional<std::int32_t> code;
  json::ObjectReader in{payload, json::Grammar::trailing_commas};
  while (in.next()) {
    const json::Text name = in.name();
    if (name == "code") {
      code = read_code(in.value());
    } else if (name == "id") {
      reply.id = read_id(in.value());
    } else if (name == "message") {
      reply.message = read_text(in.value());
    } else if (name == "method") {
      reply.method = read_text(in.value());
    } else if (name == "data") {
      reply.data = in.value();
    }
  }
  if (!in.ok() || !code) return fail(Error::malformed);
  reply.code = *code;
  return reply;
}

void write_reply(Writer& out, const ReplyFields& fields) {
  out.text("{\"id\":\""), out.text(fields.id);
  out.text("\",\"code\":"), out.decimal(std::int64_t{number(fields.code)});
  out.text(",\"message\":");
  json::Writer{out}.string(fields.message.empty() ? message(fields.code) : fields.message);
  out.text(",\"data\":"), out.text(fields.data);
  if (!fields.method.empty()) {
    out.text(",\"method\":\""), out.text(fields.method);
    out.text("\",\"version\":\""), out.text(fields.version), out.ch('"');
  }
  out.ch('}');
}

void write_device_reply(Writer& out, std::string_view id, std::int32_t code, std::string_view data) {
  out.text("{\"id\":\""), out.text(id);
  out.text("\",\"code\":"), out.decimal(std::int64_t{code});
  out.text(",\"data\":"), out.text(data), out.ch('}');
}

RequestWriter::RequestWriter(Writer& out, std::string_view id, std::string_view method, Ack ack)
    : json_(out), method_(method) {
  json_.begin_object().key("id").raw_string(id).key("version").string("1.0");
  if (ack != Ack::unsaid) json_.key("sys").begin_object().key("ack").number(ack == Ack::yes ? 1 : 0).end_object();
  json_.key("params");
}

void RequestWriter::finish() { json_.key("method").string(method_).end_object(); }

void write_request(Writer& out, std::string_view id, std::string_view method, std::string_view params) {
  RequestWriter request{out, id, method};
  request.params().raw(params);
  request.finish();
}

}  // namespace tercet::alink
