#pragma once
#include <Print.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "TercetClimate.h"
#include "climate/rules.h"
#include "ports/arduino/board.h"

/// Edge rules on a climate monitor (docs/edge-rules.md): decisions by a text, without a network; the accepted text is
/// kept over restarts, and rolled back when it misbehaves. While rules run, the monitor's own alarm is off. Make one
/// beside the climate; begin() after the climate's, loop() after the climate's. Takes about 5 KB of memory and 22 KB
/// of flash; a sketch without it takes none of that.
class TercetRules {
 public:
  explicit TercetRules(TercetDevice& device, TercetClimate& climate) : device_(device), climate_(climate) {}
  TercetRules(const TercetRules&) = delete;
  TercetRules& operator=(const TercetRules&) = delete;

  /// Tells here what rules do: logTo(Serial).
  void logTo(Print& out) { watcher_.out = &out; }
  /// A function that rules may call, up to four, before begin(): with true when the rule is entered, with false when it
  /// is left. False: there are four already.
  bool onCall(const char* name, void (*call)(bool entered)) {
    if (handlers_used_ == handlers_.size() || rules_) return false;
    handlers_[handlers_used_++] = {name, &TercetRules::obey, reinterpret_cast<void*>(call)};
    return true;
  }

  /// own: the sketch's own rules, for a board that has none yet; outlive it, and may be "". False: begin() of the
  /// climate has not succeeded, or the text is wrong, see problem(); rules that were taken before run all the same.
  bool begin(const char* own = "") {
    if (device_.device() == nullptr || climate_.monitor() == nullptr || rules_) return false;
    tercet::climate::RulesOptions options;
    options.own = own;
    options.handlers = std::span(handlers_.data(), handlers_used_);
    options.watcher = &watcher_;
    rules_.emplace(*device_.device(), *climate_.monitor(), device_.events(), device_.port().store, options);
    tercet::edge::Problem problem;
    const bool good = options.own.empty() || rules_->engine().check(options.own, problem);
    rules_->start(tercet::climate::boot_after(tercet::arduino::board().reset_reason()), now());
    return good || refuse(problem);
  }
  void loop() {
    if (rules_) rules_->run(now());
  }

  /// A new rule set, from wherever the sketch has got it. False: problem() says what is wrong with it, and where.
  bool offer(const char* text) {
    if (!rules_) return false;
    tercet::edge::Problem problem;
    return rules_->offer(text, 0, now(), problem) || refuse(problem);
  }
  /// The version that runs; 0: none.
  std::uint32_t version() const { return rules_ ? rules_->keeper().running() : 0; }
  /// About the last text that was refused.
  const char* problem() const { return problem_.data(); }
  /// For everything else. Null before begin().
  tercet::climate::Rules* rules() { return rules_ ? &*rules_ : nullptr; }

 private:
  struct Watcher final : tercet::climate::RulesWatcher {
    void on_step(const tercet::edge::Step& step) override {
      constexpr const char* kWhat[] = {"entered",  "left", "no value of", "again a value of",
                                       "deferred", "did",  "failed",      "gave up"};
      say({"rule ", step.rule, ": ", kWhat[static_cast<std::size_t>(step.what)], " ", step.target});
    }
    void on_report(const tercet::edge::Report& report) override {
      say({"rules ", name(report.outcome), report.running == 0 ? "; none run" : ""});
    }
    void say(std::initializer_list<std::string_view> parts) {
      if (out == nullptr) return;
      const auto write = [this](std::string_view text) {
        out->write(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
      };
      write("[tercet] ");
      for (const std::string_view part : parts) write(part);
      write("\r\n");
    }
    Print* out = nullptr;
  };

  static tercet::Result<void> obey(void* call, const tercet::edge::Cause& cause) {
    reinterpret_cast<void (*)(bool)>(call)(cause.entered);
    return {};
  }
  tercet::Instant now() const { return device_.port().clock.now(); }
  bool refuse(const tercet::edge::Problem& problem) {
    tercet::Writer out{tercet::MutableBytes{reinterpret_cast<std::uint8_t*>(problem_.data()), problem_.size() - 1}};
    tercet::edge::write_problem(out, problem, tercet::edge::Language::english);
    problem_[out.written().size()] = '\0';
    watcher_.say({"rules: ", problem_.data()});
    return false;
  }

  TercetDevice& device_;
  TercetClimate& climate_;
  Watcher watcher_;
  std::array<tercet::edge::Handler, tercet::climate::Rules::kMostHandlers> handlers_{};
  std::size_t handlers_used_ = 0;
  std::array<char, 256> problem_{};
  std::optional<tercet::climate::Rules> rules_;
};
