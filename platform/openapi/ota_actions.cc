#include <boost/json/array.hpp>
#include <optional>

#include "platform/openapi/handlers.h"
#include "platform/openapi/upload.h"
#include "platform/openapi/utc_time.h"

// Firmware and modules (cloud-protocol 2.12).
namespace tercet::openapi {
namespace {

namespace json = boost::json;
using upgrade::Firmware;
using upgrade::FirmwareStatus;
using upgrade::SignMethod;

constexpr std::size_t kFirmwarePage = 100, kVersionPage = 100;

std::string product_name(Services& services, const std::string& key) {
  const auto product = services.registry.product(key);
  return product ? product->product.name : std::string{};
}

json::object firmware_row(Services& services, const Firmware& f) {
  return {{"DestVersion", f.version},
          {"FirmwareDesc", f.about},
          {"FirmwareId", f.id},
          {"FirmwareName", f.name},
          {"FirmwareSign", f.sign},
          {"FirmwareSize", f.bytes},
          {"ModuleName", f.module},
          {"ProductKey", f.product},
          {"ProductName", product_name(services, f.product)},
          {"SignMethod", f.method == SignMethod::md5 ? "MD5" : "SHA256"},
          {"SrcVersion", f.source},
          {"Status", static_cast<int>(f.status)},
          {"Type", f.diff ? 1 : 0},
          {"UtcCreate", utc_millis(f.created)},
          {"UtcModified", utc_millis(f.modified)}};
}

upgrade::Module module_of(const Call& call, std::string_view product) {
  upgrade::Module module;
  module.product = product;
  module.name = call.parameters.text("ModuleName");
  module.alias = call.parameters.text("AliasName");
  module.about = call.parameters.text("Desc");
  return module;
}

template <typename T>
void reply_empty(const Reply& reply, const T& done) {
  reply(done ? success() : refusal(done.problem()));
}

/// "MD5" in any case is the default; nothing for a method that nobody knows.
std::optional<SignMethod> method_of(std::string_view text) {
  if (text.empty() || text == "MD5" || text == "Md5" || text == "md5") return SignMethod::md5;
  if (text == "SHA256" || text == "Sha256" || text == "sha256") return SignMethod::sha256;
  return std::nullopt;
}

}  // namespace

void create_ota_module(Services& services, const Call& call, Reply reply) {
  reply_empty(reply, services.upgrades->create_module(module_of(call, call.parameters.text("ProductKey"))));
}
void update_ota_module(Services& services, const Call& call, Reply reply) {
  reply_empty(reply, services.upgrades->update_module(module_of(call, call.parameters.text("ProductKey"))));
}
void delete_ota_module(Services& services, const Call& call, Reply reply) {
  reply_empty(reply,
              services.upgrades->delete_module(call.parameters.text("ProductKey"), call.parameters.text("ModuleName")));
}

void list_ota_module_by_product(Services& services, const Call& call, Reply reply) {
  const auto modules = services.upgrades->modules(call.parameters.text("ProductKey"));
  if (!modules) return reply(refusal(modules.problem()));
  json::array rows;
  for (const auto& one : *modules)
    rows.push_back(json::object{{"AliasName", one.alias},
                                {"Desc", one.about},
                                {"GmtCreate", beijing_time(one.created)},
                                {"GmtModified", beijing_time(one.modified)},
                                {"ModuleName", one.name},
                                {"ProductKey", one.product}});
  reply(success({{"Data", std::move(rows)}}));
}

void list_ota_module_versions_by_device(Services& services, const Call& call, Reply reply) {
  const auto device = services.registry.device(call.device());
  if (!device) return reply(refusal(device.problem()));
  const auto page = page_of(call.parameters, "CurrentPage", 10, kVersionPage);
  if (!page) return reply(bad_page(kVersionPage));
  const auto versions = services.upgrades->versions(device->device.number, *page);
  if (!versions) return reply(refusal(versions.problem()));
  json::array rows;
  for (const auto& one : versions->items)
    rows.push_back(json::object{{"DeviceName", device->device.name},
                                {"IotId", device->device.iot_id},
                                {"ModuleName", one.module},
                                {"ModuleVersion", one.version},
                                {"ProductKey", device->device.product}});
  reply(success({{"CurrentPage", page->page},
                 {"Data", json::object{{"SimpleOTAModuleInfo", std::move(rows)}}},
                 {"PageCount", versions->page_count()},
                 {"PageSize", page->size},
                 {"Total", versions->total}}));
}

void generate_ota_upload_url(Services& services, const Call& call, Reply reply) {
  const auto form = services.upgrades->make_form(call.parameters.text("FileSuffix"));
  if (!form) return reply(refusal(form.problem()));
  const std::string host = call.base_url + std::string(kUploadPath);
  reply(success({{"Data", json::object{{"FirmwareUrl", host + "/" + form->key},
                                       {"Host", host},
                                       {"Key", form->key},
                                       {"OSSAccessKeyId", form->access_key_id},
                                       {"ObjectStorage", "tercet"},
                                       {"Policy", form->policy},
                                       {"Signature", form->signature},
                                       {"UtcCreate", utc_millis(form->made)}}}}));
}

void generate_device_name_list_url(Services& services, const Call& call, Reply reply) {
  const upgrade::UploadForm form = services.upgrades->make_list_form();
  const std::string host = call.base_url + std::string(kUploadPath);
  reply(success({{"Data", json::object{{"AccessKeyId", form.access_key_id},
                                       {"FileUrl", host + "/" + form.key},
                                       {"Host", host},
                                       {"Key", form.key},
                                       {"ObjectStorage", "tercet"},
                                       {"Policy", form.policy},
                                       {"Signature", form.signature},
                                       {"UtcCreate", utc_millis(form.made)}}}}));
}

void modify_ota_firmware(Services& services, const Call& call, Reply reply) {
  upgrade::FirmwareChange change;
  const auto take = [&](std::string_view name, std::optional<std::string>& into) {
    if (call.parameters.has(name)) into = call.parameters.text(name);
  };
  take("FirmwareName", change.name);
  take("FirmwareDesc", change.about);
  take("FirmwareUdi", change.udi);
  reply_empty(reply, services.upgrades->change_firmware(call.parameters.text("FirmwareId"),
                                                        call.parameters.text("ProductKey"), change));
}

void create_ota_firmware(Services& services, const Call& call, Reply reply) {
  const Parameters& given = call.parameters;
  const auto method = method_of(given.text("SignMethod"));
  if (!method) return reply(refusal("tercet.ota.InvalidSignMethod", "SignMethod is MD5 or SHA256."));
  upgrade::NewFirmware wanted;
  wanted.product = given.text("ProductKey");
  wanted.module = given.text("ModuleName");
  wanted.name = given.text("FirmwareName");
  wanted.about = given.text("FirmwareDesc");
  wanted.version = given.text("DestVersion");
  wanted.source = given.text("SrcVersion");
  wanted.diff = given.number("Type").value_or(0) == 1;
  wanted.method = *method;
  wanted.sign = given.text("FirmwareSign");
  wanted.signature = given.text("DigitalSignature");
  wanted.udi = given.text("Udi");
  wanted.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, given.number("FirmwareSize").value_or(0)));
  wanted.verify = given.flag("NeedToVerify").value_or(true);
  std::string url(given.text("FirmwareUrl"));
  if (url.empty()) url = given.text("MultiFiles.1.Url");
  if (given.has("MultiFiles.2.Url"))
    return reply(refusal("tercet.ota.OneFileOnly", "A firmware here has one file: pack several into an archive."));
  url = url.substr(0, url.find('?'));
  wanted.key = url.substr(url.find_last_of('/') + 1);
  const auto made = services.upgrades->create_firmware(wanted);
  if (!made) return reply(refusal(made.problem()));
  reply(success({{"Data", json::object{{"FirmwareId", made->id}, {"UtcCreate", utc_millis(made->created)}}}}));
}

void delete_ota_firmware(Services& services, const Call& call, Reply reply) {
  reply_empty(reply, services.upgrades->delete_firmware(call.parameters.text("FirmwareId")));
}

void list_ota_firmware(Services& services, const Call& call, Reply reply) {
  const auto page = page_of(call.parameters, "CurrentPage", 10, kFirmwarePage);
  if (!page) return reply(bad_page(kFirmwarePage));
  const auto found =
      services.upgrades->firmwares(call.parameters.text("ProductKey"), call.parameters.text("DestVersion"), *page);
  if (!found) return reply(refusal(found.problem()));
  json::array rows;
  for (const Firmware& one : found->items) rows.push_back(firmware_row(services, one));
  reply(success({{"CurrentPage", page->page},
                 {"FirmwareInfo", json::object{{"SimpleFirmwareInfo", std::move(rows)}}},
                 {"PageCount", found->page_count()},
                 {"PageSize", page->size},
                 {"Total", found->total}}));
}

void query_ota_firmware(Services& services, const Call& call, Reply reply) {
  const auto found = services.upgrades->firmware(call.parameters.text("FirmwareId"));
  if (!found) return reply(refusal(found.problem()));
  json::object row = firmware_row(services, *found);
  row["FirmwareUrl"] = services.upgrades->link(*found);
  row["Udi"] = found->udi;
  row["DigitalSignature"] = found->signature;
  row["Md5"] = found->md5;
  row["Sha256"] = found->sha256;
  row["VerifyProgress"] = services.upgrades->verify_progress(*found);
  reply(success({{"FirmwareInfo", std::move(row)}}));
}

}  // namespace tercet::openapi
