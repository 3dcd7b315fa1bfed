#pragma once
#include <string_view>

namespace tercet::contract {

/// Where the suite tells what it finds: a test framework, a serial console. Texts live during the call.
class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void begin(std::string_view promise) = 0;  ///< a promise is tried now: "store: what was set comes back"
  virtual void fail(std::string_view what) = 0;      ///< it is broken, for this reason; may come more than once
  virtual void skip(std::string_view why) = 0;       ///< this bench cannot try it
  virtual void end() = 0;
};

/// How the tests of the suite speak: the first failure of each kind is told, and the test goes on or leaves.
class Check {
 public:
  explicit Check(Reporter& reporter) : reporter_(reporter) {}
  /// Returns `holds`, so that a test can leave.
  bool that(bool holds, std::string_view what) {
    if (!holds) reporter_.fail(what), ++failures_;
    return holds;
  }
  /// For what a test does thousands of times: told once.
  void always(bool holds, std::string_view what) {
    if (holds || what.data() == told_) return;
    told_ = what.data();
    that(false, what);
  }
  void skip(std::string_view why) { reporter_.skip(why); }
  int failures() const { return failures_; }

 private:
  Reporter& reporter_;
  const char* told_ = nullptr;
  int failures_ = 0;
};

}  // namespace tercet::contract
