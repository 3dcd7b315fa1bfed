#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/auth/mistake.h"

namespace tercet::auth {

/// The text that a client signs, in pieces, so that each usual mistake is one small change of it.
struct Content {
  struct Field {
    std::string label;
    std::string value;
  };
  std::vector<Field> fields;
  std::string between;  ///< between two fields: nothing, officially
  std::string equals;   ///< between a label and its value: nothing
  std::string tail;     ///< after the last value: nothing
  std::string times;    ///< a multiplication sign that has swallowed "&times" of "&timestamp"

  std::string text() const;
  Field* find(std::string_view label);
};

/// Changes of different parts can be combined; they are applied in this order.
enum class Part : std::uint8_t { id, names, timestamp, fields, order, labels, separator, tail };

struct Change {
  Part part;
  Cause cause;
  bool common = true;  ///< worth trying together with another one
  std::function<void(Content&)> apply;
};

/// A key that the password may have been made with.
struct KeyGuess {
  std::string bytes;
  std::string what;  ///< for the evidence: never the key itself
  std::optional<Cause> cause;
  bool common = true;
};

/// What the login says it is.
struct Subject {
  ClientId id;
  std::string product;
  std::string device;
  std::string user_name;
  std::optional<std::string> timestamp;  ///< that takes part: the password's in the article's dialect
  std::string tail_timestamp;            ///< behind a password that is not quite the article's
  SignMethod method = SignMethod::md5;   ///< declared, or meant by silence
  bool method_declared = false;
  bool article = false;  ///< the password has the article's suffix, so '&' joins the fields
  UnixMillis now;
};

/// What the login should have signed.
Content right_content(const Subject& subject);
/// The usual ways to get that text wrong. Changes that would change nothing are left out.
std::vector<Change> content_changes(const Subject& subject);
/// The secret, and the usual ways to get it wrong, the right one first. Siblings are not among them.
std::vector<KeyGuess> key_guesses(const Known& known, const Subject& subject);

/// What a 32-bit variable makes of a time in milliseconds, printed in the ways it is printed.
std::vector<std::string> overflowed(std::int64_t ms);
/// What is wrong with a timestamp against a clock: overflowed, in seconds, never set, outside the window; or nothing.
std::optional<Cause> clock_fault(std::string_view timestamp, UnixMillis now);

}  // namespace tercet::auth
