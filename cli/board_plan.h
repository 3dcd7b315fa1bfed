#pragma once
#include <cstdint>
#include <string>

#include "cli/board.h"
#include "ports/posix/board.h"
#include "tercet/device/ladder.h"

namespace tercet::cli {

/// What the triple file and the command line of `tercet device` come to.
struct Plan {
  DeviceId id;
  std::string host;
  std::uint16_t port = 0;
  std::string other_host;
  std::uint16_t other_port = 0;
  posix::Trust trust;
};

/// False: problem says what is wrong.
bool make_plan(const BoardOptions& options, Plan& plan, std::string& problem);
/// All but the identity; triple may be null.
bool read_way(const BoardOptions& options, const posix::TripleFile* triple, Plan& plan, std::string& problem);

/// By the rung it hung at: see run_board().
int exit_code_of(device::Rung rung, Error error);

}  // namespace tercet::cli
