#pragma once
#include "platform/server/config.h"

namespace tercet::server {

/// `tercet serve`: runs the platform until SIGINT or SIGTERM, says what listens where, writes the ready file. Gives the
/// exit code: 0 after an orderly stop, 1 when something stands in the way (said on standard error).
int serve(const Config& config);

}  // namespace tercet::server
