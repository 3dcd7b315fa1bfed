// What an RV32IMC program needs of its board: atomics for a core without them, and a trap handler that ends the run
// with a status instead of looping.
#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace {

/// One hart: nothing runs in between while interrupts are masked.
template <typename Change>
std::uint32_t change(volatile void* at, Change next) {
  auto* word = static_cast<volatile std::uint32_t*>(at);
  std::uint32_t status;
  asm volatile(".option push\n.option arch, +zicsr\ncsrrci %0, mstatus, 8\n.option pop" : "=r"(status) : : "memory");
  const std::uint32_t before = *word;
  *word = next(before);
  if ((status & 8) != 0)
    asm volatile(".option push\n.option arch, +zicsr\ncsrsi mstatus, 8\n.option pop" : : : "memory");
  return before;
}

}  // namespace

// Declared under other names, so that they do not clash with the compiler's own declarations.
extern "C" {
std::uint32_t fetch_add(volatile void* at, std::uint32_t by, int) asm("__atomic_fetch_add_4");
std::uint32_t fetch_sub(volatile void* at, std::uint32_t by, int) asm("__atomic_fetch_sub_4");
std::uint32_t exchange(volatile void* at, std::uint32_t to, int) asm("__atomic_exchange_4");
std::uint32_t fetch_add(volatile void* at, std::uint32_t by, int) {
  return change(at, [by](std::uint32_t x) { return x + by; });
}
std::uint32_t fetch_sub(volatile void* at, std::uint32_t by, int) {
  return change(at, [by](std::uint32_t x) { return x - by; });
}
std::uint32_t exchange(volatile void* at, std::uint32_t to, int) {
  return change(at, [to](std::uint32_t) { return to; });
}

[[noreturn]] __attribute__((aligned(4), used)) void rv32_trap() {
  std::uint32_t cause, pc;
  asm volatile(".option push\n.option arch, +zicsr\ncsrr %0, mcause\ncsrr %1, mepc\n.option pop"
               : "=r"(cause), "=r"(pc));
  std::printf("trap cause=%u pc=%08x\n", static_cast<unsigned>(cause), static_cast<unsigned>(pc));
  _exit(139);
}
}

__attribute__((constructor(101))) static void install_trap() {
  asm volatile(".option push\n.option arch, +zicsr\ncsrw mtvec, %0\n.option pop" : : "r"(&rv32_trap));
}
