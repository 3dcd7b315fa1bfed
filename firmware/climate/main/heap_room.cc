#include "heap_room.h"

#include <esp_heap_caps.h>
#include <esp_log.h>

#include <cstddef>

namespace tercet::firmware {

bool has_room_for_tls(const char* tag) {
  /// A TLS session takes 31 KB, of that 17 KB in one piece: one record of the server.
  constexpr std::size_t kLeastFree = 34 * 1'024, kLeastBlock = 18 * 1'024;
  constexpr unsigned kInternal = MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT;
  const std::size_t block = heap_caps_get_largest_free_block(kInternal), all = heap_caps_get_free_size(kInternal);
  if (block >= kLeastBlock && all >= kLeastFree) return true;
  ESP_LOGW(tag, "no heap for a second TLS session: %u bytes free, %u in one piece", static_cast<unsigned>(all),
           static_cast<unsigned>(block));
  return false;
}

}  // namespace tercet::firmware
