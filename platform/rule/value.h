#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/json/reader.h"

namespace tercet::rule {

/// What an expression has come to. Views live in the message or in the Scratch of the evaluation.
struct Value {
  enum class Kind : std::uint8_t {
    missing,  ///< the payload has no such member; unknown in conditions, left out of results
    null,
    boolean,
    number,
    text,  ///< without escapes
    json   ///< an object or an array, as it stands in the payload
  };
  Kind kind = Kind::missing;
  bool boolean = false;
  double number = 0;
  std::string_view text;  ///< of a number: how the payload writes it, if it is from there

  static Value of(bool value) {
    Value made;
    made.kind = Kind::boolean;
    made.boolean = value;
    return made;
  }
  static Value of(double value) {
    Value made;
    made.kind = Kind::number;
    made.number = value;
    return made;
  }
  static Value of(std::string_view text, Kind kind = Kind::text) {
    Value made;
    made.kind = kind;
    made.text = text;
    return made;
  }
  static Value null() {
    Value made;
    made.kind = Kind::null;
    return made;
  }
  bool is(Kind wanted) const { return kind == wanted; }
  bool is_unknown() const { return kind == Kind::missing || kind == Kind::null; }
};

/// Memory for the texts of one evaluation, used again for the next: nothing is allocated once it has grown.
class Scratch {
 public:
  static constexpr std::size_t kChunk = 16 * 1024;
  static constexpr std::size_t kMost = 2 * 1024 * 1024;  ///< bytes of one evaluation

  void clear() {
    chunk_ = used_ = 0;
    total_ = 0;
  }
  /// nullptr: there is no more for this evaluation.
  char* take(std::size_t size);
  /// A copy; {} with ok() false when there is no room.
  std::string_view keep(std::string_view text);
  bool ok() const { return total_ <= kMost; }

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0, used_ = 0, total_ = 0;
};

/// As a member of a result: a number as the payload has it, else as short as can be, whole ones without a fraction.
void append_json(std::string& out, const Value& value);
/// As a parameter of concat and the like, and of `${...}` in actions: texts without quotes.
void append_plain(std::string& out, const Value& value);
/// A number without a fraction when it has none.
void append_number(std::string& out, double number);
void append_json_text(std::string& out, std::string_view text);

/// The value of a piece of the payload.
Value value_of(const json::Value& piece, Scratch& scratch);

/// A number in a text, blanks around it allowed; nothing else.
bool is_number(std::string_view text, double& number);

}  // namespace tercet::rule
