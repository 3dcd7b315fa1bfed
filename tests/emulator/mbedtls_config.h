// Configuration of the mbedTLS that the emulator's programs link: the digests of the protocol, through both of its
// APIs, with memory from a static pool (tests/emulator/digest_memory.cc). A board's own mbedTLS is configured by its
// SDK.
#pragma once
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_MD_C
#define MBEDTLS_MD5_C
#define MBEDTLS_SHA1_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#include <mbedtls/check_config.h>
