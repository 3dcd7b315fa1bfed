#include "ports/esp-idf/record_head.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>

namespace tercet::idf {
namespace {

constexpr int kWantRead = -0x6900;

/// A socket that has these pieces, one at a time, and in between nothing.
struct Socket {
  std::deque<std::string> pieces;
  int operator()(unsigned char* into, std::size_t size) {
    if (pieces.empty()) return 0;
    std::string& piece = pieces.front();
    if (piece.empty()) {
      pieces.pop_front();
      return kWantRead;
    }
    const std::size_t n = std::min(size, piece.size());
    std::copy_n(piece.begin(), n, into);
    piece.erase(0, n);
    return static_cast<int>(n);
  }
};

}  // namespace

TEST_CASE("a record's head that comes byte by byte is handed over whole, and what follows as it comes") {
  RecordHead head;
  Socket socket{{"\x16", "\x03", "\x03", "?", "\x40xy", "z"}};
  const auto read = [&socket](unsigned char* into, std::size_t size) { return socket(into, size); };
  std::array<unsigned char, 64> into = {};
  for (int i = 0; i < 4; ++i) CHECK(head.receive(into.data(), RecordHead::kBytes, read) == kWantRead);
  CHECK(into[0] == 0);  // nothing of it yet
  REQUIRE(head.receive(into.data(), RecordHead::kBytes, read) == 5);
  CHECK(std::string(into.begin(), into.begin() + 5) == "\x16\x03\x03?\x40");
  CHECK(head.receive(into.data(), 64, read) == 2);
  CHECK(head.receive(into.data(), 62, read) == kWantRead);
  CHECK(head.receive(into.data(), 62, read) == 1);
}

TEST_CASE("the end of a connection in the middle of a head is the end, and the next connection begins anew") {
  RecordHead head;
  Socket first{{"\x17\x03"}}, second{{"abcde"}};
  const auto cut = [&first](unsigned char* into, std::size_t size) {
    return first.pieces.front().empty() ? 0 : first(into, size);
  };
  std::array<unsigned char, 8> into = {};
  CHECK(head.receive(into.data(), RecordHead::kBytes, cut) == 0);
  head.clear();
  CHECK(head.receive(into.data(), RecordHead::kBytes,
                     [&second](unsigned char* to, std::size_t size) { return second(to, size); }) == 5);
  CHECK(std::string(into.begin(), into.begin() + 5) == "abcde");
}

}  // namespace tercet::idf
