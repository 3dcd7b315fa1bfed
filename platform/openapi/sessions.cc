#include "platform/openapi/sessions.h"

#include <algorithm>

#include "platform/openapi/request_id.h"
#include "platform/openapi/signature_v3.h"

namespace tercet::openapi {
namespace {

constexpr std::size_t kSecretBytes = 32;

void drop_oldest(std::unordered_map<std::string, Instant>& entries) {
  const auto oldest = std::min_element(entries.begin(), entries.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (oldest != entries.end()) entries.erase(oldest);
}

}  // namespace

void Sessions::drop_old(Instant now) {
  std::erase_if(sessions_, [now](const auto& entry) { return now - entry.second >= kIdle; });
  std::erase_if(tokens_, [now](const auto& entry) { return now - entry.second >= kTokenLife; });
}

std::string Sessions::open(Instant now) {
  drop_old(now);
  if (sessions_.size() >= kMostSessions) drop_oldest(sessions_);
  std::string secret = make_token(random_, kSecretBytes);
  sessions_[hash_of(secret)] = now;
  return secret;
}

bool Sessions::touch(std::string_view secret, Instant now) {
  if (secret.size() != 2 * kSecretBytes) return false;
  const auto it = sessions_.find(hash_of(secret));
  if (it == sessions_.end()) return false;
  if (now - it->second >= kIdle) {
    sessions_.erase(it);
    return false;
  }
  it->second = now;
  return true;
}

/// Secrets are looked up by their hash, so that the time a look-up takes says nothing about them.
std::string Sessions::hash_of(std::string_view secret) { return sha256_hex(secret); }

bool Sessions::lives(const std::string& hash, Instant now) const {
  const auto it = sessions_.find(hash);
  return it != sessions_.end() && now - it->second < kIdle;
}

void Sessions::close(std::string_view secret) { sessions_.erase(hash_of(secret)); }

std::string Sessions::make_login_token(Instant now) {
  drop_old(now);
  if (tokens_.size() >= kMostTokens) drop_oldest(tokens_);
  std::string token = make_token(random_, kSecretBytes);
  tokens_[hash_of(token)] = now;
  return token;
}

bool Sessions::use_login_token(std::string_view token, Instant now) {
  drop_old(now);
  return tokens_.erase(hash_of(token)) == 1;
}

void LoginBrake::renew(Instant now) {
  if (now - window_start_ < kWindow) return;
  window_start_ = now;
  total_ = 0;
  wrong_.clear();
}

LoginBrake::Verdict LoginBrake::judge(std::string_view network, Instant now) {
  renew(now);
  const auto it = wrong_.find(network);
  if (it != wrong_.end() && it->second >= kPerNetwork) return Verdict::refuse;
  return total_ < kInTotal ? Verdict::go : Verdict::wait;
}

void LoginBrake::count_wrong(std::string_view network, Instant now) {
  renew(now);
  ++total_;
  ++wrong_[std::string(network)];
}

}  // namespace tercet::openapi
