#include "platform/rule/function.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace tercet::rule {
namespace {

using F = Function;

constexpr std::array<FunctionSpec, 43> kFunctions{{
    {"abs", F::abs, 1, 1, false, false, false, "abs(number)"},
    {"acos", F::acos, 1, 1, false, false, true, "acos(number)"},
    {"asin", F::asin, 1, 1, false, false, false, "asin(number)"},
    {"atan", F::atan, 1, 1, false, false, true, "atan(number)"},
    {"cos", F::cos, 1, 1, false, false, false, "cos(number)"},
    {"cosh", F::cosh, 1, 1, false, false, false, "cosh(number)"},
    {"sin", F::sin, 1, 1, false, false, false, "sin(number)"},
    {"sinh", F::sinh, 1, 1, false, false, false, "sinh(number)"},
    {"tan", F::tan, 1, 1, false, false, false, "tan(number)"},
    {"tanh", F::tanh, 1, 1, false, false, false, "tanh(number)"},
    {"exp", F::exp, 1, 1, false, false, false, "exp(number)"},
    {"floor", F::floor, 1, 1, false, false, false, "floor(number)"},
    {"power", F::power, 2, 2, false, false, false, "power(base, exponent)"},
    {"mod", F::mod, 2, 2, false, false, false, "mod(number, divisor)"},
    {"rand", F::rand, 0, 0, false, false, false, "rand()"},
    {"log", F::log, 1, 2, false, false, false, "log(number[, base])"},
    {"concat", F::concat, 2, 2, false, false, false, "concat(text, text)"},
    {"lower", F::lower, 1, 1, false, false, false, "lower(text)"},
    {"upper", F::upper, 1, 1, false, false, false, "upper(text)"},
    {"replace", F::replace, 3, 3, false, false, false, "replace(source, what, with)"},
    {"substring", F::substring, 2, 3, false, false, false, "substring(target, start[, end])"},
    {"endswith", F::endswith, 2, 2, false, false, false, "endswith(text, suffix)"},
    {"crypto", F::crypto, 2, 2, false, false, false,
     "crypto(field, 'MD5' | 'SHA1' | 'SHA-256' | 'SHA-384' | 'SHA-512')"},
    {"nanvl", F::nanvl, 2, 2, false, false, false, "nanvl(value, default)"},
    {"newuuid", F::newuuid, 0, 0, false, false, false, "newuuid()"},
    {"messageId", F::message_id, 0, 0, false, false, false, "messageId()"},
    {"deviceName", F::device_name, 0, 0, false, false, false, "deviceName()"},
    {"productKey", F::product_key, 0, 0, false, false, false, "productKey()"},
    {"attribute", F::attribute, 1, 1, false, false, false, "attribute('key')"},
    {"topic", F::topic, 0, 1, false, false, false, "topic([level])"},
    {"payload", F::payload, 0, 1, false, false, false, "payload(['utf-8'])"},
    {"timestamp", F::timestamp, 0, 1, false, false, false, "timestamp(['yyyy-MM-dd HH:mm:ss'])"},
    {"timestamp_utc", F::timestamp_utc, 0, 1, false, false, false, "timestamp_utc(['yyyy-MM-dd HH:mm:ss'])"},
    {"to_base64", F::to_base64, 1, 1, true, false, false, "to_base64(*)"},
    {"to_hex", F::to_hex, 1, 1, true, false, false, "to_hex(*)"},
    {"thingPropertyFlatMap", F::flat_map, 0, 255, false, false, false, "thingPropertyFlatMap(['property', ...])"},
    {"isnull", F::isnull, 1, 1, false, false, true, "isnull(value)"},
    {"duration", F::duration, 2, 2, false, true, true, "DURATION(condition, seconds)"},
    {"hysteresis", F::hysteresis, 3, 3, false, true, true, "HYSTERESIS(value, on, off)"},
    {"window_avg", F::window_avg, 2, 2, false, true, true, "WINDOW_AVG(value, seconds)"},
    {"window_min", F::window_min, 2, 2, false, true, true, "WINDOW_MIN(value, seconds)"},
    {"window_max", F::window_max, 2, 2, false, true, true, "WINDOW_MAX(value, seconds)"},
    {"window_count", F::window_count, 2, 2, false, true, true, "WINDOW_COUNT(value, seconds)"},
}};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

/// Letters to be put in, taken out or changed, without regard to case.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::size_t, 40> row{};
  if (a.size() >= row.size() || b.size() >= row.size()) return row.size();
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<FunctionSpec> find_function(std::string_view name) {
  for (const FunctionSpec& spec : kFunctions)
    if (same(spec.name, name)) return spec;
  return std::nullopt;
}

std::string_view nearest_function(std::string_view name) {
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(2, name.size() / 2);
  for (const FunctionSpec& spec : kFunctions) {
    const std::size_t far = distance(spec.name, name);
    if (far <= least && (far < least || nearest.empty())) {
      least = far;
      nearest = spec.name;
    }
  }
  return nearest;
}

const FunctionSpec& spec_of(Function function) { return kFunctions[static_cast<std::size_t>(function)]; }

}  // namespace tercet::rule
