#pragma once
#include <string_view>
#include <vector>

#include "platform/openapi/assets.h"

namespace tercet::console {

struct NamedAsset {
  std::string_view path;  ///< "/assets/app-1a2b3c.js"
  openapi::Asset asset;
};

/// Every built file; the definition is made by pack/pack.mjs.
const std::vector<NamedAsset>& asset_list();

}  // namespace tercet::console
