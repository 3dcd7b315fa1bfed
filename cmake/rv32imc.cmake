# RV32IMC, the ESP32-C3's instruction set, without an operating system, run by qemu-system-riscv32 (machine virt). Debian
# has no libstdc++ for it: the headers are those of the ARM package (32 bits, the same GCC), and what they refer to beyond
# headers is in tests/emulator/rv32imc.cc. docs/cross-build.md
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_CXX_COMPILER riscv64-unknown-elf-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(TERCET_BARE rv32imc)

set(_headers /usr/include/newlib/c++/12.2.1)
set(_flags "-march=rv32imc -mabi=ilp32 -msave-restore -ffunction-sections -fdata-sections -fstack-usage")
set(_flags "${_flags} --specs=/usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs")
set(CMAKE_C_FLAGS_INIT "${_flags}")
# Templates that libstdc++ keeps compiled (std::string) are compiled here instead.
string(CONCAT CMAKE_CXX_FLAGS_INIT "${_flags} -fno-exceptions -fno-rtti -fno-threadsafe-statics -nostdinc++ -isystem ${_headers}"
  " -isystem ${_headers}/arm-none-eabi/thumb/v7-m/nofp -isystem ${_headers}/backward -D_GLIBCXX_EXTERN_TEMPLATE=0")
string(CONCAT CMAKE_EXE_LINKER_FLAGS_INIT
  "--oslib=semihost --crt0=hosted -nodefaultlibs -Wl,--gc-sections"
  " -Wl,--defsym=__flash=0x80000000,--defsym=__flash_size=0x00400000"
  " -Wl,--defsym=__ram=0x80400000,--defsym=__ram_size=0x01000000,--defsym=__stack_size=0x10000")
set(CMAKE_CXX_STANDARD_LIBRARIES "-Wl,--start-group -lc -lm -lsemihost -lgcc -Wl,--end-group")
set(CMAKE_C_STANDARD_LIBRARIES "${CMAKE_CXX_STANDARD_LIBRARIES}")
set(CMAKE_CROSSCOMPILING_EMULATOR timeout 300 qemu-system-riscv32 -M virt -m 32M -bios none -nographic -monitor none
  -serial none -semihosting-config enable=on,target=native -kernel)
