#include "platform/thing/commands.h"

namespace tercet::thing {

SetTicket refused(Error error, std::string detail, alink::Code code) {
  SetTicket ticket;
  ticket.error = error;
  ticket.code = code;
  ticket.detail = std::move(detail);
  return ticket;
}

std::string compact(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  bool in_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_text && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
    if (in_text && c == '\\') {
      out += c;
      out += json[++i];
      continue;
    }
    if (c == '"') in_text = !in_text;
    out += c;
  }
  return out;
}

std::optional<std::uint32_t> message_id_of(std::string_view text) {
  std::uint64_t id = 0;
  if (text.empty() || text.size() > 10) return std::nullopt;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    id = id * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return id <= 0xFFFFFFFF ? std::optional(static_cast<std::uint32_t>(id)) : std::nullopt;
}

}  // namespace tercet::thing
