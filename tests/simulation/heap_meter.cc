#include "tests/simulation/heap_meter.h"

#include <cstdlib>
#include <new>
#include <utility>

namespace tercet::simulation {
namespace {

bool is_inside = false;
std::size_t allocations = 0;

void* counted(std::size_t size) {
  if (is_inside) ++allocations;
  if (void* made = std::malloc(size)) return made;
  std::abort();
}

}  // namespace

SdkScope::SdkScope() : before_(std::exchange(is_inside, true)) {}
SdkScope::~SdkScope() { is_inside = before_; }
OutsideScope::OutsideScope() : before_(std::exchange(is_inside, false)) {}
OutsideScope::~OutsideScope() { is_inside = before_; }
std::size_t sdk_allocations() { return allocations; }

}  // namespace tercet::simulation

void* operator new(std::size_t size) { return tercet::simulation::counted(size); }
void* operator new[](std::size_t size) { return tercet::simulation::counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
