#include "ports/esp-idf/partition_flash.h"

namespace tercet::idf {
namespace {

Result<void> result_of(esp_err_t code) {
  if (code == ESP_OK) return {};
  return fail(code == ESP_ERR_INVALID_ARG || code == ESP_ERR_INVALID_SIZE ? Error::bad_argument : Error::io_failed);
}

}  // namespace

std::optional<PartitionFlash> PartitionFlash::find(const char* label) {
  const esp_partition_t* found = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, label);
  if (found == nullptr || found->size < 2 * kSectorBytes || found->encrypted) return std::nullopt;
  return PartitionFlash(found);
}

Result<void> PartitionFlash::read(std::uint32_t at, MutableBytes into) {
  return result_of(esp_partition_read(partition_, at, into.data(), into.size()));
}

Result<void> PartitionFlash::program(std::uint32_t at, Bytes bytes) {
  return result_of(esp_partition_write(partition_, at, bytes.data(), bytes.size()));
}

Result<void> PartitionFlash::erase(std::uint32_t sector) {
  return result_of(esp_partition_erase_range(partition_, sector * kSectorBytes, kSectorBytes));
}

}  // namespace tercet::idf
