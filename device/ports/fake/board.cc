#include "ports/fake/board.h"

#include <algorithm>
#include <cstring>

#include "tercet/base/reader.h"
#include "tercet/base/writer.h"

namespace tercet::fake {

using device::Stage;

Result<void> Transport::open(const device::Target& target) {
  close();
  if (target.host.empty() || target.port == 0) return fail(Error::bad_argument);
  ++opened;
  tls_ = target.tls;
  static_cast<void>(host.assign(target.host));
  static_cast<void>(psk_identity.assign(target.psk ? target.psk->identity : std::string_view{}));
  static_cast<void>(psk_key.assign(target.psk ? target.psk->key : std::string_view{}));
  stage_ = Stage::resolving;
  return {};
}

Result<Stage> Transport::advance() {
  if (stage_ == Stage::closed) return fail(Error::closed);
  if (broken_at == stage_) return fail(breaks_with);
  if (hangs_at == stage_ || stage_ == Stage::ready) return stage_;
  if (stage_ == Stage::resolving)
    stage_ = Stage::connecting;
  else if (stage_ == Stage::connecting && tls_)
    stage_ = Stage::securing;
  else
    stage_ = Stage::ready;
  if (stage_ == Stage::ready) platform_.connected();
  return stage_;
}

Result<std::size_t> Transport::read(MutableBytes into) {
  if (stage_ != Stage::ready) return fail(Error::closed);
  if (half_open) return fail(Error::would_block);
  const Bytes waiting = platform_.waiting();
  if (waiting.empty()) return fail(platform_.hung_up() ? Error::closed : Error::would_block);
  const std::size_t size = std::min({into.size(), waiting.size(), most_at_once});
  std::memcpy(into.data(), waiting.data(), size);
  platform_.taken(size);
  return size;
}

Result<std::size_t> Transport::write(Bytes from) {
  if (stage_ != Stage::ready) return fail(Error::closed);
  const std::size_t size = std::min(from.size(), most_at_once);
  if (!half_open) platform_.receive(from.first(size));
  return size;
}

void Transport::close() {
  if (stage_ != Stage::closed) ++closed;
  stage_ = Stage::closed;
}

Result<void> TimeServers::send(std::string_view host, std::uint16_t, Bytes bytes) {
  ++asked;
  const auto server = std::find_if(servers.begin(), servers.end(), [&](const Server& s) { return s.host == host; });
  if (server == servers.end() || server->mood == Mood::unknown_name) return fail(Error::dns_failed);
  if (server->mood == Mood::silent) return {};
  std::array<std::uint8_t, 48> packet{};
  Reader request{bytes};
  request.bytes(40);
  const std::uint64_t cookie = request.u64();
  Writer out{packet};
  out.u8(0x24);  // version 4, server
  out.u8(server->mood == Mood::not_synchronised ? 16 : 2);
  for (int i = 0; i < 22; ++i) out.u8(0);
  out.u64(server->mood == Mood::lies ? cookie + 1 : cookie);
  const auto seconds = static_cast<std::uint64_t>(server->time.ms / 1000 + 2'208'988'800);
  const auto fraction = (static_cast<std::uint64_t>(server->time.ms % 1000) << 32) / 1000;
  out.u64(seconds << 32 | fraction);
  out.u64(seconds << 32 | fraction);
  answer_ = packet;
  return {};
}

Result<std::size_t> TimeServers::receive(MutableBytes into) {
  if (!answer_) return fail(Error::would_block);
  std::memcpy(into.data(), answer_->data(), answer_->size());
  answer_.reset();
  return std::size_t{48};
}

Values::Entry* Values::find(std::string_view key) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.first == key; });
  return found == entries_.end() ? nullptr : &*found;
}

void Values::erase(std::string_view key) {
  if (const Entry* found = find(key)) entries_.erase(entries_.begin() + (found - entries_.data()));
}

std::string& Values::operator[](std::string_view key) {
  if (Entry* found = find(key)) return found->second;
  return entries_.emplace_back(std::string(key), std::string()).second;
}

Result<std::size_t> Store::get(std::string_view key, MutableBytes into) {
  const auto* found = values.find(key);
  if (found == nullptr) return fail(Error::not_found);
  if (found->second.size() > into.size()) return fail(Error::no_space);
  if (!found->second.empty()) std::memcpy(into.data(), found->second.data(), found->second.size());
  return found->second.size();
}

Result<void> Store::set(std::string_view key, Bytes value) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (key.empty() || key.size() > 15 || !std::all_of(key.begin(), key.end(), allowed)) return fail(Error::bad_argument);
  if (full) return fail(Error::no_space);
  values[key].assign(as_text(value));
  return {};
}

Result<void> Store::remove(std::string_view key) {
  values.erase(key);
  return {};
}

Result<DeviceSecret> Secrets::secret_of(const DeviceId& device) {
  ++asked;
  if (broken) return fail(*broken);
  if (owner && !(*owner == device)) return fail(Error::not_found);
  return DeviceSecret::parse(secret);
}

}  // namespace tercet::fake
