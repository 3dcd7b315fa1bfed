#include "platform/rule/evaluate.h"

#include <algorithm>
#include <cmath>

namespace tercet::rule {
namespace {

using Kind = Value::Kind;

std::optional<double> number_of(const Value& value) {
  if (value.is(Kind::number)) return value.number;
  double number = 0;
  if (value.is(Kind::text) && is_number(value.text, number)) return number;
  return std::nullopt;
}

/// What a value is as a condition: nothing when it is unknown.
std::optional<bool> truth(const Value& value) {
  switch (value.kind) {
    case Kind::boolean:
      return value.boolean;
    case Kind::number:
      return value.number != 0;
    case Kind::text:
      if (value.text == "true") return true;
      if (value.text == "false") return false;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

/// `%` stands for any characters, also none. Linear: after a `%` the earliest match of what follows is the best.
bool is_like(std::string_view text, std::string_view pattern) {
  std::size_t at = 0, in = 0, star = std::string_view::npos, again = 0;
  while (at < text.size()) {
    if (in < pattern.size() && pattern[in] == '%') {
      star = in++;
      again = at;
    } else if (in < pattern.size() && pattern[in] == text[at]) {
      ++in, ++at;
    } else if (star != std::string_view::npos) {
      in = star + 1;
      at = ++again;
    } else {
      return false;
    }
  }
  while (in < pattern.size() && pattern[in] == '%') ++in;
  return in == pattern.size();
}

}  // namespace

std::optional<int> order(const Value& a, const Value& b) {
  if (a.is_unknown() || b.is_unknown()) return std::nullopt;
  if (a.is(Kind::number) || b.is(Kind::number)) {
    const auto x = number_of(a), y = number_of(b);
    if (!x || !y || std::isnan(*x) || std::isnan(*y)) return std::nullopt;
    return *x < *y ? -1 : *x > *y ? 1 : 0;
  }
  if (a.is(Kind::boolean) || b.is(Kind::boolean)) {
    const auto x = truth(a), y = truth(b);
    if (!x || !y) return std::nullopt;
    return static_cast<int>(*x) - static_cast<int>(*y);
  }
  if (a.kind != b.kind) return std::nullopt;
  const int by_bytes = a.text.compare(b.text);
  return by_bytes < 0 ? -1 : by_bytes > 0 ? 1 : 0;
}

Value Evaluator::fail(std::string_view why) {
  if (failure_.empty()) failure_ = why;
  return {};
}

Verdict Evaluator::decide(const Query& query, const Message& message, DeviceMemory* memory, bool* changed) {
  if (!query.has_condition()) return Verdict::met;
  query_ = &query, message_ = &message, memory_ = memory;
  changed_ = false;
  steps_ = 0;
  failure_ = {};
  scratch_.clear();
  const Value result = value(query.condition());
  if (changed != nullptr) *changed = changed_;
  if (!failure_.empty()) return Verdict::failed;
  const auto is_met = truth(result);
  return !is_met ? Verdict::unknown : *is_met ? Verdict::met : Verdict::not_met;
}

bool Evaluator::select(const Query& query, const Message& message, DeviceMemory* memory, std::string& out) {
  out.clear();
  if (query.selects_all()) {
    out = message.payload;
    return true;
  }
  query_ = &query, message_ = &message, memory_ = memory;
  steps_ = 0;
  failure_ = {};
  scratch_.clear();
  if (append_items(query, out) && out.size() > kMaxResult) fail("the result is larger than 256 KB");
  return failure_.empty();
}

Value Evaluator::value(std::uint32_t index) {
  if (++steps_ > kMaxSteps) return fail("more than 10000 steps");
  const Node& node = query_->node(index);
  switch (node.op) {
    case Op::null_value:
      return Value::null();
    case Op::boolean:
      return Value::of(!node.is_negated);
    case Op::number:
      return Value::of(node.number);
    case Op::text:
      return Value::of(query_->text(node));
    case Op::path:
      return path(node);
    case Op::star:
      return message_->root != nullptr ? Value::of(message_->payload, Kind::json) : Value::of(message_->payload);
    case Op::call:
      return call(node);
    case Op::negate: {
      const auto number = number_of(child(node, 0));
      return number ? Value::of(-*number) : Value{};
    }
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide:
    case Op::modulo:
      return arithmetic(node);
    case Op::equal:
    case Op::not_equal:
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal:
      return compare(node);
    case Op::invert: {
      const auto inner = truth(child(node, 0));
      return inner ? Value::of(!*inner) : Value::null();
    }
    case Op::all_of:
    case Op::any_of:
      return logic(node);
    case Op::in:
      return in_list(node);
    case Op::like:
      return like(node);
    case Op::between:
      return between(node);
    case Op::is_null:
      return Value::of(child(node, 0).is_unknown() != node.is_negated);
    case Op::when:
    case Op::when_equal:
      return chosen(node);
  }
  return {};
}

Value Evaluator::path(const Node& node) {
  if (message_->root == nullptr) return {};
  json::Value at = *message_->root;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    const Step& step = query_->step(node, i);
    if (step.index < 0) {
      const auto member = at.find(step.name);
      if (!member) return {};
      at = *member;
      continue;
    }
    if (!at.is(json::Type::array)) return {};
    std::int64_t position = 0;
    bool is_there = false;
    for (const auto& element : at.elements()) {
      if (position++ != step.index) continue;
      at = element;
      is_there = true;
      break;
    }
    if (!is_there) return {};
  }
  if (!node.in_array) return value_of(at, scratch_);
  char* const bytes = scratch_.take(at.raw().size() + 2);
  if (bytes == nullptr) return fail("the payload is too large");
  bytes[0] = '[';
  at.raw().copy(bytes + 1, at.raw().size());
  bytes[at.raw().size() + 1] = ']';
  return Value::of(std::string_view(bytes, at.raw().size() + 2), Kind::json);
}

Value Evaluator::arithmetic(const Node& node) {
  const Value a = child(node, 0), b = child(node, 1);
  const auto x = number_of(a), y = number_of(b);
  if (!x || !y) return {};
  double result = 0;
  switch (node.op) {
    case Op::add:
      result = *x + *y;
      break;
    case Op::subtract:
      result = *x - *y;
      break;
    case Op::multiply:
      result = *x * *y;
      break;
    case Op::divide:
      if (*y == 0) return Value::null();
      result = *x / *y;
      break;
    default:
      if (*y == 0) return Value::null();
      result = std::fmod(*x, *y);
  }
  return std::isfinite(result) ? Value::of(result) : Value::null();
}

Value Evaluator::compare(const Node& node) {
  const Value a = child(node, 0), b = child(node, 1);
  const auto found = order(a, b);
  if (!found) {
    // A number is not equal to a text that is none, but neither is it smaller or larger.
    if (a.is_unknown() || b.is_unknown()) return Value::null();
    if (node.op == Op::equal) return Value::of(false);
    if (node.op == Op::not_equal) return Value::of(true);
    return Value::null();
  }
  switch (node.op) {
    case Op::equal:
      return Value::of(*found == 0);
    case Op::not_equal:
      return Value::of(*found != 0);
    case Op::less:
      return Value::of(*found < 0);
    case Op::less_equal:
      return Value::of(*found <= 0);
    case Op::greater:
      return Value::of(*found > 0);
    default:
      return Value::of(*found >= 0);
  }
}

/// Of three values, as in SQL: false AND unknown is false, true OR unknown is true. What has a memory is always looked
/// at, so that it sees every message.
Value Evaluator::logic(const Node& node) {
  const bool decides = node.op == Op::any_of;
  const auto a = truth(child(node, 0));
  if (a == decides && query_->memories() == 0) return Value::of(decides);
  const auto b = truth(child(node, 1));
  if (a == decides || b == decides) return Value::of(decides);
  if (!a || !b) return Value::null();
  return Value::of(!decides);
}

Value Evaluator::in_list(const Node& node) {
  const Value value = child(node, 0);
  if (value.is_unknown()) return Value::null();
  bool has_null = false;
  for (std::uint32_t i = 1; i < node.count; ++i) {
    const Value one = child(node, i);
    has_null |= one.is_unknown();
    if (order(value, one) == 0) return Value::of(!node.is_negated);
  }
  return has_null ? Value::null() : Value::of(node.is_negated);
}

Value Evaluator::like(const Node& node) {
  const Value value = child(node, 0), pattern = child(node, 1);
  if (value.is_unknown() || pattern.is_unknown()) return Value::null();
  return Value::of(is_like(plain(value), plain(pattern)) != node.is_negated);
}

Value Evaluator::between(const Node& node) {
  const Value value = child(node, 0), low = child(node, 1), high = child(node, 2);
  const auto from = order(value, low), to = order(value, high);
  if ((from && *from < 0) || (to && *to > 0)) return Value::of(node.is_negated);
  if (!from || !to) return Value::null();
  return Value::of(!node.is_negated);
}

Value Evaluator::chosen(const Node& node) {
  std::uint32_t i = 0;
  Value wanted;
  if (node.op == Op::when_equal) wanted = child(node, i++);
  for (; i + 1 < node.count; i += 2) {
    const Value condition = child(node, i);
    const bool is_it = node.op == Op::when_equal ? order(wanted, condition) == 0 : truth(condition).value_or(false);
    if (is_it) return child(node, i + 1);
  }
  return i < node.count ? child(node, i) : Value::null();
}

/// Lives until the evaluation ends.
std::string_view Evaluator::plain(const Value& value) {
  if (value.is(Kind::text) || value.is(Kind::json)) return value.text;
  if (value.is(Kind::number) && !value.text.empty()) return value.text;
  plain_.clear();
  append_plain(plain_, value);
  return scratch_.keep(plain_);
}

// --- results ---

bool Evaluator::append_items(const Query& query, std::string& out) {
  out += '{';
  bool any = false;
  for (const Item& item : query.items()) {
    const Node& node = query.node(item.node);
    if (node.op == Op::star) {
      append_payload_members(query, out, any);
      continue;
    }
    if (item.is_merged) {
      append_flat(node, out, any);
      continue;
    }
    const Value result = value(item.node);
    if (!failure_.empty()) return false;
    if (result.is(Kind::missing)) continue;
    if (any) out += ',';
    any = true;
    append_json_text(out, item.name);
    out += ':';
    append_json(out, result);
  }
  out += '}';
  return failure_.empty();
}

/// `*` beside other items: what has no other item's name.
void Evaluator::append_payload_members(const Query& query, std::string& out, bool& any) {
  if (message_->root == nullptr || !message_->root->is(json::Type::object)) return;
  for (const auto& member : message_->root->members()) {
    const auto has_name = [&](const Item& item) {
      return !item.is_merged && member.name == std::string_view(item.name);
    };
    if (std::any_of(query.items().begin(), query.items().end(), has_name)) continue;
    if (any) out += ',';
    any = true;
    out.append("\"").append(member.name.raw()).append("\":").append(member.value.raw());
  }
}

/// thingPropertyFlatMap: items.{property}.value, members of structs with `_` between their names.
void Evaluator::append_flat(const Node& node, std::string& out, bool& any) {
  if (message_->root == nullptr) return;
  const auto items = message_->root->find("items");
  if (!items) return;
  for (const auto& item : items->members()) {
    bool is_wanted = node.count == 0;
    for (std::uint32_t i = 0; i < node.count && !is_wanted; ++i) is_wanted = item.name == plain(child(node, i));
    const auto posted = item.value.find("value");
    if (!is_wanted || !posted) continue;
    name_ = item.name.raw();
    append_flat_value(out, *posted, any);
  }
}

void Evaluator::append_flat_value(std::string& out, const json::Value& value, bool& any) {
  if (++steps_ > kMaxSteps) {
    fail("more than 10000 steps");
    return;
  }
  if (value.is(json::Type::object)) {
    const std::size_t size = name_.size();
    for (const auto& member : value.members()) {
      name_.append("_").append(member.name.raw());
      append_flat_value(out, member.value, any);
      name_.resize(size);
    }
    return;
  }
  if (any) out += ',';
  any = true;
  out.append("\"").append(name_).append("\":").append(value.raw());
}

}  // namespace tercet::rule
