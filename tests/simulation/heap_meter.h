#pragma once
#include <cstddef>

namespace tercet::simulation {

/// Counts what the SDK allocates while everything around it allocates too: `operator new` counts inside an SdkScope,
/// and not inside an OutsideScope, which each part of the simulated board opens when the SDK calls it. One thread.
class SdkScope {
 public:
  SdkScope();
  ~SdkScope();
  SdkScope(const SdkScope&) = delete;
  SdkScope& operator=(const SdkScope&) = delete;

 private:
  bool before_;
};

class OutsideScope {
 public:
  OutsideScope();
  ~OutsideScope();
  OutsideScope(const OutsideScope&) = delete;
  OutsideScope& operator=(const OutsideScope&) = delete;

 private:
  bool before_;
};

/// Since the program began.
std::size_t sdk_allocations();

}  // namespace tercet::simulation
