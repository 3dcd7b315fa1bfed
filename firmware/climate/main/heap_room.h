#pragma once

namespace tercet::firmware {

/// Whether the heap has room for a second TLS session; says so on the console when it has not.
bool has_room_for_tls(const char* tag);

}  // namespace tercet::firmware
