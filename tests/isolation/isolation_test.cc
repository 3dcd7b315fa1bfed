// Who may publish and subscribe where: 10^5 random decisions of the broker, compared with a reference model that was
// written from the protocol's tables alone.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "platform/broker/permission.h"
#include "tests/isolation/reference_model.h"

using namespace tercet;

namespace {

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  template <std::size_t N>
  std::string one_of(const char* const (&list)[N]) {
    return list[below(N)];
  }
  isolation::Names device() {
    static constexpr const char* kProducts[] = {"a1own", "a1other", "a1ow"};
    static constexpr const char* kDevices[] = {"board", "board2", "boar", "user", "thing"};
    return {one_of(kProducts), one_of(kDevices)};
  }
  /// A topic built of the protocol's words, of this device or another, sometimes bent.
  std::string topic(const isolation::Names& names, bool filter) {
    static constexpr const char* kShapes[] = {"/sys/P/D/thing/event/property/post",
                                              "/sys/P/D/thing/service/property/set",
                                              "/sys/P/D/thing/event/alarm/post",
                                              "/sys/P/D/thing/service/reboot",
                                              "/sys/P/D/rrpc/request/12",
                                              "/sys/P/D/rrpc/response/12",
                                              "/sys/P/D/thing/event/property/batch/post",
                                              "/sys/P/D/thing/model/up_raw",
                                              "/sys/P/D/thing/model/down_raw",
                                              "/sys/P/D/thing/config/get",
                                              "/sys/P/D/thing/config/push",
                                              "/ota/device/inform/P/D",
                                              "/ota/device/upgrade/P/D",
                                              "/ota/device/progress/P/D",
                                              "/shadow/update/P/D",
                                              "/shadow/get/P/D",
                                              "/ext/ntp/P/D/request",
                                              "/ext/ntp/P/D/response",
                                              "/ext/session/P/D/combine/login",
                                              "/ext/error/P/D",
                                              "/ext/rrpc/7/a/b",
                                              "/ext/register",
                                              "/broadcast/P/all",
                                              "/P/D/user/update",
                                              "/P/D/user/get/deep/er",
                                              "/P/D/update",
                                              "/sys/P/D/thing/topo/add",
                                              "/sys/P/D/thing/disable",
                                              "/sys/P/D/thing/dsltemplate/get",
                                              "/sys/P/D/thing/deviceinfo/update",
                                              "/sys/P/D/thing/job/get",
                                              "/sys/P/D/thing/file/upload/mqtt/send"};
    std::string text;
    for (const char c : one_of(kShapes)) {
      if (c == 'P')
        text += names.product;
      else if (c == 'D')
        text += names.device;
      else
        text += c;
    }
    if (below(4) == 0) text += "_reply";
    for (std::size_t bends = below(3); bends > 0; --bends) bend(text, filter);
    return text;
  }

 private:
  void bend(std::string& text, bool filter) {
    static constexpr const char* kWords[] = {"+",     "#", "",   "user", "thing", "a1own",
                                             "board", "x", "..", "%2f",  "$share"};
    const std::size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        text.insert(at, "/" + one_of(kWords));
        break;
      case 1:
        text = text.substr(0, at);
        break;
      case 2: {  // one level replaced
        const auto from = text.find('/', at == text.size() ? 0 : at);
        if (from == std::string::npos) break;
        auto to = text.find('/', from + 1);
        if (to == std::string::npos) to = text.size();
        text.replace(from + 1, to - from - 1, filter ? (below(2) == 0 ? "+" : one_of(kWords)) : one_of(kWords));
        break;
      }
      case 3:
        text += filter && below(2) == 0 ? "/#" : "/" + one_of(kWords);
        break;
      case 4:
        if (!filter) text += below(2) == 0 ? "?_rid=1" : "?_sn=default";
        break;
      default:
        break;
    }
  }
  std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("100,000 random decisions of the broker are those of the reference model") {
  const char* chosen = std::getenv("TERCET_SEED");
  const std::uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  Maker maker(seed);
  int differences = 0, allowed = 0, foreign_allowed = 0;
  for (int i = 0; i < 100'000; ++i) {
    const isolation::Names own = maker.device();
    const isolation::Names named = maker.below(2) == 0 ? own : maker.device();
    const bool publish = maker.below(2) == 0;
    const std::string topic = maker.topic(named, !publish);
    const broker::DeviceNames names{own.product, own.device};
    const auto refusal =
        publish ? broker::publish_refusal(names, topic, {}) : broker::subscribe_refusal(names, topic, false, {});
    const bool expected = publish ? isolation::may_publish(own, topic) : isolation::may_subscribe(own, topic);
    if (!refusal) ++allowed;
    const bool rrpc_or_shared = topic.starts_with("/ext/r") || topic.starts_with("/broadcast/" + own.product + "/") ||
                                topic.starts_with("/ext/auth/");
    if (!refusal && !rrpc_or_shared && topic.find(own.product) == std::string::npos) ++foreign_allowed;
    if (!refusal.has_value() != expected && ++differences <= 20)
      MESSAGE((publish ? "publish " : "subscribe "), topic, " by ", own.product, "/", own.device, ": broker says ",
              refusal ? std::string(auth::code(*refusal)) : std::string("allowed"), ", reference says ",
              expected ? "allowed" : "denied");
  }
  MESSAGE("seed ", seed, ": ", allowed, " allowed, ", differences, " differences");
  CHECK(differences == 0);
  CHECK(foreign_allowed == 0);
  CHECK(allowed > 10'000);  // the mix is not all refusals
}
