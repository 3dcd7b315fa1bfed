#include "cli/edge_verb.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>

#include "cli/edge_model.h"
#include "cli/edge_simulation.h"
#include "ports/posix/files.h"

namespace tercet::cli {
namespace {

constexpr std::size_t kMostValues = std::size_t{256} << 20;

int complain(const std::string& problem) {
  std::fprintf(stderr, "tercet edge: %s\n", problem.c_str());
  return 2;
}

int refuse(const EdgeOptions& options, const edge::Problem& problem) {
  std::array<std::uint8_t, 1024> buffer{};
  Writer out{buffer};
  edge::write_problem(out, problem, options.language == "zh" ? edge::Language::chinese : edge::Language::english);
  std::fprintf(stderr, "%s: %s\n", options.rules_file.c_str(), std::string(out.text()).c_str());
  return 1;
}

/// The rules' text and the model they are checked against.
struct Input {
  std::string rules;
  std::unique_ptr<EdgeModel> model;
};

bool read_input(const EdgeOptions& options, Input& input, std::string& problem) {
  const auto text = posix::read_file(options.rules_file);
  if (!text) {
    problem = options.rules_file + ": " + std::string(name(text.error()));
    return false;
  }
  input.rules = *text;
  input.model = EdgeModel::load(options.tsl_file, input.rules, problem);
  return input.model != nullptr;
}

bool read_rows(const EdgeOptions& options, const edge::Model& model, EdgeRun& run, std::string& problem) {
  for (const std::string& setting : options.settings) {
    run.settings.emplace_back();
    if (!read_edge_setting(setting, model, run.settings.back(), problem)) return false;
  }
  if (options.generate_hours > 0) {
    run.rows = generate_edge_values(model, options.generate_hours, options.seed);
    return true;
  }
  std::string text;
  if (options.values_file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    const auto read = posix::read_file(options.values_file, kMostValues);
    if (!read) {
      problem = options.values_file + ": " + std::string(name(read.error()));
      return false;
    }
    text = *read;
  }
  if (read_edge_values(text, model, run.rows, problem)) return true;
  problem = options.values_file + ": " + problem;
  return false;
}

}  // namespace

int run_edge_check(const EdgeOptions& options) {
  Input input;
  std::string problem, used;
  if (!read_input(options, input, problem)) return complain(problem);
  edge::Problem refused;
  if (!check_edge_rules(input.rules, input.model->model(), options.any_room, refused, used))
    return refuse(options, refused);
  std::printf("%s\n", used.c_str());
  return 0;
}

int run_edge_run(const EdgeOptions& options) {
  Input input;
  std::string problem;
  if (options.values_file.empty() && options.generate_hours <= 0) return complain("--values FILE or --generate HOURS");
  if (!read_input(options, input, problem)) return complain(problem);
  EdgeRun run;
  run.json = options.json, run.any_room = options.any_room;
  if (!read_rows(options, input.model->model(), run, problem)) return complain(problem);
  const EdgeOutcome outcome = run_edge_rules(input.rules, input.model->model(), run);
  if (!outcome.accepted) return refuse(options, outcome.problem);
  std::fwrite(outcome.trace.data(), 1, outcome.trace.size(), stdout);
  return outcome.rolled_back ? 1 : 0;
}

void add_edge(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<EdgeOptions>();
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == 0) continue;
    if (std::string(value).starts_with("zh")) options->language = "zh";
    break;
  }
  CLI::App* edge = app.add_subcommand("edge", "check and try rules that run on boards");
  edge->require_subcommand(1);
  CLI::App* check = edge->add_subcommand("check", "say whether a board would take a rule file, or what is wrong where");
  CLI::App* run = edge->add_subcommand("run", "run a rule file over recorded or generated values and print each step");
  for (CLI::App* verb : {check, run}) {
    verb->add_option("file", options->rules_file, "rule file (docs/edge-rules.md)")->required();
    verb->add_option("--model", options->tsl_file, "thing model, TSL JSON (default: the climate product)");
    verb->add_flag("--any-room", options->any_room, "also what the default buffers of a board have no room for");
    verb->add_option("--lang", options->language, "en or zh")->check(CLI::IsMember({"en", "zh"}));
  }
  run->add_option("--values", options->values_file,
                  "CSV with a header, or a JSON object per line; - reads standard input");
  run->add_option("--generate", options->generate_hours, "instead: so many hours of the climate model's air")
      ->check(CLI::Range(0.01, 10'000.0));
  run->add_option("--seed", options->seed, "seed of the model");
  run->add_option("--set", options->settings, "PROPERTY=NUMBER, known from the beginning; may be repeated");
  run->add_flag("--json", options->json, "print a JSON object per step");
  edge->footer("Exit code: 0 accepted, 1 refused or rolled back, 2 bad input");
  check->callback([options, &exit_code] { exit_code = run_edge_check(*options); });
  run->callback([options, &exit_code] { exit_code = run_edge_run(*options); });
}

}  // namespace tercet::cli
