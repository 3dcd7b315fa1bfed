#pragma once
#include "tercet/device/client.h"

/// The least an application of a board does: it connects, signs, posts one property a minute and obeys one set. What
/// other libraries' smallest programs are compared with.
namespace tercet::emulator {

class MinimalApplication final : public device::DeviceEvents {
 public:
  explicit MinimalApplication(const device::Port& port) : port_(port), device_(port, buffers_.storage(), *this) {}

  Result<void> start() {
    const auto product = ProductKey::parse("a1B2c3D4e5F");
    const auto name = DeviceName::parse("sensor_01");
    if (!product || !name) return fail(Error::bad_argument);
    return device_.start({*product, *name}, {"iot.example", 1883, false});
  }
  void run() {
    const Instant now = port_.clock.now();
    if (device_.is_online() && now >= post_at_) {
      post_at_ = now + Millis{60'000};
      static_cast<void>(device_.post_property(kTarget(target_)));
    }
    device_.run();
  }

 private:
  static constexpr device::Property<float> kTarget{"target", device::Access::read_write, 0, 100};

  void on_set(device::PropertySet& set) override {
    const auto wanted = set.get(kTarget);
    if (!set.ok() || !wanted) return;
    target_ = *wanted;
    set.confirm(kTarget(target_));
  }

  device::Port port_;
  device::DeviceBuffers<> buffers_;
  device::Device device_;
  Instant post_at_{};
  float target_ = 20;
};

}  // namespace tercet::emulator
