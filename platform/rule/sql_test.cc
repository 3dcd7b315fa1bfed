#include "platform/rule/sql.h"

#include "platform/rule/test_query.h"

namespace tercet::rule {
namespace {

TEST_CASE("FROM names the same source with /sys and without, with + and #, and several topics") {
  const auto query = must_compile("select * from \"/sys/a1/+/thing/event/property/post\", \"/a1/+/user/#\"");
  CHECK(query->is_about("/a1/board/thing/event/property/post"));
  CHECK(query->is_about("/a1/board/user/a/b"));
  CHECK(!query->is_about("/a2/board/user/a"));
  CHECK(!query->is_about("/a1/board/thing/event/alarm/post"));
}

TEST_CASE("FROM names a shadow by the device's topic, too") {
  const auto query = must_compile("SELECT * FROM \"/shadow/update/a1/+\"");
  CHECK(query->is_about("/a1/board/shadow/update"));
  CHECK(!query->is_about("/a2/board/shadow/update"));
  CHECK(application_topic("/shadow/update/a1/board") == "/a1/board/shadow/update");
  CHECK(application_topic("/shadow/update") == "/shadow/update");
  CHECK(application_topic("/shadow/updates/a1/board") == "/shadow/updates/a1/board");
  CHECK(application_topic("/sys/a1/board/thing/x") == "/a1/board/thing/x");
}

TEST_CASE("an error names line, column, what was expected and the nearest function") {
  CHECK(problem_of("SELECT concatt(a, b) FROM \"/a/+/user/b\"") ==
        "line 1, column 8: there is no function concatt; did you mean concat? concat is called as concat(text, text)");
  CHECK(problem_of("SELECT a\nFROM \"/a/+/user/b\"\nWHERE a >") ==
        "line 3, column 10: found the end; expected a value");
  CHECK(problem_of("SELECT a, FROM \"/a/+/user/b\"") ==
        "line 1, column 11: found FROM; expected a value; a member of that name goes into double quotes");
  CHECK(problem_of("SELECT a FROM '/a/+/user/b'") ==
        "line 1, column 15: found '/a/+/user/b'; expected a topic in double quotes; write it in double quotes");
  CHECK(problem_of("SELECT a FROM \"/a/b+/user/b\"").find("+ stands for a whole level") != std::string::npos);
  CHECK(problem_of("SELECT a FROM \"/a/+/user/b\" WHERE 'x = 1").find("the quote ' is not closed") !=
        std::string::npos);
  CHECK(problem_of("SELECT a FROM \"/a/+/user/b\" WHERE a == 1") ==
        "line 1, column 38: found =; expected a value; equality is one =");
  CHECK(problem_of("SELECT a FROM \"/a/+/user/b\";") ==
        "line 1, column 28: found ;; leave it out: a rule is one statement");
  CHECK(problem_of("SELECT a FROM \"/a/+/user/b\" GROUP BY a").find("WINDOW_AVG") != std::string::npos);
  CHECK(problem_of("UPDATE x") == "line 1, column 1: found UPDATE; expected SELECT");
  CHECK(problem_of("SELECT substring(a) FROM \"/a/+/user/b\"") ==
        "line 1, column 8: substring does not take 1 arguments; expected substring(target, start[, end])");
  CHECK(problem_of("SELECT a FROM \"/a/+/user/b\" WHERE a IN (SELECT 1)").find("subqueries") != std::string::npos);
  CHECK(problem_of("SELECT a FROM \"/a/+/user/b\" WHERE DURATION(a > 1, b)").find("constant from 1 to 86400") !=
        std::string::npos);
  CHECK(problem_of("SELECT crypto(a, 'MD2') FROM \"/a/+/user/b\"").find("MD2") != std::string::npos);
  CHECK(problem_of("").find("found the end; expected SELECT") != std::string::npos);
}

TEST_CASE("parts are checked one by one, as the OpenAPI has them") {
  std::string part;
  CHECK(compile_parts("a, b AS c", "/sys/a1/+/thing/event/property/post", " ", part).query);
  CHECK(!compile_parts("a b", "/a1/+/user/x", "", part).query);
  CHECK(part == "Select");
  CHECK(!compile_parts("a", "a1", "", part).query);
  CHECK(part == "Topic");
  const Compiled wrong = compile_parts("a", "/a1/+/user/x", "a >", part);
  CHECK(part == "Where");
  REQUIRE(wrong.problem);
  CHECK(wrong.problem->column == 4);
  CHECK(sql_of("*", "/a", "x = 1") == "SELECT * FROM \"/a\" WHERE x = 1");
  CHECK(sql_of("*", "/a", "") == "SELECT * FROM \"/a\"");
}

TEST_CASE("more than fifty items, deep nesting and long texts are refused") {
  std::string items = "a";
  for (int i = 0; i < 50; ++i) items += ",a";
  CHECK(problem_of("SELECT " + items + " FROM \"/a\"").find("more than 50 items") != std::string::npos);
  const std::string deep = std::string(100, '(') + "a" + std::string(100, ')');
  CHECK(problem_of("SELECT " + deep + " FROM \"/a\"").find("nested too deep") != std::string::npos);
  CHECK(problem_of("SELECT " + std::string(100, '-') + "1 FROM \"/a\"").find("nested too deep") != std::string::npos);
  std::string nots;
  for (int i = 0; i < 100; ++i) nots += "NOT ";
  CHECK(problem_of("SELECT * FROM \"/a\" WHERE " + nots + "a").find("nested too deep") != std::string::npos);
  CHECK(problem_of("SELECT " + std::string(20'000, 'a') + " FROM \"/a\"").find("16 KB") != std::string::npos);
}

TEST_CASE("every beginning of a statement is refused with a position within it, or is a statement") {
  const std::string sql =
      "SELECT *, CASE a WHEN 1 THEN 'x' ELSE \"b[0].c\" END AS d, substring(e, 1, 2) FROM \"/a/+/user/#\"\n"
      "WHERE NOT (f BETWEEN 1 AND 2 OR g NOT IN (1, -2, 'x')) AND h LIKE 'a%' AND i IS NOT NULL AND j % 2 <> 1";
  for (std::size_t size = 0; size <= sql.size(); ++size) {
    const Compiled compiled = compile(std::string_view(sql).substr(0, size));
    if (compiled.query) continue;
    REQUIRE(compiled.problem);
    CHECK(compiled.problem->line <= 2);
    CHECK(!compiled.problem->what.empty());
  }
  CHECK(compile(sql).query);
}

}  // namespace
}  // namespace tercet::rule
