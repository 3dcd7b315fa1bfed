#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/base/one_copy.h"
#include "tercet/base/result.h"

namespace tercet::json {

/// parse() checks a whole document once; what it hands out are views into that text, so the text must outlive them.
/// Every Value is known to be well formed, therefore walking it cannot fail. Nothing is allocated or copied.
class Value;

inline constexpr int kMaxDepth = 32;                 ///< deeper documents are malformed
inline constexpr std::size_t kMaxNumberBytes = 340;  ///< longer numbers are malformed; "%f" of any double fits

enum class Type : std::uint8_t { null, boolean, number, string, array, object };

/// Official C clients send `{"a":1,}` on some topics; `trailing_commas` understands it, `strict` is RFC 8259.
enum class Grammar : std::uint8_t { strict, trailing_commas };

/// Errors: malformed; find_fault() then says where and why.
Result<Value> parse(std::string_view text, Grammar grammar = Grammar::strict);
inline Result<Value> parse(Bytes text, Grammar grammar = Grammar::strict);

/// Where a document is wrong, in words for the person who wrote it.
struct Fault {
  std::size_t offset;       ///< bytes before the first wrong one
  std::string_view reason;  ///< "a name must be in double quotes"; English, stable
};
/// The first fault, or nothing. Costs a parse; called after one has failed.
std::optional<Fault> find_fault(std::string_view text, Grammar grammar = Grammar::strict);

/// The inside of a string as it stands in the document, escapes unresolved.
class Text {
 public:
  Text() = default;
  Text(std::string_view raw, bool escaped) : raw_(raw), escaped_(escaped) {}
  std::string_view raw() const { return raw_; }
  bool has_escapes() const { return escaped_; }
  /// The text itself. Without escapes it is raw() and `buffer` is not touched; otherwise it is written to `buffer`
  /// (never longer than raw()). A lone surrogate becomes U+FFFD. Errors: no_space.
  Result<std::string_view> unescape(MutableBytes buffer) const;
  /// Compares the text itself, escapes resolved.
  TERCET_ONE_COPY friend bool operator==(const Text& a, std::string_view b) {
    return a.escaped_ ? a.equals(b) : a.raw_ == b;
  }
  /// The same for a literal, whose known length makes it a few instructions.
  template <std::size_t N>
  friend bool operator==(const Text& a, const char (&b)[N]) {
#ifdef __OPTIMIZE_SIZE__
    return a.equals({b, N - 1});  // which is the same for a text without escapes
#endif
    if (a.escaped_) return a.equals({b, N - 1});
    return a.raw_.size() == N - 1 && std::memcmp(a.raw_.data(), b, N - 1) == 0;
  }

 private:
  bool equals(std::string_view other) const;
  std::string_view raw_;
  bool escaped_ = false;
};

class Members;
class Elements;

/// One value of a parsed document. Copying it copies two pointers. A default one is `null`.
class Value {
 public:
  Value() = default;
  Type type() const {
    switch (raw_.front()) {
      case '{':
        return Type::object;
      case '[':
        return Type::array;
      case '"':
        return Type::string;
      case 't':
      case 'f':
        return Type::boolean;
      case 'n':
        return Type::null;
      default:
        return Type::number;
    }
  }
  bool is(Type wanted) const { return type() == wanted; }
  /// The value as it stands in the document, without surrounding blanks.
  std::string_view raw() const { return raw_; }

  std::optional<bool> boolean() const;
  /// The number, if it is a whole one that fits, however it is written: 21, 21.0, 2.1e1. Exact or nothing.
  std::optional<std::int64_t> integer() const;
  /// The nearest double (huge ones become infinite); nothing for other types.
  std::optional<double> real() const;
  /// Whether the number is written with neither fraction nor exponent.
  bool is_integer_literal() const;
  /// Nothing for other types.
  std::optional<Text> text() const;

  /// `for (const auto& [name, value] : v.members())`; nothing to walk for other types.
  Members members() const;
  Elements elements() const;
  /// The last member of that name, as JSON.parse would have it.
  std::optional<Value> find(std::string_view name) const;
  std::size_t size() const;  ///< members or elements; 0 for other types

  /// Wraps text that parse() has accepted before. Anything else is our own mistake.
  static Value trusted(std::string_view raw) { return Value(raw); }

 private:
  explicit Value(std::string_view raw) : raw_(raw) {}
  std::string_view raw_ = "null";
};

struct Member {
  Text name;
  Value value;
};

/// The members of an object, in order.
class Members {
 public:
  explicit Members(const Value& object);
  std::optional<Member> next() {
    Member found;
    if (!advance(found)) return std::nullopt;
    return found;
  }

  class iterator {
   public:
    explicit iterator(Members* from) : from_(from) {
      if (from_ != nullptr && !from_->advance(now_)) from_ = nullptr;
    }
    const Member& operator*() const { return now_; }
    iterator& operator++() {
      if (!from_->advance(now_)) from_ = nullptr;
      return *this;
    }
    friend bool operator!=(const iterator& a, const iterator& b) { return a.from_ != b.from_; }

   private:
    Members* from_;
    Member now_;
  };
  iterator begin() { return iterator(this); }
  iterator end() { return iterator(nullptr); }

 private:
  bool advance(Member& out);
  const char* at_;
  const char* end_;
};

/// The elements of an array, in order.
class Elements {
 public:
  explicit Elements(const Value& array);
  std::optional<Value> next() {
    Value found;
    if (!advance(found)) return std::nullopt;
    return found;
  }

  class iterator {
   public:
    explicit iterator(Elements* from) : from_(from) {
      if (from_ != nullptr && !from_->advance(now_)) from_ = nullptr;
    }
    const Value& operator*() const { return now_; }
    iterator& operator++() {
      if (!from_->advance(now_)) from_ = nullptr;
      return *this;
    }
    friend bool operator!=(const iterator& a, const iterator& b) { return a.from_ != b.from_; }

   private:
    Elements* from_;
    Value now_;
  };
  iterator begin() { return iterator(this); }
  iterator end() { return iterator(nullptr); }

 private:
  bool advance(Value& out);
  const char* at_;
  const char* end_;
};

inline Result<Value> parse(Bytes text, Grammar grammar) { return parse(as_text(text), grammar); }
inline Members Value::members() const { return Members(*this); }
inline Elements Value::elements() const { return Elements(*this); }

}  // namespace tercet::json
