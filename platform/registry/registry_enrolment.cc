// How devices come by what they log in with: tokens of boards that nobody registered beforehand.
#include <algorithm>
#include <utility>

#include "platform/registry/registry_state.h"

#include "tercet/base/utf8.h"

namespace tercet::registry {
namespace {

RegistryProblem refused(ApiCode code, std::string detail, Error error = Error::bad_state) {
  return {error, code, std::move(detail)};
}

RegistryProblem unknown_client_id(std::string_view client_id) {
  return refused("tercet.register.NotExistedClientId",
                 "the device has no token with the client id " + std::string(utf8_prefix(client_id, 64)),
                 Error::not_found);
}

const std::vector<DeviceToken>& tokens_of(const Device& device) {
  static const std::vector<DeviceToken> kNone;
  return device.tokens ? *device.tokens : kNone;
}

bool has_token(const Device& device, std::string_view client_id) {
  const auto& tokens = tokens_of(device);
  return std::any_of(tokens.begin(), tokens.end(), [&](const DeviceToken& t) { return t.client_id == client_id; });
}

/// Whether a device that exists may get one more token.
std::optional<RegistryProblem> enrolment_problem(const Device& device) {
  if (!device.enabled) return refused("tercet.register.DeviceActive", "the device is disabled");
  if (device.enrolment == Enrolment::listed && !device.may_register())
    return refused("tercet.register.DeviceActive", "the device was made beforehand and is active with its own secret");
  if (device.enrolment == Enrolment::closed)
    return refused("tercet.register.TooManyTokens", "one board was chosen to keep this name, and no other may have it");
  if (tokens_of(device).size() >= kMostTokens)
    return refused("tercet.register.TooManyTokens",
                   std::to_string(kMostTokens) + " boards have registered under this name");
  return std::nullopt;
}

}  // namespace

std::vector<DeviceToken> Registry::State::read_tokens(const Device& device) {
  std::vector<DeviceToken> tokens;
  auto read = database.must_prepare(
      "SELECT client_id, token, created FROM device_tokens WHERE device=? ORDER BY created, client_id");
  read.bind(device.number);
  for (auto row = read.step(); row && *row; row = read.step()) {
    DeviceToken token{read.text(0), {}, {read.integer(2)}};
    const auto opened = box.open(read.text(1), token_row(device.number, token.client_id));
    if (!opened) continue;
    token.token = *opened;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Answer<DeviceToken> Registry::register_unlisted(std::string_view product, std::string_view name,
                                                runtime::Task applied) {
  State& state = *state_;
  const auto of = this->product(product);
  if (!of) return of.problem();
  if (!of->product.dynamic_register)
    return refused("tercet.register.SwitchedOff", "the product does not allow dynamic registration");
  if (name.empty()) return refused("iot.device.NullDeviceName", "a DeviceName is needed", Error::bad_argument);
  flush();
  auto found = state.find_device("product=? AND name=?", product, name);
  if (found)
    if (auto bad = enrolment_problem(found->device)) return *bad;
  NewDevice wanted{std::string(product), std::string(name), {}, {}};
  if (!found)
    if (auto bad = new_device_problem(wanted, *of)) return *bad;

  auto transaction = state.database.begin();
  if (!transaction) return system_problem(transaction.problem());
  const bool is_new = !found;
  if (is_new) {
    auto made = state.insert_device(wanted, 0, Enrolment::unlisted);
    if (!made) return made.problem();
    found = std::move(*made);
  }
  Device& device = found->device;
  DeviceToken token{state.names.client_id(), state.names.device_secret(), state.now()};
  auto insert = state.database.must_prepare("INSERT INTO device_tokens VALUES(?,?,?,?)");
  const auto stored =
      insert
          .bind(device.number, token.client_id, state.box.seal(token.token, token_row(device.number, token.client_id)),
                token.created.ms)
          .run();
  if (!stored) return system_problem(stored.problem());
  if (device.enrolment == Enrolment::listed) {
    const auto changed = state.database.must_prepare("UPDATE devices SET enrolment=?, reset=0 WHERE number=?")
                             .bind(Enrolment::unlisted, device.number)
                             .run();
    if (!changed) return system_problem(changed.problem());
    device.enrolment = Enrolment::unlisted;
    device.reset = false;
  }
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  if (is_new) {
    ++state.find_product(product)->device_count;
    ++state.device_total;
    state.tell(device, Lifecycle::created);
  }
  std::vector<DeviceToken> tokens = tokens_of(device);
  tokens.push_back(token);
  device.tokens = std::make_shared<const std::vector<DeviceToken>>(std::move(tokens));
  state.feed.put(std::vector{device}, std::move(applied));
  return token;
}

Answer<void> Registry::reset_registration(const DeviceRef& ref, runtime::Task applied) {
  auto found = device(ref);
  if (!found) return found.problem();
  Device& device = found->device;
  if (device.enrolment == Enrolment::closed) device.enrolment = Enrolment::unlisted;
  device.reset = device.enrolment == Enrolment::listed;
  const auto done = state_->database.must_prepare("UPDATE devices SET enrolment=?, reset=?, modified=? WHERE number=?")
                        .bind(device.enrolment, device.reset, state_->now().ms, device.number)
                        .run();
  if (!done) return system_problem(done.problem());
  state_->feed.put(std::vector{device}, std::move(applied));
  return {};
}

Answer<void> Registry::keep_token(const DeviceRef& ref, std::string_view client_id, runtime::Task applied) {
  auto found = device(ref);
  if (!found) return found.problem();
  if (!has_token(found->device, client_id)) return unknown_client_id(client_id);
  return state_->keep_tokens(
      found->device, [&](const DeviceToken& token) { return token.client_id == client_id; }, Enrolment::closed,
      std::move(applied));
}

Answer<void> Registry::delete_tokens(const DeviceRef& ref, std::string_view client_id, runtime::Task applied) {
  auto found = device(ref);
  if (!found) return found.problem();
  if (!client_id.empty() && !has_token(found->device, client_id)) return unknown_client_id(client_id);
  return state_->keep_tokens(
      found->device, [&](const DeviceToken& token) { return !client_id.empty() && token.client_id != client_id; },
      found->device.enrolment, std::move(applied));
}

Answer<void> Registry::State::keep_tokens(Device& device, const std::function<bool(const DeviceToken&)>& keep,
                                          Enrolment enrolment, runtime::Task applied) {
  auto transaction = database.begin();
  if (!transaction) return system_problem(transaction.problem());
  std::vector<DeviceToken> kept;
  auto erase = database.must_prepare("DELETE FROM device_tokens WHERE device=? AND client_id=?");
  for (const DeviceToken& token : tokens_of(device)) {
    if (keep(token)) {
      kept.push_back(token);
    } else if (const auto gone = erase.bind(device.number, token.client_id).run(); !gone) {
      return system_problem(gone.problem());
    }
  }
  const auto done = database.must_prepare("UPDATE devices SET enrolment=?, modified=? WHERE number=?")
                        .bind(enrolment, now().ms, device.number)
                        .run();
  if (!done) return system_problem(done.problem());
  if (const auto written = transaction->commit(); !written) return system_problem(written.problem());
  device.sign_out = kept.size() != tokens_of(device).size();
  device.tokens = std::make_shared<const std::vector<DeviceToken>>(std::move(kept));
  device.enrolment = enrolment;
  feed.put(std::vector{device}, std::move(applied));
  return {};
}

}  // namespace tercet::registry
