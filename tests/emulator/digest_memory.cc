// The memory and the random numbers that mbedTLS asks its board for. Memory is a static pool, so that a program without
// a heap can sign. There are no random numbers: nothing here needs them, and a call would show as a refusal.
#include <mbedtls/memory_buffer_alloc.h>
#include <psa/crypto.h>

#include <cstddef>

#ifndef TERCET_POOL_BYTES
#define TERCET_POOL_BYTES (8 * 1024)
#endif

namespace {
alignas(8) unsigned char pool[TERCET_POOL_BYTES];
}

__attribute__((constructor(102))) static void hand_over_pool() { mbedtls_memory_buffer_alloc_init(pool, sizeof pool); }

extern "C" psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t*, unsigned char*,
                                                        std::size_t, std::size_t*) {
  return PSA_ERROR_INSUFFICIENT_ENTROPY;
}
