#include "ports/arduino/test_board.h"

#include "climate/drivers/sht3x.h"

namespace tercet::arduino {
namespace {

TestBoard* current = nullptr;

}  // namespace

Board& board() { return *current; }

TestBoard::TestBoard(std::uint32_t seed) : fake(seed) {
  current = this;
  standin::micros_now = [] { return static_cast<unsigned long>(current->fake.clock.at.since_start.count() * 1000); };
  standin::printed.clear();
  standin::pins = {};
  standin::sensor_answers = true;
  measure(21.5f, 40);
}

TestBoard::~TestBoard() { current = nullptr; }

void TestBoard::run(void (*loop)(), Millis time) {
  for (const Instant until = fake.clock.at + time; fake.clock.at < until;) {
    loop();
    fake.clock.advance(Millis{20});
  }
}

/// As the datasheet of the SHT3x scales them.
void TestBoard::measure(float temperature, float humidity) {
  const auto t = static_cast<std::uint16_t>((temperature + 45) / 175 * 65'535 + 0.5f);
  const auto h = static_cast<std::uint16_t>(humidity / 100 * 65'535 + 0.5f);
  auto& frame = standin::sht3x_frame;
  frame = {static_cast<std::uint8_t>(t >> 8), static_cast<std::uint8_t>(t), 0,
           static_cast<std::uint8_t>(h >> 8), static_cast<std::uint8_t>(h), 0};
  frame[2] = climate::sht_crc(Bytes{frame}.first(2));
  frame[5] = climate::sht_crc(Bytes{frame}.subspan(3, 2));
}

device::Port TestBoard::port() {
  auto parts = fake.port();
  parts.flash = &flash;
  return parts;
}

Result<void> TestBoard::trust(std::string_view text) {
  trusted = text;
  return good_roots ? Result<void>{} : fail(Error::bad_argument);
}

Result<DeviceId> TestBoard::provisioned_device() {
  if (!id) return fail(Error::not_found);
  return *id;
}

Result<Board::HostName> TestBoard::provisioned_host() {
  if (!host) return fail(Error::not_found);
  return HostName::from(*host);
}

}  // namespace tercet::arduino
