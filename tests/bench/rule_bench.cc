// How many messages a core can hold against rules: a simple WHERE, ten rules per message, and with a result.
//   rule_bench [seconds per scenario, 2]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "platform/rule/evaluate.h"

namespace {

using namespace tercet::rule;

constexpr std::string_view kPayload =
    R"({"iotId":"Xq2dbd8Ph4hRNgWVpSjm000000","productKey":"a1B2c3D4e5F","deviceName":"climate_01","gmtCreate":1510799670074,)"
    R"("deviceType":"CustomCategory","items":{"temperature":{"value":21.5,"time":1510799670074},)"
    R"("humidity":{"value":48.25,"time":1510799670074},"report_interval":{"value":30,"time":1510799670074}}})";

double measure(double seconds, const std::vector<std::shared_ptr<const Query>>& rules, bool with_result,
               bool with_parse) {
  std::uint64_t seed = 1;
  Evaluator evaluator([&seed] { return ++seed; });
  Message message;
  message.topic = "/a1B2c3D4e5F/climate_01/thing/event/property/post";
  message.product = "a1B2c3D4e5F";
  message.device_name = "climate_01";
  message.payload = kPayload;
  message.id = "1033204567890123456";
  message.time = 1'510'799'670'074;
  DeviceMemory memory;
  std::string out;
  std::uint64_t evaluations = 0, met = 0;
  const auto start = std::chrono::steady_clock::now();
  double passed = 0;
  do {
    for (int i = 0; i < 1000; ++i) {
      auto root = tercet::json::Value::trusted(kPayload);
      if (with_parse) root = *tercet::json::parse(kPayload);
      message.root = &root;
      for (const auto& rule : rules) {
        ++evaluations;
        if (evaluator.decide(*rule, message, &memory) != Verdict::met) continue;
        ++met;
        if (with_result && !evaluator.select(*rule, message, &memory, out)) std::abort();
      }
    }
    passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  } while (passed < seconds);
  if (met == 0) std::abort();
  return static_cast<double>(evaluations) / passed;
}

std::shared_ptr<const Query> must(const std::string& sql) {
  const Compiled compiled = compile(sql);
  if (compiled.query) return compiled.query;
  std::fprintf(stderr, "%s\n", compiled.problem->text().c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const std::string from = " FROM \"/a1B2c3D4e5F/+/thing/event/property/post\" WHERE ";
  const auto simple = must("SELECT *" + from + "items.temperature.value > 20");
  std::vector<std::shared_ptr<const Query>> ten;
  for (int i = 0; i < 10; ++i)
    ten.push_back(
        must("SELECT deviceName() AS name, items.temperature.value AS t, items.humidity.value AS h, timestamp() AS at" +
             from + "items.temperature.value > " + std::to_string(i * 4) + " AND items.humidity.value < 80"));
  std::printf("simple WHERE, one rule              %10.0f evaluations/s\n", measure(seconds, {simple}, false, false));
  std::printf("the same, payload checked as JSON   %10.0f evaluations/s\n", measure(seconds, {simple}, false, true));
  std::printf("ten rules of two conditions each    %10.0f evaluations/s, %.0f messages/s\n",
              measure(seconds, ten, false, false), measure(seconds, ten, false, false) / 10);
  std::printf("the same with SELECT of four items  %10.0f evaluations/s\n", measure(seconds, ten, true, false));
}
