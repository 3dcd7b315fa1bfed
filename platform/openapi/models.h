#pragma once
#include <memory>
#include <string>
#include <unordered_map>

#include "platform/registry/directory.h"
#include "platform/thing/model.h"

namespace tercet::openapi {

/// Compiled thing models for the management thread, by product and version. A product without one has the empty model;
/// a stored text that no longer compiles counts as none.
class Models {
 public:
  std::shared_ptr<const thing::Model> of(const registry::Product& product);

 private:
  struct Entry {
    std::uint64_t version = 0;
    std::shared_ptr<const thing::Model> model;
  };
  std::unordered_map<std::string, Entry> by_product_;
};

}  // namespace tercet::openapi
