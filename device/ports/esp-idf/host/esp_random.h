#pragma once
#include <sys/random.h>

#include <cstddef>

/// ESP-IDF's, for the tests on Linux.
inline void esp_fill_random(void* into, std::size_t size) { static_cast<void>(!::getrandom(into, size, 0)); }
