#include <algorithm>
#include <array>

#include "ports/contract/suite.h"
#include "ports/contract/watched.h"

namespace tercet::contract {
namespace {

constexpr std::string_view kKey = "contract", kLongKey = "contract_key_15";

/// A port's store, emptied of the suite's keys before and after.
class Shelf {
 public:
  explicit Shelf(Bench& bench) : bench_(bench) { sweep(); }
  ~Shelf() { sweep(); }
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;
  device::KeyValueStore& store() { return *bench_.port().store; }

  bool set(std::string_view key, std::string_view value) { return store().set(key, as_bytes(value)).has_value(); }
  bool holds(std::string_view key, std::string_view value) {
    std::array<std::uint8_t, 512> buffer{};
    const auto got = store().get(key, buffer);
    return got && as_text(Bytes{buffer}.first(*got)) == value;
  }

 private:
  void sweep() {
    for (const std::string_view key : {kKey, kLongKey, std::string_view("Contract"), std::string_view("contract2")})
      static_cast<void>(store().remove(key));
  }
  Bench& bench_;
};

bool has_store(Bench& bench, Check& check) {
  if (bench.port().store != nullptr) return true;
  check.skip("this port has none");
  return false;
}

void comes_back(Bench& bench, Check& check) {
  if (!has_store(bench, check)) return;
  Shelf shelf{bench};
  check.that(shelf.set(kKey, "value") && shelf.holds(kKey, "value"), "what was set comes back");
  check.that(shelf.set(kKey, "v") && shelf.holds(kKey, "v"), "a shorter value leaves nothing of the longer one");
  check.that(shelf.set(kLongKey, "15") && shelf.holds(kLongKey, "15"), "a key may have 15 characters");
  check.that(shelf.holds(kKey, "v"), "other keys are left alone");
  const std::string_view zeros("\0\xFF\0\n", 4);
  check.that(shelf.set(kKey, zeros) && shelf.holds(kKey, zeros), "any byte can be in a value");
  std::array<char, 512> most;
  most.fill('m');
  const std::string_view long_value(most.data(), most.size());
  check.that(shelf.set(kKey, long_value) && shelf.holds(kKey, long_value), "512 bytes have room");
}

void missing(Bench& bench, Check& check) {
  if (!has_store(bench, check)) return;
  Shelf shelf{bench};
  std::array<std::uint8_t, 8> buffer{};
  check.that(is(shelf.store().get(kKey, buffer), Error::not_found), "what was never set is not_found");
  check.that(shelf.store().remove(kKey).has_value(), "removing what is not there is fine");
  check.that(shelf.set(kKey, "") && shelf.holds(kKey, ""), "an empty value is a value");
  check.that(shelf.store().remove(kKey).has_value(), "remove()");
  check.that(is(shelf.store().get(kKey, buffer), Error::not_found), "what was removed is not_found");
}

void small_buffer(Bench& bench, Check& check) {
  if (!has_store(bench, check)) return;
  Shelf shelf{bench};
  check.that(shelf.set(kKey, "four"), "set()");
  std::array<std::uint8_t, 4> buffer{};
  const auto exact = shelf.store().get(kKey, buffer);
  check.that(exact && *exact == 4, "a buffer of the value's size is enough");
  check.that(is(shelf.store().get(kKey, MutableBytes{buffer}.first(3)), Error::no_space), "a smaller one is no_space");
}

void keys(Bench& bench, Check& check) {
  if (!has_store(bench, check)) return;
  Shelf shelf{bench};
  for (const std::string_view key : {"", "contract_key_16x", "con.tract", "../contract", "con tract", "\xC3\xA4"})
    check.that(is(shelf.store().set(key, as_bytes("x")), Error::bad_argument), key);
  check.that(shelf.set("Contract", "upper") && shelf.set(kKey, "lower"), "set()");
  check.that(shelf.holds("Contract", "upper"), "keys differ in their case");
}

void restarts(Bench& bench, Check& check) {
  if (!has_store(bench, check)) return;
  Shelf shelf{bench};
  check.that(shelf.set(kKey, "kept") && shelf.set("contract2", "gone"), "set()");
  check.that(shelf.store().remove("contract2").has_value(), "remove()");
  if (!bench.restart()) return check.skip("this bench cannot restart its board");
  check.that(shelf.holds(kKey, "kept"), "a restart leaves what was set");
  std::array<std::uint8_t, 8> buffer{};
  check.that(is(shelf.store().get("contract2", buffer), Error::not_found), "and what was removed stays away");
}

void whole_or_not_at_all(Bench& bench, Check& check) {
  if (!has_store(bench, check)) return;
  Shelf shelf{bench};
  std::array<char, 400> old_text, new_text;
  old_text.fill('o'), new_text.fill('n');
  const std::string_view old_value(old_text.data(), old_text.size()), new_value(new_text.data(), new_text.size());
  check.that(shelf.set(kKey, old_value), "set()");
  if (!bench.break_store(true)) return check.skip("this bench cannot make a write break off");
  const bool failed = !shelf.set(kKey, new_value);
  bench.break_store(false);
  check.that(failed, "a write that breaks off is an error");
  check.that(shelf.holds(kKey, old_value), "and the old value is there, whole");
  check.that(shelf.set(kKey, new_value) && shelf.holds(kKey, new_value), "afterwards it can be written again");
}

constexpr Promise kPromises[] = {
    {"store: what was set comes back", comes_back},
    {"store: what is not there is not_found", missing},
    {"store: a value longer than the buffer is no_space", small_buffer},
    {"store: keys are 1 to 15 letters, digits and _", keys},
    {"store: values survive a restart", restarts},
    {"store: a write is whole or not at all", whole_or_not_at_all},
};

}  // namespace

std::span<const Promise> store_promises() { return kPromises; }

}  // namespace tercet::contract
