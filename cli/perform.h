#pragma once
#include "cli/manage.h"
#include "cli/openapi_client.h"
#include "cli/verbs.h"

namespace tercet::cli {

/// Which platform a verb is for, out of its options, the environment and what a running platform has left. False: said
/// why, and exit_code is 2.
bool reach(Verbs& verbs, ApiAccess& access);
/// Calls it and shows the answer; exit_code is that of run_call().
void perform(Verbs& verbs, const Call& wanted);
/// A verb with the options of reach().
CLI::App* verb_of(CLI::App& parent, Verbs& verbs, const char* name, const char* what);

}  // namespace tercet::cli
