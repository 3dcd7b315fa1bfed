#include "platform/thing/model.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "platform/thing/test_shard.h"

using namespace tercet::thing;

namespace {

std::string problem_of(std::string_view tsl) {
  const auto compiled = Model::compile(tsl);
  CHECK((compiled.model == nullptr) == compiled.problem.has_value());
  return compiled.problem ? compiled.problem->text() : "";
}

std::string property_with(std::string_view data_type) {
  return R"({"properties":[{"identifier":"p","name":"P","accessMode":"rw","dataType":)" + std::string(data_type) +
         "}]}";
}

}  // namespace

TEST_CASE("every data type compiles into its descriptor") {
  const auto compiled = Model::compile(kBoardTsl);
  REQUIRE(compiled.model);
  const Model& model = *compiled.model;
  REQUIRE(model.properties().size() == 10);
  const auto* temperature = model.find_property("temperature");
  REQUIRE(temperature);
  CHECK(temperature->spec.type == DataType::float32);
  CHECK(temperature->spec.min == -40);
  CHECK(temperature->spec.max == 80);
  CHECK(temperature->spec.step == 0.1);
  CHECK(temperature->unit == "C");
  CHECK(temperature->required);
  CHECK(temperature->access == Access::read);
  CHECK(model.find_property("humidity")->spec.type == DataType::float64);
  CHECK(model.find_property("interval")->access == Access::read_write);
  const auto choices = model.choices(model.find_property("mode")->spec);
  CHECK(std::vector<std::int32_t>(choices.begin(), choices.end()) == std::vector<std::int32_t>{-2, 0, 1});
  CHECK(model.find_property("led")->spec.type == DataType::boolean);
  CHECK(model.find_property("label")->spec.limit == 8);
  CHECK(model.find_property("started")->spec.type == DataType::date);
  const auto& position = model.find_property("position")->spec;
  REQUIRE(model.members(position).size() == 2);
  CHECK(model.members(position)[0].identifier == "lat");
  CHECK(model.members(position)[1].spec.type == DataType::boolean);
  CHECK(model.find_property("samples")->spec.item == DataType::int32);
  const auto& track = model.find_property("track")->spec;
  CHECK(track.type == DataType::array);
  CHECK(track.item == DataType::structure);
  CHECK(track.limit == 2);
  CHECK(model.members(track)[0].identifier == "x");
  CHECK(model.find_property("Temperature") == nullptr);
  CHECK(model.find_property("") == nullptr);
  REQUIRE(model.find_event("alarm"));
  CHECK(model.find_event("alarm")->type == "alert");
  CHECK(model.outputs(*model.find_event("alarm"))[1].identifier == "text");
  REQUIRE(model.find_service("reboot"));
  CHECK(model.inputs(*model.find_service("reboot"))[0].identifier == "delay");
}

TEST_CASE("the exported TSL is compact, names product and device, and holds the automatic features") {
  const auto model = Model::compile(R"({"properties":[
      {"identifier":"t","name":"T","accessMode":"r","required":true,"dataType":{"type":"float","specs":{"min":"0"}}},
      {"identifier":"s","name":"S","accessMode":"rw","dataType":{"type":"int","specs":{}}}],
      "events":[{"identifier":"post","method":"thing.event.property.post"},{"identifier":"e","name":"E","type":"info"}],
      "services":[]})")
                         .model;
  REQUIRE(model);
  CHECK(
      model->tsl("pk", "dn") ==
      R"({"link":"/sys/pk/dn/thing/","profile":{"productKey":"pk","deviceName":"dn"},)"
      R"("properties":[{"identifier":"t","name":"T","accessMode":"r","required":true,"dataType":{"type":"float","specs":{"min":"0"}}},)"
      R"({"identifier":"s","name":"S","accessMode":"rw","dataType":{"type":"int","specs":{}}}],)"
      R"("events":[{"identifier":"post","name":"post","type":"info","required":true,"desc":"property post",)"
      R"("method":"thing.event.property.post","outputData":[{"identifier":"t","name":"T","dataType":{"type":"float","specs":{"min":"0"}}},)"
      R"({"identifier":"s","name":"S","dataType":{"type":"int","specs":{}}}]},)"
      R"({"identifier":"e","name":"E","type":"info","method":"thing.event.e.post"}],)"
      R"("services":[{"identifier":"set","name":"set","required":true,"callType":"async","desc":"property set",)"
      R"("method":"thing.service.property.set","inputData":[{"identifier":"s","name":"S","dataType":{"type":"int","specs":{}}}],"outputData":[]},)"
      R"({"identifier":"get","name":"get","required":true,"callType":"async","desc":"property get",)"
      R"("method":"thing.service.property.get","inputData":["t","s"],"outputData":[{"identifier":"t","name":"T","dataType":{"type":"float","specs":{"min":"0"}}},)"
      R"({"identifier":"s","name":"S","dataType":{"type":"int","specs":{}}}]}]})");
}

TEST_CASE("an exported TSL imports again and exports the same") {
  const auto first = Model::compile(kBoardTsl).model;
  REQUIRE(first);
  const auto text = first->tsl("a1aaaaaaaaa", "board1");
  const auto again = Model::compile(text);
  REQUIRE(again.model);
  CHECK(again.model->tsl("a1aaaaaaaaa", "board1") == text);
  CHECK(again.model->properties().size() == first->properties().size());
  CHECK(again.model->events().size() == first->events().size());
  CHECK(again.model->services().size() == first->services().size());
  CHECK(text.find(R"("schema":"https://example.org/schema.json")") == 1);
  CHECK(text.find(R"("profile":{"version":"1.2","productKey":"a1aaaaaaaaa","deviceName":"board1"})") !=
        std::string::npos);
}

TEST_CASE("the simple TSL keeps identifiers and data types only") {
  const auto model = Model::compile(kBoardTsl).model;
  const auto simple = boost::json::parse(model->simple_tsl("pk"));
  const auto& first = simple.at("properties").at(0).get_object();
  CHECK(first.size() == 2);
  CHECK(first.at("identifier") == "temperature");
  CHECK(first.at("dataType").at("type") == "float");
  CHECK(simple.at("events").at(1).at("outputData").at(0).at("identifier") == "level");
}

TEST_CASE("features of custom modules carry the module's name") {
  const auto model =
      Model::compile(R"({"properties":[],"functionBlocks":[{"functionBlockId":"air","functionBlockName":"Air",
      "properties":[{"identifier":"pm25","name":"PM","accessMode":"r","dataType":{"type":"int","specs":{}}}],
      "events":[{"identifier":"dusty","name":"D","type":"info","outputData":[]}],"services":[]}]})")
          .model;
  REQUIRE(model);
  CHECK(model->find_property("air:pm25") != nullptr);
  CHECK(model->find_property("pm25") == nullptr);
  CHECK(model->find_event("air:dusty") != nullptr);
  CHECK(model->tsl("pk").find(R"("functionBlocks":[{"functionBlockId":"air")") != std::string::npos);
}

TEST_CASE("a bad TSL is refused with path, fault and remedy") {
  struct Row {
    std::string tsl;
    std::string path;
    std::string what;
  };
  const Row rows[] = {
      {"{\"properties\":[", "byte 15", "not JSON"},
      {"{} x", "byte 3", "not JSON"},
      {"[]", "$", "must be an object"},
      {"{}", "$", "no properties, events, services"},
      {R"({"properties":{}})", "$.properties", "must be an array"},
      {R"({"properties":[1]})", "$.properties[0]", "must be an object"},
      {R"({"properties":[{"name":"x"}]})", "$.properties[0].identifier", "missing"},
      {R"({"properties":[{"identifier":"a b"}]})", "$.properties[0].identifier", "no identifier"},
      {R"({"properties":[{"identifier":"time"}]})", "$.properties[0].identifier", "reserved"},
      {R"({"properties":[{"identifier":"x"}]})", "$.properties[0].accessMode", "missing"},
      {R"({"properties":[{"identifier":"x","accessMode":"wr"}]})", "$.properties[0].accessMode", "\"wr\""},
      {R"({"properties":[{"identifier":"x","accessMode":"r"}]})", "$.properties[0].dataType", "missing"},
      {R"({"properties":[{"identifier":"x","rwFlag":"READ_ONLY"}]})", "$.properties[0]", "ThingModelJson"},
      {property_with(R"({"type":"Int","specs":{}})"), "$.properties[0].dataType.type", "\"Int\" is no data type"},
      {property_with(R"({"type":"int","specs":{"min":"abc"}})"), "$.properties[0].dataType.specs.min", "no number"},
      {property_with(R"({"type":"int","specs":{"min":"9","max":"1"}})"), "$.properties[0].dataType.specs.min",
       "larger than max"},
      {property_with(R"({"type":"float","specs":{"step":"-1"}})"), "$.properties[0].dataType.specs.step", "negative"},
      {property_with(R"({"type":"enum","specs":{}})"), "$.properties[0].dataType.specs", "without choices"},
      {property_with(R"({"type":"enum","specs":{"on":"1"}})"), "$.properties[0].dataType.specs.on", "whole number"},
      {property_with(R"({"type":"text","specs":{"length":"20000"}})"), "$.properties[0].dataType.specs.length",
       "10240"},
      {property_with(R"({"type":"struct","specs":{}})"), "$.properties[0].dataType.specs", "must be an array"},
      {property_with(R"({"type":"struct","specs":[]})"), "$.properties[0].dataType.specs", "without members"},
      {property_with(R"({"type":"struct","specs":[{"identifier":"a","dataType":{"type":"array","specs":{}}}]})"),
       "$.properties[0].dataType.specs[0].dataType", "neither struct nor array"},
      {property_with(
           R"({"type":"struct","specs":[{"identifier":"a","dataType":{"type":"int"}},{"identifier":"a","dataType":{"type":"int"}}]})"),
       "$.properties[0].dataType.specs[1].identifier", "there twice"},
      {property_with(R"({"type":"array","specs":{"size":"3"}})"), "$.properties[0].dataType.specs.item",
       "without item"},
      {property_with(R"({"type":"array","specs":{"size":"600","item":{"type":"int"}}})"),
       "$.properties[0].dataType.specs.size", "512"},
      {property_with(R"({"type":"array","specs":{"item":{"type":"date"}}})"),
       "$.properties[0].dataType.specs.item.type", "cannot hold date"},
      {R"({"events":[{"identifier":"e","type":"warn"}]})", "$.events[0].type", "no event type"},
      {R"({"services":[{"identifier":"s","callType":"later"}]})", "$.services[0].callType", "no way to call"},
      {R"({"functionBlocks":[{}]})", "$.functionBlocks[0].functionBlockId", "no usable"},
  };
  for (const auto& row : rows) {
    const auto problem = problem_of(row.tsl);
    INFO(row.tsl << "\n" << problem);
    CHECK(problem.starts_with(row.path + ": "));
    CHECK(problem.find(row.what) != std::string::npos);
    CHECK(problem.ends_with(")"));
  }
}

TEST_CASE("an identifier may be there once, and features per module are limited") {
  std::string twice = R"({"properties":[)", many = R"({"properties":[)";
  const auto property = [](int i) {
    return R"({"identifier":"p)" + std::to_string(i) +
           R"(","name":"P","accessMode":"r","dataType":{"type":"int","specs":{}}})";
  };
  twice += property(1) + "," + property(1) + "]}";
  CHECK(problem_of(twice).find("\"p1\" is there twice") != std::string::npos);
  for (int i = 0; i < 310; ++i) many += (i ? "," : "") + property(i);
  CHECK(problem_of(many + "]}").find("more than 300 features") != std::string::npos);
}

TEST_CASE("look-up finds each of three hundred similar identifiers and nothing else") {
  std::string tsl = R"({"properties":[)";
  for (int i = 0; i < 300; ++i)
    tsl += (i ? "," : "") + (R"({"identifier":"channel_number_)" + std::to_string(i)) +
           R"(_value_now","name":"P","accessMode":"r","dataType":{"type":"int","specs":{}}})";
  const auto model = Model::compile(tsl + "]}").model;
  REQUIRE(model);
  for (int i = 0; i < 300; ++i) {
    const auto id = "channel_number_" + std::to_string(i) + "_value_now";
    REQUIRE(model->find_property(id));
    CHECK(model->find_property(id)->identifier == id);
  }
  CHECK(model->find_property("channel_number_300_value_now") == nullptr);
}

TEST_CASE("a TSL cut anywhere is refused, never a crash") {
  const auto text = Model::compile(kBoardTsl).model->tsl("pk", "dn");
  for (std::size_t n = 0; n < text.size(); ++n)
    CHECK(Model::compile(std::string_view(text).substr(0, n)).problem.has_value());
}
