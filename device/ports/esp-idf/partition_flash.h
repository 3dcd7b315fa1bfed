#pragma once
#include <esp_partition.h>

#include <optional>

#include "tercet/device/port.h"

namespace tercet::idf {

/// A data partition of the chip's flash, for the outbox: not encrypted, the SDK's alone.
class PartitionFlash final : public device::Flash {
 public:
  /// By its label in the partition table. Nothing: there is none, it is smaller than two sectors, or it is encrypted.
  static std::optional<PartitionFlash> find(const char* label);

  Geometry geometry() const override { return {partition_->size / kSectorBytes, kSectorBytes, 4}; }
  Result<void> read(std::uint32_t at, MutableBytes into) override;
  Result<void> program(std::uint32_t at, Bytes bytes) override;
  Result<void> erase(std::uint32_t sector) override;

 private:
  static constexpr std::uint32_t kSectorBytes = 4096;
  explicit PartitionFlash(const esp_partition_t* partition) : partition_(partition) {}
  const esp_partition_t* partition_;
};

}  // namespace tercet::idf
