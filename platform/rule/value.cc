#include "platform/rule/value.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "tercet/base/writer.h"
#include "tercet/json/number.h"
#include "tercet/json/writer.h"

namespace tercet::rule {

char* Scratch::take(std::size_t size) {
  total_ += size;
  if (total_ > kMost) return nullptr;
  while (chunk_ < chunks_.size()) {
    if (used_ + size <= chunks_[chunk_].size) {
      char* const at = chunks_[chunk_].bytes.get() + used_;
      used_ += size;
      return at;
    }
    ++chunk_;
    used_ = 0;
  }
  const std::size_t chunk = std::max(size, kChunk);
  chunks_.push_back({std::make_unique<char[]>(chunk), chunk});
  used_ = size;
  return chunks_.back().bytes.get();
}

std::string_view Scratch::keep(std::string_view text) {
  if (text.empty()) return {};
  char* const at = take(text.size());
  if (at == nullptr) return {};
  std::memcpy(at, text.data(), text.size());
  return {at, text.size()};
}

void append_number(std::string& out, double number) {
  char buffer[32];
  if (std::isfinite(number) && number == std::floor(number) && std::fabs(number) < 1e15) {
    const auto [end, bad] = std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::int64_t>(number));
    out.append(buffer, end);
    return;
  }
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  out += json::format_real(number, buffer);
}

void append_json_text(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out.resize(start + text.size() * 6 + 2);
  tercet::Writer writer({reinterpret_cast<std::uint8_t*>(out.data()) + start, out.size() - start});
  json::Writer(writer).string(text);
  out.resize(start + writer.size());
}

void append_json(std::string& out, const Value& value) {
  switch (value.kind) {
    case Value::Kind::missing:
    case Value::Kind::null:
      out += "null";
      return;
    case Value::Kind::boolean:
      out += value.boolean ? "true" : "false";
      return;
    case Value::Kind::number:
      if (value.text.empty())
        append_number(out, value.number);
      else
        out += value.text;
      return;
    case Value::Kind::text:
      return append_json_text(out, value.text);
    case Value::Kind::json:
      out += value.text;
  }
}

void append_plain(std::string& out, const Value& value) {
  if (value.is(Value::Kind::text))
    out += value.text;
  else if (!value.is_unknown())
    append_json(out, value);
}

Value value_of(const json::Value& piece, Scratch& scratch) {
  switch (piece.type()) {
    case json::Type::null:
      return Value::null();
    case json::Type::boolean:
      return Value::of(piece.boolean().value_or(false));
    case json::Type::number: {
      Value value = Value::of(piece.real().value_or(0));
      value.text = piece.raw();
      return value;
    }
    case json::Type::string: {
      const json::Text text = piece.text().value_or(json::Text{});
      if (!text.has_escapes()) return Value::of(text.raw());
      char* const at = scratch.take(text.raw().size());
      if (at == nullptr) return {};
      const auto plain = text.unescape({reinterpret_cast<std::uint8_t*>(at), text.raw().size()});
      return plain ? Value::of(*plain) : Value{};
    }
    default:
      return Value::of(piece.raw(), Value::Kind::json);
  }
}

bool is_number(std::string_view text, double& number) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.size() > 64) return false;
  const char last = text.back();
  if (last < '0' || last > '9') return false;  // "inf", "nan", "1."
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
  return bad == std::errc{} && end == text.data() + text.size();
}

}  // namespace tercet::rule
