#pragma once
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/rule/queue.h"

namespace tercet::sink {

/// A record as templates see it: the members of the rule's result first, then what is known of every message:
/// productKey, deviceName, topic, messageId, timestamp (milliseconds), time ("2026-11-23T10:00:00.000Z"), state
/// ("raised", "reminder", "recovered", or empty), rule (its name) and result (all of it). Views the record.
class Message {
 public:
  Message(const rule::Queued& record, std::string_view rule_name);
  const rule::Queued& record() const { return *record_; }
  /// The member at a path, "items.temperature.value" or "a[0].b"; nothing when there is none.
  std::optional<boost::json::value> at(std::string_view path) const;
  /// All that is known of it as a JSON object, for targets that take everything.
  std::string whole() const;

 private:
  const rule::Queued* record_;
  std::string_view rule_name_;
  boost::json::value root_;  ///< null: the result is no JSON
};

/// Text with `${path}` in it.
class Template {
 public:
  /// `problem`: what is wrong with it, when nothing is given.
  static std::optional<Template> parse(std::string_view text, std::string& problem);
  /// Texts and numbers as they are, objects as JSON; what is not there is nothing.
  std::string text(const Message& message) const;
  /// The same as part of a JSON text: what is put in is escaped so that it may stand within quotes.
  std::string json_text(const Message& message) const;
  /// Of a template that is one `${path}`, the value itself, null when there is none; else a text.
  boost::json::value value(const Message& message) const;
  bool is_constant() const;

 private:
  struct Part {
    std::string text;
    bool is_path = false;
  };
  std::string fill(const Message& message, bool escaped) const;
  std::vector<Part> parts_;
};

/// JSON with numbers as people write them (25.5, not 2.55E1).
std::string json_text(const boost::json::value& value);

/// "2026-11-23T10:00:00.000Z".
std::string utc_text(std::int64_t ms);

}  // namespace tercet::sink
