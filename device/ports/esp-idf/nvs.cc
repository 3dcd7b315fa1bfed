#include "ports/esp-idf/nvs.h"

#include <esp_log.h>
#include <nvs_flash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace tercet::idf {
namespace {

constexpr const char* kTag = "tercet";

/// What every port takes; NVS itself would take any character.
bool is_key(std::string_view key) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !key.empty() && key.size() <= 15 && std::all_of(key.begin(), key.end(), allowed);
}

/// NVS wants keys and texts zero-terminated.
struct Key {
  explicit Key(std::string_view key) : fits(is_key(key)) {
    if (fits) std::memcpy(text, key.data(), key.size());
  }
  char text[16] = {};
  bool fits;
};

Error error_of(esp_err_t code) {
  if (code == ESP_ERR_NVS_NOT_FOUND) return Error::not_found;
  if (code == ESP_ERR_NVS_INVALID_LENGTH || code == ESP_ERR_NVS_NOT_ENOUGH_SPACE) return Error::no_space;
  return Error::io_failed;
}

/// An open namespace for one operation.
class Handle {
 public:
  explicit Handle(nvs_open_mode_t mode) : code_(nvs_open(Provisioning::kNamespace, mode, &handle_)) {}
  ~Handle() {
    if (code_ == ESP_OK) nvs_close(handle_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  esp_err_t code() const { return code_; }
  nvs_handle_t get() const { return handle_; }

 private:
  nvs_handle_t handle_ = 0;
  esp_err_t code_;
};

}  // namespace

Result<void> open_nvs() {
  const esp_err_t code = nvs_flash_init();
  if (code == ESP_OK) return {};
  ESP_LOGE(kTag, "NVS cannot be read (%s): if the board was never provisioned, erase it with idf.py erase-flash",
           esp_err_to_name(code));
  return fail(Error::io_failed);
}

NvsStore::~NvsStore() {
  if (handle_ != 0) nvs_close(handle_);
}

bool NvsStore::open() { return handle_ != 0 || nvs_open(name_space_, NVS_READWRITE, &handle_) == ESP_OK; }

Result<std::size_t> NvsStore::get(std::string_view key, MutableBytes into) {
  const Key name(key);
  if (!name.fits) return fail(Error::not_found);
  if (!open()) return fail(Error::io_failed);
  std::size_t size = into.size();
  const esp_err_t code = nvs_get_blob(handle_, name.text, into.data(), &size);
  if (code != ESP_OK) return fail(error_of(code));
  return size;
}

Result<void> NvsStore::set(std::string_view key, Bytes value) {
  const Key name(key);
  if (!name.fits) return fail(Error::bad_argument);
  if (!open()) return fail(Error::io_failed);
  esp_err_t code = nvs_set_blob(handle_, name.text, value.data(), value.size());
  if (code == ESP_OK) code = nvs_commit(handle_);
  if (code != ESP_OK) return fail(error_of(code));
  return {};
}

Result<void> NvsStore::remove(std::string_view key) {
  const Key name(key);
  if (!name.fits) return {};
  if (!open()) return fail(Error::io_failed);
  const esp_err_t code = nvs_erase_key(handle_, name.text);
  if (code == ESP_ERR_NVS_NOT_FOUND) return {};
  if (code != ESP_OK || nvs_commit(handle_) != ESP_OK) return fail(Error::io_failed);
  return {};
}

Result<std::string_view> Provisioning::text(const char* key, MutableBytes into) const {
  const Handle open(NVS_READONLY);
  if (open.code() != ESP_OK) return fail(error_of(open.code()));
  std::size_t size = into.size();
  esp_err_t code = nvs_get_str(open.get(), key, reinterpret_cast<char*>(into.data()), &size);
  if (code == ESP_OK) return as_text(into.first(size - 1));  // without its zero
  size = into.size();
  code = nvs_get_blob(open.get(), key, into.data(), &size);
  if (code != ESP_OK) return fail(error_of(code));
  return as_text(into.first(size));
}

Result<Provisioning::Text> Provisioning::text(const char* key) const {
  std::array<std::uint8_t, Text::capacity() + 1> buffer{};
  const auto got = text(key, buffer);
  if (!got) return fail(got.error());
  auto made = Text::from(*got);
  volatile std::uint8_t* wiped = buffer.data();  // it may have been the secret
  for (std::size_t i = 0; i < buffer.size(); ++i) wiped[i] = 0;
  if (!made) return fail(Error::no_space);
  return made;
}

Result<std::uint16_t> Provisioning::port() const {
  std::uint16_t port = 0;
  {
    const Handle open(NVS_READONLY);
    if (open.code() == ESP_OK && nvs_get_u16(open.get(), "port", &port) == ESP_OK && port != 0) return port;
  }
  const auto digits = text("port");
  if (!digits) return fail(digits.error());
  const std::string_view said = digits->str();
  const auto [at, failed] = std::from_chars(said.data(), said.data() + said.size(), port);
  if (failed != std::errc{} || at != said.data() + said.size() || port == 0) return fail(Error::malformed);
  return port;
}

Result<DeviceId> Provisioning::device() const {
  const auto product = text("pk"), name = text("dn");
  if (!product || !name) return fail(Error::not_found);
  const auto key = ProductKey::parse(product->str());
  const auto device = DeviceName::parse(name->str());
  if (!key || !device) return fail(Error::malformed);
  return DeviceId{*key, *device};
}

bool Provisioning::has(const char* key) const {
  const Handle open(NVS_READONLY);
  if (open.code() != ESP_OK) return false;
  std::size_t size = 0;
  return nvs_get_str(open.get(), key, nullptr, &size) == ESP_OK ||
         nvs_get_blob(open.get(), key, nullptr, &size) == ESP_OK;
}

Result<void> Provisioning::set_text(const char* key, std::string_view value) {
  const Handle open(NVS_READWRITE);
  if (open.code() != ESP_OK) return fail(error_of(open.code()));
  char text[129];
  if (value.size() >= sizeof text) return fail(Error::no_space);
  // Another writer may have chosen another type for it; NVS keeps one value for each key and type. A text is replaced
  // in one step: the old value is there until the new one is.
  std::size_t size_before = 0;
  esp_err_t code = ESP_OK;
  if (value.empty() || nvs_get_str(open.get(), key, nullptr, &size_before) != ESP_OK)
    code = nvs_erase_key(open.get(), key);
  if (code == ESP_ERR_NVS_NOT_FOUND) code = ESP_OK;
  if (code == ESP_OK && !value.empty()) {
    std::memcpy(text, value.data(), value.size());
    text[value.size()] = 0;
    code = nvs_set_str(open.get(), key, text);
    volatile char* wiped = text;
    for (std::size_t i = 0; i < sizeof text; ++i) wiped[i] = 0;
  }
  if (code == ESP_OK) code = nvs_commit(open.get());
  if (code != ESP_OK) return fail(error_of(code));
  return {};
}

Result<void> Provisioning::erase() {
  const Handle open(NVS_READWRITE);
  if (open.code() != ESP_OK || nvs_erase_all(open.get()) != ESP_OK || nvs_commit(open.get()) != ESP_OK)
    return fail(Error::io_failed);
  return {};
}

Result<DeviceSecret> NvsSecrets::secret_of(const DeviceId& device) {
  const auto provisioned = from_.device();
  if (!provisioned) return fail(provisioned.error());
  if (!(*provisioned == device)) return fail(Error::not_found);
  auto text = from_.text("ds");
  if (!text) return fail(text.error());
  auto secret = DeviceSecret::parse(text->str());
  text->wipe();
  return secret;
}

}  // namespace tercet::idf
