#include "platform/script/frame.h"

namespace tercet::script {
namespace {

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}
void put_text(std::string& out, std::string_view text) {
  put(out, text.size(), 4);
  out.append(text);
}
std::uint64_t get(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}
std::string with_length(const std::string& body) {
  std::string whole;
  put_text(whole, body);
  return whole;
}

struct Reader {
  std::string_view left;
  bool ok = true;
  std::uint64_t number(std::size_t bytes) {
    if (left.size() < bytes) return ok = false, 0;
    const auto value = get(left.substr(0, bytes));
    left.remove_prefix(bytes);
    return value;
  }
  std::string text() {
    const auto size = number(4);
    if (!ok || left.size() < size) return ok = false, std::string{};
    std::string taken(left.substr(0, size));
    left.remove_prefix(size);
    return taken;
  }
  bool at_end() const { return ok && left.empty(); }
};

}  // namespace

std::string encode(const Request& request) {
  std::string body;
  put(body, static_cast<std::uint64_t>(request.function), 1);
  put_text(body, request.script ? std::string_view(*request.script) : std::string_view{});
  put_text(body, request.topic);
  put_text(body, request.input);
  return with_length(body);
}

std::string encode(const Outcome& outcome) {
  std::string body;
  put(body, static_cast<std::uint32_t>(outcome.code), 4);
  put(body, outcome.micros, 8);
  put(body, outcome.is_cut_off ? 1 : 0, 1);
  put_text(body, outcome.output);
  put_text(body, outcome.detail);
  return with_length(body);
}

std::optional<Request> decode_request(std::string_view frame) {
  Reader reader{frame};
  Request request;
  const auto function = reader.number(1);
  if (function > static_cast<std::uint64_t>(Function::transform)) return std::nullopt;
  request.function = static_cast<Function>(function);
  request.script = std::make_shared<const std::string>(reader.text());
  request.topic = reader.text();
  request.input = reader.text();
  if (!reader.at_end()) return std::nullopt;
  return request;
}

std::optional<Outcome> decode_outcome(std::string_view frame) {
  Reader reader{frame};
  Outcome outcome;
  outcome.code = static_cast<alink::Code>(static_cast<std::int32_t>(reader.number(4)));
  outcome.micros = reader.number(8);
  const auto cut_off = reader.number(1);
  outcome.is_cut_off = cut_off == 1;
  outcome.output = reader.text();
  outcome.detail = reader.text();
  if (!reader.at_end() || cut_off > 1) return std::nullopt;
  return outcome;
}

std::optional<std::size_t> frame_size(std::string_view bytes) {
  if (bytes.size() < 4) return std::nullopt;
  return static_cast<std::size_t>(get(bytes.substr(0, 4)));
}

}  // namespace tercet::script
