#include "platform/openapi/models.h"

namespace tercet::openapi {

std::shared_ptr<const thing::Model> Models::of(const registry::Product& product) {
  if (product.tsl.empty()) return thing::Model::empty();
  constexpr std::size_t kKept = 2000;  // more than the products of one account
  if (by_product_.size() > kKept) by_product_.clear();
  Entry& entry = by_product_[product.key];
  if (!entry.model || entry.version != product.version) {
    thing::Compilation compiled = thing::Model::compile(product.tsl);
    entry = {product.version, compiled.model ? compiled.model : thing::Model::empty()};
  }
  return entry.model;
}

}  // namespace tercet::openapi
