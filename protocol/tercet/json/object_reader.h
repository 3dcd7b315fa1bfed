#pragma once
#include "tercet/json/checker.h"
#include "tercet/json/reader.h"

namespace tercet::json {

/// Reads an object and checks it in the same pass: for messages, whose members are looked at once.
///   ObjectReader in{payload};
///   while (in.next()) { if (in.name() == "id") … in.value() … }
///   if (!in.ok()) return fail(Error::malformed);
/// What was read before a fault must not be acted upon: only ok() after the last member makes the document whole. The
/// values handed out are checked, so walking into them cannot fail.
class ObjectReader {
 public:
  explicit ObjectReader(std::string_view text, Grammar grammar = Grammar::strict) : checker_(text, grammar) {}

  bool next() { return more_ && (more_ = checker_.check_member()); }
  /// Of the member next() has found.
  Text name() const { return checker_.name(); }
  Value value() const { return Value::trusted(checker_.value()); }
  /// The whole text has been read and is an object.
  bool ok() const { return !more_ && checker_.reason() == nullptr; }

 private:
  Checker checker_;
  bool more_ = true;
};

}  // namespace tercet::json
