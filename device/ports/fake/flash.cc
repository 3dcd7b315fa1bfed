#include "ports/fake/flash.h"

#include <algorithm>
#include <cstring>

#include "tercet/base/check.h"

namespace tercet::fake {

Flash::Flash(std::uint32_t sectors, std::uint32_t sector_bytes, std::uint32_t program_bytes)
    : bad_to_program(sectors),
      bad_to_erase(sectors),
      erasures(sectors),
      cells(sectors * sector_bytes, 0xFF),
      geometry_{sectors, sector_bytes, program_bytes},
      programmed_(sectors * sector_bytes / program_bytes) {}

void Flash::cut_at(std::uint32_t operation, std::uint32_t byte) { cut_ = Cut{operations + operation, byte}; }

std::uint32_t Flash::wear_spread() const {
  const auto [least, most] = std::minmax_element(erasures.begin(), erasures.end());
  return *most - *least;
}

void Flash::settle() {
  const std::uint32_t unit = geometry_.program_bytes;
  for (std::size_t i = 0; i < programmed_.size(); ++i) {
    const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(i * unit);
    programmed_[i] = std::any_of(begin, begin + unit, [](std::uint8_t byte) { return byte != 0xFF; });
  }
}

std::uint8_t Flash::noise() {
  noise_ = noise_ * 1'664'525u + 1'013'904'223u;
  return static_cast<std::uint8_t>(noise_ >> 24);
}

bool Flash::is_cut_now() {
  is_off_ = cut_ && cut_->operation == operations++;
  return is_off_;
}

void Flash::violate() {
  ++violations;
  TERCET_CHECK(forgives);
}

Result<void> Flash::read(std::uint32_t at, MutableBytes into) {
  const bool is_in_hole = at < unreadable_to && at + into.size() > unreadable_from;
  if (is_off_ || unreadable || is_in_hole) return fail(Error::io_failed);
  if (failing_reads > 0) {
    --failing_reads;
    return fail(Error::io_failed);
  }
  if (at > cells.size() || into.size() > cells.size() - at) return fail(Error::bad_argument);
  if (!into.empty()) std::memcpy(into.data(), cells.data() + at, into.size());
  return {};
}

void Flash::program_byte(std::uint32_t at, std::uint8_t value) {
  if ((value & ~cells[at]) != 0) violate();
  cells[at] = static_cast<std::uint8_t>(cells[at] & value);
}

Result<void> Flash::program(std::uint32_t at, Bytes bytes) {
  const std::uint32_t unit = geometry_.program_bytes;
  if (is_off_) return fail(Error::io_failed);
  const auto size = static_cast<std::uint32_t>(bytes.size());
  if (at % unit != 0 || size % unit != 0 || size == 0 || at > cells.size() || size > cells.size() - at) {
    violate();
    return fail(Error::bad_argument);
  }
  last_bytes = size;
  const bool is_cut = is_cut_now();
  if (bad_to_program[at / geometry_.sector_bytes]) return lies ? Result<void>{} : fail(Error::io_failed);
  const std::uint32_t stop = is_cut ? cut_->byte % size : size;
  for (std::uint32_t i = 0; i < size; ++i) {
    std::uint8_t kept = 0;  // bits that stay as they are
    if (is_cut) {
      const std::uint32_t distance = tear == Tear::from_back ? size - 1 - i : i;
      kept = tear == Tear::scattered || distance == stop ? noise() : distance < stop ? std::uint8_t{0} : 0xFF;
    }
    if (kept == 0xFF) continue;
    std::uint8_t& unit_state = programmed_[(at + i) / unit];
    if (unit_state == 1 && i % unit == 0) violate();
    if ((i + 1) % unit == 0) unit_state = 1;
    program_byte(at + i, static_cast<std::uint8_t>(bytes[i] | kept));
  }
  if (is_cut) {
    settle();
    return fail(Error::io_failed);
  }
  return {};
}

Result<void> Flash::erase(std::uint32_t sector) {
  if (is_off_) return fail(Error::io_failed);
  if (sector >= geometry_.sectors) {
    violate();
    return fail(Error::bad_argument);
  }
  const std::uint32_t size = geometry_.sector_bytes, at = sector * size;
  last_bytes = size;
  const bool is_cut = is_cut_now();
  if (bad_to_erase[sector]) return lies ? Result<void>{} : fail(Error::io_failed);
  ++erasures[sector];
  const std::uint32_t stop = is_cut ? cut_->byte % size : size;
  for (std::uint32_t i = 0; i < size; ++i) {
    std::uint8_t erased = 0xFF;  // bits that become ones
    if (is_cut) {
      const std::uint32_t distance = tear == Tear::from_back ? size - 1 - i : i;
      erased = tear == Tear::scattered || distance == stop ? noise() : distance < stop ? 0xFF : std::uint8_t{0};
    }
    cells[at + i] = static_cast<std::uint8_t>(cells[at + i] | erased);
  }
  std::fill_n(programmed_.begin() + static_cast<std::ptrdiff_t>(at / geometry_.program_bytes),
              size / geometry_.program_bytes, std::uint8_t{0});
  if (!is_cut) return {};
  settle();
  return fail(Error::io_failed);
}

}  // namespace tercet::fake
