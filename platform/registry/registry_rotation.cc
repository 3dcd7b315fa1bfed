// A device's secret is replaced while the device is in use: both secrets are taken for a while (docs/identity.md).
#include <utility>

#include "platform/registry/registry_state.h"

namespace tercet::registry {

Answer<DeviceRecord> Registry::rotate_secret(const DeviceRef& ref, Millis overlap, runtime::Task applied) {
  State& state = *state_;
  if (overlap.count() < 0 || overlap > kLongestOverlap)
    return RegistryProblem{Error::bad_argument, "tercet.rotation.InvalidOverlap",
                           "the overlap is 0 to 7776000 seconds (90 days)"};
  flush();
  auto found = device(ref);
  if (!found) return found.problem();
  Device& device = found->device;
  const UnixMillis now = state.now();
  if (device.is_rotating(now))
    return RegistryProblem{Error::bad_state, "tercet.rotation.Running",
                           "the earlier secret is taken until " + std::to_string(device.earlier->until.ms) +
                               " (ms): a third one would lock out a board that still has it. End the rotation first "
                               "(`tercet device rotate-secret PK DN --end`)"};
  const bool damaged = device.secret.empty();  // nobody could log in with it
  EarlierSecret earlier{device.secret, {damaged ? 0 : now.ms + overlap.count()}};
  device.secret = state.names.device_secret();
  found->modified = now;
  const auto stored =
      state.database
          .must_prepare("UPDATE devices SET secret=?, earlier_secret=?, earlier_until=?, modified=? WHERE number=?")
          .bind(state.box.seal(device.secret, device_row(device.product, device.name)),
                state.box.seal(earlier.secret, earlier_row(device.product, device.name)), earlier.until.ms, now.ms,
                device.number)
          .run();
  if (!stored) return system_problem(stored.problem());
  device.earlier = damaged ? nullptr : std::make_shared<const EarlierSecret>(std::move(earlier));
  device.sign_out = overlap.count() == 0;
  state.feed.put(std::vector{device}, std::move(applied));
  return std::move(*found);
}

Answer<void> Registry::end_rotation(const DeviceRef& ref, runtime::Task applied) {
  State& state = *state_;
  flush();
  auto found = device(ref);
  if (!found) return found.problem();
  Device& device = found->device;
  const UnixMillis now = state.now();
  if (!device.is_rotating(now))
    return RegistryProblem{Error::bad_state, "tercet.rotation.NotRunning",
                           "the device has one secret only: there is nothing to end"};
  const auto stored = state.database.must_prepare("UPDATE devices SET earlier_until=?, modified=? WHERE number=?")
                          .bind(now.ms, now.ms, device.number)
                          .run();
  if (!stored) return system_problem(stored.problem());
  device.earlier = std::make_shared<const EarlierSecret>(EarlierSecret{device.earlier->secret, now});
  device.sign_out = true;
  state.feed.put(std::vector{device}, std::move(applied));
  return {};
}

}  // namespace tercet::registry
