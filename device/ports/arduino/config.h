#pragma once
// In the zip this comes before every file of ports/esp-idf: what their Kconfig menu would say, as the Arduino core was
// built.
#include <sdkconfig.h>

#ifdef CONFIG_MBEDTLS_CERTIFICATE_BUNDLE
#define CONFIG_TERCET_TRUST_BUNDLE 1
#endif
#ifdef CONFIG_MBEDTLS_CLIENT_SSL_SESSION_TICKETS
#define CONFIG_TERCET_TLS_RESUMPTION 1
#endif
