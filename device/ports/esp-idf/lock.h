#pragma once
#ifdef ESP_PLATFORM
#include <freertos/FreeRTOS.h>
#include <freertos/semphr.h>
#else
#include <mutex>
#endif

namespace tercet::idf {

/// A mutex for moments: FreeRTOS's, so that no threads of the C++ library are needed; the C++ library's in the tests on
/// Linux. Nothing is allocated.
class Lock {
 public:
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
#ifdef ESP_PLATFORM
  Lock() : handle_(xSemaphoreCreateMutexStatic(&memory_)) {}
  void take() { xSemaphoreTake(handle_, portMAX_DELAY); }
  void give() { xSemaphoreGive(handle_); }

 private:
  StaticSemaphore_t memory_{};
  SemaphoreHandle_t handle_;
#else
  Lock() = default;
  void take() { mutex_.lock(); }
  void give() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
#endif
};

/// Holds a lock while it lives.
class Holding {
 public:
  explicit Holding(Lock& lock) : lock_(lock) { lock_.take(); }
  ~Holding() { lock_.give(); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

 private:
  Lock& lock_;
};

}  // namespace tercet::idf
