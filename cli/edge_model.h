#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/thing/model.h"
#include "tercet/edge/model.h"

namespace tercet::cli {

/// A thing model as rules see it. Not to be copied: model() is views into it.
class EdgeModel {
 public:
  /// tsl_path: a TSL file; "" for the climate product. Every handler that `rules` calls is known, whatever its name.
  /// Nothing, with `problem` set, when the file cannot be read or is no TSL.
  static std::unique_ptr<EdgeModel> load(const std::string& tsl_path, const std::string& rules, std::string& problem);
  const edge::Model& model() const { return model_; }

 private:
  EdgeModel() = default;
  void take(const thing::Model& model);
  void collect_handlers(const std::string& rules);

  std::shared_ptr<const thing::Model> tsl_;
  std::vector<edge::PropertySpec> properties_;
  std::vector<std::vector<edge::PropertySpec>> outputs_;
  std::vector<edge::EventSpec> events_;
  std::vector<std::string> handlers_;
  std::vector<std::string_view> handler_names_;
  edge::Model model_;
};

}  // namespace tercet::cli
