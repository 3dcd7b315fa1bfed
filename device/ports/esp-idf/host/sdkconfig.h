#pragma once
/// What the Kconfig menu would say, for the tests on Linux: everything that can be tried at once.
#define CONFIG_TERCET_TLS_CERTIFICATES 1
#define CONFIG_TERCET_SECURITY_PSK 1
#define CONFIG_TERCET_TLS_RESUMPTION 1
