#pragma once
#include <optional>
#include <string_view>

#include "platform/openapi/assets.h"

namespace tercet::console {

/// The console as Vite built it, inside the executable. Paths as a browser asks for them: "/index.html",
/// "/assets/...". Any thread.
std::optional<openapi::Asset> find_asset(std::string_view path);

}  // namespace tercet::console
