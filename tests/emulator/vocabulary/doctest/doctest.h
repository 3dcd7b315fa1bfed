#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>

/// The words of doctest that our tests use, for targets that have no streams and no exceptions: the same test sources
/// then run there too. A failed CHECK is counted and shown, a failed REQUIRE or FAIL ends the program, which is a
/// failure.
namespace doctest {

struct Case {
  Case(const char* text, void (*body)()) : name(text), run(body), next(nullptr) {
    *last() = this;
    last() = &next;
  }
  const char* name;
  void (*run)();
  Case* next;

  static Case*& first() {
    static Case* head = nullptr;
    return head;
  }

 private:
  static Case**& last() {
    static Case** end = &first();
    return end;
  }
};

struct Score {
  const char* running = "";
  const char* shown = nullptr;
  unsigned long checks = 0, failed = 0;
};
inline Score score;

inline void say_case() {
  if (score.shown != score.running) std::printf("\n%s\n", score.running);
  score.shown = score.running;
}

inline void check(bool holds, const char* what, const char* file, int line) {
  ++score.checks;
  if (holds) return;
  ++score.failed;
  say_case();
  std::printf("  %s:%d: is false: %s\n", file, line, what);
}

inline void require(bool holds, const char* what, const char* file, int line) {
  check(holds, what, file, line);
  if (!holds) std::exit(1);
}

/// doctest::Approx: equal within a hundred-thousandth, the bigger of the two counted.
class Approx {
 public:
  explicit Approx(double value) : value_(value) {}
  friend bool operator==(double a, const Approx& b) {
    const auto size = [](double x) { return x < 0 ? -x : x; };
    const double most = size(a) > size(b.value_) ? size(a) : size(b.value_);
    return size(a - b.value_) < 1.2e-5 * (1 + most);
  }

 private:
  double value_;
};

inline int run_all() {
  unsigned long cases = 0;
  for (Case* one = Case::first(); one != nullptr; one = one->next, ++cases) {
    score.running = one->name;
    one->run();
  }
  std::printf("%lu cases, %lu checks, %lu failed\n", cases, score.checks, score.failed);
  // A program without a test has been built wrongly.
  return score.failed == 0 && score.checks != 0 ? 0 : 1;
}

}  // namespace doctest

#define TERCET_JOIN_(a, b) a##b
#define TERCET_JOIN(a, b) TERCET_JOIN_(a, b)
#define TERCET_CASE(function, text)                                \
  static void function();                                          \
  static ::doctest::Case TERCET_JOIN(function, _)(text, function); \
  static void function()
#define TEST_CASE(text) TERCET_CASE(TERCET_JOIN(case_, __LINE__), text)
#define CHECK(...) ::doctest::check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define REQUIRE(...) ::doctest::require(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define CHECK_MESSAGE(condition, ...) CHECK(condition)
#define FAIL(...) ::doctest::require(false, "reached FAIL", __FILE__, __LINE__)
#define CAPTURE(...) static_cast<void>(0)
#define MESSAGE(...) static_cast<void>(0)

#ifdef DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
int main() { return ::doctest::run_all(); }
#endif
