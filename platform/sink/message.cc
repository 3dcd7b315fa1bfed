#include "platform/sink/message.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <ctime>

namespace tercet::sink {

namespace bj = boost::json;

namespace {

bj::string_view view(std::string_view text) { return {text.data(), text.size()}; }

/// Steps into one level: a name, or an index in brackets. False: there is nothing.
const bj::value* step(const bj::value* at, std::string_view& path) {
  if (path.front() == '[') {
    const std::size_t end = path.find(']');
    if (end == std::string_view::npos || !at->is_array()) return nullptr;
    std::size_t index = 0;
    const auto read = std::from_chars(path.data() + 1, path.data() + end, index);
    if (read.ec != std::errc() || read.ptr != path.data() + end) return nullptr;
    path.remove_prefix(end + 1);
    return at->get_array().if_contains(index);
  }
  if (path.front() == '.') path.remove_prefix(1);
  const std::size_t end = std::min(path.find('.'), path.find('['));
  const std::string_view name = path.substr(0, end);
  path.remove_prefix(std::min(end, path.size()));
  if (!at->is_object() || name.empty()) return nullptr;
  return at->get_object().if_contains(view(name));
}

std::string plain(const bj::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_null()) return {};
  return json_text(value);
}

}  // namespace

std::string utc_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const int rest = static_cast<int>(ms % 1000);
  std::string out(text, size);
  out += '.';
  out += static_cast<char>('0' + rest / 100);
  out += static_cast<char>('0' + rest / 10 % 10);
  out += static_cast<char>('0' + rest % 10);
  return out + "Z";
}

Message::Message(const rule::Queued& record, std::string_view rule_name) : record_(&record), rule_name_(rule_name) {
  if (record.is_binary) return;
  boost::system::error_code bad;
  bj::value parsed = bj::parse(view(record.result), bad);
  if (!bad) root_ = std::move(parsed);
}

std::optional<bj::value> Message::at(std::string_view path) const {
  const bj::value* found = root_.is_null() ? nullptr : &root_;
  // A member may have a dot in its name, as a SELECT without AS makes them.
  if (found != nullptr && found->is_object())
    if (const bj::value* whole = found->get_object().if_contains(view(path))) return *whole;
  for (std::string_view rest = path; found != nullptr && !rest.empty();) found = step(found, rest);
  if (found != nullptr && !path.empty()) return *found;
  if (path == "productKey") return bj::value(view(record_->product));
  if (path == "deviceName") return bj::value(view(record_->device_name));
  if (path == "topic") return bj::value(view(record_->topic));
  if (path == "messageId") return bj::value(view(record_->message_id));
  if (path == "timestamp") return bj::value(record_->time);
  if (path == "time") return bj::value(view(utc_text(record_->time)));
  if (path == "state") return bj::value(view(rule::name(record_->alarm)));
  if (path == "rule") return bj::value(view(rule_name_));
  if (path == "result") return root_.is_null() ? bj::value(view(record_->result)) : root_;
  return std::nullopt;
}

std::string Message::whole() const {
  const auto text = [](std::string_view value) { return json_text(bj::value(view(value))); };
  std::string out = "{\"rule\":" + text(rule_name_) + ",\"topic\":" + text(record_->topic) +
                    ",\"productKey\":" + text(record_->product) + ",\"deviceName\":" + text(record_->device_name) +
                    ",\"messageId\":" + text(record_->message_id) + ",\"timestamp\":" + std::to_string(record_->time);
  if (record_->alarm != rule::AlarmState::none) out += ",\"state\":" + text(rule::name(record_->alarm));
  // What the rule has written, as it is, when it is JSON.
  out += ",\"result\":";
  out += root_.is_null() ? text(record_->result) : std::string(record_->result);
  return out + "}";
}

std::string json_text(const bj::value& value) {
  if (value.is_double()) {
    char number[32];
    const auto end = std::to_chars(number, number + sizeof number, value.get_double());
    return std::string(number, end.ptr);
  }
  std::string out;
  if (value.is_object()) {
    for (const auto& member : value.get_object()) {
      out += out.empty() ? '{' : ',';
      out.append(bj::serialize(bj::value(member.key()))).append(":").append(json_text(member.value()));
    }
    return out.empty() ? "{}" : out + "}";
  }
  if (value.is_array()) {
    for (const bj::value& one : value.get_array()) out.append(out.empty() ? "[" : ",").append(json_text(one));
    return out.empty() ? "[]" : out + "]";
  }
  return bj::serialize(value);
}

std::optional<Template> Template::parse(std::string_view text, std::string& problem) {
  Template made;
  while (!text.empty()) {
    const std::size_t start = text.find("${");
    if (start != 0) made.parts_.push_back({std::string(text.substr(0, start)), false});
    if (start == std::string_view::npos) break;
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos || end == start + 2) {
      problem = "after ${ comes a name and }, as in ${temperature}";
      return std::nullopt;
    }
    made.parts_.push_back({std::string(text.substr(start + 2, end - start - 2)), true});
    text.remove_prefix(end + 1);
  }
  return made;
}

std::string Template::fill(const Message& message, bool escaped) const {
  std::string out;
  for (const Part& part : parts_) {
    if (!part.is_path) {
      out += part.text;
      continue;
    }
    const auto value = message.at(part.text);
    if (!value) continue;
    if (!escaped) {
      out += plain(*value);
      continue;
    }
    const std::string quoted = bj::serialize(bj::value(view(plain(*value))));
    out.append(quoted, 1, quoted.size() - 2);
  }
  return out;
}

std::string Template::text(const Message& message) const { return fill(message, false); }
std::string Template::json_text(const Message& message) const { return fill(message, true); }

bj::value Template::value(const Message& message) const {
  if (parts_.size() == 1 && parts_[0].is_path) return message.at(parts_[0].text).value_or(bj::value{});
  return bj::value(view(text(message)));
}

bool Template::is_constant() const {
  for (const Part& part : parts_)
    if (part.is_path) return false;
  return true;
}

}  // namespace tercet::sink
