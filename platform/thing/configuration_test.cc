#include <doctest/doctest.h>

#include "platform/runtime/random.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

/// A shard whose product has, or gets, a configuration.
struct Bench {
  runtime::SeededRandom random{1};
  registry::FileLinks links{random};
  store::MemoryStore store;
  std::vector<registry::ConfigurationAnswer> answers;
  TestShard shard{
      store, registry::Validation::weak, kBoardTsl, {}, 2, &links, [this](const registry::ConfigurationAnswer& answer) {
        answers.push_back(answer);
      }};

  explicit Bench(bool offered = true) {
    if (offered) links.set_base("https://platform.example:8443");
  }
  void set_file(std::string id) {
    auto product = std::make_shared<registry::Product>(*shard.directory.shared_product(kProduct));
    product->configuration = {std::move(id), std::string(64, 'a'), 123};
    shard.directory.put(product);
  }
  std::string ask(std::string_view params = R"({"configScope":"product","getType":"file"})") {
    shard.egress.sent.clear();
    shard.publish(TestShard::topic("config/get"),
                  R"({"id":"42","version":"1.0","params":)" + std::string(params) + R"(,"method":"thing.config.get"})");
    return shard.last_reply();
  }
  void log_in(int device) {
    const broker::Identity identity{broker::Identity::Kind::device,
                                    std::string(kProduct) + "/board" + std::to_string(device)};
    shard.ingress->on_online({}, identity, static_cast<std::uint64_t>(device), {}, "client");
  }
  std::size_t push() {
    std::size_t told = ~std::size_t{0};
    shard.egress.sent.clear();
    shard.ingress->things().push_configuration(std::string(kProduct), [&](std::size_t sent) { told = sent; });
    shard.settle();
    return told;
  }
};

}  // namespace

TEST_CASE("a device that asks is told where its product's file is, how long, and its digest") {
  Bench bench;
  bench.set_file("cfg1");
  const std::string reply = bench.ask();
  REQUIRE(bench.shard.egress.sent.size() == 1);
  CHECK(bench.shard.egress.sent[0].topic == TestShard::topic("config/get_reply"));
  const std::string begin = R"({"id":"42","code":200,"message":"success","data":{"configId":"cfg1","configSize":123,)"
                            R"("sign":")" +
                            std::string(64, 'a') +
                            R"(","signMethod":"Sha256","url":"https://platform.example:8443/files/configuration/)" +
                            std::string(kProduct) + "/cfg1?Expires=";
  CHECK(reply.substr(0, begin.size()) == begin);
  CHECK(reply.find(R"(,"getType":"file"},"method":"thing.config.get","version":"1.0"})") != std::string::npos);
  CHECK(bench.shard.journal.entries.empty());
  // The demo of the vendor's C SDK leaves method and version out.
  bench.shard.publish(TestShard::topic("config/get"),
                      R"({"id":"123","params":{"configScope":"product","getType":"file"}})");
  CHECK(bench.shard.last_reply().starts_with(R"({"id":"123","code":200)"));
}

TEST_CASE("a product without a file answers 6710, and that is no refusal worth a journal entry") {
  Bench bench;
  CHECK(bench.ask().starts_with(R"({"id":"42","code":6710)"));
  CHECK(bench.shard.journal.entries.empty());
}

TEST_CASE("another scope or type, no JSON, and a platform without an address for files are refused with the cause") {
  Bench bench;
  bench.set_file("cfg1");
  CHECK(bench.ask(R"({"configScope":"device","getType":"file"})").starts_with(R"({"id":"42","code":6718)"));
  CHECK(bench.ask(R"({"configScope":"product","getType":"content"})").starts_with(R"({"id":"42","code":460)"));
  CHECK(bench.ask("{").find(R"("code":)") != std::string::npos);
  REQUIRE(bench.shard.journal.entries.size() >= 2);
  CHECK(bench.shard.journal.entries[0].evidence.find("only \"product\"") != std::string::npos);

  Bench without(false);
  without.set_file("cfg1");
  CHECK(without.ask().starts_with(R"({"id":"42","code":6713)"));
  REQUIRE(without.shard.journal.entries.size() == 1);
  CHECK(without.shard.journal.entries[0].evidence.find("[files]") != std::string::npos);
  CHECK(without.push() == 0);
}

TEST_CASE("a push goes to the devices that are online, and what they say is told with the file it was about") {
  Bench bench;
  CHECK(bench.push() == 0);  // nothing to tell of
  bench.set_file("cfg1");
  CHECK(bench.push() == 0);  // nobody there
  bench.log_in(1);
  CHECK(bench.push() == 1);
  REQUIRE(bench.shard.egress.sent.size() == 1);
  const auto sent = bench.shard.egress.sent[0];
  CHECK(sent.topic == TestShard::topic("config/push"));
  CHECK(sent.to == "d/" + std::string(kProduct) + "/board1");
  CHECK(sent.qos == 1);
  CHECK(sent.payload.find(R"("params":{"configId":"cfg1","configSize":123,)") != std::string::npos);
  CHECK(sent.payload.find(R"("method":"thing.config.push")") != std::string::npos);
  const auto at = sent.payload.find(R"("id":")") + 6;
  const std::string id = sent.payload.substr(at, sent.payload.find('"', at) - at);

  bench.set_file("cfg2");  // the answer is still about the first
  bench.shard.publish(TestShard::topic("config/push_reply"), R"({"id":")" + id + R"(","code":460,"data":{}})");
  REQUIRE(bench.answers.size() == 1);
  CHECK(bench.answers[0].device == 1);
  CHECK(bench.answers[0].id == "cfg1");
  CHECK(bench.answers[0].code == 460);

  bench.shard.publish(TestShard::topic("config/push_reply"), R"({"id":"7","code":200,"data":{}})");
  bench.shard.publish(TestShard::topic("config/push_reply"), "nonsense");
  CHECK(bench.answers.size() == 1);
  CHECK(bench.shard.journal.entries.size() == 2);
}

TEST_CASE("a push to many devices is sent in slices and counted whole") {
  Bench bench;
  for (int i = 3; i <= 700; ++i) bench.shard.put_device(i);
  bench.set_file("cfg1");
  for (int i = 1; i <= 700; ++i) bench.log_in(i);
  CHECK(bench.push() == 700);
  CHECK(bench.shard.egress.sent.size() == 700);
  bench.shard.egress.reachable = false;  // none has subscribed
  CHECK(bench.push() == 0);
}
