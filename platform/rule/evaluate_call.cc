#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "platform/rule/clock_format.h"
#include "platform/rule/evaluate.h"
#include "tercet/crypto/encoding.h"
#include "tercet/mqtt/topic.h"

// The functions of the rules engine's SQL.
namespace tercet::rule {
namespace {

using Kind = Value::Kind;

constexpr std::int64_t kBeijing = 8 * 3600 * 1000;

std::optional<double> number_of(const Value& value) {
  if (value.is(Kind::number)) return value.number;
  double number = 0;
  if (value.is(Kind::text) && is_number(value.text, number)) return number;
  return std::nullopt;
}

Value finite(double number) { return std::isfinite(number) ? Value::of(number) : Value::null(); }

double apply(Function function, double x) {
  switch (function) {
    case Function::abs:
      return std::fabs(x);
    case Function::acos:
      return std::acos(x);
    case Function::asin:
      return std::asin(x);
    case Function::atan:
      return std::atan(x);
    case Function::cos:
      return std::cos(x);
    case Function::cosh:
      return std::cosh(x);
    case Function::sin:
      return std::sin(x);
    case Function::sinh:
      return std::sinh(x);
    case Function::tan:
      return std::tan(x);
    case Function::tanh:
      return std::tanh(x);
    case Function::exp:
      return std::exp(x);
    case Function::floor:
      return std::floor(x);
    default:
      return x;
  }
}

}  // namespace

Value Evaluator::call(const Node& node) {
  switch (node.function) {
    case Function::abs:
    case Function::acos:
    case Function::asin:
    case Function::atan:
    case Function::cos:
    case Function::cosh:
    case Function::sin:
    case Function::sinh:
    case Function::tan:
    case Function::tanh:
    case Function::exp:
    case Function::floor:
    case Function::power:
    case Function::mod:
    case Function::rand:
    case Function::log:
      return math(node);
    case Function::concat:
    case Function::lower:
    case Function::upper:
    case Function::endswith:
      return text_call(node);
    case Function::replace:
      return replace(node);
    case Function::substring:
      return substring(node);
    case Function::crypto:
      return digest(node);
    case Function::nanvl: {
      const Value value = child(node, 0);
      return value.is_unknown() ? child(node, 1) : value;
    }
    case Function::newuuid:
      return uuid();
    case Function::message_id:
      return Value::of(message_->id);
    case Function::device_name:
      return Value::of(message_->device_name);
    case Function::product_key:
      return Value::of(message_->product);
    case Function::attribute: {
      const Value key = child(node, 0);
      if (key.is_unknown()) return {};
      if (message_->attribute == nullptr) return Value::of(std::string_view{});
      return Value::of(scratch_.keep((*message_->attribute)(plain(key))));
    }
    case Function::topic:
      return topic_level(node);
    case Function::payload:
      return Value::of(message_->payload);
    case Function::timestamp:
      return clock_text(node, kBeijing);
    case Function::timestamp_utc:
      return clock_text(node, 0);
    case Function::to_base64:
    case Function::to_hex:
      return encoded(node);
    case Function::flat_map:
      return {};  // merged into the result, no value of its own
    case Function::isnull:
      return Value::of(child(node, 0).is_unknown());
    case Function::duration:
    case Function::hysteresis:
    case Function::window_avg:
    case Function::window_min:
    case Function::window_max:
    case Function::window_count:
      return remembered(node);
  }
  return {};
}

Value Evaluator::math(const Node& node) {
  if (node.function == Function::rand) return Value::of(static_cast<double>(random_() >> 11) * 0x1.0p-53);
  const auto x = number_of(child(node, 0));
  if (!x) return {};
  if (node.count == 1) return finite(node.function == Function::log ? std::log(*x) : apply(node.function, *x));
  const auto y = number_of(child(node, 1));
  if (!y) return {};
  if (node.function == Function::power) return finite(std::pow(*x, *y));
  if (node.function == Function::log) return finite(std::log(*x) / std::log(*y));
  return *y == 0 ? Value::null() : finite(std::fmod(*x, *y));
}

Value Evaluator::text_call(const Node& node) {
  const Value first = child(node, 0);
  if (first.is_unknown()) return {};
  const std::string_view text = plain(first);
  if (node.function == Function::lower || node.function == Function::upper) {
    char* const at = scratch_.take(text.size());
    if (at == nullptr) return fail("the texts are too long");
    const bool is_upper = node.function == Function::upper;
    std::transform(text.begin(), text.end(), at, [is_upper](char c) {
      if (is_upper) return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return Value::of(std::string_view(at, text.size()));
  }
  const Value second = child(node, 1);
  if (second.is_unknown()) return {};
  const std::string_view other = plain(second);
  if (node.function == Function::endswith) return Value::of(text.ends_with(other));
  char* const at = scratch_.take(text.size() + other.size());
  if (at == nullptr) return fail("the texts are too long");
  text.copy(at, text.size());
  other.copy(at + text.size(), other.size());
  return Value::of(std::string_view(at, text.size() + other.size()));
}

Value Evaluator::replace(const Node& node) {
  const Value source = child(node, 0), what = child(node, 1), with = child(node, 2);
  if (source.is_unknown() || what.is_unknown() || with.is_unknown()) return {};
  const std::string_view text = plain(source), from = plain(what), to = plain(with);
  if (from.empty()) return Value::of(text);
  std::size_t times = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, at + from.size())) ++times;
  const std::size_t size = text.size() - times * from.size() + times * to.size();
  if (size > Scratch::kMost) return fail("the texts are too long");
  char* const out = scratch_.take(size);
  if (out == nullptr) return fail("the texts are too long");
  std::size_t written = 0, last = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, last)) {
    written += text.substr(last, at - last).copy(out + written, std::string_view::npos);
    written += to.copy(out + written, std::string_view::npos);
    last = at + from.size();
  }
  text.substr(last).copy(out + written, std::string_view::npos);
  return Value::of(std::string_view(out, size));
}

/// By characters, not bytes. From the first inclusive to the second exclusive, both from 0; beyond the ends they are
/// cut.
Value Evaluator::substring(const Node& node) {
  const Value target = child(node, 0);
  if (target.is_unknown()) return {};
  if (target.is(Kind::boolean)) return fail("substring of a boolean");
  const auto from = number_of(child(node, 1));
  if (!from) return {};
  double to = 1e9;
  if (node.count == 3) {
    const auto end = number_of(child(node, 2));
    if (!end) return {};
    to = *end;
  }
  const std::string_view text = plain(target);
  const auto clamp = [](double at) { return static_cast<std::size_t>(std::clamp(std::trunc(at), 0.0, 1e9)); };
  const std::size_t first = clamp(*from), last = clamp(to);
  std::size_t characters = 0, begin = text.size(), end = text.size();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;  // within a character
    if (characters == first) begin = at;
    if (characters == last) {
      end = at;
      break;
    }
    ++characters;
  }
  if (last <= first || begin >= end) return Value::of(std::string_view{});
  return Value::of(text.substr(begin, end - begin));
}

Value Evaluator::digest(const Node& node) {
  const Value field = child(node, 0);
  if (field.is_unknown()) return {};
  const std::string_view algorithm = child(node, 1).text;
  const EVP_MD* const md = algorithm == "MD5"                            ? EVP_md5()
                           : algorithm == "SHA1" || algorithm == "SHA-1" ? EVP_sha1()
                           : algorithm == "SHA-256"                      ? EVP_sha256()
                           : algorithm == "SHA-384"                      ? EVP_sha384()
                                                                         : EVP_sha512();
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  const std::string_view text = plain(field);
  if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, md, nullptr) != 1) return fail("no digest");
  char* const out = scratch_.take(size * std::size_t{2});
  if (out == nullptr) return fail("the texts are too long");
  static constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned i = 0; i < size; ++i) {
    out[i * 2] = kDigits[bytes[i] >> 4];
    out[i * 2 + 1] = kDigits[bytes[i] & 15];
  }
  return Value::of(std::string_view(out, size * std::size_t{2}));
}

Value Evaluator::encoded(const Node& node) {
  const Value field = child(node, 0);
  if (field.is_unknown()) return {};
  const std::string_view text = plain(field);
  if (node.function == Function::to_hex) {
    char* const out = scratch_.take(text.size() * 2);
    if (out == nullptr) return fail("the payload is too large");
    static constexpr char kDigits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < text.size(); ++i) {
      out[i * 2] = kDigits[static_cast<unsigned char>(text[i]) >> 4];
      out[i * 2 + 1] = kDigits[static_cast<unsigned char>(text[i]) & 15];
    }
    return Value::of(std::string_view(out, text.size() * 2));
  }
  const std::size_t size = (text.size() + 2) / 3 * 4;
  char* const out = scratch_.take(size + 1);  // EVP_EncodeBlock ends it with a zero
  if (out == nullptr) return fail("the payload is too large");
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out), reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  return Value::of(std::string_view(out, size));
}

Value Evaluator::topic_level(const Node& node) {
  if (node.count == 0) return Value::of(message_->topic);
  const auto wanted = number_of(child(node, 0));
  if (!wanted || *wanted < 1) return {};
  mqtt::Levels levels(message_->topic.substr(message_->topic.starts_with('/') ? 1 : 0));
  double level = 0;
  while (const auto one = levels.next())
    if (++level == std::trunc(*wanted)) return Value::of(*one);
  return {};
}

Value Evaluator::clock_text(const Node& node, std::int64_t ahead) {
  if (node.count == 0) return Value::of(static_cast<double>(message_->time));
  const Value pattern = child(node, 0);
  if (pattern.is_unknown()) return {};
  plain_.clear();
  append_clock(plain_, message_->time, ahead, plain(pattern));
  return Value::of(scratch_.keep(plain_));
}

Value Evaluator::uuid() {
  std::array<std::uint64_t, 2> words{random_(), random_()};
  char text[40];
  const int size =
      std::snprintf(text, sizeof text, "%08x-%04x-4%03x-%04x-%012llx", static_cast<unsigned>(words[0] >> 32),
                    static_cast<unsigned>(words[0] >> 16 & 0xFFFF), static_cast<unsigned>(words[0] & 0xFFF),
                    static_cast<unsigned>((words[1] >> 48 & 0x3FFF) | 0x8000),
                    static_cast<unsigned long long>(words[1] & 0xFFFFFFFFFFFFULL));
  return Value::of(scratch_.keep({text, static_cast<std::size_t>(size)}));
}

// --- what the device sent before ---

Value Evaluator::remembered(const Node& node) {
  if (memory_ == nullptr || node.memory >= memory_->memories.size()) return fail("no memory of the device");
  Memory& memory = memory_->memories[node.memory];
  if (node.function == Function::duration) {
    const Value condition = child(node, 0);
    if (condition.is_unknown()) return Value::null();  // says nothing about it: what was, stays
    const bool holds =
        condition.is(Kind::boolean) ? condition.boolean : condition.is(Kind::number) && condition.number != 0;
    if (!holds) {
      changed_ |= memory.since != 0;
      memory.since = 0;
      return Value::of(false);
    }
    if (memory.since == 0) {
      memory.since = std::max<std::int64_t>(message_->time, 1);
      changed_ = true;
    }
    const double seconds = query_->node(query_->child(node, 1)).number;
    return Value::of(static_cast<double>(message_->time - memory.since) >= seconds * 1000);
  }
  if (node.function == Function::hysteresis) {
    const auto value = number_of(child(node, 0)), on = number_of(child(node, 1)), off = number_of(child(node, 2));
    if (!value || !on || !off) return Value::null();
    const bool is_upper = *on >= *off;  // on above the one, off below the other; or the other way round
    const bool goes_on = is_upper ? *value >= *on : *value <= *on;
    const bool goes_off = is_upper ? *value < *off : *value > *off;
    const bool was_on = memory.is_on;
    memory.is_on = goes_on || (was_on && !goes_off);
    changed_ |= memory.is_on != was_on;
    return Value::of(memory.is_on);
  }
  return windowed(node, memory);
}

Value Evaluator::windowed(const Node& node, Memory& memory) {
  const Value posted = child(node, 0);
  const auto value = number_of(posted);
  const auto length = static_cast<std::int64_t>(query_->node(query_->child(node, 1)).number * 1000);
  if (memory.window.empty()) memory.window.resize(1);
  Window& window = memory.window[0];
  if (value || (node.function == Function::window_count && !posted.is_unknown())) {
    window.add(message_->time, length, value.value_or(0));
    changed_ = true;
  }
  const Window::Sums sums = window.sums(message_->time, length);
  if (node.function == Function::window_count) return Value::of(static_cast<double>(sums.count));
  if (sums.count == 0) return Value::null();
  if (node.function == Function::window_avg) return Value::of(sums.sum / static_cast<double>(sums.count));
  return Value::of(node.function == Function::window_min ? sums.least : sums.most);
}

}  // namespace tercet::rule
