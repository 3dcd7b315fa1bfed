// What a Cortex-M3 test program needs of its board: a fault ends the run with a status instead of looping.
#include <unistd.h>

#include <cstdio>

extern "C" void arm_hardfault_isr() {
  std::puts("hard fault");
  _exit(139);
}
