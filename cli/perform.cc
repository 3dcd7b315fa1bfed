#include "cli/perform.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace tercet::cli {

bool reach(Verbs& verbs, ApiAccess& access) {
  std::string problem;
  const AccessSources sources{{verbs.endpoint, verbs.access_key_id, verbs.access_key_secret, ""}, verbs.ready_file};
  if (find_access(sources, access, problem)) return true;
  std::cerr << "tercet: " << problem << "\n";
  verbs.exit_code = 2;
  return false;
}

void perform(Verbs& verbs, const Call& wanted) {
  ApiAccess access;
  if (reach(verbs, access)) verbs.exit_code = run_call(access, wanted, verbs.json);
}

CLI::App* verb_of(CLI::App& parent, Verbs& verbs, const char* name, const char* what) {
  CLI::App* verb = parent.add_subcommand(name, what);
  add_access_options(*verb, verbs);
  return verb;
}

}  // namespace tercet::cli
