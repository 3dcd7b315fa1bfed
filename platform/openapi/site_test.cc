#include "platform/openapi/site.h"

#include <doctest/doctest.h>

#include "platform/openapi/test_platform.h"
#include "tercet/auth/cause.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

constexpr std::string_view kOurs = "X-Tercet-Console: 1\r\n";

HttpAnswer post(TestPlatform& platform, const std::string& path, const std::string& body, const std::string& headers) {
  return platform.exchange("POST " + path + " HTTP/1.1\r\nHost: h\r\n" + headers +
                           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

HttpAnswer get(TestPlatform& platform, const std::string& path, const std::string& headers = {}) {
  return platform.exchange("GET " + path + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
}

/// Logs in by token and gives the headers that our page sends.
std::string logged_in(TestPlatform& platform) {
  const std::string token = platform.site->console().make_login_token();
  const HttpAnswer answer = post(platform, "/console/login", "{\"token\":\"" + token + "\"}", std::string(kOurs));
  REQUIRE(answer.status == 200);
  const std::string cookie = answer.header("Set-Cookie");
  return std::string(kOurs) + "Cookie: other=1; " + cookie.substr(0, cookie.find(';')) + "\r\n";
}

}  // namespace

TEST_CASE("the admin password opens a session whose cookie scripts and foreign sites cannot use") {
  TestPlatform platform;
  REQUIRE(platform.registry->set_admin_password("correct horse"));
  const HttpAnswer answer = post(platform, "/console/login", R"({"password":"correct horse"})", std::string(kOurs));
  CHECK(answer.status == 200);
  const std::string cookie = answer.header("Set-Cookie");
  CHECK(cookie.find("; HttpOnly") != std::string::npos);
  CHECK(cookie.find("; SameSite=Strict") != std::string::npos);
  const std::string headers = "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
  CHECK(get(platform, "/console/session", headers).json().at("LoggedIn").as_bool());
  CHECK(!get(platform, "/console/session").json().at("LoggedIn").as_bool());
}

TEST_CASE("wrong passwords are refused, and after five from one address even the right one") {
  TestPlatform platform;
  REQUIRE(platform.registry->set_admin_password("correct horse"));
  for (int i = 0; i < 5; ++i)
    CHECK(post(platform, "/console/login", R"({"password":"wrong horse"})", std::string(kOurs)).status == 401);
  CHECK(post(platform, "/console/login", R"({"password":"correct horse"})", std::string(kOurs)).status == 429);
  platform.run(Millis{61'000});
  CHECK(post(platform, "/console/login", R"({"password":"correct horse"})", std::string(kOurs)).status == 200);
}

TEST_CASE("a login link works once") {
  TestPlatform platform;
  const std::string body = "{\"token\":\"" + platform.site->console().make_login_token() + "\"}";
  CHECK(post(platform, "/console/login", body, std::string(kOurs)).status == 200);
  CHECK(post(platform, "/console/login", body, std::string(kOurs)).status == 401);
  CHECK(post(platform, "/console/login", "{}", std::string(kOurs)).status == 401);
  CHECK(post(platform, "/console/login", "nonsense", std::string(kOurs)).status == 401);
}

TEST_CASE("the page calls the same actions as the OpenAPI") {
  TestPlatform platform;
  platform.make_board();
  const std::string headers = logged_in(platform);
  const HttpAnswer listed =
      post(platform, "/console/api/QueryProductList", R"({"CurrentPage":1,"PageSize":10})", headers);
  CHECK(listed.status == 200);
  CHECK(listed.json().at("Data").at("Total").to_number<int>() == 1);
  CHECK(listed.json().at("RequestId").as_string().size() == 36);
  const HttpAnswer states =
      post(platform, "/console/api/BatchGetDeviceState",
           "{\"ProductKey\":\"" + platform.product_key + "\",\"DeviceName\":[\"board1\"]}", headers);
  CHECK(states.json().at("DeviceStatusList").at("DeviceStatus").as_array().size() == 1);
  CHECK(post(platform, "/console/api/QueryProduct", "{}", headers).status == 400);
  CHECK(post(platform, "/console/api/Nothing", "{}", headers).status == 404);
  CHECK(post(platform, "/console/api/QueryFleet", "[]", headers).status == 400);
  CHECK(post(platform, "/console/api/QueryFleet", R"({"a":{"b":{"c":{"d":{"e":{"f":1}}}}}})", headers).status == 400);
}

TEST_CASE("whatever is not our page with a session is denied") {
  TestPlatform platform;
  const std::string headers = logged_in(platform);
  const std::string cookie = headers.substr(kOurs.size());
  const std::string path = "/console/api/QueryFleet";
  CHECK(post(platform, path, "{}", headers).status == 200);
  CHECK(post(platform, path, "{}", cookie).status == 403);  // a foreign form cannot send our header
  CHECK(post(platform, path, "{}", headers + "Sec-Fetch-Site: cross-site\r\n").status == 403);
  CHECK(post(platform, path, "{}", headers + "Sec-Fetch-Site: same-origin\r\n").status == 200);
  CHECK(post(platform, path, "{}", std::string(kOurs)).status == 401);
  CHECK(post(platform, path, "{}", std::string(kOurs) + "Cookie: tercet_session=" + std::string(64, '0') + "\r\n")
            .status == 401);
  CHECK(get(platform, path, headers).status == 404);
  CHECK(get(platform, "/console/events").status == 401);
  CHECK(get(platform, "/console/nothing").status == 401);
  CHECK(post(platform, "/console/logout", "", headers).status == 200);
  CHECK(post(platform, path, "{}", headers).status == 401);
}

TEST_CASE("a reader is told of values, presence and refusals of the devices it watches, coalesced") {
  TestPlatform platform;
  platform.make_board();
  platform.add_device("board2");
  const std::string headers = logged_in(platform);
  const auto fleet = platform.connect();
  fleet->send("GET /console/events HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
  const auto one = platform.connect();
  one->send("GET /console/events?ProductKey=" + platform.product_key + "&DeviceName=board1 HTTP/1.1\r\nHost: h\r\n" +
            headers + "\r\n");
  platform.run(Millis{500});
  CHECK(fleet->received.find("text/event-stream") != std::string::npos);
  platform.log_in("board2");
  for (int i = 0; i < 5; ++i) platform.post("board2", "{\"temperature\":" + std::to_string(20 + i) + ".5}");
  platform.run(Millis{1000});
  CHECK(fleet->received.find("\"DeviceName\":\"board2\",\"Online\":true") != std::string::npos);
  CHECK(fleet->received.find("\"Value\":\"24.5\"") != std::string::npos);
  CHECK(one->received.find("board2") == std::string::npos);

  platform.log_in("board1");
  broker::Refusal refusal;
  refusal.at = platform.loop.wall();
  refusal.name = platform.product_key + "/board1";
  refusal.cause = auth::code(auth::Cause::wrong_password);
  platform.journal->record(refusal);
  platform.run(Millis{1000});
  CHECK(one->received.find("\"DeviceName\":\"board1\",\"Online\":true") != std::string::npos);
  CHECK(one->received.find("\"Refusals\":[\"" + refusal.name + "\"]") != std::string::npos);
}

TEST_CASE("events end with the session they belong to") {
  TestPlatform platform;
  const std::string headers = logged_in(platform);
  const auto reader = platform.connect();
  reader->send("GET /console/events HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
  platform.run(Millis{500});
  CHECK(platform.site->updates().reader_count() == 1);
  CHECK(post(platform, "/console/logout", "", headers).status == 200);
  platform.run(Millis{500});
  CHECK(platform.site->updates().reader_count() == 0);
}

TEST_CASE("events end with a session that others have pushed out") {
  TestPlatform platform;
  const std::string headers = logged_in(platform);
  const auto reader = platform.connect();
  reader->send("GET /console/events HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
  platform.run(Millis{500});
  CHECK(platform.site->updates().reader_count() == 1);
  for (std::size_t i = 0; i < Sessions::kMostSessions; ++i) logged_in(platform);
  platform.run(Millis{500});
  CHECK(platform.site->updates().reader_count() == 0);
  CHECK(reader->closed);
}

TEST_CASE("a device with more values than one event holds is told in several, and the reader stays") {
  TestPlatform platform;
  platform.make_board();
  std::string tsl = R"({"properties":[)";
  for (int i = 0; i < 40; ++i)
    tsl += std::string(i ? "," : "") + R"({"identifier":"t)" + std::to_string(i) + R"(","name":"t)" +
           std::to_string(i) +
           R"(","accessMode":"rw","required":false,"dataType":{"type":"text","specs":{"length":"10240"}}})";
  const auto imported =
      platform.call("ImportThingModelTsl", {{"ProductKey", platform.product_key}, {"TslStr", tsl + "]}"}});
  REQUIRE(imported.at("Success").as_bool());
  const auto reader = platform.connect();
  reader->send("GET /console/events HTTP/1.1\r\nHost: h\r\n" + logged_in(platform) + "\r\n");
  platform.run(Millis{500});
  platform.log_in("board1");
  for (int i = 0; i < 40; ++i)
    platform.with_device(
        "board1",
        [&](thing::ThingIngress& ingress, const broker::Identity& identity, std::uint64_t n) {
          const std::string topic = "/sys/" + platform.product_key + "/board1/thing/event/property/post";
          const std::string payload = R"({"id":"1","version":"1.0","params":{"t)" + std::to_string(i) + "\":\"" +
                                      std::string(10'000, 'v') + "\"}}";
          ingress.on_message({{}, identity, n, 0, topic, as_bytes(payload), 1, {}});
        },
        Millis{1});
  platform.run(Millis{5000});
  CHECK(!reader->closed);
  std::size_t told = 0;
  for (int i = 0; i < 40; ++i)
    told += reader->received.find("\"Identifier\":\"t" + std::to_string(i) + "\"") != std::string::npos ? 1 : 0;
  CHECK(told == 40);
  std::size_t longest = 0;
  for (std::size_t at = 0; at < reader->received.size();) {
    const auto end = std::min(reader->received.find('\n', at), reader->received.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  CHECK(longest > 20'000);
  CHECK(longest < 100'000);
}

TEST_CASE("a shard that could not be told to gather changes, or to stop, is told later") {
  TestPlatform platform;
  const std::string headers = logged_in(platform);
  platform.shards.loop(1).set_inbox_capacity(0);
  const auto reader = platform.connect();
  reader->send("GET /console/events HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
  platform.run(Millis{500});
  CHECK(platform.site->updates().gathering_count() == 1);
  platform.shards.loop(1).set_inbox_capacity(65536);
  platform.run(Millis{500});
  CHECK(platform.site->updates().gathering_count() == 2);
  platform.shards.loop(1).set_inbox_capacity(0);
  CHECK(post(platform, "/console/logout", "", headers).status == 200);
  platform.run(Millis{500});
  CHECK(platform.site->updates().reader_count() == 0);
  CHECK(platform.site->updates().gathering_count() == 1);
  platform.shards.loop(1).set_inbox_capacity(65536);
  platform.run(Millis{500});
  CHECK(platform.site->updates().gathering_count() == 0);
}

TEST_CASE("wrong passwords lock neither login links nor, from many places, the right password out") {
  TestPlatform platform;
  REQUIRE(platform.registry->set_admin_password("correct horse"));
  for (int i = 0; i < 5; ++i) post(platform, "/console/login", R"({"password":"wrong horse"})", std::string(kOurs));
  logged_in(platform);  // by a link, from the address that guesses
  const auto request = [](const std::string& body) {
    return "POST /console/login HTTP/1.1\r\nHost: h\r\n" + std::string(kOurs) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  std::vector<std::unique_ptr<TestClient>> clients;
  const auto try_from = [&](int host, const std::string& body) {
    auto& loop = platform.world.add_host("10.0.1." + std::to_string(host)).add_loop();
    clients.push_back(std::make_unique<TestClient>(loop, platform.host.address(80)));
    clients.back()->send(request(body));
    platform.run(Millis{20});
    return clients.back().get();
  };
  for (int host = 1; host <= 55; ++host)
    CHECK(try_from(host, R"({"password":"wrong"})")->received.starts_with("HTTP/1.1 401 "));
  const TestClient* guess = try_from(100, R"({"password":"wrong"})");
  const TestClient* right = try_from(101, R"({"password":"correct horse"})");
  CHECK(right->received.empty());
  platform.run(Millis{2500});
  CHECK(guess->received.starts_with("HTTP/1.1 401 "));
  CHECK(right->received.starts_with("HTTP/1.1 200 "));
  for (int host = 120; host < 141; ++host) try_from(host, R"({"password":"wrong"})");
  CHECK(clients.back()->received.starts_with("HTTP/1.1 429 "));
}

TEST_CASE("the page is served at its own addresses, with headers that keep foreign content out") {
  TestPlatform platform;
  for (const char* path : {"/", "/login?token=x", "/device/a1/board.1", "/refusals"}) {
    CAPTURE(path);
    const HttpAnswer page = get(platform, path);
    CHECK(page.status == 200);
    CHECK(page.body == "<page>");
    CHECK(page.header("Content-Security-Policy").find("default-src 'none'") != std::string::npos);
    CHECK(page.header("X-Frame-Options") == "DENY");
    CHECK(page.header("X-Content-Type-Options") == "nosniff");
    CHECK(page.header("Cache-Control") == "no-cache");
  }
  CHECK(get(platform, "/assets/none.js").status == 404);
  CHECK(get(platform, "/favicon.ico").status == 404);
  const HttpAnswer known = get(platform, "/", "If-None-Match: \"e1\"\r\n");
  CHECK(known.status == 304);
  CHECK(known.body.empty());
  CHECK(post(platform, "/refusals", "", "").status == 405);
}

TEST_CASE("monitors see a living and ready platform with its figures") {
  TestPlatform platform;
  platform.make_board();
  platform.log_in("board1");
  platform.post("board1", "{\"temperature\":20.5}");
  CHECK(get(platform, "/healthz").body == "ok\n");
  CHECK(get(platform, "/readyz").body == "ready\n");
  const HttpAnswer metrics = get(platform, "/metrics");
  CHECK(metrics.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(metrics.body.find("tercet_devices_registered 1\n") != std::string::npos);
  CHECK(metrics.body.find("tercet_api_calls_total{action=\"CreateProduct\"} 1\n") != std::string::npos);
  CHECK(metrics.body.find("# TYPE tercet_posts_total counter\n") != std::string::npos);
  platform.store.fail("the disk is full");
  platform.site->health().add_check([] { return std::string("not yet"); });
  const HttpAnswer broken = get(platform, "/readyz");
  CHECK(broken.status == 503);
  CHECK(broken.body.find("the disk is full") != std::string::npos);
}

TEST_CASE("the page's side may end while the shards run and readers are connected") {
  TestPlatform platform;
  platform.make_board();
  const std::string headers = logged_in(platform);
  const auto reader = platform.connect();
  reader->send("GET /console/events HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
  platform.run(Millis{500});
  platform.log_in("board1");
  platform.server.reset();
  platform.site.reset();
  platform.post("board1", "{\"temperature\":20.5}");
  platform.run(Millis{1000});
  CHECK(platform.registry->device_count() == 1);
}
