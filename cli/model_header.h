#pragma once
#include <string>
#include <string_view>

#include "platform/thing/model.h"

namespace CLI {
class App;
}

namespace tercet::cli {

/// The typed header of a thing model (docs/typed-model.md): for the same model and arguments always the same bytes.
/// source: the file it was made from, named in the header. name_space: a C++ name.
std::string model_header(const thing::Model& model, std::string_view source, std::string_view name_space);

struct ModelOptions {
  std::string header, tsl_file, name_space;
  bool check = false;    ///< say whether the header is of this model, write nothing
  bool replace = false;  ///< also a header that is no header of ours
};
/// `tercet model`. 0, 1: --check and another header, 2: bad input.
int run_model(const ModelOptions& options);
void add_model(CLI::App& app, int& exit_code);

}  // namespace tercet::cli
