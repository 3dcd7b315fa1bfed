// new and delete for RV32IMC test programs (libstdc++ has them elsewhere). The climate image is linked with
// rv32imc_no_heap.cc instead. Weak, because some tests bring their own to count with.
#include <cstdlib>
#include <new>

__attribute__((weak)) void* operator new(std::size_t size) {
  if (void* made = std::malloc(size)) return made;
  std::abort();
}
__attribute__((weak)) void* operator new[](std::size_t size) { return operator new(size); }
__attribute__((weak)) void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
__attribute__((weak)) void operator delete(void* p) noexcept { std::free(p); }
__attribute__((weak)) void operator delete[](void* p) noexcept { std::free(p); }
__attribute__((weak)) void operator delete(void* p, std::size_t) noexcept { std::free(p); }
__attribute__((weak)) void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
