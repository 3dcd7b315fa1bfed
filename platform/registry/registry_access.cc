#include "platform/registry/password.h"
#include "platform/registry/registry_state.h"

#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

constexpr std::string_view kAdminPassword = "admin_password";
constexpr std::size_t kLeastPassword = 8, kMostPassword = 256, kMostRemark = 128;

RegistryProblem unknown_key(std::string_view id) {
  return {Error::not_found, "InvalidAccessKeyId.NotFound",
          "there is no access key " + std::string(utf8_prefix(id, 64))};
}

}  // namespace

Answer<AccessKey> Registry::create_access_key(std::string_view remark) {
  State& state = *state_;
  if (state.access_keys.size() >= limits_.access_keys)
    return RegistryProblem{Error::no_space, "Throttling", "there are too many access keys: delete some"};
  AccessKey key{state.names.access_key_id(), state.names.access_key_secret(),
                std::string(remark.substr(0, kMostRemark)), true, state.now()};
  const auto done = state.database.must_prepare("INSERT INTO access_keys VALUES(?,?,?,1,?)")
                        .bind(key.id, state.box.seal(key.secret, access_key_row(key.id)), key.remark, key.created.ms)
                        .run();
  if (!done) return system_problem(done.problem());
  state.access_keys[key.id] = key;
  return key;
}

const AccessKey* Registry::access_key(std::string_view id) const {
  const auto found = state_->access_keys.find(id);
  return found == state_->access_keys.end() ? nullptr : &found->second;
}

std::vector<AccessKey> Registry::access_keys() const {
  std::vector<AccessKey> all;
  for (const auto& [id, key] : state_->access_keys) all.push_back(key);
  return all;
}

Answer<void> Registry::set_access_key_active(std::string_view id, bool active) {
  const auto found = state_->access_keys.find(id);
  if (found == state_->access_keys.end()) return unknown_key(id);
  const auto done = state_->database.must_prepare("UPDATE access_keys SET active=? WHERE id=?").bind(active, id).run();
  if (!done) return system_problem(done.problem());
  found->second.active = active;
  return {};
}

Answer<void> Registry::delete_access_key(std::string_view id) {
  const auto found = state_->access_keys.find(id);
  if (found == state_->access_keys.end()) return unknown_key(id);
  const auto done = state_->database.must_prepare("DELETE FROM access_keys WHERE id=?").bind(id).run();
  if (!done) return system_problem(done.problem());
  state_->access_keys.erase(found);
  return {};
}

Answer<void> Registry::set_admin_password(std::string_view password) {
  if (password.size() < kLeastPassword || password.size() > kMostPassword)
    return RegistryProblem{Error::bad_argument, "InvalidPassword", "the password has 8 to 256 bytes"};
  const std::string hash = hash_password(password);
  if (hash.empty()) return RegistryProblem{Error::internal, "iot.system.SystemException", "OpenSSL gives no scrypt"};
  if (const auto done = state_->set_setting(kAdminPassword, hash); !done) return system_problem(done.problem());
  return {};
}

bool Registry::check_admin_password(std::string_view password) {
  const auto hash = state_->setting(kAdminPassword);
  return hash && *hash && password.size() <= kMostPassword && check_password(password, **hash);
}

bool Registry::has_admin_password() {
  const auto hash = state_->setting(kAdminPassword);
  return !hash || hash->has_value();  // one that cannot be read is not to be replaced
}

}  // namespace tercet::registry
