#pragma once

namespace tercet::script {

/// The processor time one run may take; then the system ends the worker.
inline constexpr int kProcessorMillis = 200;

/// The worker process: answers requests on its standard input, a socket, until that closes. It gives up what it does
/// not need first: files, more processes, a dump of its memory. Gives the process's exit code.
int serve_scripts();

}  // namespace tercet::script
