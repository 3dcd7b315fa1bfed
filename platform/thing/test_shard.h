#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/registry/directory.h"
#include "platform/script/test_scripts.h"
#include "platform/store/memory_store.h"
#include "platform/store/test_loop.h"
#include "platform/thing/ingress.h"
#include "tercet/auth/cause.h"
#include "tercet/json/reader.h"

namespace tercet::thing {

/// A thing model with every data type, for tests.
inline constexpr std::string_view kBoardTsl = R"({
  "schema":"https://example.org/schema.json",
  "profile":{"version":"1.2","productKey":"a1aaaaaaaaa"},
  "properties":[
    {"identifier":"temperature","name":"Temperature","accessMode":"r","required":true,"dataType":{"type":"float","specs":{"min":"-40","max":"80","step":"0.1","unit":"C","unitName":"celsius"}}},
    {"identifier":"humidity","name":"Humidity","accessMode":"r","required":false,"dataType":{"type":"double","specs":{"min":"0","max":"100"}}},
    {"identifier":"interval","name":"Interval","accessMode":"rw","required":false,"dataType":{"type":"int","specs":{"min":"1","max":"3600","step":"1","unit":"s"}}},
    {"identifier":"mode","name":"Mode","accessMode":"rw","required":false,"dataType":{"type":"enum","specs":{"0":"off","1":"eco","-2":"service"}}},
    {"identifier":"led","name":"Led","accessMode":"rw","required":false,"dataType":{"type":"bool","specs":{"0":"off","1":"on"}}},
    {"identifier":"label","name":"Label","accessMode":"rw","required":false,"dataType":{"type":"text","specs":{"length":"8"}}},
    {"identifier":"started","name":"Started","accessMode":"r","required":false,"dataType":{"type":"date","specs":{}}},
    {"identifier":"position","name":"Position","accessMode":"rw","required":false,"dataType":{"type":"struct","specs":[
      {"identifier":"lat","name":"Latitude","dataType":{"type":"double","specs":{"min":"-90","max":"90"}}},
      {"identifier":"fix","name":"Fix","dataType":{"type":"bool","specs":{"0":"no","1":"yes"}}}]}},
    {"identifier":"samples","name":"Samples","accessMode":"r","required":false,"dataType":{"type":"array","specs":{"size":"3","item":{"type":"int"}}}},
    {"identifier":"track","name":"Track","accessMode":"r","required":false,"dataType":{"type":"array","specs":{"size":"2","item":{"type":"struct","specs":[
      {"identifier":"x","name":"X","dataType":{"type":"int","specs":{}}}]}}}}
  ],
  "events":[
    {"identifier":"alarm","name":"Alarm","type":"alert","required":true,"outputData":[
      {"identifier":"level","name":"Level","dataType":{"type":"int","specs":{"min":"0","max":"9"}}},
      {"identifier":"text","name":"Text","dataType":{"type":"text","specs":{"length":"20"}}}]},
    {"identifier":"booted","name":"Booted","type":"info","outputData":[]}
  ],
  "services":[
    {"identifier":"reboot","name":"Reboot","callType":"async","inputData":[{"identifier":"delay","name":"Delay","dataType":{"type":"int","specs":{}}}],"outputData":[]},
    {"identifier":"weigh","name":"Weigh","callType":"sync","inputData":[{"identifier":"times","name":"Times","dataType":{"type":"int","specs":{"min":"1","max":"9"}}}],"outputData":[{"identifier":"grams","name":"Grams","dataType":{"type":"float","specs":{}}}]}
  ]
})";

inline constexpr std::string_view kProduct = "a1aaaaaaaaa";

/// The broker's side, remembered.
class FakeEgress final : public broker::Egress {
 public:
  struct Sent {
    std::string to;  ///< identity key, or "" for the session
    std::string topic;
    std::string payload;
    std::uint8_t qos;
  };
  void acknowledge(const broker::AckToken& token) override { acknowledged.push_back(token.ticket); }
  void disconnect(const broker::AckToken& token, Error why) override {
    disconnected.push_back({token.ticket, why});
    if (on_disconnect) on_disconnect(token);
  }
  bool send(broker::SessionRef, std::string_view topic, Bytes payload, std::uint8_t qos) override {
    sent.push_back({"", std::string(topic), std::string(as_text(payload)), qos});
    return true;
  }
  bool send_to(std::string_view key, std::string_view topic, Bytes payload, std::uint8_t qos) override {
    if (!reachable || (!unsubscribed.empty() && topic.starts_with(unsubscribed))) return false;
    sent.push_back({std::string(key), std::string(topic), std::string(as_text(payload)), qos});
    return true;
  }
  bool send_for_receipt(std::string_view key, std::string_view topic, Bytes payload, std::uint64_t receipt) override {
    if (!send_to(key, topic, payload, 1)) return false;
    receipts.push_back(receipt);
    return true;
  }
  bool awaits_receipt(std::string_view, std::uint64_t receipt) const override {
    return std::find(kept_receipts.begin(), kept_receipts.end(), receipt) != kept_receipts.end();
  }
  void disconnect(std::string_view, bool) override {}
  bool is_online(std::string_view) const override { return reachable; }

  std::vector<std::uint64_t> receipts;       ///< that were asked for
  std::vector<std::uint64_t> kept_receipts;  ///< of a session that outlives its connection
  bool reachable = true;
  std::string unsubscribed;  ///< topics that begin so reach nobody
  std::vector<std::uint32_t> acknowledged;
  struct Disconnected {
    std::uint32_t ticket;
    Error why;
  };
  std::vector<Disconnected> disconnected;
  std::function<void(const broker::AckToken&)> on_disconnect;
  std::vector<Sent> sent;
};

/// An application that wants these sources of every product, and what it got.
class FakeOutlet final : public Outlet {
 public:
  struct Got {
    Source source;
    std::uint64_t device;
    std::string topic, payload;
  };
  std::uint32_t wanted(std::string_view) const override { return ++asked, sources; }
  std::uint64_t version() const override { return current; }
  void take(const Outgoing& message, store::Mutations& mutations) override {
    got.push_back({message.source, message.device, std::string(message.topic), std::string(message.payload)});
    mutations.put(store::Family::meta, "outgoing " + std::to_string(got.size()), message.payload);
  }
  void on_submitted() override { ++submitted; }
  void on_durable() override { ++durable; }
  void on_undone() override { ++undone; }

  std::uint32_t sources = 0;
  std::uint64_t current = 1;
  mutable int asked = 0;
  int submitted = 0, durable = 0, undone = 0;
  std::vector<Got> got;
};

class FakeJournal final : public broker::Journal {
 public:
  void record(broker::Refusal refusal) override { entries.push_back(std::move(refusal)); }
  std::vector<broker::Refusal> entries;
};

/// One shard's thing module with everything around it in memory, and devices "board1", "board2" … numbered 1, 2 …
class TestShard {
 public:
  explicit TestShard(store::StreamStore& at, registry::Validation validation = registry::Validation::weak,
                     std::string_view tsl = kBoardTsl, const Settings& settings = {}, int devices = 2,
                     const registry::FileLinks* files = nullptr,
                     std::function<void(const registry::ConfigurationAnswer&)> configured = {})
      : store(at) {
    put_product(validation, tsl, 1);
    for (int i = 1; i <= devices; ++i) put_device(i);
    Wiring wiring{loop, store, directory, journal, files, configured};
    wiring.scripts = &scripts;
    wiring.outlet = &outlet;
    wiring.tags = [this](TagMessage message) {
      if (is_tag_queue_full) return false;
      tag_messages.push_back(std::move(message));
      return true;
    };
    wiring.jobs = [this](JobMessage message) { job_messages.push_back(std::move(message)); };
    wiring.uploads = [this](FileMessage message) {
      if (is_file_queue_full) return false;
      file_messages.push_back(std::move(message));
      return true;
    };
    ingress = std::make_unique<ThingIngress>(wiring, settings);
    ingress->attach(egress);
  }

  void put_product(registry::Validation validation, std::string_view tsl, std::uint64_t version) {
    auto product = std::make_shared<registry::Product>();
    product->key = kProduct;
    product->validation = validation;
    product->tsl = tsl;
    product->version = version;
    directory.put(product);
  }
  /// The product's devices speak bytes; script "": there is none.
  void put_raw_product(std::string_view script, std::uint64_t version = 2) {
    auto product = std::make_shared<registry::Product>(*directory.shared_product(kProduct));
    product->pass_through = true;
    product->version = version;
    product->script = script.empty() ? nullptr : std::make_shared<const std::string>(script);
    directory.put(product);
  }
  void put_device(int number) {
    registry::Device device;
    device.number = static_cast<std::uint64_t>(number);
    device.product = kProduct;
    device.name = "board" + std::to_string(number);
    directory.put(std::move(device));
  }

  static std::string topic(std::string_view tail, int device = 1) {
    return "/sys/" + std::string(kProduct) + "/board" + std::to_string(device) + "/thing/" + std::string(tail);
  }
  /// Publishes as the broker would hand it over; the ticket is a running number.
  broker::Ingress::Taken publish(std::string_view full_topic, std::string_view payload, std::uint8_t qos = 1,
                                 int device = 1) {
    const broker::Identity identity{broker::Identity::Kind::device,
                                    std::string(kProduct) + "/board" + std::to_string(device)};
    broker::AckToken token;
    token.ticket = ++tickets;
    return ingress->on_message(
        {{}, identity, static_cast<std::uint64_t>(device), 0, full_topic, as_bytes(payload), qos, token});
  }
  broker::Ingress::Taken post(std::string_view params, std::uint8_t qos = 1, int device = 1) {
    return publish(topic("event/property/post", device),
                   "{\"id\":\"" + std::to_string(++ids) + "\",\"version\":\"1.0\",\"params\":" + std::string(params) +
                       ",\"method\":\"thing.event.property.post\"}",
                   qos, device);
  }
  /// Ends the pass and waits until the store has caught up.
  void settle() {
    loop.run();
    loop.advance(Millis{50});
  }
  /// Ends the pass, nothing more: what it submitted is not durable yet.
  void end_pass() { loop.run(); }

  std::optional<Summary> latest(int device = 1) {
    std::optional<Summary> found;
    ingress->things().latest(static_cast<std::uint64_t>(device),
                             [&](std::optional<Summary> s) { found = std::move(s); });
    settle();
    return found;
  }
  std::string value(std::string_view identifier, int device = 1) {
    const auto summary = latest(device);
    if (!summary) return "";
    for (const auto& one : summary->values)
      if (one.identifier == identifier) return one.value;
    return "";
  }
  /// Lives until the next message is sent.
  const std::string& last_reply() const {
    static const std::string kNone;
    return egress.sent.empty() ? kNone : egress.sent.back().payload;
  }

  store::TestLoop loop;
  script::ScriptsHere scripts{loop};
  store::StreamStore& store;
  registry::Directory directory;
  FakeEgress egress;
  FakeJournal journal;
  FakeOutlet outlet;
  std::vector<TagMessage> tag_messages;
  std::vector<JobMessage> job_messages;
  bool is_tag_queue_full = false;
  std::vector<FileMessage> file_messages;
  bool is_file_queue_full = false;
  std::unique_ptr<ThingIngress> ingress;
  std::uint32_t tickets = 0;
  std::uint32_t ids = 0;
};

}  // namespace tercet::thing
