#include "cli/edge_simulation.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>

#include "tercet/edge/compile.h"
#include "tercet/edge/keeper.h"

namespace tercet::cli {
namespace {

using edge::Step;

/// As climate::Rules has it, for models of any size.
using BoardBuffers = edge::EngineBuffers<8, 16, 24, 16, 2, edge::kMaxReferences, 160>;
using LargeBuffers = edge::EngineBuffers<200, 250, 250, 250, 50, edge::kMaxReferences, 8'192>;
constexpr std::size_t kBoardText = 2'048, kLargeText = 64 * 1024;

std::string json_of(const device::PropertyValue& value) {
  std::array<std::uint8_t, 64> buffer{};
  Writer out{buffer};
  json::Writer json{out};
  value.write(json);
  return std::string(out.text());
}

/// A board in memory: obeys sets, writes down everything.
class Simulation final : edge::Actor, edge::KeeperEvents {
 public:
  Simulation(const edge::EngineStorage& storage, std::size_t most_text, const edge::Model& model, const EdgeRun& run)
      : model_(model),
        run_(run),
        engine_(storage, model, *this),
        text_(most_text),
        keeper_(engine_, nullptr, text_, *this) {
    held_.resize(model.properties.size());
    for (const auto& [property, value] : run.settings) held_[property] = value;
  }

  EdgeOutcome play(const std::string& text) {
    if (!run_.rows.empty()) now_ = at(run_.rows.front().time_ms);
    keeper_.start(edge::Boot::ordinary, now_);
    outcome_.accepted = keeper_.offer(text, 0, now_, outcome_.problem).has_value();
    if (!outcome_.accepted) return outcome_;
    for (const EdgeRow& row : run_.rows) {
      while (keeper_.next_deadline() < at(row.time_ms)) pass(std::max(now_, keeper_.next_deadline()));
      now_ = at(row.time_ms);
      for (const auto& [property, value] : row.values) see(property, value);
      pass(now_);
      while (keeper_.next_deadline() <= now_) pass(now_);
    }
    return outcome_;
  }

 private:
  static Instant at(std::int64_t ms) { return Instant{Millis{ms}}; }

  void see(std::size_t property, double value) {
    const auto& spec = model_.properties[property];
    if (spec.writable || held_[property]) held_[property] = value;
    observe(property, value);
  }
  void observe(std::size_t property, double value) {
    device::PropertyValue seen;
    seen.identifier = model_.properties[property].identifier;
    seen.type = device::PropertyValue::Type::real, seen.real = value;
    engine_.observe(seen, now_);
  }
  void pass(Instant now) {
    now_ = now;
    for (std::size_t i = 0; i < held_.size(); ++i)
      if (held_[i]) observe(i, *held_[i]);
    keeper_.run(now_);
  }

  Result<void> set(const device::PropertyValue& value) override {
    const auto at = edge::position(model_.properties, value.identifier);
    const double number =
        value.type == device::PropertyValue::Type::real ? value.real : static_cast<double>(value.integer);
    held_[*at] = number;
    observe(*at, number);
    detail_ = json_of(value);
    return {};
  }
  Result<void> call(std::string_view, const edge::Cause& cause) override {
    detail_ = cause.entered ? "\"enter\"" : "\"leave\"";
    return {};
  }
  Result<void> post_event(std::string_view, std::span<const device::PropertyValue> output) override {
    detail_ = "{";
    for (const auto& value : output)
      detail_ += (detail_.size() == 1 ? "\"" : ",\"") + std::string(value.identifier) + "\":" + json_of(value);
    detail_ += "}";
    return {};
  }
  void on_step(const Step& step) override {
    constexpr const char* kWhat[] = {"entered", "left", "blind", "sighted", "deferred", "did", "failed", "gave_up"};
    constexpr const char* kActions[] = {"set", "call", "event"};
    const char* what =
        step.action ? kActions[static_cast<std::size_t>(*step.action)] : kWhat[static_cast<std::size_t>(step.what)];
    line(step.rule, what, step.target, step.action ? std::string_view(detail_) : std::string_view{});
  }
  bool on_report(const edge::Report& report) override {
    if (report.outcome != edge::Report::Outcome::rolled_back) return true;
    outcome_.rolled_back = true;
    line("-", "rolled_back", name(report.cause), {});
    return true;
  }
  void line(std::string_view rule, std::string_view what, std::string_view target, std::string_view detail) {
    char time[40];
    std::snprintf(time, sizeof time, "%lld.%03lld", static_cast<long long>(now_.since_start.count() / 1000),
                  static_cast<long long>(now_.since_start.count() % 1000));
    std::string& out = outcome_.trace;
    if (!run_.json) {
      out += std::string(time) + " " + std::string(rule) + " " + std::string(what);
      for (const auto part : {target, detail})
        if (!part.empty()) out += " " + std::string(part);
      out += '\n';
      return;
    }
    out += std::string("{\"time\":") + time + ",\"rule\":\"" + std::string(rule) + "\",\"what\":\"" + std::string(what);
    out += '"';
    if (!target.empty()) out += ",\"target\":\"" + std::string(target) + '"';
    if (!detail.empty()) out += ",\"detail\":" + std::string(detail);
    out += "}\n";
  }

  const edge::Model& model_;
  const EdgeRun& run_;
  EdgeOutcome outcome_;
  edge::Engine engine_;
  std::vector<std::uint8_t> text_;
  edge::Keeper keeper_;
  std::vector<std::optional<double>> held_;
  std::string detail_;
  Instant now_{};
};

template <typename Buffers>
EdgeOutcome play(const std::string& text, std::size_t most_text, const edge::Model& model, const EdgeRun& run) {
  const auto buffers = std::make_unique<Buffers>();
  return Simulation(buffers->storage(), most_text, model, run).play(text);
}

template <typename Buffers>
bool check_in(const std::string& text, std::size_t most_text, const edge::Model& model, edge::Problem& problem,
              std::string& used) {
  const auto buffers = std::make_unique<Buffers>();
  const auto room = buffers->storage().rules;
  const auto set = edge::check(text, model, room, problem);
  if (!set) return false;
  if (text.size() > most_text) {
    problem = {edge::Fault::too_large, 0, 0, {}};
    return false;
  }
  const auto part = [&](const char* what, std::size_t count, std::size_t most) {
    used += std::string(used.empty() ? "" : ", ") + std::to_string(count) + " of " + std::to_string(most) + " " + what;
  };
  part("rules", set->rules, room.rules.size());
  part("conditions", set->conditions, room.conditions.size());
  part("actions", set->actions, room.actions.size());
  part("outputs", set->outputs, room.outputs.size());
  part("rates", set->rates, room.rates.size());
  part("bytes", text.size(), most_text);
  used = "version " + std::to_string(set->version) + ": " + used;
  return true;
}

}  // namespace

EdgeOutcome run_edge_rules(const std::string& text, const edge::Model& model, const EdgeRun& run) {
  return run.any_room ? play<LargeBuffers>(text, kLargeText, model, run)
                      : play<BoardBuffers>(text, kBoardText, model, run);
}

bool check_edge_rules(const std::string& text, const edge::Model& model, bool any_room, edge::Problem& problem,
                      std::string& used) {
  return any_room ? check_in<LargeBuffers>(text, kLargeText, model, problem, used)
                  : check_in<BoardBuffers>(text, kBoardText, model, problem, used);
}

}  // namespace tercet::cli
