#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "climate/monitor.h"
#include "climate/rules.h"
#include "tercet/edge/compile.h"
#include "tercet/json/reader.h"

using namespace tercet;
using namespace tercet::climate;

TEST_CASE("the thing model file names the same properties and ranges as the program") {
  std::ifstream file(TERCET_CLIMATE_TSL);
  std::stringstream text;
  text << file.rdbuf();
  const std::string document = text.str();
  const auto tsl = json::parse(document);
  REQUIRE(tsl);
  const auto check = [&](std::string_view identifier, std::string_view access, std::string_view type, double min,
                         double max) {
    for (const json::Value& property : tsl->find("properties")->elements()) {
      if (!(*property.find("identifier")->text() == identifier)) continue;
      CHECK(*property.find("accessMode")->text() == access);
      const auto data = *property.find("dataType");
      CHECK(*data.find("type")->text() == type);
      CHECK(std::stod(std::string(data.find("specs")->find("min")->text()->raw())) == min);
      CHECK(std::stod(std::string(data.find("specs")->find("max")->text()->raw())) == max);
      return true;
    }
    return false;
  };
  CHECK(check(kTemperature.identifier, "r", "float", kTemperature.min, kTemperature.max));
  CHECK(check(kHumidity.identifier, "r", "float", kHumidity.min, kHumidity.max));
  CHECK(check(kReportInterval.identifier, "rw", "int", kReportInterval.min, kReportInterval.max));
  CHECK(check(kAlarmThreshold.identifier, "rw", "float", kAlarmThreshold.min, kAlarmThreshold.max));
  CHECK(check(kOutboxDropped.identifier, "r", "int", kOutboxDropped.min, kOutboxDropped.max));
  CHECK(check(kFlashFailures.identifier, "r", "int", kFlashFailures.min, kFlashFailures.max));
  CHECK(check(kReportChange.identifier, "rw", "float", kReportChange.min, kReportChange.max));
  CHECK(check(kBootCount.identifier, "r", "int", kBootCount.min, kBootCount.max));
  CHECK(check(kHeapLow.identifier, "r", "int", kHeapLow.min, kHeapLow.max));
  CHECK(check(kHeapBlock.identifier, "r", "int", kHeapBlock.min, kHeapBlock.max));
  CHECK(check(kStackLow.identifier, "r", "int", kStackLow.min, kStackLow.max));
  CHECK(check(kConnectAttempts.identifier, "r", "int", kConnectAttempts.min, kConnectAttempts.max));
  CHECK(check(kCertificateDays.identifier, "r", "int", kCertificateDays.min, kCertificateDays.max));
  std::vector<std::string> names;
  for (const json::Value& property : tsl->find("properties")->elements())
    names.emplace_back(property.find("identifier")->text()->raw());
  CHECK(std::find(names.begin(), names.end(), kResetReason.identifier) != names.end());
  CHECK(std::find(names.begin(), names.end(), kLastBreak.identifier) != names.end());
  CHECK(names.size() == 15);
  std::vector<std::string> events;
  for (const json::Value& event : tsl->find("events")->elements())
    events.emplace_back(event.find("identifier")->text()->raw());
  CHECK(events == std::vector<std::string>{std::string(kAlarm), std::string(kSensorFault), std::string(kRulesChanged)});
}

TEST_CASE("the example rule file is taken, and is the board's own alarm") {
  std::ifstream file(TERCET_CLIMATE_RULES);
  std::stringstream text;
  text << file.rdbuf();
  const edge::Model model{kRuleProperties, kRuleEvents, {}};
  edge::EngineBuffers<> buffers;
  edge::Problem problem;
  const std::string rules = text.str();
  const auto set = edge::check(rules, model, buffers.storage().rules, problem);
  CHECK(problem.fault == edge::Fault::none);
  REQUIRE(set);
  CHECK((set->rules == 1 && set->outputs == 2));
}
