#include <cmath>

#include "platform/rule/test_query.h"
#include "platform/store/sqlite.h"

// The same random expressions worked out by us and by SQLite, where both mean the same by them: numbers are reals, LIKE
// minds case and knows `%` only, and texts are compared with texts.
namespace tercet::rule {
namespace {

constexpr int kExpressions = 100'000;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next(std::uint64_t below) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % below;
  }

  struct Text {
    std::string ours, theirs;
  };
  Text number(int depth) {
    if (depth == 0) {
      switch (next(3)) {
        case 0: {
          const std::string column(1, static_cast<char>('a' + next(4)));
          return {column, column};
        }
        case 1: {
          const std::string whole = std::to_string(next(20));
          return {whole, whole + ".0"};
        }
        default: {
          const std::string real = std::to_string(next(100)) + "." + std::to_string(next(100));
          return {real, real};
        }
      }
    }
    switch (next(7)) {
      case 0:
      case 1:
      case 2: {
        static constexpr std::string_view kOps[] = {"+", "-", "*", "/"};
        const std::string op(kOps[next(4)]);
        const Text x = number(depth - 1), y = number(depth - 1);
        return {"(" + x.ours + " " + op + " " + y.ours + ")", "(" + x.theirs + " " + op + " " + y.theirs + ")"};
      }
      case 3: {
        const Text x = number(depth - 1);
        return {"(-" + x.ours + ")", "(-" + x.theirs + ")"};
      }
      case 4: {
        const Text x = number(depth - 1);
        return {"abs(" + x.ours + ")", "abs(" + x.theirs + ")"};
      }
      case 5: {
        const Text x = number(depth - 1), y = number(depth - 1);
        return {"nanvl(" + x.ours + ", " + y.ours + ")", "ifnull(" + x.theirs + ", " + y.theirs + ")"};
      }
      default: {
        const Text c = condition(depth - 1), x = number(depth - 1), y = number(depth - 1);
        return {"CASE WHEN " + c.ours + " THEN " + x.ours + " ELSE " + y.ours + " END",
                "CASE WHEN " + c.theirs + " THEN " + x.theirs + " ELSE " + y.theirs + " END"};
      }
    }
  }
  Text text(int depth) {
    if (depth == 0) {
      if (next(2) == 0) {
        const std::string column(1, static_cast<char>('s' + next(3)));
        return {column, column};
      }
      static constexpr std::string_view kTexts[] = {
          "''", "'a'", "'ab'", "'Abc'", "'a''b'", "'\xE6\xB8\xA9\xE5\xBA\xA6'", "'abab'"};
      const std::string one(kTexts[next(7)]);
      return {one, one};
    }
    switch (next(5)) {
      case 0: {
        const Text x = text(depth - 1), y = text(depth - 1);
        return {"concat(" + x.ours + ", " + y.ours + ")", "(" + x.theirs + " || " + y.theirs + ")"};
      }
      case 1: {
        const Text x = text(depth - 1);
        const std::string name = next(2) == 0 ? "lower" : "upper";
        return {name + "(" + x.ours + ")", name + "(" + x.theirs + ")"};
      }
      case 2: {
        const Text x = text(depth - 1);
        const auto from = next(4), size = next(4);
        return {"substring(" + x.ours + ", " + std::to_string(from) + ", " + std::to_string(from + size) + ")",
                "substr(" + x.theirs + ", " + std::to_string(from + 1) + ", " + std::to_string(size) + ")"};
      }
      case 3: {
        // Not a NULL for the third: SQLite does not look at it when the second is empty.
        const Text x = text(depth - 1), y = text(0), z = {"'b'", "'b'"};
        return {"replace(" + x.ours + ", " + y.ours + ", " + z.ours + ")",
                "replace(" + x.theirs + ", " + y.theirs + ", " + z.theirs + ")"};
      }
      default: {
        const Text c = condition(depth - 1), x = text(depth - 1), y = text(depth - 1);
        return {"CASE WHEN " + c.ours + " THEN " + x.ours + " ELSE " + y.ours + " END",
                "CASE WHEN " + c.theirs + " THEN " + x.theirs + " ELSE " + y.theirs + " END"};
      }
    }
  }
  Text condition(int depth) {
    static constexpr std::string_view kOps[] = {"=", "<>", "<", "<=", ">", ">="};
    const bool is_text = next(3) == 0;
    const int inner = depth > 0 ? depth - 1 : 0;
    const auto operand = [&] { return is_text ? text(inner) : number(inner); };
    if (depth == 0 || next(3) == 0) {
      const std::string op(kOps[next(6)]);
      const Text x = operand(), y = operand();
      return {x.ours + " " + op + " " + y.ours, x.theirs + " " + op + " " + y.theirs};
    }
    switch (next(6)) {
      case 0:
      case 1: {
        const std::string op = next(2) == 0 ? " AND " : " OR ";
        const Text x = condition(depth - 1), y = condition(depth - 1);
        return {"(" + x.ours + op + y.ours + ")", "(" + x.theirs + op + y.theirs + ")"};
      }
      case 2: {
        const Text x = condition(depth - 1);
        return {"NOT (" + x.ours + ")", "NOT (" + x.theirs + ")"};
      }
      case 3: {
        const std::string no = next(2) == 0 ? " NOT" : "";
        const Text x = operand();
        const std::string list = is_text ? " IN ('a', 'ab', 'ABC')" : " IN (1, 2.5, 7)";
        return {x.ours + no + list, x.theirs + no + list};
      }
      case 4: {
        const std::string no = next(2) == 0 ? " NOT" : "";
        const Text x = operand(), y = operand(), z = operand();
        return {x.ours + no + " BETWEEN " + y.ours + " AND " + z.ours,
                x.theirs + no + " BETWEEN " + y.theirs + " AND " + z.theirs};
      }
      default: {
        const std::string no = next(2) == 0 ? " NOT" : "";
        if (!is_text) {
          const Text x = operand();
          return {x.ours + " IS" + no + " NULL", x.theirs + " IS" + no + " NULL"};
        }
        static constexpr std::string_view kPatterns[] = {"'%'", "'a%'", "'%b'", "'%b%'", "'a%b'", "'ab'", "'%a%b%'"};
        const Text x = operand();
        const std::string like = no + " LIKE " + std::string(kPatterns[next(7)]);
        return {x.ours + like, x.theirs + like};
      }
    }
  }

 private:
  std::uint64_t state_;
};

TEST_CASE("a hundred thousand random expressions come to what SQLite makes of them") {
  auto database = store::Database::open(":memory:");
  REQUIRE(database);
  REQUIRE(database->run("PRAGMA case_sensitive_like = ON"));
  Generator generator(2026);
  TestMessage message("{}");
  int differences = 0, nulls = 0, values = 0, conditions = 0, skipped = 0;
  for (int i = 0; i < kExpressions; ++i) {
    if (i % 500 == 0) {  // other values; d and u are not there, c is null
      const std::string a = std::to_string(generator.next(50)) + ".5", b = std::to_string(generator.next(9));
      static constexpr std::string_view kTexts[] = {"ab", "", "Abc", "b", "a%b", "\xE6\xB8\xA9\xE5\xBA\xA6"};
      const std::string s(kTexts[generator.next(6)]), t(kTexts[generator.next(6)]);
      message = TestMessage("{\"a\":" + a + ",\"b\":" + b + ",\"c\":null,\"s\":\"" + s + "\",\"t\":\"" + t + "\"}");
      // Fields of a moved-to message keep no views into the old one.
      message.root = json::parse(message.payload).value();
      REQUIRE(database->run("DROP TABLE IF EXISTS v"));
      REQUIRE(database->run("CREATE TABLE v(a, b, c, d, s, t, u)"));
      REQUIRE(database->run("INSERT INTO v VALUES(" + a + "," + b + ".0,NULL,NULL,'" + s + "','" + t + "',NULL)"));
    }
    const auto what = generator.next(3);
    const int depth = 1 + static_cast<int>(generator.next(4));
    const Generator::Text text = what == 0   ? generator.number(depth)
                                 : what == 1 ? generator.text(depth)
                                             : generator.condition(depth);
    auto statement = database->prepare("SELECT " + text.theirs + " FROM v");
    INFO(text.ours, "  ", message.payload);
    REQUIRE(statement);
    const auto row = statement->step();
    REQUIRE(row);
    REQUIRE(*row);
    const Message view = message.view();
    bool is_same = false;
    if (what == 2) {
      ++conditions;
      const auto query = must_compile("SELECT * FROM \"/a1\" WHERE " + text.ours);
      const Verdict ours = test_evaluator().decide(*query, view, nullptr);
      is_same = statement->is_null(0) ? ours == Verdict::unknown
                                      : ours == (statement->integer(0) != 0 ? Verdict::met : Verdict::not_met);
    } else {
      const auto query = must_compile("SELECT " + text.ours + " AS x FROM \"/a1\"");
      std::string out;
      REQUIRE(test_evaluator().select(*query, view, nullptr, out));
      const auto x = json::parse(out)->find("x");
      if (statement->is_null(0)) {
        ++nulls;
        is_same = !x || x->is(json::Type::null);
      } else if (what == 0) {
        ++values;
        if (!std::isfinite(statement->real(0))) {
          ++skipped;
          continue;
        }
        is_same = x && x->real() == statement->real(0);
      } else {
        ++values;
        std::string buffer(out.size(), '\0');
        is_same = x && x->text() &&
                  x->text()->unescape({reinterpret_cast<std::uint8_t*>(buffer.data()), buffer.size()}).value_or("?") ==
                      statement->text(0);
      }
    }
    if (!is_same && ++differences <= 5) {
      std::string out;
      if (what != 2)
        static_cast<void>(
            test_evaluator().select(*must_compile("SELECT " + text.ours + " AS x FROM \"/a1\""), view, nullptr, out));
      MESSAGE(text.ours, "  |  SQLite: ", statement->is_null(0) ? "NULL" : statement->text(0), "  ours: ", out);
    }
  }
  MESSAGE(kExpressions, " expressions: ", conditions, " conditions, ", values, " values, ", nulls, " nulls, ", skipped,
          " without a finite value, ", differences, " differences");
  CHECK(differences == 0);
  CHECK(skipped < 100);
  CHECK(values > 20'000);
}

}  // namespace
}  // namespace tercet::rule
