#pragma once
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/openapi/http.h"
#include "platform/openapi/request_id.h"
#include "platform/openapi/signature_v1.h"
#include "platform/openapi/signature_v3.h"
#include "platform/openapi/site.h"
#include "platform/openapi/utc_time.h"
#include "platform/registry/directory_feed.h"
#include "platform/runtime/sim.h"
#include "platform/store/memory_store.h"
#include "platform/store/test_folder.h"
#include "platform/thing/test_shard.h"

namespace tercet::openapi {

/// An HTTP answer, taken apart.
struct HttpAnswer {
  int status = 0;
  std::string head;
  std::string body;
  boost::json::object json() const { return boost::json::parse(body).as_object(); }
  std::string header(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }
};

/// Sends over one connection and keeps what comes.
class TestClient final : runtime::StreamEvents {
 public:
  TestClient(runtime::Loop& loop, const runtime::Address& server) : loop_(loop), stream_(*loop.connect(server)) {
    loop_.attach(*stream_, *this);
  }
  ~TestClient() {
    if (!closed) loop_.detach(*stream_);
  }
  void send(std::string text) {
    pending_ += text;
    on_writable();
  }
  std::string received;
  bool closed = false;

 private:
  void on_readable() override {
    std::vector<std::uint8_t> buffer(65536);
    for (;;) {
      const runtime::Io io = stream_->read(buffer);
      received.append(reinterpret_cast<const char*>(buffer.data()), io.bytes);
      if (io.state == runtime::Io::State::more) continue;
      if (io.state != runtime::Io::State::drained) loop_.detach(*stream_), closed = true;
      return;
    }
  }
  void on_writable() override {
    while (!pending_.empty()) {
      const runtime::Io io = stream_->write(as_bytes(pending_));
      pending_.erase(0, io.bytes);
      if (io.state != runtime::Io::State::more) return loop_.want_write(*stream_);
    }
  }
  runtime::Loop& loop_;
  std::unique_ptr<runtime::Stream> stream_;
  std::string pending_;
};

/// The whole management side on the real registry, journal and thing modules of two shards, everything in memory and in
/// virtual time, reached over HTTP.
class TestPlatform {
 public:
  TestPlatform()
      : world(11),
        host(world.add_host("10.0.0.1")),
        shards(host, 2),
        loop(host.add_loop()),
        client_loop(world.add_host("10.0.0.2").add_loop()) {
    for (auto& directory : directories) pointers.push_back(&directory);
    feed = std::make_unique<registry::DirectoryFeed>(loop, shards, pointers);
    registry::SecretBox::Key key{};
    auto opened = registry::Registry::open(":memory:", registry::SecretBox(key), loop, *feed);
    TERCET_CHECK(opened.has_value());
    registry = std::move(*opened);
    auto journal_opened = registry::JournalStore::open(":memory:", loop, [this](std::string_view name) {
      const auto slash = name.find('/');
      return slash != std::string_view::npos && registry->is_known(name.substr(0, slash), name.substr(slash + 1));
    });
    TERCET_CHECK(journal_opened.has_value());
    journal = std::move(*journal_opened);
    access = *registry->create_access_key("test");
    std::vector<FleetShard> parts;
    for (std::size_t i = 0; i < shards.count(); ++i) {
      things.push_back(std::make_unique<thing::ThingIngress>(
          thing::Wiring{shards.loop(i), store, directories[i], *journal, &links,
                        [this](const registry::ConfigurationAnswer& answer) {
                          static_cast<void>(loop.post([this, answer] { registry->note_configuration_answer(answer); }));
                        },
                        [this](thing::UpgradeMessage message) {
                          static_cast<void>(loop.post([this, message] { upgrades->on_messages({message}); }));
                        }},
          thing::Settings{}));
      things.back()->attach(egress[i]);
      FleetShard part;
      part.things = &things.back()->things();
      part.publish = [this](std::string_view topic, Bytes payload, std::uint8_t qos) {
        published.push_back({"", std::string(topic), std::string(as_text(payload)), qos});
      };
      parts.push_back(std::move(part));
    }
    fleet = std::make_unique<Fleet>(loop, shards, std::move(parts));
    auto upgrades_opened = upgrade::Upgrades::open(
        ":memory:", folder.path(),
        {loop, *registry, &links, [this](upgrade::Letter letter, std::function<void(thing::Delivery)> told) {
           fleet->send({letter.device, letter.product, letter.name}, letter.topic, letter.payload, letter.qos, told);
         }});
    TERCET_CHECK(upgrades_opened.has_value());
    upgrades = std::move(*upgrades_opened);
    auto jobs_opened = job::Jobs::open(
        ":memory:",
        {loop, *registry,
         [this](job::Letter letter, std::function<void(thing::Delivery)> told) {
           fleet->send({letter.device, letter.product, letter.name}, letter.topic, letter.payload, letter.qos, told);
         },
         [this](job::Command command, std::function<void(thing::SetTicket)> taken,
                std::function<void(thing::CallResult)> ended) {
           fleet->execute({command.device, command.product, command.name}, command.service, command.params, taken,
                          ended);
         }});
    TERCET_CHECK(jobs_opened.has_value());
    jobs = std::move(*jobs_opened);
    tags = std::make_unique<tag::Tags>(tag::Tags::Parts{loop, *registry, *journal, [](const tag::Letter&) {}});
    Services services{loop, *registry, *journal, *fleet, store, models, "local", &links, upgrades.get()};
    services.scripts = &scripts;
    services.tags = tags.get();
    services.jobs = jobs.get();
    site = std::make_unique<Site>(services, [](std::string_view path) {
      return path == "/index.html" ? std::optional<Asset>(Asset{as_bytes("<page>"), {}, "text/html", "\"e1\"", false})
                                   : std::nullopt;
    });
    server = std::make_unique<HttpServer>(loop, *site);
    TERCET_CHECK(loop.listen(host.address(80), [this](auto stream) { server->accept(std::move(stream)); }).has_value());
  }

  void run(Millis span = Millis{100}) { world.run_for(span); }
  std::unique_ptr<TestClient> connect() { return std::make_unique<TestClient>(client_loop, host.address(80)); }

  /// One request on a connection of its own.
  HttpAnswer exchange(const std::string& text) {
    const auto client = connect();
    client->send(text);
    run();
    const std::string& got = client->received;
    const auto end = got.find("\r\n\r\n");
    HttpAnswer reply;
    if (end == std::string::npos) return reply;
    reply.status = std::stoi(got.substr(9, 3));
    reply.head = got.substr(0, end + 2);
    reply.body = got.substr(end + 4);
    return reply;
  }

  /// The fields of a v1 request with its signature; `changes` are put in before signing.
  std::string signed_query(const std::string& action, const NamedTexts& parameters, const std::string& method = "GET",
                           const std::map<std::string, std::string>& changes = {}) {
    NamedTexts all{{"Action", action},
                   {"Version", "2018-01-20"},
                   {"Format", "JSON"},
                   {"AccessKeyId", access.id},
                   {"SignatureMethod", "HMAC-SHA1"},
                   {"SignatureVersion", "1.0"},
                   {"SignatureNonce", std::to_string(++nonces)},
                   {"Timestamp", utc_seconds(loop.wall())}};
    for (auto& [name, value] : all)
      if (const auto it = changes.find(name); it != changes.end()) value = it->second;
    std::erase_if(all, [](const NamedText& one) { return one.second == "-"; });
    all.insert(all.end(), parameters.begin(), parameters.end());
    all.emplace_back("Signature", sign_v1(access.secret, string_to_sign_v1(method, all)));
    std::string query;
    for (const auto& [name, value] : all)
      query.append(query.empty() ? "" : "&").append(percent_encode(name)).append("=").append(percent_encode(value));
    return query;
  }
  HttpAnswer get(const std::string& query) { return exchange("GET /?" + query + " HTTP/1.1\r\nHost: h:80\r\n\r\n"); }
  /// A right v1 call; gives the JSON.
  boost::json::object call(const std::string& action, const NamedTexts& parameters = {}) {
    const HttpAnswer reply = get(signed_query(action, parameters));
    return reply.body.empty() ? boost::json::object{} : reply.json();
  }

  /// A product with the board's thing model and one device in it.
  void make_board() {
    const auto product = call("CreateProduct", {{"ProductName", "climate"}, {"NodeType", "0"}});
    product_key = product.at("ProductKey").as_string();
    call("ImportThingModelTsl", {{"ProductKey", product_key}, {"TslStr", std::string(thing::kBoardTsl)}});
    add_device("board1");
  }
  boost::json::object add_device(const std::string& name) {
    return call("RegisterDevice", {{"ProductKey", product_key}, {"DeviceName", name}});
  }
  /// The device's messages, as its shard's broker would hand them on.
  void with_device(const std::string& name,
                   std::function<void(thing::ThingIngress&, const broker::Identity&, std::uint64_t)> act,
                   Millis then = Millis{100}) {
    const auto record = registry->device(registry::DeviceRef{"", product_key, name});
    TERCET_CHECK(record.has_value());
    const std::size_t shard = shards.home_of(broker::device_key(product_key, name));
    shards.loop(shard).post([this, shard, act, name, number = record->device.number] {
      act(*things[shard], {broker::Identity::Kind::device, product_key + "/" + name}, number);
    });
    run(then);
  }
  void log_in(const std::string& name) {
    with_device(name, [](thing::ThingIngress& ingress, const broker::Identity& identity, std::uint64_t number) {
      ingress.on_online({}, identity, number, {}, "client");
    });
  }
  void post(const std::string& name, const std::string& params) {
    with_device(name, [&](thing::ThingIngress& ingress, const broker::Identity& identity, std::uint64_t number) {
      const std::string topic = "/sys/" + product_key + "/" + name + "/thing/event/property/post";
      const std::string payload = "{\"id\":\"1\",\"version\":\"1.0\",\"params\":" + params + "}";
      ingress.on_message({{}, identity, number, 0, topic, as_bytes(payload), 1, {}});
    });
  }

  runtime::SimWorld world;
  runtime::SimHost& host;
  runtime::SimShards shards;
  runtime::SimLoop& loop;
  runtime::SimLoop& client_loop;
  script::ScriptsHere scripts{loop};
  store::MemoryStore store;
  registry::FileLinks links{loop.random()};  ///< a test that offers files gives it a base
  registry::Directory directories[2];
  std::vector<registry::Directory*> pointers;
  thing::FakeEgress egress[2];
  std::unique_ptr<registry::DirectoryFeed> feed;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<registry::JournalStore> journal;
  std::vector<std::unique_ptr<thing::ThingIngress>> things;
  std::vector<thing::FakeEgress::Sent> published;
  Models models;
  store::TestFolder folder;
  std::unique_ptr<upgrade::Upgrades> upgrades;
  std::unique_ptr<Fleet> fleet;
  std::unique_ptr<job::Jobs> jobs;
  std::unique_ptr<tag::Tags> tags;
  std::unique_ptr<Site> site;
  std::unique_ptr<HttpServer> server;
  registry::AccessKey access;
  std::string product_key;
  int nonces = 0;
};

}  // namespace tercet::openapi
