#include <algorithm>
#include <charconv>

#include "platform/upgrade/tables.h"
#include "tercet/base/utf8.h"
#include "tercet/crypto/digest.h"
#include "tercet/crypto/encoding.h"

// Modules, uploads and firmware.
namespace tercet::upgrade {
namespace {

constexpr std::int64_t kFormSeconds = 60;
constexpr std::size_t kMostModules = 50, kMaxUdi = 4096, kMaxSignature = 1024;
constexpr std::string_view kAccessKeyId = "tercet";

bool is_word(std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

RegistryProblem system_problem(const runtime::Problem& problem) {
  return {problem.code, "iot.system.SystemException", problem.detail};
}

std::string base64(std::string_view text) {
  std::string out(crypto::base64_size(text.size()), '\0');
  return crypto::encode_base64(as_bytes(text), out) ? out : std::string{};
}

}  // namespace

bool Upgrades::has_module(std::string_view product, std::string_view name) {
  if (name == kDefaultModule) return true;
  auto read = database_.must_prepare("SELECT 1 FROM modules WHERE product=? AND name=?");
  const auto row = read.bind(product, name).step();
  return row && *row;
}

Answer<void> Upgrades::create_module(const Module& module) {
  if (const auto known = known_product(module.product); !known) return known.problem();
  if (!is_word(module.name, 64))
    return refused("tercet.ota.InvalidModuleName", "a module's name has 1 to 64 letters, digits, . _ -");
  if (has_module(module.product, module.name))
    return refused("tercet.ota.AlreadyExistedModule", "the product has a module of this name");
  auto count = database_.must_prepare("SELECT count(*) FROM modules WHERE product=?");
  if (const auto row = count.bind(module.product).step(); !row) return system_problem(row.problem());
  if (static_cast<std::size_t>(count.integer(0)) >= kMostModules)
    return refused("tercet.ota.TooManyModules", "a product has at most 50 modules");
  auto write = database_.must_prepare("INSERT INTO modules VALUES(?,?,?,?,?,?)");
  const auto done = write.bind(module.product, module.name, module.alias, module.about, now(), now()).run();
  if (!done) return system_problem(done.problem());
  return {};
}

Answer<void> Upgrades::update_module(const Module& module) {
  auto write = database_.must_prepare("UPDATE modules SET alias=?, about=?, modified=? WHERE product=? AND name=?");
  const auto done = write.bind(module.alias, module.about, now(), module.product, module.name).run();
  if (!done) return system_problem(done.problem());
  if (database_.changes() == 0)
    return refused("tercet.ota.NotExistedModule", "the product has no module of this name: create it first");
  return {};
}

Answer<void> Upgrades::delete_module(std::string_view product, std::string_view name) {
  auto used = database_.must_prepare("SELECT 1 FROM firmware WHERE product=? AND module=?");
  const auto row = used.bind(product, name).step();
  if (!row) return system_problem(row.problem());
  if (*row || name == kDefaultModule)
    return refused("tercet.ota.ModuleInUse",
                   "the module has firmware, or is the default one: delete its firmware first");
  auto erase = database_.must_prepare("DELETE FROM modules WHERE product=? AND name=?");
  if (const auto done = erase.bind(product, name).run(); !done) return system_problem(done.problem());
  if (database_.changes() == 0) return refused("tercet.ota.NotExistedModule", "the product has no module of this name");
  return {};
}

Answer<std::vector<Module>> Upgrades::modules(std::string_view product) {
  const auto record = wiring_.registry.product(product);
  if (!record) return record.problem();
  std::vector<Module> found{{std::string(product), std::string(kDefaultModule), std::string(kDefaultModule), "",
                             record->created, record->created}};
  auto read =
      database_.must_prepare("SELECT name, alias, about, created, modified FROM modules WHERE product=? ORDER BY name");
  read.bind(product);
  for (auto row = read.step(); row && *row; row = read.step())
    found.push_back({std::string(product), read.text(0), read.text(1), read.text(2), UnixMillis{read.integer(3)},
                     UnixMillis{read.integer(4)}});
  return found;
}

Answer<UploadForm> Upgrades::make_form(std::string_view suffix) {
  if (suffix.empty()) suffix = "bin";
  constexpr std::string_view kSuffixes[] = {"bin", "apk",  "tar",    "gz",   "tar.gz",
                                            "zip", "gzip", "tar.xz", "pack", "dav"};
  if (std::find(std::begin(kSuffixes), std::end(kSuffixes), suffix) == std::end(kSuffixes))
    return refused("tercet.ota.InvalidFileSuffix",
                   "FileSuffix is one of bin, apk, tar, gz, tar.gz, tar.xz, zip, gzip, pack, dav");
  return form_of("ota-" + new_id() + "." + std::string(suffix));
}

UploadForm Upgrades::make_list_form() { return form_of(std::string(kListFront) + new_id() + ".csv"); }

Answer<UploadForm> Upgrades::make_file_form(std::string_view suffix) {
  if (suffix.empty()) suffix = "bin";
  if (!is_word(suffix, 16) || suffix.front() == '.')
    return refused("tercet.ota.InvalidFileSuffix", "FileSuffix has 1 to 16 letters and digits");
  return form_of(std::string(kFileFront) + new_id() + "." + std::string(suffix));
}

Answer<ImageFacts> Upgrades::claim_file(std::string_view key) {
  auto upload = database_.must_prepare("SELECT bytes, md5, sha256 FROM uploads WHERE key=? AND at>=?");
  const auto found = upload.bind(key, now() - kUploadMillis).step();
  if (!found) return system_problem(found.problem());
  if (!*found || !key.starts_with(kFileFront))
    return refused("tercet.ota.NotExistedUpload",
                   "no file of this key was uploaded within the last hour: GenerateFileUploadURL, then post the file");
  ImageFacts facts{static_cast<std::uint64_t>(upload.integer(0)), upload.text(1), upload.text(2)};
  upload.reset();
  auto keep = database_.must_prepare("UPDATE uploads SET at=? WHERE key=?");
  if (const auto done = keep.bind(kNever, key).run(); !done) return system_problem(done.problem());
  return facts;
}

void Upgrades::drop_file(std::string_view key) {
  if (!key.starts_with(kFileFront)) return;
  images_.remove(key);
  static_cast<void>(database_.must_prepare("DELETE FROM uploads WHERE key=?").bind(key).run());
}

std::shared_ptr<const ImageReader> Upgrades::file(std::string_view key) {
  return key.starts_with(kFileFront) ? images_.read(key) : nullptr;
}

UploadForm Upgrades::form_of(std::string key) {
  UploadForm form;
  form.made.ms = now();
  form.key = std::move(key);
  form.access_key_id = kAccessKeyId;
  form.policy =
      base64(R"({"expiration":)" + std::to_string(now() / 1000 + kFormSeconds) + R"(,"key":")" + form.key + "\"}");
  const auto digest = crypto::hmac(crypto::Algorithm::sha256, form_key_, form.policy);
  form.signature = base64(as_text(digest.view()));
  return form;
}

Answer<std::unique_ptr<ImageWriter>> Upgrades::begin_upload(const UploadForm& form) {
  const auto digest = crypto::hmac(crypto::Algorithm::sha256, form_key_, form.policy);
  if (!crypto::equals(as_bytes(base64(as_text(digest.view()))), as_bytes(form.signature)))
    return refused("tercet.ota.UploadRefused",
                   "policy and Signature are none that were given here since the last start: ask GenerateOTAUploadURL "
                   "again, and send the fields before the file");
  std::string policy(form.policy.size(), '\0');
  const auto plain =
      crypto::decode_base64(form.policy, {reinterpret_cast<std::uint8_t*>(policy.data()), policy.size()});
  const std::string_view text = plain ? as_text(*plain) : std::string_view{};
  std::int64_t until = 0;
  constexpr std::size_t kFront = 14;  // {"expiration":
  if (text.size() > kFront) std::from_chars(text.data() + kFront, text.data() + text.size(), until);
  if (now() / 1000 > until)
    return refused("tercet.ota.UploadExpired", "the form is good for a minute: ask GenerateOTAUploadURL again");
  if (text.find("\"key\":\"" + form.key + "\"") == std::string_view::npos)
    return refused("tercet.ota.UploadRefused", "key is not the one of this form");
  const bool is_list = form.key.starts_with(kListFront);
  auto writer = images_.write(form.key, is_list ? settings_.list_bytes : settings_.image_bytes);
  if (!writer) return system_problem(writer.problem());
  return std::move(*writer);
}

Answer<void> Upgrades::end_upload(const std::string& key, const ImageFacts& facts) {
  auto old = database_.must_prepare("SELECT key FROM uploads WHERE at<?");
  old.bind(now() - kUploadMillis);
  std::vector<std::string> expired;
  for (auto row = old.step(); row && *row; row = old.step()) expired.push_back(old.text(0));
  auto erase = database_.must_prepare("DELETE FROM uploads WHERE key=?");
  for (const std::string& one : expired) {
    images_.remove(one);
    if (const auto done = erase.bind(one).run(); !done) return system_problem(done.problem());
  }
  auto write = database_.must_prepare("INSERT OR REPLACE INTO uploads VALUES(?,?,?,?,?)");
  if (const auto done = write.bind(key, facts.bytes, facts.md5, facts.sha256, now()).run(); !done)
    return system_problem(done.problem());
  return {};
}

Answer<Firmware> Upgrades::create_firmware(const NewFirmware& wanted) {
  if (const auto known = known_product(wanted.product); !known) return known.problem();
  Firmware f;
  f.module = wanted.module.empty() ? std::string(kDefaultModule) : wanted.module;
  if (!has_module(wanted.product, f.module))
    return refused("tercet.ota.NotExistedModule", "the product has no module of this name: CreateOTAModule first");
  if (!is_word(wanted.version, 64) || (!wanted.source.empty() && !is_word(wanted.source, 64)))
    return refused("tercet.ota.InvalidVersion", "a version has 1 to 64 letters, digits, . _ -");
  if (wanted.diff && wanted.source.empty())
    return refused("tercet.ota.InvalidVersion", "a differential package (Type 1) needs SrcVersion");
  if (wanted.name.empty() || wanted.name.size() > 256)
    return refused("tercet.ota.InvalidFirmwareName", "FirmwareName has 1 to 256 bytes");
  if (wanted.udi.size() > kMaxUdi) return refused("tercet.ota.LongUdi", "Udi has at most 4096 bytes");
  std::string signature(wanted.signature.size(), '\0');
  if (wanted.signature.size() > kMaxSignature ||
      (!wanted.signature.empty() &&
       !crypto::decode_base64(wanted.signature, {reinterpret_cast<std::uint8_t*>(signature.data()), signature.size()})))
    return refused("tercet.ota.InvalidSignature", "DigitalSignature is base64 of at most 1024 letters");
  auto count = database_.must_prepare("SELECT count(*) FROM firmware");
  if (const auto row = count.step(); !row) return system_problem(row.problem());
  if (static_cast<std::size_t>(count.integer(0)) >= settings_.firmwares)
    return refused("tercet.ota.TooManyFirmwares", "there are " + std::to_string(settings_.firmwares) +
                                                      " packages: delete some that are not used any more");
  auto same = database_.must_prepare("SELECT 1 FROM firmware WHERE product=? AND module=? AND version=? AND source=?");
  const auto taken = same.bind(wanted.product, f.module, wanted.version, wanted.source).step();
  if (!taken) return system_problem(taken.problem());
  if (*taken) return refused("tercet.ota.AlreadyExistedVersion", "the module has a package of this version");
  auto upload = database_.must_prepare("SELECT bytes, md5, sha256 FROM uploads WHERE key=? AND at>=?");
  const auto found = upload.bind(wanted.key, now() - kUploadMillis).step();
  if (!found) return system_problem(found.problem());
  if (!*found || wanted.key.starts_with(kListFront) || wanted.key.starts_with(kFileFront))
    return refused("tercet.ota.NotExistedUpload",
                   "FirmwareUrl names no file that was uploaded within the last hour: GenerateOTAUploadURL, post the "
                   "file, then create the firmware");
  f.bytes = static_cast<std::uint64_t>(upload.integer(0));
  f.md5 = upload.text(1);
  f.sha256 = upload.text(2);
  f.method = wanted.method;
  f.sign = f.method == SignMethod::sha256 ? f.sha256 : f.md5;
  upload.reset();
  if (f.bytes == 0) return refused("tercet.ota.WrongSize", "the file is empty");
  if (wanted.bytes != 0 && wanted.bytes != f.bytes)
    return refused("tercet.ota.WrongSize", "FirmwareSize is " + std::to_string(wanted.bytes) +
                                               ", the file that came has " + std::to_string(f.bytes) +
                                               " bytes: upload it again");
  std::string said = wanted.sign;
  std::transform(said.begin(), said.end(), said.begin(), [](unsigned char c) { return std::tolower(c); });
  if (!said.empty() && said != f.sign)
    return refused("tercet.ota.WrongSign", "FirmwareSign is not the digest of the file that came, which is " + f.sign +
                                               ": upload it again, or see to SignMethod");
  f.id = new_id();
  f.product = wanted.product;
  f.name = wanted.name;
  f.about = wanted.about;
  f.version = wanted.version;
  f.source = wanted.source;
  f.diff = wanted.diff;
  f.signature = wanted.signature;
  f.udi = wanted.udi;
  f.file = wanted.key;
  f.status = wanted.verify ? FirmwareStatus::unverified : FirmwareStatus::no_check;
  f.created.ms = f.modified.ms = now();
  auto transaction = database_.begin();
  if (!transaction) return system_problem(transaction.problem());
  if (const auto put = Tables::put(database_, f); !put) return system_problem(put.problem());
  f.number = static_cast<std::uint64_t>(database_.last_row());
  auto used = database_.must_prepare("DELETE FROM uploads WHERE key=?");
  if (const auto done = used.bind(wanted.key).run(); !done) return system_problem(done.problem());
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  return f;
}

std::optional<Firmware> Upgrades::find_firmware(std::string_view column, std::string_view value) {
  auto read = database_.must_prepare("SELECT " + std::string(Tables::kFirmware) + " FROM firmware f WHERE f." +
                                     std::string(column) + "=?");
  const auto row = read.bind(value).step();
  if (!row || !*row) return std::nullopt;
  return Tables::firmware(read);
}

Answer<Firmware> Upgrades::firmware(std::string_view id) {
  if (auto found = find_firmware("id", id)) return std::move(*found);
  return RegistryProblem{Error::not_found, "tercet.ota.NotExistedFirmware",
                         "there is no firmware " + std::string(utf8_prefix(id, 64))};
}

Answer<void> Upgrades::delete_firmware(std::string_view id) {
  const auto found = firmware(id);
  if (!found) return found.problem();
  static_cast<void>(flush());
  for (const auto& [number, live] : live_)
    if (live.firmware.number == found->number)
      return refused("tercet.ota.FirmwareInUse", "job " + live.job.id + " is not over: cancel it first");
  auto transaction = database_.begin();
  if (!transaction) return system_problem(transaction.problem());
  for (const std::string_view sql : {"DELETE FROM tasks WHERE job IN (SELECT number FROM jobs WHERE firmware=?)",
                                     "DELETE FROM jobs WHERE firmware=?", "DELETE FROM firmware WHERE number=?"}) {
    auto erase = database_.must_prepare(sql);
    if (const auto done = erase.bind(found->number).run(); !done) return system_problem(done.problem());
  }
  if (const auto done = transaction->commit(); !done) return system_problem(done.problem());
  if (last_image_.first == found->number) last_image_ = {};
  images_.remove(found->file);
  return {};
}

Answer<Page<Firmware>> Upgrades::firmwares(std::string_view product, std::string_view version, PageRequest page) {
  Page<Firmware> answer;
  answer.asked = page;
  const std::string where = " FROM firmware f WHERE (?1='' OR f.product=?1) AND (?2='' OR f.version=?2)";
  auto count = database_.must_prepare("SELECT count(*)" + where);
  if (const auto row = count.bind(product, version).step(); !row) return system_problem(row.problem());
  answer.total = static_cast<std::uint64_t>(count.integer(0));
  auto read = database_.must_prepare("SELECT " + std::string(Tables::kFirmware) + where +
                                     " ORDER BY f.number DESC LIMIT ?3 OFFSET ?4");
  read.bind(product, version, page.size, (page.page - 1) * page.size);
  for (auto row = read.step(); row && *row; row = read.step()) answer.items.push_back(Tables::firmware(read));
  return answer;
}

std::shared_ptr<const ImageReader> Upgrades::image(std::uint64_t number) {
  if (last_image_.second && last_image_.first == number) return last_image_.second;
  const auto found = find_firmware("number", std::to_string(number));
  if (!found) return nullptr;
  last_image_ = {number, images_.read(found->file)};
  return last_image_.second;
}

std::string Upgrades::link(const Firmware& firmware) const {
  if (wiring_.files == nullptr || !wiring_.files->is_offered()) return {};
  constexpr Seconds kDay{24 * 3600};
  return wiring_.files->link("/files/firmware/" + std::to_string(firmware.number) + "/" + firmware.file,
                             wiring_.loop.wall(), kDay);
}

}  // namespace tercet::upgrade
