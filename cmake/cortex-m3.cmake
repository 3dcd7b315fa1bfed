# Cortex-M3 without an operating system, run by qemu-system-arm (machine mps2-an385). docs/cross-build.md
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(TERCET_BARE cortex_m3)

# The parameter passing that changed in GCC 7.1 is nobody's concern here.
set(_flags "-mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections -fstack-usage")
set(_flags "${_flags} --specs=/usr/lib/picolibc/arm-none-eabi/picolibcpp.specs")
set(CMAKE_C_FLAGS_INIT "${_flags}")
set(CMAKE_CXX_FLAGS_INIT "${_flags} -fno-threadsafe-statics -Wno-psabi")
string(CONCAT CMAKE_EXE_LINKER_FLAGS_INIT
  "--oslib=semihost --crt0=hosted -Wl,--gc-sections -Wl,--defsym=__flash=0x00000000,--defsym=__flash_size=0x00400000"
  " -Wl,--defsym=__ram=0x21000000,--defsym=__ram_size=0x01000000,--defsym=__stack_size=0x10000")
set(CMAKE_CROSSCOMPILING_EMULATOR timeout 300 qemu-system-arm -M mps2-an385 -nographic -monitor none -serial none
  -semihosting-config enable=on,target=native -kernel)
