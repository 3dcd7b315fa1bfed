#include "cli/model_header.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/model_names.h"

using namespace tercet;
using namespace tercet::cli;

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A folder that goes with the test.
struct Folder {
  Folder() {
    path = std::filesystem::temp_directory_path() / ("tercet-model-" + std::to_string(getpid()));
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("the header in the examples is the one of its model") {
  const std::string examples = std::string(TERCET_SOURCE) + "/device/examples/";
  const auto compiled = thing::Model::compile(text_of(examples + "stove.tsl.json"));
  REQUIRE(compiled.model);
  CHECK(model_header(*compiled.model, "stove.tsl.json", "stove") == text_of(examples + "stove_model.h"));
}

TEST_CASE("names are the model's where C++ lets them, and each is given once") {
  ModelNames names;
  CHECK(names.value("report_interval") == "report_interval");
  CHECK(names.value("class") == "class_");
  CHECK(names.value("battery:level") == "battery_level");
  CHECK(names.value("battery_level") == "battery_level2");
  CHECK(names.value("9lives") == "n9lives");
  CHECK(names.value("__x__y") == "x_y");
  CHECK(names.type("report_interval") == "ReportInterval");
  CHECK(names.type("reportInterval") == "ReportInterval2");
  CHECK(names.type("weigh", "Input") == "WeighInput");
  ModelNames choices;
  CHECK(choices.choice("Eco mode", 0) == "eco_mode");
  CHECK(choices.choice("eco-mode", 1) == "eco_mode2");
  CHECK(choices.choice("节能", 2) == "value_2");
  CHECK(choices.choice("", -3) == "value_minus_3");
  CHECK(choices.choice("new", 4) == "new_");
  CHECK(ModelNames::name_space("my-stove") == "my_stove");
  CHECK(ModelNames::name_space("") == "n");
}

TEST_CASE("a model with a mistake makes no header") {
  const Folder folder;
  ModelOptions options;
  options.tsl_file = folder.file("bad.json", R"({"properties":[{"identifier":"a b"}]})");
  options.header = (folder.path / "bad.h").string();
  CHECK(run_model(options) == 2);
  options.tsl_file = (folder.path / "none.json").string();
  CHECK(run_model(options) == 2);
  CHECK(!std::filesystem::exists(options.header));
}

TEST_CASE("a header of ours is made anew, another file stays") {
  const Folder folder;
  ModelOptions options;
  options.tsl_file = folder.file("lamp.tsl.json", R"({"properties":[]})");
  options.header = folder.file("lamp.h", "int main() {}\n");
  CHECK(run_model(options) == 2);
  CHECK(text_of(options.header) == "int main() {}\n");
  options.replace = true;
  CHECK(run_model(options) == 0);
  options.replace = false;
  options.tsl_file = {};  // lamp.tsl.json is beside it
  CHECK(run_model(options) == 0);
  options.check = true;
  CHECK(run_model(options) == 0);
  folder.file("lamp.tsl.json", R"({"properties":[],"events":[{"identifier":"on"}]})");
  CHECK(run_model(options) == 1);
  options.check = false;
  CHECK(run_model(options) == 0);
  CHECK(text_of(options.header).find("struct OnEvent") != std::string::npos);
  options.name_space = "no good";
  CHECK(run_model(options) == 2);
}
