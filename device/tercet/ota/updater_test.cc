#include "tercet/ota/updater.h"

#include <doctest/doctest.h>

#include <memory>

#include "tercet/crypto/encoding.h"
#include "tercet/ota/test_board.h"

using namespace tercet;
using namespace tercet::ota;

namespace {

using Image = std::vector<std::uint8_t>;

/// A board that runs 1.0.0, online, and what it said.
struct Bench {
  fake::BootLoader board;
  ScriptedSource https, session;
  std::array<Source*, 2> sources{&https, &session};
  RecordingUplink uplink;
  UpdaterOptions options;
  std::unique_ptr<Updater> updater;
  Instant now{Millis{1'000}};
  Image next = fake::make_image("1.1.0", 9'001, 7);

  Bench() {
    board.flash_factory(fake::make_image("1.0.0", 8'000, 1));
    restart();
  }
  void restart() {
    REQUIRE(board.boot());
    options.version = board.running_version();
    options.record_bytes = 2'048;
    uplink.sent.clear();
    updater = std::make_unique<Updater>(board, board, board, sources, uplink, options);
    updater->start(now);
    updater->on_online(now);
    run(5);
  }
  void run(int times = 300) {
    for (int i = 0; i < times; ++i) now = now + Millis{100}, updater->run(now);
  }
  void offer(Bytes image, std::string_view version) {
    https.file = session.file = {image.begin(), image.end()};
    updater->on_offer(offer_of(image, version), now);
    run();
  }
  int count(std::string_view text) const {
    int found = 0;
    for (const auto& message : uplink.sent) found += message.second.find(text) != std::string::npos ? 1 : 0;
    return found;
  }
  /// Told once, nothing switched, and still there.
  void refused(int step, std::string_view why) {
    CHECK(count("\"step\":\"" + std::to_string(step) + "\",\"desc\":\"" + std::string(why) + "\"") == 1);
    CHECK(!updater->wants_restart());
    CHECK(updater->state() == Updater::State::idle);
    restart();
    CHECK(board.running_version() == "1.0.0");
    CHECK(!board.is_on_trial());
    CHECK(count("\"step\":\"-") == 0);
    CHECK(count("\"version\":\"1.0.0\"") == 1);
  }
};

}  // namespace

TEST_CASE("each connection begins with the version, and asks for a package") {
  Bench bench;
  REQUIRE(bench.uplink.sent.size() == 2);
  CHECK(bench.uplink.sent[0].first == Channel::inform);
  CHECK(bench.uplink.sent[1].first == Channel::get);
  bench.updater->on_offline();
  bench.updater->on_online(bench.now);
  bench.run(1);
  CHECK(bench.uplink.sent.size() == 4);
  bench.options.pulls = false;
  bench.restart();
  CHECK(bench.uplink.sent.size() == 1);
}

TEST_CASE("an offer is fetched with progress, switched to, tried, and confirmed once the platform has answered") {
  Bench bench;
  bench.offer(bench.next, "1.1.0");
  CHECK(bench.updater->wants_restart());
  CHECK(bench.count("\"step\":\"1\"") == 1);
  CHECK(bench.count("\"step\":\"100\"") == 1);
  CHECK(bench.count("\"step\":") <= 12);
  bench.restart();
  CHECK(bench.board.is_on_trial());
  CHECK(bench.count("\"version\":\"1.1.0\"") == 0);  // to the platform it would be success
  bench.run();
  CHECK(bench.updater->state() == Updater::State::trial);
  bench.updater->on_answer(bench.now);
  bench.run(2);
  CHECK(!bench.board.is_on_trial());
  CHECK(bench.count("\"version\":\"1.1.0\"") == 1);
  bench.restart();
  CHECK(bench.board.running_version() == "1.1.0");
}

TEST_CASE("an image that is not well in time gives itself up, is told once, and never taken again") {
  Bench bench;
  bench.offer(bench.next, "1.1.0");
  bench.restart();
  bench.updater->set_well(false);
  bench.updater->on_answer(bench.now);
  bench.uplink.broken = Error::bad_state;  // so that the old image has to tell
  bench.now = bench.now + Millis{600'000};
  bench.run(1);
  CHECK(bench.updater->state() == Updater::State::rolled_back);
  CHECK(bench.updater->wants_restart());
  bench.uplink.broken.reset();
  bench.restart();
  CHECK(bench.board.running_version() == "1.0.0");
  REQUIRE(bench.uplink.sent.size() >= 2);
  CHECK(bench.uplink.sent[0].second.find("\"step\":\"-1\",\"desc\":\"unhealthy\"") != std::string::npos);
  CHECK(bench.uplink.sent[1].first == Channel::inform);
  bench.restart();
  CHECK(bench.count("unhealthy") == 0);
  bench.offer(bench.next, "1.1.0");
  bench.refused(-1, "failed_before");
}

TEST_CASE("an image that ends in a fault is rolled back and told; one that only lost its supply is tried again") {
  Bench bench;
  bench.offer(bench.next, "1.1.0");
  bench.restart();  // on trial
  bench.restart();  // the supply was cut
  CHECK(bench.board.running_version() == "1.0.0");
  CHECK(bench.count("\"step\":\"-") == 0);
  const int started = bench.https.started;
  bench.offer(bench.next, "1.1.0");
  CHECK(bench.https.started == started);  // it is in the slot already
  CHECK(bench.updater->wants_restart());
  bench.restart();
  bench.options.restarted_by_fault = true;
  bench.restart();
  CHECK(bench.count("\"desc\":\"crashed\"") == 1);
}

TEST_CASE("an image whose supply is cut too often before it is well is given up") {
  Bench bench;
  for (int i = 0; i < 3; ++i) {
    bench.offer(bench.next, "1.1.0");
    bench.restart(), bench.restart();
  }
  CHECK(bench.count("\"desc\":\"interrupted\"") == 1);
}

TEST_CASE("a connection lost half-way goes on from where it stopped, also after a restart") {
  Bench bench;
  bench.https.drops_at = 5'000;
  bench.offer(bench.next, "1.1.0");
  CHECK(bench.updater->wants_restart());
  CHECK(bench.https.started == 2);
  CHECK(bench.https.started_at > 4'000);

  Bench other;
  other.https.file = other.next;
  other.updater->on_offer(offer_of(other.next, "1.1.0"), other.now);
  other.run(20);
  REQUIRE(other.updater->position() > 5'000);
  other.restart();
  other.offer(other.next, "1.1.0");
  CHECK(other.https.started_at >= 2'048);
  CHECK(other.count("\"step\":\"1\"") == 0);
  CHECK(other.updater->wants_restart());
}

TEST_CASE("an older version is refused unless that is allowed, and one below the least never taken") {
  const Image older = fake::make_image("0.9.0", 4'000, 3);
  Bench bench;
  bench.offer(older, "0.9.0");
  bench.refused(-1, "older");
  bench.options.allows_older = true;
  bench.options.least_version = "0.9.5";
  bench.restart();
  bench.offer(older, "0.9.0");
  CHECK(bench.count("\"desc\":\"older\"") == 1);
  bench.options.least_version = {};
  bench.restart();
  bench.offer(older, "0.9.0");
  CHECK(bench.updater->wants_restart());
}

TEST_CASE("what is already running is not fetched again, but said again") {
  Bench bench;
  bench.offer(bench.next, "1.0.0");
  CHECK(bench.https.taken == 0);
  CHECK(bench.count("\"version\":\"1.0.0\"") == 2);
}

TEST_CASE("wrong bytes, a truncated file, another image and one that is none are refused, with the device online") {
  Bench wrong;
  Image changed = wrong.next;
  changed[4'000] ^= 1;
  wrong.https.file = changed;
  wrong.updater->on_offer(offer_of(wrong.next, "1.1.0"), wrong.now);
  wrong.run();
  wrong.refused(-3, "wrong_digest");

  Bench truncated;
  truncated.https.file = Image(truncated.next.begin(), truncated.next.end() - 1);
  truncated.updater->on_offer(offer_of(truncated.next, "1.1.0"), truncated.now);
  truncated.run();
  truncated.refused(-2, "wrong_size");

  Bench relabelled;  // an old image under a new name
  relabelled.offer(fake::make_image("0.1.0", 5'000, 4), "9.9.9");
  relabelled.refused(-3, "other_image");

  Bench none;
  none.offer(Image(5'000, 'x'), "1.1.0");
  none.refused(-3, "other_image");

  Bench large;
  large.offer(Image(fake::BootLoader::kSlotBytes + 1, 'x'), "1.1.0");
  large.refused(-1, "too_large");
}

TEST_CASE("with keys an image is taken when one of them has signed it, and refused otherwise") {
  // Made with `openssl` for this test alone: a key, and its signature of the text `the image`.
  constexpr std::string_view kKey =
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEk/Xg6xp6M+XJkfrtJxoxk620XErsl4VEbdBrUGdTP7raPbDl9rq1TzFB5dy2pnRA"
      "XhoLobyGFgWXqpKOLZj8Fg==";
  constexpr std::string_view kSignature =
      "MEUCIFoyHESGKJPDPjQPsQGC1GVTnZTOFy7EzhLRebBMBjBGAiEA/0mJcDErq20oyYQxWwdJgdk5v2kVOMm8MfR2fJQpuvU=";
  std::array<std::uint8_t, 128> buffer;
  const std::array<Bytes, 1> keys{*crypto::decode_base64(kKey, buffer)};
  const auto offered = [&](std::string_view text, std::string_view signature, int step, std::string_view why) {
    for (const auto method : {crypto::Algorithm::sha256, crypto::Algorithm::md5}) {
      Bench bench;
      bench.options.keys = keys;
      bench.restart();
      bench.https.file = Image(text.begin(), text.end());
      ParsedOffer parsed = offer_of(as_bytes(text), "1.1.0");
      parsed.offer.signature = signature;
      parsed.offer.method = method, parsed.offer.digest = crypto::hash(method, as_bytes(text));
      bench.updater->on_offer(parsed, bench.now);
      bench.run();
      bench.refused(step, why);
    }
  };
  offered("the image", "", -3, "signature_missing");
  offered("the image", "no base64", -3, "signature_form");
  offered("another one", kSignature, -3, "wrong_signature");
  offered("the image", kSignature, -3, "other_image");  // the signature is good: what it says of itself comes next
}

TEST_CASE("a board without memory for a second TLS session fetches over the session, where the offer allows both") {
  Bench bench;
  bench.https.trouble_at_start = Source::Trouble::no_memory;
  bench.offer(bench.next, "1.1.0");
  CHECK(bench.updater->wants_restart());
  CHECK(bench.session.started == 1);

  Bench only;
  only.https.trouble_at_start = Source::Trouble::no_memory;
  only.session.is_taken = false;
  only.offer(only.next, "1.1.0");
  CHECK(only.updater->state() == Updater::State::waiting);
  only.https.trouble_at_start.reset();
  only.run(3'000);
  CHECK(only.updater->wants_restart());
}

TEST_CASE("an address that has expired is asked for again, and a download in vain is given up") {
  Bench bench;
  bench.https.trouble_at_start = Source::Trouble::expired;
  bench.offer(bench.next, "1.1.0");
  CHECK(bench.updater->state() == Updater::State::waiting);
  CHECK(bench.count("thing.ota.firmware.get") >= 2);
  bench.https.trouble_at_start.reset();
  bench.offer(bench.next, "1.1.0");
  CHECK(bench.updater->wants_restart());

  Bench vain;
  vain.https.trouble_at_start = Source::Trouble::may_pass;
  vain.offer(vain.next, "1.1.0");
  vain.run(20'000);
  vain.refused(-2, "download");
}

TEST_CASE("a failure that could not be told is told after the restart, before the version, and once") {
  Bench bench;
  bench.uplink.broken = Error::no_space;
  bench.https.file = Image(9'001, 'x');
  bench.updater->on_offer(offer_of(bench.next, "1.1.0"), bench.now);
  bench.run();
  CHECK(bench.updater->last_fault() == Fault::wrong_digest);
  bench.uplink.broken.reset();
  bench.restart();
  REQUIRE(!bench.uplink.sent.empty());
  CHECK(bench.uplink.sent[0].first == Channel::progress);
  CHECK(bench.count("wrong_digest") == 1);
  bench.restart();
  CHECK(bench.count("wrong_digest") == 0);
}

TEST_CASE("a module that needs no restart reports its new version at once") {
  Bench bench;
  bench.options.needs_restart = false;
  bench.options.module = "MCU";
  bench.restart();
  ParsedOffer parsed = offer_of(bench.next, "1.1.0");
  bench.https.file = bench.next;
  bench.updater->on_offer(parsed, bench.now);
  bench.run(5);
  CHECK(bench.count("\"desc\":\"other_module\",\"module\":\"MCU\"") == 1);
  parsed.offer.module = "MCU";
  bench.updater->on_offer(parsed, bench.now);
  bench.run();
  CHECK(!bench.updater->wants_restart());
  CHECK(bench.count(R"("version":"1.1.0","module":"MCU")") == 1);
}
