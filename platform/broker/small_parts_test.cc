// The parts that hold bytes and counts: output, messages, acknowledgements, rates, sessions, links.
#include <doctest/doctest.h>

#include <string>

#include "platform/broker/ack_line.h"
#include "platform/broker/link.h"
#include "platform/broker/message.h"
#include "platform/broker/output.h"
#include "platform/broker/rate.h"
#include "platform/broker/session.h"

using namespace tercet;
using namespace tercet::broker;

// --- output ---

TEST_CASE("an output gives its block back when everything has been written, and starts larger the next time") {
  BufferPool pool;
  Output out;
  const std::string kilo(1000, 'k');
  for (int i = 0; i < 20; ++i) out.append(pool, as_bytes(kilo));
  CHECK(out.size() == 20'000);
  out.consume(pool, 19'000);
  CHECK(as_text(out.pending()) == kilo);
  out.consume(pool, 1000);
  CHECK(out.empty());
  const auto kept = pool.kept_bytes();
  CHECK(kept >= 32'768);
  out.append(pool, as_bytes(kilo));  // takes the large one again
  CHECK(pool.kept_bytes() == kept - 32'768);
  out.clear(pool);
  CHECK(pool.kept_bytes() == kept);
}

TEST_CASE("what is written already makes room without a larger block") {
  BufferPool pool;
  Output out;
  std::string said, heard;
  for (int i = 0; i < 1000; ++i) {
    const std::string word = std::to_string(i) + " ";
    out.append(pool, as_bytes(word));
    said += word;
    if (i % 3 == 0 || i == 999) {
      const std::size_t some = i == 999 ? out.size() : out.size() - out.size() / 4;
      heard += as_text(out.pending().first(some));
      out.consume(pool, some);
    }
  }
  CHECK(heard == said);
  CHECK(pool.kept_bytes() <= 4096);
}

TEST_CASE("very large blocks are not kept") {
  BufferPool pool;
  Output out;
  out.append(pool, as_bytes(std::string(3u << 20, 'x')));
  out.clear(pool);
  CHECK(pool.kept_bytes() == 0);
}

// --- messages ---

TEST_CASE("a message survives its encoding") {
  Publication publication;
  publication.topic = "a/b";
  publication.payload = as_bytes("payload");
  const std::string properties("\x01\x01", 2);
  publication.properties = as_bytes(properties);
  publication.expires_ms = 123456789012;
  std::string text;
  encode_message(text, publication, 2, true);
  const auto back = decode_message(text);
  REQUIRE(back);
  CHECK(back->topic == "a/b");
  CHECK(as_text(back->payload) == "payload");
  CHECK(as_text(back->properties) == properties);
  CHECK(back->expires_ms == 123456789012);
  CHECK(back->qos == 2);
  CHECK(back->retain);
  for (std::size_t i = 0; i < 18; ++i) CHECK(!decode_message(std::string_view(text).substr(0, i)));
  text[0] = 99;
  CHECK(!decode_message(text));
}

TEST_CASE("a message is shared, and gone with its last holder") {
  Publication publication;
  publication.topic = "t";
  publication.payload = as_bytes("x");
  publication.expires_ms = 10;
  auto one = MessageRef::copy_of(publication, 1, UnixMillis{5});
  MessageRef two = one;
  one = MessageRef{};
  CHECK(!one);
  CHECK(two->topic() == "t");
  CHECK(two->created_ms() == 5);
  CHECK(two->qos() == 1);
  CHECK(!two->is_expired(UnixMillis{9}));
  CHECK(two->is_expired(UnixMillis{10}));
}

// --- acknowledgements ---

TEST_CASE("acknowledgements leave in the order their messages came [MQTT-4.6.0-2]") {
  AckLine line;
  std::uint32_t tickets[10];
  for (std::uint16_t i = 0; i < 10; ++i) tickets[i] = line.push(i, mqtt::PacketType::puback);
  line.ready(tickets[1], mqtt::ReasonCode::success);
  CHECK(!line.pop());
  line.ready(tickets[0], mqtt::ReasonCode::not_authorized);
  const auto first = line.pop();
  REQUIRE(first);
  CHECK(first->packet_id == 0);
  CHECK(first->reason == mqtt::ReasonCode::not_authorized);
  CHECK(line.pop()->packet_id == 1);
  CHECK(!line.pop());
  line.ready(tickets[0], mqtt::ReasonCode::success);  // gone: nothing happens
  line.ready(tickets[9] + 5, mqtt::ReasonCode::success);
  CHECK(line.size() == 8);
}

// --- rates ---

TEST_CASE("a rate lets a second's worth through at once, then one at a time, and reports a burst once") {
  Rate rate;
  Instant now{Millis{5000}};
  for (int i = 0; i < 10; ++i) CHECK(rate.ask(10, now) == Rate::Answer::pass);
  CHECK(rate.ask(10, now) == Rate::Answer::first_drop);
  CHECK(rate.ask(10, now) == Rate::Answer::drop);
  now = now + Millis{99};
  CHECK(rate.ask(10, now) == Rate::Answer::drop);
  now = now + Millis{1};
  CHECK(rate.ask(10, now) == Rate::Answer::pass);
  CHECK(rate.ask(10, now) == Rate::Answer::first_drop);
  now = now + Seconds{3600};
  for (int i = 0; i < 10; ++i) CHECK(rate.ask(10, now) == Rate::Answer::pass);
  CHECK(rate.ask(10, now) == Rate::Answer::first_drop);
  CHECK(rate.ask(0, now) == Rate::Answer::pass);
}

// --- sessions ---

TEST_CASE("sessions are found by identity and by reference, and never after their end") {
  SessionTable table{99};
  std::vector<SessionRef> refs;
  for (int i = 0; i < 1000; ++i)
    refs.push_back(
        table.create({i % 2 == 0 ? Identity::Kind::device : Identity::Kind::client, std::to_string(i)}).ref());
  CHECK(table.size() == 1000);
  for (int i = 0; i < 1000; i += 3) table.destroy(*table.at(refs[static_cast<std::size_t>(i)]));
  for (int i = 0; i < 1000; ++i) {
    const std::string key = (i % 2 == 0 ? "d/" : "c/") + std::to_string(i);
    const std::string other = (i % 2 == 0 ? "c/" : "d/") + std::to_string(i);
    const bool gone = i % 3 == 0;
    CHECK((table.find(key) == nullptr) == gone);
    CHECK(table.find(other) == nullptr);
    CHECK((table.at(refs[static_cast<std::size_t>(i)]) == nullptr) == gone);
  }
  const auto again = table.create({Identity::Kind::device, "0"}).ref();
  CHECK(table.at(again) != nullptr);
  for (const auto& old : refs) CHECK((!(old == again)));
  CHECK(table.at({1u << 30, 1}) == nullptr);
}

TEST_CASE("a session remembers a client id that is not its name") {
  SessionTable table{1};
  Session& session = table.create({Identity::Kind::device, "pk/dn"});
  CHECK(session.client_id() == "pk/dn");
  session.set_client_id("x|y|");
  CHECK(session.client_id() == "x|y|");
  session.set_client_id("pk/dn");
  CHECK(session.client_id_text == nullptr);
}

// --- links ---

TEST_CASE("what one shard tells another is read back as it was said") {
  LinkBatch batch;
  Publication publication;
  publication.topic = "t";
  publication.payload = as_bytes("p");
  publication.qos = 1;
  publication.retain = true;
  batch.publish(publication, true, false, 7, {{"f/#", "g"}, {"h", "i"}});
  batch.to_device("d/pk/dn", publication, std::nullopt);
  batch.confirm(9);
  batch.filter(LinkKind::want, "a/+", true);
  batch.filter(LinkKind::unwant, "a/+");
  batch.group(LinkKind::join, "f", "g");
  batch.number(LinkKind::barrier, 1ull << 40);
  batch.retain(publication, {5, 6}, 7);
  LinkReader in{batch.bytes()};
  auto record = in.next();
  CHECK(record->kind == LinkKind::publish);
  CHECK(record->clients);
  CHECK(!record->devices);
  CHECK(record->confirm == 7u);
  CHECK(record->publication.topic == "t");
  CHECK(record->publication.qos == 1);
  CHECK(record->publication.retain);
  std::string shares;
  each_share(record->text, [&shares](std::string_view filter, std::string_view group) {
    shares.append(filter).append("=").append(group).append(";");
  });
  CHECK(shares == "f/#=g;h=i;");
  record = in.next();
  CHECK(record->kind == LinkKind::to_device);
  CHECK(record->text == "d/pk/dn");
  CHECK(!record->confirm);
  CHECK(in.next()->confirm == 9u);
  record = in.next();
  CHECK(record->text == "a/+");
  CHECK(record->number == 1);
  CHECK(in.next()->kind == LinkKind::unwant);
  record = in.next();
  CHECK(record->text == "f");
  CHECK(record->group == "g");
  CHECK(in.next()->number == 1ull << 40);
  record = in.next();
  CHECK(record->stamp == RetainStamp{5, 6});
  CHECK(!in.next());
}
