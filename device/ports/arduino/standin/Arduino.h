#pragma once
// Stands in for the core's Arduino.h where there is none: so many of its words as the library and the examples use, on
// a board that tests can look into. And its macros, all of those that could break somebody's names.
#include <Print.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>

#define PI 3.1415926535897932
#define EULER 2.7182818284590452
#define SERIAL 0x0
#define DISPLAY 0x1
#define LSBFIRST 0
#define MSBFIRST 1
#define LOW 0x0
#define HIGH 0x1
#define INPUT 0x01
#define OUTPUT 0x03
#define PULLUP 0x04
#define INPUT_PULLUP 0x05
#define PULLDOWN 0x08
#define OPEN_DRAIN 0x10
#define ANALOG 0xC0
#define DISABLED 0x00
#define RISING 0x01
#define FALLING 0x02
#define CHANGE 0x03
#define ONLOW 0x04
#define ONHIGH 0x05
#define DEFAULT 1
#define EXTERNAL 0
#define NOT_A_PIN -1
#define _min(a, b) ((a) < (b) ? (a) : (b))
#define _max(a, b) ((a) > (b) ? (a) : (b))
#define _abs(x) ((x) > 0 ? (x) : -(x))
#define constrain(amt, low, high) ((amt) < (low) ? (low) : ((amt) > (high) ? (high) : (amt)))
#define radians(deg) ((deg)*PI / 180)
#define degrees(rad) ((rad)*180 / PI)
#define sq(x) ((x) * (x))
#define interrupts()
#define noInterrupts()
#define lowByte(w) ((w)&0xff)
#define highByte(w) ((w) >> 8)
#define bitRead(value, bit) (((value) >> (bit)) & 0x01)
#define bitSet(value, bit) ((value) |= (1UL << (bit)))
#define bit(b) (1UL << (b))
#define _BV(b) (1UL << (b))
#define word(...) static_cast<std::uint16_t>(__VA_ARGS__)
#define F(text) (text)
#define PSTR(text) (text)
#define SET_LOOP_TASK_STACK_SIZE(size) static_assert((size) >= 8 * 1024)
#define B0 0
#define B1 1
#define B10 2
#define B11 3

#pragma GCC diagnostic ignored "-Wshadow"  // of `byte` and `boolean`, which are types below

using std::abs;
using std::isinf;
using std::isnan;
using std::max;
using std::min;
using std::round;
typedef bool boolean;
typedef std::uint8_t byte;

namespace standin {
/// The board as the test sees it.
struct Pins {
  std::array<int, 40> level{}, mode{};
};
inline Pins pins;
inline unsigned long (*micros_now)() = nullptr;    ///< the test's clock
inline int (*line_level)(std::uint8_t) = nullptr;  ///< what an input pin shows
inline std::string printed;                        ///< what went to Serial
inline bool wifi_begun = false;
}  // namespace standin

inline unsigned long micros() { return standin::micros_now(); }
inline unsigned long millis() { return micros() / 1000; }
inline void delay(unsigned long) {}
inline void delayMicroseconds(unsigned) {}
inline void pinMode(std::uint8_t pin, std::uint8_t mode) { standin::pins.mode[pin] = mode; }
inline void digitalWrite(std::uint8_t pin, std::uint8_t level) { standin::pins.level[pin] = level; }
inline int digitalRead(std::uint8_t pin) { return standin::line_level(pin); }
inline long random(long most) { return most / 2; }

class HardwareSerial final : public Print {
 public:
  void begin(unsigned long) {}
  std::size_t write(std::uint8_t byte) override {
    standin::printed.push_back(static_cast<char>(byte));
    return 1;
  }
  using Print::write;
};
inline HardwareSerial Serial;
