#include "console/console_assets.h"

#include "console/asset_list.h"

namespace tercet::console {

std::optional<openapi::Asset> find_asset(std::string_view path) {
  for (const NamedAsset& one : asset_list())
    if (one.path == path) return one.asset;
  return std::nullopt;
}

}  // namespace tercet::console
