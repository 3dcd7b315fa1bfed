#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/model_header.h"
#include "cli/model_names.h"
#include "cli/new_files.h"
#include "ports/posix/files.h"

namespace tercet::cli {
namespace {

constexpr std::string_view kMark = "// Made by `tercet model` of ";

int complain(const std::string& problem) {
  std::fprintf(stderr, "tercet model: %s\n", problem.c_str());
  return 2;
}

/// `climate.h` and `climate_model.h` are of `climate.tsl.json` beside them.
std::string tsl_beside(const std::filesystem::path& header) {
  std::string stem = header.stem().string();
  if (stem.ends_with("_model")) stem.resize(stem.size() - 6);
  return (header.parent_path() / (stem + ".tsl.json")).string();
}

bool is_name(const std::string& text) { return ModelNames::name_space(text) == text; }

}  // namespace

int run_model(const ModelOptions& options) {
  const std::filesystem::path path(options.header);
  const std::string source = options.tsl_file.empty() ? tsl_beside(path) : options.tsl_file;
  const auto tsl = posix::read_file(source);
  if (!tsl) {
    const std::string reason = source + ": " + std::string(name(tsl.error()));
    return complain(reason + (options.tsl_file.empty() ? " (name the TSL file with --tsl)" : ""));
  }
  const auto compiled = thing::Model::compile(*tsl);
  if (compiled.problem) return complain(source + ": " + compiled.problem->text());
  std::string name_space = options.name_space;
  if (name_space.empty()) name_space = ModelNames::name_space(path.stem().string());
  if (!is_name(name_space))
    return complain("--namespace " + name_space + " is no C++ name (letters, digits, single _)");
  const std::string made = model_header(*compiled.model, std::filesystem::path(source).filename().string(), name_space);

  const auto old = posix::read_file(options.header, std::size_t{16} << 20);
  if (old && *old == made) return 0;  // its time stays, so that nothing is built anew
  if (options.check) {
    std::fprintf(stderr, "tercet model: %s is not of %s (make it anew without --check)\n", options.header.c_str(),
                 source.c_str());
    return 1;
  }
  const bool is_ours = old && old->starts_with(kMark);
  if (old && !is_ours && !options.replace)
    return complain(options.header + " is no header made of a model (--replace puts one there all the same)");
  std::string problem;
  NewFiles files(is_ours || options.replace);
  if (!files.add(options.header, made, problem) || !files.commit(problem)) return complain(problem);
  std::error_code ignored;  // a header is no secret; umask is for others to know
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write |
                                   std::filesystem::perms::group_read | std::filesystem::perms::others_read,
                               ignored);
  return 0;
}

void add_model(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ModelOptions>();
  CLI::App* model = app.add_subcommand("model", "make a typed C++ header of a thing model, for programs on boards");
  model->add_option("header", options->header, "header to write (docs/typed-model.md)")->required();
  model->add_option("--tsl", options->tsl_file, "thing model, TSL JSON (default: NAME.tsl.json beside NAME.h)");
  model->add_option("--namespace", options->name_space, "C++ namespace (default: the header's name)");
  model->add_flag("--check", options->check, "write nothing, say whether the header is of this model");
  model->add_flag("--replace", options->replace, "also where another file is");
  model->footer("Exit code: 0 done, 1 with --check: another header, 2 bad input");
  model->callback([options, &exit_code] { exit_code = run_model(*options); });
}

}  // namespace tercet::cli
