#include "cli/edge_model.h"

#include <algorithm>
#include <limits>

#include "climate/rules.h"
#include "ports/posix/files.h"
#include "tercet/json/reader.h"

namespace tercet::cli {
namespace {

edge::PropertySpec spec_of(std::string_view identifier, const thing::Spec& spec, bool writable,
                           const thing::Model& model) {
  using thing::DataType;
  edge::PropertySpec made{identifier, edge::ValueType::other, writable, 0, 0};
  const bool is_real = spec.type == DataType::float32 || spec.type == DataType::float64;
  if (spec.type == DataType::boolean) {
    made.type = edge::ValueType::boolean, made.max = 1;
  } else if (spec.type == DataType::enumeration) {
    made.type = edge::ValueType::integer;
    const auto choices = model.choices(spec);
    if (!choices.empty()) made.min = choices.front(), made.max = choices.back();
  } else if (is_real || spec.type == DataType::int32) {
    made.type = is_real ? edge::ValueType::real : edge::ValueType::integer;
    const double most = is_real ? std::numeric_limits<double>::max() : std::numeric_limits<std::int32_t>::max();
    made.min = spec.has_min ? spec.min : -most;
    made.max = spec.has_max ? spec.max : most;
  }
  return made;
}

}  // namespace

std::unique_ptr<EdgeModel> EdgeModel::load(const std::string& tsl_path, const std::string& rules,
                                           std::string& problem) {
  std::unique_ptr<EdgeModel> made(new EdgeModel);
  if (tsl_path.empty()) {
    made->model_.properties = climate::kRuleProperties;
    made->model_.events = climate::kRuleEvents;
  } else {
    const auto text = posix::read_file(tsl_path);
    if (!text) {
      problem = tsl_path + ": " + std::string(name(text.error()));
      return nullptr;
    }
    const auto compiled = thing::Model::compile(*text);
    if (compiled.problem) {
      problem = tsl_path + ": " + compiled.problem->text();
      return nullptr;
    }
    made->tsl_ = compiled.model;
    made->take(*compiled.model);
  }
  made->collect_handlers(rules);
  return made;
}

void EdgeModel::take(const thing::Model& model) {
  for (const auto& property : model.properties())
    properties_.push_back(spec_of(property.identifier, property.spec, property.access != thing::Access::read, model));
  for (const auto& event : model.events()) {
    outputs_.emplace_back();
    for (const auto& member : model.outputs(event))
      outputs_.back().push_back(spec_of(member.identifier, member.spec, false, model));
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) events_.push_back({model.events()[i].identifier, outputs_[i]});
  model_.properties = properties_, model_.events = events_;
}

/// What a firmware has registered is not known here.
void EdgeModel::collect_handlers(const std::string& rules) {
  const auto root = json::parse(rules);
  const auto list = root ? root->find("rules") : std::nullopt;
  if (!list) return;
  for (const json::Value& rule : list->elements())
    for (const char* moment : {"enter", "leave"}) {
      const auto actions = rule.find(moment);
      if (!actions) continue;
      for (const json::Value& action : actions->elements()) {
        const auto call = action.find("call");
        const auto text = call ? call->text() : std::nullopt;
        if (!text) continue;
        const std::string name(text->raw());
        if (std::find(handlers_.begin(), handlers_.end(), name) == handlers_.end()) handlers_.push_back(name);
      }
    }
  for (const std::string& name : handlers_) handler_names_.push_back(name);
  model_.handlers = handler_names_;
}

}  // namespace tercet::cli
