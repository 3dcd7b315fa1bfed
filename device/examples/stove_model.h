// Made by `tercet model` of stove.tsl.json: change the model and make this anew (docs/typed-model.md).
// clang-format off
#pragma once
#include "tercet/device/typed.h"

namespace stove {

/// Mode
enum class Mode : std::int32_t {
  off = 0,  ///< off
  keep_warm = 1,  ///< keep warm
  heat = 2,  ///< Heat
};
constexpr bool is_choice(Mode value) {
  switch (value) {
    case Mode::off:
    case Mode::keep_warm:
    case Mode::heat:
      return true;
  }
  return false;
}

/// Phase
enum class PowerPhase : std::int32_t {
  l1 = 1,  ///< L1
  l2 = 2,  ///< L2
  l3 = 3,  ///< L3
};
constexpr bool is_choice(PowerPhase value) {
  switch (value) {
    case PowerPhase::l1:
    case PowerPhase::l2:
    case PowerPhase::l3:
      return true;
  }
  return false;
}

/// Power
struct Power {
  ::tercet::device::Field<double> watts{};  ///< Watts, 0..4000
  ::tercet::device::Field<::stove::PowerPhase> phase{};  ///< Phase
};
template <typename Group, typename Visit>
requires(std::same_as<std::remove_const_t<Group>, Power>) constexpr void for_each_field([[maybe_unused]] Group& group, [[maybe_unused]] Visit&& visit) {
  visit(tercet::device::Bounds{.identifier = "watts", .min = 0, .max = 4000}, group.watts);
  visit(tercet::device::Bounds{.identifier = "phase"}, group.phase);
}

/// The properties: tercet::device::post(device, Report{...}) posts those that are set.
struct Report {
  ::tercet::device::Field<float> temperature{};  ///< Temperature, °C, -40..400
  ::tercet::device::Field<::stove::Mode> mode{};  ///< Mode
  ::tercet::device::Field<::std::int32_t> target{};  ///< Target temperature, °C, 40..250
  ::tercet::device::Field<bool> child_lock{};  ///< Child lock
  ::tercet::device::Field<::std::string_view> recipe{};  ///< Recipe, at most 16 characters
  ::tercet::device::Field<::tercet::UnixMillis> ready_at{};  ///< Ready at
  ::tercet::device::Field<::stove::Power> power{};  ///< Power
  ::tercet::device::Field<::std::span<const ::std::int32_t>> plates{};  ///< Plates, at most 4 elements
};
template <typename Group, typename Visit>
requires(std::same_as<std::remove_const_t<Group>, Report>) constexpr void for_each_field([[maybe_unused]] Group& group, [[maybe_unused]] Visit&& visit) {
  visit(tercet::device::Bounds{.identifier = "temperature", .min = -40, .max = 400}, group.temperature);
  visit(tercet::device::Bounds{.identifier = "mode"}, group.mode);
  visit(tercet::device::Bounds{.identifier = "target", .min = 40, .max = 250}, group.target);
  visit(tercet::device::Bounds{.identifier = "child_lock"}, group.child_lock);
  visit(tercet::device::Bounds{.identifier = "recipe", .most = 16}, group.recipe);
  visit(tercet::device::Bounds{.identifier = "ready_at"}, group.ready_at);
  visit(tercet::device::Bounds{.identifier = "power"}, group.power);
  visit(tercet::device::Bounds{.identifier = "plates", .most = 4}, group.plates);
}
constexpr void is_report(const Report&) {}

/// The properties that the platform may set; those that it does set are set.
struct Wanted {
  ::tercet::device::Field<::stove::Mode> mode{};  ///< Mode
  ::tercet::device::Field<::std::int32_t> target{};  ///< Target temperature, °C, 40..250
  ::tercet::device::Field<bool> child_lock{};  ///< Child lock
  ::tercet::device::Field<::std::string_view> recipe{};  ///< Recipe, at most 16 characters
  ::tercet::device::Field<::tercet::device::Items<::std::int32_t>> plates{};  ///< Plates, at most 4 elements
};
template <typename Group, typename Visit>
requires(std::same_as<std::remove_const_t<Group>, Wanted>) constexpr void for_each_field([[maybe_unused]] Group& group, [[maybe_unused]] Visit&& visit) {
  visit(tercet::device::Bounds{.identifier = "mode"}, group.mode);
  visit(tercet::device::Bounds{.identifier = "target", .min = 40, .max = 250}, group.target);
  visit(tercet::device::Bounds{.identifier = "child_lock"}, group.child_lock);
  visit(tercet::device::Bounds{.identifier = "recipe", .most = 16}, group.recipe);
  visit(tercet::device::Bounds{.identifier = "plates", .most = 4}, group.plates);
}

/// Warm (info): tercet::device::post(device, WarmEvent{...})
struct WarmEvent {
};
template <typename Group, typename Visit>
requires(std::same_as<std::remove_const_t<Group>, WarmEvent>) constexpr void for_each_field([[maybe_unused]] Group& group, [[maybe_unused]] Visit&& visit) {
}
constexpr std::string_view event_identifier(const WarmEvent&) { return "warm"; }

/// Burnt (error): tercet::device::post(device, BurntEvent{...})
struct BurntEvent {
  ::tercet::device::Field<float> temperature{};  ///< Temperature, -40..400
  ::tercet::device::Field<::std::string_view> reason{};  ///< Reason, at most 20 characters
};
template <typename Group, typename Visit>
requires(std::same_as<std::remove_const_t<Group>, BurntEvent>) constexpr void for_each_field([[maybe_unused]] Group& group, [[maybe_unused]] Visit&& visit) {
  visit(tercet::device::Bounds{.identifier = "temperature", .min = -40, .max = 400}, group.temperature);
  visit(tercet::device::Bounds{.identifier = "reason", .most = 20}, group.reason);
}
constexpr std::string_view event_identifier(const BurntEvent&) { return "burnt"; }

/// Heat for a time: inputs
struct HeatInput {
  ::tercet::device::Field<::std::int32_t> minutes{};  ///< Minutes, 1..240
};
template <typename Group, typename Visit>
requires(std::same_as<std::remove_const_t<Group>, HeatInput>) constexpr void for_each_field([[maybe_unused]] Group& group, [[maybe_unused]] Visit&& visit) {
  visit(tercet::device::Bounds{.identifier = "minutes", .min = 1, .max = 240}, group.minutes);
}

/// Heat for a time: outputs
struct HeatOutput {
  ::tercet::device::Field<float> watt_hours{};  ///< Energy, 0..
};
template <typename Group, typename Visit>
requires(std::same_as<std::remove_const_t<Group>, HeatOutput>) constexpr void for_each_field([[maybe_unused]] Group& group, [[maybe_unused]] Visit&& visit) {
  visit(tercet::device::Bounds{.identifier = "watt_hours", .min = 0}, group.watt_hours);
}

/// The board's side of the model: derive from it and hand it to the Device. Each function returns the code that is
/// answered: 200; 400 could not be done, 429 too busy, 100000..110000 the device's own. What it is handed lives during
/// the call; texts and arrays that it puts into its answer live until the next one.
class Handler : public tercet::device::DeviceEvents {
 public:
  /// All that is wanted is in the model's ranges. What is put into `now` is posted behind the answer (8 of them).
  virtual std::int32_t change(const Wanted& wanted, Report& now) = 0;
  // Services, with Options::services. Inputs that did not come are not set.
  virtual std::int32_t serve_heat(const HeatInput& input, HeatOutput& output) = 0;

 protected:
  ~Handler() = default;

 private:
  void on_set(tercet::device::PropertySet& set) final {
    Wanted wanted;
    if (!tercet::device::read(set, wanted)) return;
    now_ = Report{};
    const std::int32_t code = change(wanted, now_);
    if (code != 200) return set.refuse(code);
    tercet::device::confirm(set, now_);
  }
  void on_service(tercet::device::ServiceCall& call) final {
    if (call.identifier() == "heat") {
      HeatInput input;
      if (!tercet::device::read(call, input)) return;
      serve_heat_output_ = HeatOutput{};
      const std::int32_t code = serve_heat(input, serve_heat_output_);
      if (code != 200) return call.refuse(code);
      tercet::device::answer(call, serve_heat_output_);
      return;
    }
    call.refuse(460);
  }
  Report now_;
  HeatOutput serve_heat_output_;
};

}  // namespace stove
// clang-format on
