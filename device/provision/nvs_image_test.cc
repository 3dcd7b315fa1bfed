#include "provision/nvs_image.h"

#include <doctest/doctest.h>
#include <openssl/sha.h>

#include <algorithm>
#include <numeric>

#include "provision/nvs_format.h"

using namespace tercet;
using namespace tercet::provision;

namespace {

using Image = std::vector<std::uint8_t>;

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return text;
}

std::string digest(const Image& image) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> made;
  SHA256(image.data(), image.size(), made.data());
  return hex(made);
}

/// 00 01 02 ... 3f.
NvsKeys test_keys() {
  std::array<std::uint8_t, NvsKeys::kBytes> bytes;
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return *NvsKeys::from(bytes);
}

std::vector<NvsEntry> a_board() {
  return {{"tercet", "pk", "a1B2c3D4e5F"},
          {"tercet", "dn", "sensor_01"},
          {"tercet", "ds", "0123456789abcdef0123456789abcdef"},
          {"tercet", "host", "iot.example"},
          {"tercet", "port", NvsType::u16, 8883},
          {"tercet", "wifi_ssid", "home"},
          {"tercet", "wifi_pass", "correct horse"}};
}

NvsEntry blob_of(std::string in, std::string key, std::size_t size) {
  NvsEntry entry(std::move(in), std::move(key), "");
  entry.type = NvsType::blob;
  for (std::size_t i = 0; i < size; ++i) entry.bytes += static_cast<char>(i % 251);
  return entry;
}

std::vector<NvsEntry> several_pages() {
  return {{"one", "first", std::string(3000, 'a')},
          {"one", "second", std::string(2000, 'b')},
          {"two", "small", NvsType::i8, static_cast<std::uint64_t>(-5)},
          {"two", "large", NvsType::u64, ~std::uint64_t{0}},
          blob_of("two", "blob", 5000),
          {"two", "last", NvsType::i32, static_cast<std::uint64_t>(std::int64_t{INT32_MIN})}};
}

Image encoded(const std::vector<NvsEntry>& entries, std::size_t size = 0x3000, const NvsKeys* keys = nullptr) {
  std::string problem;
  auto image = encode_nvs(entries, size, keys, problem);
  REQUIRE_MESSAGE(image, problem);
  return *image;
}

bool says(const NvsImage& image, std::string_view what) {
  return std::any_of(image.problems.begin(), image.problems.end(),
                     [&](const std::string& problem) { return problem.find(what) != std::string::npos; });
}

/// Whether somebody who looks at what was decoded can see that the image is not the one that was made.
bool is_noticed(const NvsImage& decoded) { return !decoded.problems.empty() || decoded.erased != 0; }

}  // namespace

// The digests and bytes are of images made by ESP-IDF's own generator (esp-idf-nvs-partition-gen, release of May 2025)
// from the same entries and keys.
TEST_CASE("images are byte for byte those of ESP-IDF's generator") {
  const NvsKeys keys = test_keys();
  CHECK(digest(encoded(a_board())) == "cf5c97a6e87c51e6d0d09510da9316a9ee865b3dd0e45566b3922b9737a0049e");
  CHECK(digest(encoded(a_board(), 0x3000, &keys)) ==
        "26f1abfb833c8b82ddbbeac319365160bfe2b51984be835f64a5dd0e60d16b67");
  CHECK(digest(encoded(several_pages(), 0x6000)) == "729623e078e876a57e45193e34277d98a51a3c581596c742ca1acab68512dff3");
  CHECK(digest(encoded(several_pages(), 0x6000, &keys)) ==
        "89c8fe0501bee1fd4e666b23e4270418379537bf399b2f9b85b63576c07ab144");
  CHECK(digest(keys.partition()) == "f5a98cc3e8b10d8d0a275e89ba37e470e44f37fa31dd73ab06e6b7ba8ccce64e");
}

TEST_CASE("a page begins with its header, the states of its entries, and the namespace") {
  const Image plain = encoded(a_board());
  CHECK(hex(Bytes{plain}.subspan(0, 32)) == "feffffff00000000feffffffffffffffffffffffffffffffffffffff842dbab9");
  CHECK(hex(Bytes{plain}.subspan(32, 8)) == "aaaaaaeaffffffff");
  CHECK(hex(Bytes{plain}.subspan(64, 32)) == "000101ff580782de7465726365740000000000000000000001ffffffffffffff");
  CHECK(hex(Bytes{plain}.subspan(96, 32)) == "012102ff8180b8c0706b00000000000000000000000000000c00ffffeff298b0");
  const NvsKeys keys = test_keys();
  const Image secret = encoded(a_board(), 0x3000, &keys);
  CHECK(hex(Bytes{secret}.subspan(0, 64)) == hex(Bytes{plain}.subspan(0, 64)));
  CHECK(hex(Bytes{secret}.subspan(64, 32)) == "969fc3bfb5b3ccb07a3e116ff6dc871e52f886eabd5d12a2f4f453aa926c86e4");
  CHECK(hex(Bytes{secret}.subspan(96, 32)) == "3b49b9b96c3b089727b6b9d375a4af3ada42b222403ae315aee88f8c67353ca8");
}

TEST_CASE("what was encoded is decoded, plain and encrypted") {
  const NvsKeys keys = test_keys();
  std::vector<std::vector<NvsEntry>> cases{
      {}, a_board(), several_pages(), {{"n", "empty", ""}, blob_of("n", "none", 0)}};
  cases.push_back({{"n", "longest", std::string(kMaxTextBytes, 'x')}, {"n", "next", "y"}});
  for (std::size_t size : {3936, 3967, 3968, 3999, 4000, 4001, 7936, 12000}) cases.push_back({blob_of("n", "b", size)});
  for (const auto& entries : cases) {
    for (const NvsKeys* with : {static_cast<const NvsKeys*>(nullptr), &keys}) {
      const NvsImage decoded = decode_nvs(encoded(entries, 0x6000, with), with);
      CHECK(decoded.problems == std::vector<std::string>{});
      CHECK(decoded.entries == entries);
      CHECK(decoded.erased == 0);
    }
  }
}

TEST_CASE("no secret can be read in an encrypted image") {
  const NvsKeys keys = test_keys();
  const Image image = encoded(a_board(), 0x3000, &keys);
  for (const NvsEntry& entry : a_board()) {
    if (entry.bytes.empty()) continue;
    CHECK(std::search(image.begin(), image.end(), entry.bytes.begin(), entry.bytes.end()) == image.end());
  }
}

TEST_CASE("every single changed byte is noticed") {
  const NvsKeys keys = test_keys();
  for (const NvsKeys* with : {static_cast<const NvsKeys*>(nullptr), &keys}) {
    Image image = encoded(several_pages(), 0x5000, with);
    std::vector<std::size_t> missed;
    for (std::size_t at = 0; at < image.size(); ++at) {
      for (const std::uint8_t flip : std::initializer_list<std::uint8_t>{0x01, 0x02, 0x10, 0xFF}) {
        image[at] ^= flip;
        if (!is_noticed(decode_nvs(image, with))) missed.push_back(at);
        image[at] ^= flip;
      }
      if (at % kPageBytes >= 0x400 && at % 7 == 0) at += 60;  // long runs of one letter need not be tried at every byte
    }
    CHECK(missed == std::vector<std::size_t>{});
  }
}

TEST_CASE("every truncation is noticed that loses anything but blank pages") {
  const Image image = encoded(several_pages(), 0x6000);
  const std::size_t used = 3 * kPageBytes;
  for (std::size_t size = 0; size < image.size(); size += size % kPageBytes < 70 ? 1 : 61) {
    const NvsImage decoded = decode_nvs(Bytes{image}.first(size), nullptr);
    if (size % kPageBytes == 0 && size >= used)
      CHECK(decoded.entries == several_pages());
    else
      CHECK_MESSAGE(is_noticed(decoded), size);
  }
}

TEST_CASE("missing and wrong keys are said to be so") {
  const NvsKeys keys = test_keys();
  std::array<std::uint8_t, NvsKeys::kBytes> other{};
  other[0] = 1;
  const NvsKeys wrong = *NvsKeys::from(other);
  const Image image = encoded(a_board(), 0x3000, &keys);
  CHECK(says(decode_nvs(image, nullptr), "its keys are needed"));
  CHECK(says(decode_nvs(image, &wrong), "the keys of another image"));
  CHECK(says(decode_nvs(encoded(a_board()), &keys), "the keys of another image"));
}

TEST_CASE("a key partition is read back, and refused when it is not one") {
  const NvsKeys keys = test_keys();
  Image partition = keys.partition();
  std::string problem;
  const auto read = NvsKeys::parse(partition, problem);
  REQUIRE(read);
  CHECK(hex(read->bytes()) == hex(keys.bytes()));
  for (std::size_t at = 0; at < partition.size(); ++at) {
    partition[at] ^= 1;
    CHECK(!NvsKeys::parse(partition, problem));
    partition[at] ^= 1;
  }
  for (std::size_t size : {std::size_t{0}, std::size_t{68}, kPageBytes - 1})
    CHECK(!NvsKeys::parse(Bytes{partition}.first(size), problem));
  CHECK(!NvsKeys::parse(Image(kPageBytes, 0xFF), problem));
  CHECK(NvsKeys::from(Image(NvsKeys::kBytes, 7)).error() == Error::bad_argument);
}

TEST_CASE("what does not fit or has no name is refused with the reason") {
  struct Case {
    std::vector<NvsEntry> entries;
    std::size_t size;
    Error error;
    const char* says;
  };
  const Case cases[] = {
      {{}, 0x2000, Error::bad_argument, "0x3000"},
      {{}, 0x3001, Error::bad_argument, "0x1000"},
      {{{"n", "", "v"}}, 0x3000, Error::bad_argument, "1 to 15"},
      {{{"n", "sixteen_letters_", "v"}}, 0x3000, Error::bad_argument, "1 to 15"},
      {{{"", "k", "v"}}, 0x3000, Error::bad_argument, "1 to 15"},
      {{{"n", "k", "v"}, {"n", "k", "w"}}, 0x3000, Error::bad_argument, "twice"},
      {{{"n", "k", std::string(4000, 'x')}}, 0x3000, Error::bad_argument, "3999"},
      {{{"n", "k", std::string_view("a\0b", 3)}}, 0x3000, Error::bad_argument, "zero"},
      {{blob_of("n", "k", 8000)}, 0x3000, Error::no_space, "larger"},
      {{{"a", "k", std::string(3000, 'x')}, {"a", "l", std::string(3000, 'x')}, {"a", "m", std::string(3000, 'x')}},
       0x3000,
       Error::no_space,
       "larger"},
  };
  for (const Case& one : cases) {
    std::string problem;
    const auto image = encode_nvs(one.entries, one.size, nullptr, problem);
    REQUIRE(!image);
    CHECK(image.error() == one.error);
    CHECK_MESSAGE(problem.find(one.says) != std::string::npos, problem);
  }
}

TEST_CASE("a value that a board has replaced is counted, and no longer read") {
  Image image = encoded(a_board());
  image[kStatesOffset] &= static_cast<std::uint8_t>(~0x3C);  // entries 1 and 2: pk
  const NvsImage decoded = decode_nvs(image, nullptr);
  CHECK(decoded.problems == std::vector<std::string>{});
  CHECK(decoded.erased == 2);
  CHECK(decoded.entries.size() == a_board().size() - 1);
}

TEST_CASE("a text of no bytes at all, not even its end, is refused") {
  Image image = encoded({{"tercet", "pk", ""}});
  const std::size_t at = entry_offset(0, 1);
  Entry entry;
  std::copy_n(image.begin() + static_cast<std::ptrdiff_t>(at), kEntryBytes, entry.begin());
  REQUIRE(entry[kValueField] == 1);
  entry[kSpanField] = 1, entry[kValueField] = 0;
  put_u32(entry, kValueCrcField, nvs_crc({}));
  put_u32(entry, kCrcField, entry_crc(entry));
  std::copy(entry.begin(), entry.end(), image.begin() + static_cast<std::ptrdiff_t>(at));
  image[kStatesOffset] |= 0x30;  // the entry behind it: empty
  const NvsImage decoded = decode_nvs(image, nullptr);
  CHECK(says(decoded, "does not end where it should"));
  CHECK(decoded.entries.empty());
}
