#include "tercet/ota/offer.h"

#include <doctest/doctest.h>

#include <string>

using namespace tercet;
using namespace tercet::ota;

namespace {

constexpr std::string_view kSha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kMd5 = "900150983cd24fb0d6963f7d28e17f72";

struct Parsed {
  explicit Parsed(std::string text) : payload(std::move(text)), parsed(parse_offer(payload, scratch)) {}
  std::string payload;
  std::array<std::uint8_t, kOfferScratch> scratch{};
  ParsedOffer parsed;
  const Offer& offer() const { return parsed.offer; }
  bool is_offer() const { return parsed.kind == ParsedOffer::Kind::offer; }
  bool is_unusable(Fault fault) const { return parsed.kind == ParsedOffer::Kind::unusable && parsed.fault == fault; }
};

std::string push(const std::string& data) {
  return R"({"code":"1000","data":{)" + data + R"(},"id":"1507707025","message":"success"})";
}
const std::string kPlain = R"("size":432945,"version":"2.0.0","url":"https://h.example/f?x=1","sign":")" +
                           std::string(kSha256) + R"(","signMethod":"SHA256")";

std::string without(std::string text, std::string_view part) {
  const auto at = text.find(part);
  REQUIRE(at != std::string::npos);
  return text.erase(at, part.size());
}

}  // namespace

TEST_CASE("a push with MD5, a module, a signature and extras is read whole") {
  const Parsed push(R"({"code":"1000","data":{"size":432945,"version":"2.0.0","url":"https://h.example/f","md5":")" +
                    std::string(kMd5) + R"(","sign":")" + std::string(kMd5) +
                    R"(","signMethod":"Md5","module":"MCU","digestsign":"QUJD","extData":{"key1":"value1"}},)" +
                    R"("id":"1507707025","message":"success"})");
  REQUIRE(push.is_offer());
  const Offer& offer = push.offer();
  CHECK(offer.id == "1507707025");
  CHECK(push.parsed.code == 1000);
  CHECK(offer.size == 432'945);
  CHECK(offer.version == "2.0.0");
  CHECK(offer.url == "https://h.example/f");
  CHECK(offer.module == "MCU");
  CHECK(offer.method == crypto::Algorithm::md5);
  CHECK(crypto::equals_hex(offer.digest, kMd5));
  CHECK(offer.signature == "QUJD");
  CHECK(!offer.over_session);
  REQUIRE(offer.extra);
  CHECK(*offer.extra->find("key1")->text() == "value1");
}

TEST_CASE("the answer to a pull is the same offer, with a number as id and code") {
  const Parsed reply(R"({"id":7,"code":200,"data":{)" + kPlain + R"(,"module":"default"}})");
  REQUIRE(reply.is_offer());
  CHECK(reply.offer().id == "7");
  CHECK(reply.offer().module.empty());
  CHECK(crypto::equals_hex(reply.offer().digest, kSha256));
}

TEST_CASE("an answer without a package, or one that says no, is nothing") {
  for (const char* text :
       {R"({"id":"1","code":200,"data":{}})", R"({"id":"1","code":9112,"message":"no device"})",
        R"({"id":"1","code":200})", R"({"id":"1","code":429,"data":{}})", R"({"id":"1","code":200,"data":"x"})"})
    CHECK(Parsed(text).parsed.kind == ParsedOffer::Kind::nothing);
  CHECK(Parsed(R"({"id":"1","code":9112})").parsed.code == 9112);
}

TEST_CASE("an offer over the session names its stream in place of an address") {
  const Parsed stream(push(without(kPlain, R"("url":"https://h.example/f?x=1",)") +
                           R"(,"dProtocol":"mqtt","streamId":12,"streamFileId":3)"));
  REQUIRE(stream.is_offer());
  CHECK(stream.offer().over_session);
  CHECK(stream.offer().url.empty());
  CHECK(stream.offer().stream_id == 12);
  CHECK(stream.offer().file_id == 3);
}

TEST_CASE("a package of one file in a list is that file; of several it cannot be used") {
  const std::string file = R"({"fileName":"a","fileSize":10,"fileUrl":"https://h.example/a","fileMd5":")" +
                           std::string(kMd5) + R"(","fileSign":")" + std::string(kMd5) + R"("})";
  const Parsed one(push(R"("version":"3","signMethod":"Md5","files":[)" + file + "]"));
  REQUIRE(one.is_offer());
  CHECK(one.offer().size == 10);
  CHECK(one.offer().url == "https://h.example/a");
  CHECK(one.offer().method == crypto::Algorithm::md5);
  const Parsed two(push(R"("version":"3","signMethod":"Md5","files":[)" + file + "," + file + "]"));
  CHECK(two.is_unusable(Fault::several_files));
  CHECK(two.offer().version == "3");
}

TEST_CASE("the digest's method is known in every spelling, and by the md5 alone") {
  for (const char* method : {"SHA256", "Sha256", "sha256"}) {
    std::string data = kPlain;
    data.replace(data.find(R"("SHA256")"), 8, '"' + std::string(method) + '"');
    CHECK(Parsed(push(data)).is_offer());
  }
  const std::string head = R"("size":1,"version":"2","url":"http://h/f",)";
  CHECK(Parsed(push(head + R"("signMethod":"MD5","sign":")" + std::string(kMd5) + '"')).is_offer());
  CHECK(Parsed(push(head + R"("md5":")" + std::string(kMd5) + '"')).is_offer());
  CHECK(Parsed(push(head + R"("signMethod":"SHA1","sign":")" + std::string(kMd5) + '"')).is_unusable(Fault::malformed));
  CHECK(
      Parsed(push(head + R"("signMethod":"SHA256","sign":")" + std::string(kMd5) + '"')).is_unusable(Fault::malformed));
}

TEST_CASE("escapes are resolved") {
  std::string data = kPlain;
  data.replace(data.find("https://h.example/f?x=1"), 23, R"(https:\/\/h.example\/f?a=1\u0026b=2)");
  const Parsed escaped(push(data));
  REQUIRE(escaped.is_offer());
  CHECK(escaped.offer().url == "https://h.example/f?a=1&b=2");
  CHECK(escaped.offer().version == "2.0.0");
}

TEST_CASE("what lacks something or is of a wrong kind cannot be used, and says as much as can be read") {
  for (const char* part : {R"("size":432945,)", R"("version":"2.0.0",)", R"("url":"https://h.example/f?x=1",)"})
    CHECK(Parsed(push(without(kPlain, part))).is_unusable(Fault::malformed));
  CHECK(Parsed(push(kPlain + R"(,"isDiff":1)")).is_unusable(Fault::difference));
  CHECK(Parsed(push(kPlain + R"(,"isDiff":0)")).is_offer());
  CHECK(Parsed("no JSON").is_unusable(Fault::malformed));
  CHECK(Parsed(R"({"data":{}})").is_unusable(Fault::malformed));
  for (const char* size : {"-1", "0", "4294967296", "\"x\"", "1.5", "[]"}) {
    std::string data = kPlain;
    data.replace(data.find("432945"), 6, size);
    const Parsed wrong(push(data));
    CHECK(wrong.is_unusable(Fault::malformed));
    CHECK(wrong.offer().version == "2.0.0");
  }
  std::string data = kPlain;
  data.replace(data.find("432945"), 6, "\"432945\"");
  CHECK(Parsed(push(data)).offer().size == 432'945);
  CHECK(Parsed(push(kPlain + R"(,"module":")" + std::string(65, 'm') + '"')).is_unusable(Fault::malformed));
  CHECK(Parsed(push(kPlain + R"(,"module":7)")).is_unusable(Fault::malformed));
}

TEST_CASE("every truncation of an offer is refused") {
  const std::string whole = push(kPlain);
  REQUIRE(Parsed(whole).is_offer());
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(Parsed(whole.substr(0, size)).is_unusable(Fault::malformed));
}

TEST_CASE("each fault has a name, and a code of the protocol") {
  for (std::size_t i = 0; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    CHECK(!name(fault).empty());
    const int step = static_cast<int>(step_of(fault));
    CHECK((step <= -1 && step >= -4));
  }
  CHECK(name(Fault::interrupted) == "interrupted");
  CHECK(step_of(Fault::wrong_digest) == Step::verify_failed);
  CHECK(step_of(Fault::flash) == Step::flash_failed);
  CHECK(step_of(Fault::download) == Step::download_failed);
  CHECK(step_of(Fault::older) == Step::upgrade_failed);
}
