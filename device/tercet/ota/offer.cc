#include "tercet/ota/offer.h"

#include "tercet/alink/envelope.h"
#include "tercet/crypto/encoding.h"

namespace tercet::ota {
namespace {

constexpr std::int32_t kPushCode = 1000, kReplyCode = 200;

/// Reads members of `data`; the first that is of a wrong kind makes it fail for good.
class Fields {
 public:
  Fields(const json::Value& object, MutableBytes& scratch) : object_(object), scratch_(scratch) {}
  bool ok() const { return ok_; }

  /// "" when missing or null.
  std::string_view text(std::string_view name) {
    const auto value = object_.find(name);
    if (!value || value->is(json::Type::null)) return {};
    const auto text = value->text();
    const auto plain = text ? text->unescape(scratch_) : Result<std::string_view>{fail(Error::malformed)};
    if (!plain) return ok_ = false, std::string_view{};
    if (text->has_escapes()) scratch_ = scratch_.subspan(plain->size());
    return *plain;
  }
  /// Up to 32 bits, digits in quotes too; 0 when missing.
  std::uint32_t number(std::string_view name) {
    const auto value = object_.find(name);
    if (!value || value->is(json::Type::null)) return 0;
    const auto text = value->text();
    const auto inside = text ? json::parse(text->raw()) : Result<json::Value>{*value};
    const auto whole = inside ? inside->integer() : std::nullopt;
    if (!whole || *whole < 0 || *whole > 0xFFFF'FFFF) return ok_ = false, 0u;
    return static_cast<std::uint32_t>(*whole);
  }

 private:
  const json::Value object_;
  MutableBytes& scratch_;
  bool ok_ = true;
};

/// "SHA256", "Md5", "MD5" and however else it has been spelled.
std::optional<crypto::Algorithm> method_of(std::string_view text) {
  const auto is = [&](std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
      if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]) != lower[i]) return false;
    return true;
  };
  if (is("sha256")) return crypto::Algorithm::sha256;
  if (is("md5")) return crypto::Algorithm::md5;
  return std::nullopt;
}

bool read_digest(std::string_view method, std::string_view sign, std::string_view md5, Offer& offer) {
  if (method.empty() && !md5.empty()) method = "Md5";
  const auto known = method_of(method);
  if (!known) return false;
  if (sign.empty() && *known == crypto::Algorithm::md5) sign = md5;
  offer.method = *known;
  const auto bytes = crypto::decode_hex(sign, offer.digest.bytes);
  if (!bytes || bytes->size() != crypto::digest_bytes(*known)) return false;
  offer.digest.size = static_cast<std::uint8_t>(bytes->size());
  return true;
}

/// A text that goes into JSON and records as it is.
bool is_printable(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  return true;
}

/// The members of a file within `files`, which have names of their own.
Fault read_single_file(const json::Value& files, MutableBytes& scratch, Offer& offer) {
  if (files.size() != 1) return Fault::several_files;
  const auto file = files.elements().next();
  Fields in{*file, scratch};
  offer.size = in.number("fileSize");
  offer.url = in.text("fileUrl");
  const std::string_view sign = in.text("fileSign"), md5 = in.text("fileMd5");
  const bool is_sha256 = sign.size() == 2 * crypto::digest_bytes(crypto::Algorithm::sha256);
  if (!in.ok() || !read_digest(is_sha256 ? "SHA256" : "Md5", sign, md5, offer)) return Fault::malformed;
  return Fault::none;
}

Fault read_data(const json::Value& data, MutableBytes scratch, Offer& offer) {
  Fields in{data, scratch};
  // First what names the update, so that a refusal can name it too.
  const std::string_view module = in.text("module");
  if (!in.ok() || module.size() > kMaxModuleBytes || !is_printable(module)) return Fault::malformed;
  if (module != "default") offer.module = module;
  const std::string_view version = in.text("version");
  if (!in.ok() || version.empty() || version.size() > kMaxVersionBytes || !is_printable(version))
    return Fault::malformed;
  offer.version = version;
  offer.signature = in.text("digestsign");
  if (const auto extra = data.find("extData"); extra && extra->is(json::Type::object)) offer.extra = *extra;
  const auto files = data.find("files");
  if (files && files->is(json::Type::array)) {
    if (const Fault fault = read_single_file(*files, scratch, offer); fault != Fault::none) return fault;
  } else {
    offer.size = in.number("size");
    offer.url = in.text("url");
    const std::string_view method = in.text("signMethod"), sign = in.text("sign"), md5 = in.text("md5");
    if (!in.ok() || !read_digest(method, sign, md5, offer)) return Fault::malformed;
  }
  offer.over_session = in.text("dProtocol") == "mqtt";
  offer.stream_id = in.number("streamId"), offer.file_id = in.number("streamFileId");
  const bool is_difference = in.number("isDiff") != 0;
  if (!in.ok() || offer.size == 0 || (offer.url.empty() && !offer.over_session)) return Fault::malformed;
  return is_difference ? Fault::difference : Fault::none;
}

}  // namespace

ParsedOffer parse_offer(std::string_view payload, MutableBytes scratch) {
  using Kind = ParsedOffer::Kind;
  ParsedOffer parsed;
  const auto reply = alink::parse_reply(payload);
  if (!reply) {
    parsed.kind = Kind::unusable, parsed.fault = Fault::malformed;
    return parsed;
  }
  parsed.offer.id = reply->id, parsed.code = reply->code;
  const bool is_yes = reply->code == kPushCode || reply->code == kReplyCode;
  if (!is_yes || !reply->data || !reply->data->is(json::Type::object) || reply->data->size() == 0) return parsed;
  parsed.fault = read_data(*reply->data, scratch, parsed.offer);
  parsed.kind = parsed.fault == Fault::none ? Kind::offer : Kind::unusable;
  return parsed;
}

}  // namespace tercet::ota
