// Random posts, reads, crashes and full stores, compared with a model of a few lines.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "platform/runtime/random.h"
#include "platform/thing/history.h"
#include "platform/thing/test_shard.h"

using namespace tercet;
using namespace tercet::thing;

namespace {

constexpr int kDevices = 3;
constexpr std::string_view kNames[] = {"a", "b", "c"};
constexpr std::string_view kTsl = R"({"properties":[
  {"identifier":"a","name":"A","accessMode":"rw","dataType":{"type":"int","specs":{}}},
  {"identifier":"b","name":"B","accessMode":"r","dataType":{"type":"text","specs":{}}},
  {"identifier":"c","name":"C","accessMode":"r","dataType":{"type":"int","specs":{}}}]})";

struct RefValue {
  std::string name;
  std::string value;
  std::int64_t time;
  bool timed;  // else by the server, when it arrives
};

struct RefPost {
  std::string id;
  int device;
  bool past;
  std::vector<RefValue> values;
};

/// A post as it was published.
struct Sent {
  RefPost post;
  std::string topic, payload;
  std::uint8_t qos;
};

/// What must be true when exactly these posts have happened, in this order.
struct Reference {
  std::map<std::pair<int, std::string>, std::pair<std::int64_t, std::string>> last;
  std::set<std::tuple<int, std::int64_t, std::string, std::vector<std::pair<std::string, std::string>>>> records;

  void apply(const RefPost& post) {
    std::map<std::int64_t, std::vector<std::pair<std::string, std::string>>> by_time;
    for (const auto& value : post.values) {
      by_time[value.time].emplace_back(value.name, value.value);
      auto& held = last[{post.device, value.name}];
      if (!post.past && (held.second.empty() || value.time >= held.first)) held = {value.time, value.value};
      if (held.second.empty()) last.erase({post.device, value.name});
    }
    for (const auto& [time, content] : by_time)
      records.insert({post.device, time, post.past ? "past" : "live", content});
  }
  std::multiset<std::pair<std::int64_t, std::string>> history(int device, std::string_view name) const {
    std::multiset<std::pair<std::int64_t, std::string>> out;
    for (const auto& [of, time, kind, content] : records)
      for (const auto& [identifier, value] : content)
        if (of == device && identifier == name) out.insert({time, value});
    return out;
  }
};

class Run {
 public:
  explicit Run(std::uint64_t seed)
      : random_(seed), store_({Millis{3}, random_.chance(0.2) ? std::size_t{700} : std::size_t{1} << 20}) {
    start();
  }

  void go(int steps) {
    for (int i = 0; i < steps; ++i) step();
    end_pass();
    shard_->settle();
    take_replies();
    CHECK(passing_.empty());
    CHECK(answered_ == accepted_.size());
    CHECK(unanswered_.empty());
    check_reads(shard_->latest(1), 1, accepted_.size());
    check_history(accepted_.size());
  }

 private:
  void start() {
    shard_ = std::make_unique<TestShard>(store_, registry::Validation::weak, kTsl, Settings{}, kDevices);
    REQUIRE(shard_->ingress->load());
    seen_ = 0;
  }

  void step() {
    const auto choice = random_.below(20);
    if (choice < 11) return post();
    if (choice < 14) return end_pass();
    if (choice < 17) {
      end_pass();
      shard_->loop.advance(Millis{static_cast<std::int64_t>(1 + random_.below(5))});
      return;
    }
    if (choice < 19) return read();
    if (!random_.chance(0.5)) return;
    if (random_.chance(0.5)) fail();
    crash();
  }

  /// A new post, or one that was refused and not acknowledged.
  void post() {
    if (!again_.empty() && random_.chance(0.5)) {
      Sent sent = std::move(again_.front());
      again_.erase(again_.begin());
      return publish(std::move(sent));
    }
    RefPost post;
    post.id = std::to_string(++ids_);
    post.device = static_cast<int>(1 + random_.below(kDevices));
    post.past = random_.chance(0.15);
    std::string body;
    std::set<std::string> dropped;
    for (const auto name : kNames) {
      if (random_.chance(0.5)) continue;
      const bool good = random_.chance(0.85);
      const auto digit = std::to_string(random_.below(3));
      const bool is_text = (name == "b") == good;
      const std::string value = is_text ? "\"t" + digit + "\"" : digit;
      const bool timed = post.past || random_.chance(0.5);
      const std::int64_t time =
          timed ? shard_->loop.wall().ms - static_cast<std::int64_t>(random_.below(4)) : shard_->loop.wall().ms;
      const std::string written = timed ? "{\"value\":" + value + ",\"time\":" + std::to_string(time) + "}" : value;
      if (post.past)
        body.append(body.empty() ? "" : ",").append("{\"").append(name).append("\":").append(written).append("}");
      else
        body.append(body.empty() ? "" : ",").append("\"").append(name).append("\":").append(written);
      if (good)
        post.values.push_back({std::string(name), value, time, timed});
      else
        dropped.insert(std::string(name));
    }
    prepare(post, body, dropped);
  }

  void prepare(const RefPost& post, const std::string& body, const std::set<std::string>& dropped) {
    const auto tail = post.past ? "event/property/history/post" : "event/property/post";
    const auto params = post.past ? "[{\"identity\":{\"productKey\":\"" + std::string(kProduct) +
                                        "\",\"deviceName\":\"board" + std::to_string(post.device) +
                                        "\"},\"properties\":[" + body + "]}]"
                                  : "{" + body + "}";
    dropped_[post.id] = dropped;
    publish({post, TestShard::topic(tail, post.device), "{\"id\":\"" + post.id + "\",\"params\":" + params + "}",
             static_cast<std::uint8_t>(random_.below(2))});
  }

  void publish(Sent sent) {
    for (auto& value : sent.post.values)
      if (!value.timed) value.time = shard_->loop.wall().ms;
    const auto taken = shard_->publish(sent.topic, sent.payload, sent.qos, sent.post.device);
    CHECK((taken == broker::Ingress::Taken::later) == (sent.qos == 1 && !sent.post.values.empty()));
    if (taken == broker::Ingress::Taken::later) unanswered_.emplace(shard_->tickets, sent);
    if (sent.post.values.empty())
      take_replies();  // at once, with nothing to wait for
    else
      passing_.push_back(sent.post);
  }

  /// Every QoS 1 post is acknowledged after its 200, or its connection is closed after its refusal, never both.
  void take_acknowledgements() {
    auto& egress = shard_->egress;
    for (const auto ticket : std::exchange(egress.acknowledged, {})) {
      const auto of = unanswered_.find(ticket);
      REQUIRE(of != unanswered_.end());
      CHECK(std::none_of(accepted_.begin() + static_cast<std::ptrdiff_t>(answered_), accepted_.end(),
                         [&](const auto& post) { return post.id == of->second.post.id; }));
      unanswered_.erase(of);
    }
    for (const auto& gone : std::exchange(egress.disconnected, {})) {
      const auto of = unanswered_.find(gone.ticket);
      REQUIRE(of != unanswered_.end());
      CHECK(refusals_.contains(of->second.post.id));
      refusals_.erase(of->second.post.id);
      again_.push_back(of->second);
      unanswered_.erase(of);
    }
  }

  /// The pass ends: the store takes all of its posts or none.
  void end_pass() {
    shard_->end_pass();
    settle_pass();
  }
  void settle_pass() {
    refused_ = false;
    take_replies();
    if (!refused_)
      for (auto& post : passing_) accepted_.push_back(std::move(post));
    passing_.clear();
    take_replies();
  }

  void take_replies() {
    const auto& sent = shard_->egress.sent;
    for (; seen_ < sent.size(); ++seen_) {
      const auto reply = json::parse(sent[seen_].payload);
      REQUIRE(reply);
      const std::string id(reply->find("id")->text()->raw());
      if (reply->find("code")->integer() == (failed_ ? 500 : 429)) {
        const auto is_it = [&](const auto& post) { return post.id == id; };
        const bool is_passing = std::any_of(passing_.begin(), passing_.end(), is_it);
        if (is_passing)
          refused_ = true;
        else
          CHECK(failed_);
        CHECK((is_passing ||
               std::any_of(accepted_.begin() + static_cast<std::ptrdiff_t>(answered_), accepted_.end(), is_it)));
        refusals_.insert(id);
        continue;
      }
      CHECK(reply->find("code")->integer() == 200);
      std::set<std::string> named;
      for (const auto& [name, text] : reply->find("data")->members()) named.insert(std::string(name.raw()));
      CHECK(named == dropped_[id]);
      for (std::size_t i = answered_; i < accepted_.size(); ++i)
        if (accepted_[i].id == id) {
          CHECK(i == answered_);  // answers come in order
          answered_ = i + 1;
          break;
        }
    }
    take_acknowledgements();
  }

  void read() {
    const int device = static_cast<int>(1 + random_.below(kDevices));
    bool came = false;
    std::size_t at_call = 0;
    shard_->ingress->things().latest(static_cast<std::uint64_t>(device), [&, device](std::optional<Summary> found) {
      came = true;
      if (at_call == 0) settle_pass(), at_call = accepted_.size();
      take_replies();
      CHECK(answered_ >= at_call);  // everything shown has been answered
      check_reads(found, device, at_call);
    });
    if (!came) {
      settle_pass();  // the read has submitted the pass
      at_call = accepted_.size();
      shard_->settle();
    }
    CHECK(came);
    take_replies();
  }

  Reference reference(std::size_t count) const {
    Reference out;
    for (std::size_t i = 0; i < count; ++i) out.apply(accepted_[i]);
    return out;
  }

  bool is_last(const std::optional<Summary>& found, int device, const Reference& want) const {
    std::map<std::string, std::pair<std::int64_t, std::string>> have, wanted;
    if (found)
      for (const auto& one : found->values) have[one.identifier] = {one.time.ms, one.value};
    for (const auto& [key, held] : want.last)
      if (key.first == device) wanted[key.second] = held;
    return have == wanted;
  }
  void check_reads(const std::optional<Summary>& found, int device, std::size_t count) {
    CHECK(is_last(found, device, reference(count)));
  }
  bool is_history(const Reference& want) {
    for (int device = 1; device <= kDevices; ++device)
      for (const auto name : kNames) {
        const auto page = query_property(store_, static_cast<std::uint64_t>(device), name,
                                         {UnixMillis{0}, UnixMillis{std::int64_t{1} << 50}, true, 100'000});
        REQUIRE(page);
        std::multiset<std::pair<std::int64_t, std::string>> have;
        for (const auto& point : page->points) have.insert({point.time.ms, point.value});
        if (have != want.history(device, name)) return false;
      }
    return true;
  }
  void check_history(std::size_t count) { CHECK(is_history(reference(count))); }

  /// The disk fails. What was not answered is refused, and reads show what was.
  void fail() {
    end_pass();
    store_.fail("no such device");
    failed_ = true;
    if (random_.chance(0.5)) post();
    const int device = static_cast<int>(1 + random_.below(kDevices));
    std::optional<Summary> shown;
    bool came = false;
    const auto take = [&](std::optional<Summary> found) { came = true, shown = std::move(found); };
    if (random_.chance(0.5)) shard_->ingress->things().latest(static_cast<std::uint64_t>(device), take);
    shard_->loop.advance(Seconds{1});
    if (!came) shard_->ingress->things().latest(static_cast<std::uint64_t>(device), take);
    CHECK(came);
    take_replies();
    CHECK(unanswered_.empty());
    accepted_.resize(answered_);
    passing_.clear();
    check_reads(shown, device, answered_);
    failed_ = false;
  }

  /// The power goes. Everything answered must be there, and nothing but a beginning of what was accepted.
  void crash() {
    take_replies();
    store_.crash();
    shard_.reset();
    start();
    passing_.clear();
    again_.clear();
    unanswered_.clear();
    std::size_t kept = accepted_.size() + 1;
    for (std::size_t count = answered_; count <= accepted_.size() && kept > accepted_.size(); ++count) {
      const auto want = reference(count);
      bool same = is_history(want);
      for (int device = 1; device <= kDevices && same; ++device) same = is_last(shard_->latest(device), device, want);
      if (same) kept = count;
    }
    REQUIRE(kept <= accepted_.size());
    accepted_.resize(kept);
    answered_ = kept;
  }

  runtime::SeededRandom random_;
  store::MemoryStore store_;
  std::unique_ptr<TestShard> shard_;
  std::vector<RefPost> passing_;              // of the pass that has not ended
  std::vector<RefPost> accepted_;             // submitted, in order
  std::size_t answered_ = 0;                  // so many of them have had their reply
  std::map<std::uint32_t, Sent> unanswered_;  // QoS 1, by ticket
  std::vector<Sent> again_;                   // refused, and not acknowledged
  std::set<std::string> refusals_;
  std::map<std::string, std::set<std::string>> dropped_;
  std::size_t seen_ = 0;
  std::uint32_t ids_ = 0;
  bool refused_ = false;
  bool failed_ = false;
};

}  // namespace

TEST_CASE("last values, history and replies agree with a small model through posts, reads, crashes and a full store") {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    INFO("seed " << seed);
    Run(seed).go(25);
  }
}
