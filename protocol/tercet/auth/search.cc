#include "tercet/auth/search.h"

#include <algorithm>

namespace tercet::auth {
namespace {

std::string hmac_name(SignMethod method) {
  return method == SignMethod::md5 ? "HMAC-MD5" : method == SignMethod::sha1 ? "HMAC-SHA1" : "HMAC-SHA256";
}
std::string digest_name(SignMethod method) {
  return method == SignMethod::md5 ? "MD5" : method == SignMethod::sha1 ? "SHA1" : "SHA256";
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      made += c;
      continue;
    }
    made.append("\\x");
    made += "0123456789abcdef"[byte >> 4];
    made += "0123456789abcdef"[byte & 15];
  }
  return made + "\"";
}

Search::Search(const Subject& subject, const Received& received, const Known& known)
    : subject_(subject),
      received_(received),
      known_(known),
      right_(right_content(subject)),
      changes_(content_changes(subject)),
      keys_(key_guesses(known, subject)),
      all_(received.likely()) {
  all_.insert(all_.end(), received.unlikely().begin(), received.unlikely().end());
}

/// Cheap and likely first; what has few candidates before what has many.
std::optional<Explanation> Search::run() {
  if (all_.empty()) return std::nullopt;
  if (try_right() || try_changes(true) || try_keys() || try_swapped_and_plain() || try_siblings() ||
      try_changes(false) || try_pairs())
    return found_;
  return std::nullopt;
}

bool Search::attempt(const KeyGuess& key, const std::string& content, const Methods& methods,
                     const std::vector<Cause>& causes) {
  for (const SignMethod method : methods) {
    if (!may_go_on()) return false;
    ++digests_;
    const auto match = received_.match(crypto::hmac(method, key.bytes, content));
    if (!match) continue;
    found_.causes = causes;
    if (key.cause) found_.causes.push_back(*key.cause);
    if (method != subject_.method)
      found_.causes.push_back(subject_.method_declared ? Cause::sign_method_differs : Cause::sign_method_missing);
    // The article's own suffix is part of its form; behind any other text it is a mistake.
    if (match->rendering && !(subject_.article && *match->rendering == Cause::password_suffix))
      found_.causes.push_back(*match->rendering);
    found_.formula = hmac_name(method) + "(" + key.what + ", " + quoted(content) + ")";
    return true;
  }
  return false;
}

std::string Search::changed(const Change& first, const Change* second) const {
  Content content = right_;
  first.apply(content);
  if (second != nullptr) second->apply(content);
  return content.text();
}

bool Search::try_right() { return attempt(keys_[0], right_.text(), all_, {}); }

bool Search::try_changes(bool common) {
  for (const Change& change : changes_)
    if (change.common == common &&
        attempt(keys_[0], changed(change), common ? all_ : received_.likely(), {change.cause}))
      return true;
  return false;
}

bool Search::try_keys() {
  for (std::size_t i = 1; i < keys_.size(); ++i)
    if (attempt(keys_[i], right_.text(), all_, {})) return true;
  return false;
}

/// The secret is known to nobody else, so a text keyed by itself tells nothing: only these few orders are usual.
bool Search::attempt_plain(const std::string& content) {
  const std::string secret = keys_[0].bytes;
  const std::pair<std::string, std::string> usual[] = {
      {content, quoted(content)},
      {content + secret, quoted(content) + " + the DeviceSecret"},
      {secret + content, "the DeviceSecret + " + quoted(content)},
      {secret + content + secret, "the DeviceSecret + " + quoted(content) + " + the DeviceSecret"},
      {secret, "the DeviceSecret"},
  };
  for (const auto& [text, what] : usual)
    for (const SignMethod method : all_) {
      if (!may_go_on()) return false;
      ++digests_;
      const auto match = received_.match(crypto::hash(method, as_bytes(text)));
      if (!match) continue;
      found_.causes = {Cause::sign_plain_digest};
      found_.formula = digest_name(method) + "(" + what + ")";
      return true;
    }
  return false;
}

bool Search::try_swapped_and_plain() {
  std::vector<std::string> contents{right_.text()};
  for (const Change& change : changes_)
    if (change.common && (change.part == Part::separator || change.part == Part::timestamp))
      contents.push_back(changed(change));
  for (const std::string& content : contents) {
    const KeyGuess swapped{content, quoted(content), Cause::sign_key_and_message_swapped};
    if (attempt(swapped, keys_[0].bytes, all_, {})) {
      found_.formula = "HMAC(key " + quoted(content) + ", message the DeviceSecret)";
      return true;
    }
  }
  for (std::size_t i = 0; i < contents.size() && i < 8; ++i)
    if (attempt_plain(contents[i])) return true;
  return false;
}

bool Search::try_siblings() {
  if (!known_.siblings) return false;
  bool found = false;
  std::size_t left = kMaxSiblings;
  const std::string right = right_.text();
  known_.siblings([&](const Sibling& sibling) {
    if (sibling.device == subject_.device) return true;
    const KeyGuess key{std::string(sibling.secret), "the DeviceSecret of " + std::string(sibling.device),
                       Cause::key_is_sibling_secret};
    found = attempt(key, right, all_, {});
    // Whoever copies another device's secret may have copied its name into the signed text as well.
    if (!found && left > kMaxSiblings - 20) {
      Content content = right_;
      content.find("deviceName")->value = sibling.device;
      found = attempt(key, content.text(), received_.likely(), {});
    }
    return !found && --left > 0;
  });
  return found;
}

/// The most usual change with every key and every other change, then the next one: the list is in order of likelihood,
/// so when the budget ends, what is left is what hardly anybody does.
bool Search::try_pairs() {
  for (std::size_t i = 0; i < changes_.size() && may_go_on(); ++i) {
    if (!changes_[i].common) continue;
    for (std::size_t k = 1; k < keys_.size(); ++k)
      if (keys_[k].common && attempt(keys_[k], changed(changes_[i]), received_.likely(), {changes_[i].cause}))
        return true;
    for (std::size_t j = i + 1; j < changes_.size(); ++j) {
      if (!changes_[j].common || changes_[i].part == changes_[j].part) continue;
      const bool in_order = changes_[i].part < changes_[j].part;
      const std::string content = changed(changes_[in_order ? i : j], &changes_[in_order ? j : i]);
      if (attempt(keys_[0], content, received_.likely(), {changes_[i].cause, changes_[j].cause})) return true;
    }
  }
  return false;
}

}  // namespace tercet::auth
