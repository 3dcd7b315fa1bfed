#pragma once
#include <cstddef>

#include "platform/script/scripts.h"

namespace tercet::script {

inline constexpr std::size_t kMaxScript = std::size_t{128} * 1024;
inline constexpr std::size_t kMaxOutput = std::size_t{255} * 1024;
inline constexpr std::size_t kEngineMemory = std::size_t{16} * 1024 * 1024;

/// Runs one function of a script in a fresh interpreter (ECMAScript 5.1 with typed arrays; no files, no network, no
/// timers), so that no call sees what another left. Memory is bounded by `memory_bytes`; time is not: whoever calls
/// this in a process that matters must be ready to lose it (worker.h). Blocking.
Outcome run_here(const Request& request, std::size_t memory_bytes = kEngineMemory);

}  // namespace tercet::script
