# Xtensa LX106, the ESP8266's cousin of the ESP32's core: compiled for its size only, neither linked with a C library nor run.
# Headers of libstdc++ are the ARM package's, as for rv32imc. docs/cross-build.md
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR xtensa)
set(CMAKE_C_COMPILER xtensa-lx106-elf-gcc)
set(CMAKE_CXX_COMPILER xtensa-lx106-elf-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(TERCET_BARE xtensa_lx106)
set(TERCET_BARE_OBJECTS_ONLY ON)

set(_headers /usr/include/newlib/c++/12.2.1)
# Calls as a final link makes them: ESP-IDF compiles with -mlongcalls, and its linker shortens nearly all again.
set(_flags "-mtext-section-literals -ffunction-sections -fdata-sections -fstack-usage")
set(_flags "${_flags} --specs=/usr/lib/xtensa-lx106-elf/picolibc.specs")
set(CMAKE_C_FLAGS_INIT "${_flags}")
string(CONCAT CMAKE_CXX_FLAGS_INIT "${_flags} -fno-threadsafe-statics -nostdinc++ -isystem ${_headers}"
  " -isystem ${_headers}/arm-none-eabi/thumb/v7-m/nofp -isystem ${_headers}/backward")
