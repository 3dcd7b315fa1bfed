#pragma once
#include <functional>
#include <optional>
#include <string_view>

#include "tercet/base/bytes.h"

namespace tercet::openapi {

/// One built file of the console. Views live as long as the process.
struct Asset {
  Bytes bytes;
  Bytes gzip;  ///< empty: not worth it
  std::string_view content_type;
  std::string_view etag;   ///< with its quotes
  bool immutable = false;  ///< the name holds a hash of the content: may be cached for ever
};

/// Finds "/index.html", "/assets/app-1a2b.js"; nothing for other paths. Handed in by the server, so that this module
/// does not need the console to have been built.
using FindAsset = std::function<std::optional<Asset>(std::string_view path)>;

}  // namespace tercet::openapi
