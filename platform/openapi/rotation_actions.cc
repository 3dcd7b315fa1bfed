#include "platform/openapi/handlers.h"

// A new DeviceSecret with an overlap: actions of our own, the cloud has none.
namespace tercet::openapi {

namespace json = boost::json;

namespace {

constexpr std::int64_t kDay = 86'400;

}  // namespace

/// OverlapSeconds: 0 to 7776000, default one day.
void rotate_device_secret(Services& services, const Call& call, Reply reply) {
  std::int64_t seconds = kDay;
  if (call.parameters.has("OverlapSeconds")) seconds = call.parameters.number("OverlapSeconds").value_or(-1);
  constexpr std::int64_t kMost = registry::Registry::kLongestOverlap.count() / 1000;
  const Millis overlap = seconds < 0 || seconds > kMost ? Millis{-1} : Millis{seconds * 1000};
  const AfterApplied later(std::move(reply));
  const auto rotated = services.registry.rotate_secret(call.device(), overlap, later.applied());
  if (!rotated) return later.refuse(rotated.problem());
  const registry::Device& device = rotated->device;
  const std::int64_t until = device.earlier == nullptr ? 0 : device.earlier->until.ms;
  later.answer(success({{"Data", json::object{{"IotId", device.iot_id},
                                              {"ProductKey", device.product},
                                              {"DeviceName", device.name},
                                              {"DeviceSecret", device.secret},
                                              {"EarlierSecretUntil", until}}}}));
}

void end_device_secret_rotation(Services& services, const Call& call, Reply reply) {
  const AfterApplied later(std::move(reply));
  const auto done = services.registry.end_rotation(call.device(), later.applied());
  if (!done) return later.refuse(done.problem());
  later.answer(success());
}

}  // namespace tercet::openapi
