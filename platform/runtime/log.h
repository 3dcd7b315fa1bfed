#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace tercet::runtime {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };

/// One `key=value` of a line. The text lives as long as the call.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;

  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, bool yes) : key(name), value(yes) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  template <std::signed_integral T>
  LogField(std::string_view name, T number) : key(name), value(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view name, T number)
      : key(name), value(static_cast<std::uint64_t>(number)) {}
};

/// Writes one line to stderr: time in UTC, level, event, fields. Any thread; a line is never torn. Not for what happens
/// per message. A secret is never a field.
///     log(LogLevel::info, "listening", {{"name", "tls"}, {"address", address.text()}});
///     2026-08-01T06:30:00.123Z info listening name=tls address=0.0.0.0:8883
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

/// Lines below this level are not written; `info` to begin with. Any thread.
void set_log_level(LogLevel level);
/// "debug", "info", "warning", "error" or "off". False when it is none of them; nothing is changed.
bool set_log_level(std::string_view name);

/// The event and fields as log() writes them: a value with blanks, quotes or control characters is quoted and escaped,
/// so that what a peer sent can neither forge a line nor hide in one.
std::string log_text(std::string_view event, std::initializer_list<LogField> fields);

}  // namespace tercet::runtime
