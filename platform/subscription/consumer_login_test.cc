#include "platform/subscription/consumer_login.h"

#include <doctest/doctest.h>

namespace tercet::subscription {
namespace {

std::optional<ConsumerLogin> read(std::string_view name) {
  std::string problem;
  return read_consumer_login(name, problem);
}
std::string problem_of(std::string_view name) {
  std::string problem;
  CHECK(!read_consumer_login(name, problem));
  return problem;
}

}  // namespace

TEST_CASE("the user name of the official samples is read, its pairs in any order") {
  const auto login = read(
      "node-1|authMode=aksign,signMethod=hmacsha256,timestamp=1573489088171,authId=testid,iotInstanceId=,"
      "consumerGroupId=G1|");
  REQUIRE(login);
  CHECK(login->client_id == "node-1");
  CHECK(login->method == crypto::Algorithm::sha256);
  CHECK(login->timestamp == "1573489088171");
  CHECK(login->access_key_id == "testid");
  CHECK(login->group == "G1");
  const auto other =
      read("c|consumerGroupId=G2,authId=k,timestamp=1,signMethod=hmacmd5,authMode=aksign,encode=base64|");
  REQUIRE(other);
  CHECK(other->group == "G2");
  CHECK(other->method == crypto::Algorithm::md5);
}

TEST_CASE("a consumer that names no group gets the default one") {
  CHECK(read("c|authMode=aksign,signMethod=hmacsha1,timestamp=1,authId=k|")->group == "DEFAULT_GROUP");
}

TEST_CASE("the password is the documented one with each of the three methods") {
  ConsumerLogin login;
  login.access_key_id = "testid";
  login.timestamp = "1573489088171";
  login.method = crypto::Algorithm::md5;
  CHECK(consumer_password(login, "testsecret") == "I/Tb6mPPa1CH7tc+1vO7lQ==");
  login.method = crypto::Algorithm::sha1;
  CHECK(consumer_password(login, "testsecret") == "RG+3WYzI9qDD0P9m6ER+maK4yH0=");
  login.method = crypto::Algorithm::sha256;
  const std::string right = "dAMr0c09P/ECCozeLuJydCVfplDP8RzdvNouS3nf3EA=";
  CHECK(consumer_password(login, "testsecret") == right);
  CHECK(is_signed(login, right, "testsecret"));
  CHECK(!is_signed(login, right, "testsecreu"));
  CHECK(!is_signed(login, "", "testsecret"));
  CHECK(!is_signed(login, right.substr(0, right.size() - 1), "testsecret"));
  CHECK(!is_signed(login, right + "=", "testsecret"));
}

TEST_CASE("what is wrong with a user name is said, and what belongs there") {
  CHECK(problem_of("").find("no parameters") != std::string::npos);
  CHECK(problem_of("plain").find("no parameters") != std::string::npos);
  CHECK(problem_of("|authMode=aksign|").find("1 to 64") != std::string::npos);
  CHECK(problem_of(std::string(65, 'c') + "|authMode=aksign|").find("1 to 64") != std::string::npos);
  CHECK(problem_of("c|authMode|").find("'='") != std::string::npos);
  CHECK(problem_of("c|authMode=secret|").find("authMode") != std::string::npos);
  CHECK(problem_of("c|authMode=aksign,signMethod=md4|").find("signMethod") != std::string::npos);
  CHECK(problem_of("c|authMode=aksign,signMethod=hmacsha1|").find("timestamp") != std::string::npos);
  CHECK(problem_of("c|authMode=aksign,signMethod=hmacsha1,timestamp=1.5|").find("timestamp") != std::string::npos);
  CHECK(problem_of("c|authMode=aksign,signMethod=hmacsha1,timestamp=1|").find("authId") != std::string::npos);
  CHECK(problem_of("c|" + std::string(2000, 'x')).find("1024") != std::string::npos);
}

TEST_CASE("every beginning of a user name is refused without harm") {
  const std::string whole = "c|authMode=aksign,signMethod=hmacsha1,timestamp=1,authId=k,consumerGroupId=G|";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(!read(std::string_view(whole).substr(0, size)));
  }
  CHECK(read(whole));
}

}  // namespace tercet::subscription
