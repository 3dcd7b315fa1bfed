#include "platform/runtime/timer_wheel.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <vector>

#include "platform/runtime/random.h"

using namespace tercet;
using namespace tercet::runtime;

namespace {

/// A loop that is nothing but its timers.
class WheelLoop final : public Loop {
 public:
  explicit WheelLoop(Instant start) : wheel_(start), now_(start) {}
  Instant now() const override { return now_; }
  UnixMillis wall() const override { return {}; }
  Random& random() override { return random_; }
  TimerWheel& timers() override { return wheel_; }
  bool post(Task) override { return false; }
  void attach(Stream&, StreamEvents&) override {}
  void detach(Stream&) override {}
  void want_write(Stream&) override {}
  void each_pass(std::function<void()>) override {}
  Result<Address> listen(const Address&, Accept) override { return fail(Error::unsupported); }
  void stop_listening() override {}
  std::string last_error() const override { return {}; }
  std::size_t go(Instant now) {
    now_ = now;
    return wheel_.advance(now);
  }

 private:
  TimerWheel wheel_;
  Instant now_;
  SeededRandom random_{1};
};

Instant at(std::int64_t ms) { return Instant{Millis{ms}}; }

struct Alarm {
  explicit Alarm(std::vector<int>& fired, int name) : log(fired), number(name) {}
  std::vector<int>& log;
  int number;
  Timer timer{[](void* self) {
                auto& alarm = *static_cast<Alarm*>(self);
                alarm.log.push_back(alarm.number);
              },
              this};
};

}  // namespace

TEST_CASE("timers fire in order of deadline, never early, also when one step passes over many") {
  WheelLoop loop{at(1'000)};
  std::vector<int> fired;
  Alarm c{fired, 3}, a{fired, 1}, b{fired, 2};
  c.timer.set(loop, at(9'000));
  a.timer.set(loop, at(1'005));
  b.timer.set(loop, at(1'500));
  CHECK(loop.go(at(1'004)) == 0);
  CHECK(loop.go(at(1'005)) == 1);
  CHECK(!a.timer.is_set());
  CHECK(loop.go(at(100'000)) == 2);
  CHECK(fired == std::vector<int>{1, 2, 3});
}

TEST_CASE("a cancelled timer and a destroyed one do not fire") {
  WheelLoop loop{at(0)};
  std::vector<int> fired;
  Alarm a{fired, 1};
  auto b = std::make_unique<Alarm>(fired, 2);
  a.timer.set(loop, at(10));
  b->timer.set(loop, at(10));
  a.timer.cancel();
  b.reset();
  loop.go(at(100));
  CHECK(fired.empty());
  CHECK(loop.timers().size() == 0);
  CHECK(loop.timers().next_wake() == Instant::never());
}

TEST_CASE("a timer may be moved later and earlier, and fires once, at its last deadline") {
  WheelLoop loop{at(0)};
  std::vector<int> fired;
  Alarm a{fired, 1};
  a.timer.set(loop, at(50));
  a.timer.set(loop, at(5'000));
  loop.go(at(4'999));
  CHECK(fired.empty());
  a.timer.set(loop, at(6'000));
  a.timer.set(loop, at(5'500));
  loop.go(at(5'499));
  CHECK(fired.empty());
  loop.go(at(5'500));
  CHECK(fired == std::vector<int>{1});
  loop.go(at(10'000));
  CHECK(fired.size() == 1);
}

TEST_CASE("a deadline that has passed fires in the next step, one set from a callback for now in the step after") {
  WheelLoop loop{at(100)};
  struct Again {
    Loop& loop;
    int times = 0;
    Timer timer{[](void* self) {
                  auto& again = *static_cast<Again*>(self);
                  ++again.times;
                  again.timer.set(again.loop, again.loop.now());
                },
                this};
  } again{loop};
  again.timer.set(loop, at(1));
  CHECK(loop.timers().next_wake() <= at(100));
  loop.go(at(100));
  CHECK(again.times == 1);
  loop.go(at(100));
  CHECK(again.times == 2);
}

TEST_CASE("never is no deadline; one years away is kept") {
  WheelLoop loop{at(0)};
  std::vector<int> fired;
  Alarm a{fired, 1}, b{fired, 2};
  a.timer.set(loop, Instant::never());
  CHECK(!a.timer.is_set());
  constexpr std::int64_t kYear = 365LL * 24 * 3600 * 1000;
  b.timer.set(loop, at(300 * kYear));
  loop.go(at(20 * kYear));
  loop.go(at(300 * kYear - 1));
  CHECK(fired.empty());
  loop.go(at(300 * kYear));
  CHECK(fired == std::vector<int>{2});
}

TEST_CASE("a callback may cancel timers that are due in the same millisecond") {
  WheelLoop loop{at(0)};
  struct Pair {
    int fired = 0;
    Timer one{[](void* self) { static_cast<Pair*>(self)->hit(); }, this};
    Timer two{[](void* self) { static_cast<Pair*>(self)->hit(); }, this};
    void hit() {
      ++fired;
      one.cancel();
      two.cancel();
    }
  } pair;
  pair.one.set(loop, at(7));
  pair.two.set(loop, at(7));
  loop.go(at(7));
  CHECK(pair.fired == 1);
}

TEST_CASE("timers outlive their wheel without harm") {
  std::vector<int> fired;
  Alarm a{fired, 1};
  {
    WheelLoop loop{at(0)};
    a.timer.set(loop, at(7));
  }
  CHECK(!a.timer.is_set());
}

TEST_CASE("a hundred thousand random operations do what an ordered map does") {
  SeededRandom random{20260731};
  WheelLoop loop{at(123'456'789)};
  constexpr int kTimers = 300;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < kTimers; ++i) alarms.push_back(std::make_unique<Alarm>(fired, i));
  std::multimap<std::int64_t, int> model;
  std::map<int, std::multimap<std::int64_t, int>::iterator> where;
  const auto erase = [&](int i) {
    if (const auto it = where.find(i); it != where.end()) {
      model.erase(it->second);
      where.erase(it);
    }
  };
  for (int step = 0; step < 100'000; ++step) {
    const int i = static_cast<int>(random.below(kTimers));
    const std::int64_t now = loop.now().since_start.count();
    switch (random.below(8)) {
      case 0:
        alarms[static_cast<std::size_t>(i)]->timer.cancel();
        erase(i);
        break;
      case 1: {
        const Instant wake = loop.timers().next_wake();
        REQUIRE((model.empty() ? wake == Instant::never() : wake <= std::max(at(model.begin()->first), loop.now())));
        const std::int64_t to = now + static_cast<std::int64_t>(random.below(1ULL << random.below(20)));
        fired.clear();
        loop.go(at(to));
        std::size_t n = 0;
        std::int64_t last = 0;
        for (; !model.empty() && model.begin()->first <= to; ++n)
          where.erase(model.begin()->second), model.erase(model.begin());
        REQUIRE(fired.size() == n);
        for (const int name : fired) {
          Alarm& alarm = *alarms[static_cast<std::size_t>(name)];
          REQUIRE(!alarm.timer.is_set());
          const std::int64_t due = std::max(alarm.timer.at().since_start.count(), now);
          REQUIRE(due <= to);
          REQUIRE(due >= last);
          last = due;
        }
        break;
      }
      default: {
        const std::int64_t when = now - 5 + static_cast<std::int64_t>(random.below(1ULL << random.below(31)));
        alarms[static_cast<std::size_t>(i)]->timer.set(loop, at(when));
        erase(i);
        where[i] = model.emplace(when, i);
      }
    }
    REQUIRE(loop.timers().size() == model.size());
  }
}
