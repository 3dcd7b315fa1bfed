#include "tercet/auth/mistake.h"

#include <algorithm>
#include <array>

#include "tercet/auth/search.h"
#include "tercet/auth/sign.h"

namespace tercet::auth {
namespace {

constexpr std::size_t kMaxEvidence = 900;

std::string cut(std::string text) {
  if (text.size() <= kMaxEvidence) return text;
  std::size_t at = kMaxEvidence;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;  // not inside a character
  return text.substr(0, at) + "…";
}

/// The names that the user name claims, even when it is malformed.
UserName claimed(std::string_view user_name) {
  if (const auto user = parse_user_name(user_name)) return *user;
  const std::size_t at = user_name.find_first_of("&@/|,;:+ ");
  if (at == std::string_view::npos) return {user_name, {}};
  std::string_view product = user_name.substr(at + 1);
  if (product.starts_with("amp;")) product.remove_prefix(4);
  return {user_name.substr(0, at), product};
}

/// What stands behind "×tamp=" or "&timestamp=" in a password's tail.
struct Tail {
  bool article = false;
  bool times = false;
  std::string timestamp;
};
Tail read_tail(std::string_view tail) {
  Tail made;
  for (const std::string_view front : {"&timestamp=", "\xC3\x97tamp=", "\xA1\xC1tamp=", "\xD7tamp="}) {
    if (!tail.starts_with(front)) continue;
    const std::string_view value = tail.substr(front.size());
    made.article = true;
    made.times = front[0] != '&';
    made.timestamp = value.substr(0, value.find('&'));
    return made;
  }
  const std::size_t at = tail.find("timestamp");
  if (at == std::string_view::npos) return made;
  for (const char c : tail.substr(at + 9)) {
    if (c >= '0' && c <= '9')
      made.timestamp += c;
    else if (!made.timestamp.empty())
      break;
  }
  return made;
}

bool holds_times_sign(std::string_view client_id) {
  return client_id.find("\xC3\x97tamp") != std::string_view::npos ||
         client_id.find("\xA1\xC1tamp") != std::string_view::npos;
}

/// One examination: collects the mistakes of one login.
class Examiner {
 public:
  Examiner(const LoginStrings& login, const Known& known, Transport transport, UnixMillis now)
      : login_(login), known_(known), transport_(transport), now_(now), received_(login.password) {
    read_subject();
  }

  Examination run() {
    look_at_client_id();
    look_at_user_name();
    if (!known_.device_secret.empty()) look_at_password();
    look_at_secure_mode();
    for (Mistake& mistake : made_.mistakes) mistake.evidence = cut(redacted(std::move(mistake.evidence)));
    return std::move(made_);
  }

 private:
  void add(Cause cause, std::string evidence) {
    const auto same = [cause](const Mistake& mistake) { return mistake.cause == cause; };
    if (std::none_of(made_.mistakes.begin(), made_.mistakes.end(), same))
      made_.mistakes.push_back({cause, std::move(evidence)});
  }
  bool has(Cause cause) const {
    return std::any_of(made_.mistakes.begin(), made_.mistakes.end(),
                       [cause](const Mistake& mistake) { return mistake.cause == cause; });
  }

  void read_subject() {
    const UserName user = claimed(login_.user_name);
    subject_.id = parse_client_id(login_.client_id);
    subject_.product = std::string(known_.product.empty() ? user.product : known_.product);
    subject_.device = std::string(known_.device.empty() ? user.device : known_.device);
    subject_.user_name = std::string(login_.user_name);
    subject_.now = now_;
    subject_.method = subject_.id.sign_method;
    subject_.method_declared = !subject_.id.sign_method_text.empty() && !subject_.id.defects.unknown_sign_method;
    if (subject_.id.timestamp) subject_.timestamp = std::string(*subject_.id.timestamp);
    tail_ = read_tail(received_.tail());
    subject_.tail_timestamp = tail_.timestamp;
    if (!tail_.article) return;
    subject_.article = true;
    subject_.timestamp = tail_.timestamp;
    subject_.method = SignMethod::sha1;
    subject_.method_declared = true;
    if (const auto password = parse_article_password(login_.password)) subject_.method = password->method;
  }

  void look_at_client_id() {
    const ClientIdDefects& defects = subject_.id.defects;
    const std::string shown = "client id " + quoted(login_.client_id);
    if (holds_times_sign(login_.client_id)) add(Cause::sign_times_sign, shown);
    if (defects.no_closing_bar)
      add(Cause::client_id_cut, shown + ", " + std::to_string(login_.client_id.size()) + " bytes");
    if (defects.empty_id) add(Cause::client_id_empty, shown);
    if (defects.id_too_long) add(Cause::client_id_too_long, shown);
    if (defects.unknown_sign_method)
      add(Cause::client_id_bad_sign_method, "signmethod=" + std::string(subject_.id.sign_method_text));
    if (defects.bad_secure_mode) add(Cause::client_id_bad_secure_mode, shown);
    if (holds_secret(login_.client_id)) add(Cause::user_name_holds_secret, shown);
  }

  void look_at_user_name() {
    const auto user = parse_user_name(login_.user_name);
    const bool right = user && user->product == subject_.product && user->device == subject_.device;
    if (user && !right && user->product == subject_.device && user->device == subject_.product)
      add(Cause::user_name_swapped,
          "user name " + quoted(login_.user_name) + "; right is " + quoted(subject_.device + "&" + subject_.product));
    if (holds_secret(login_.user_name)) add(Cause::user_name_holds_secret, "user name " + quoted(login_.user_name));
    for (Mistake& mistake : find_user_name_mistakes(login_.user_name, nullptr))
      if (!right || mistake.cause != Cause::user_name_placeholder) add(mistake.cause, std::move(mistake.evidence));
    if (user && !right && !has(Cause::user_name_swapped))
      add(Cause::unknown_device, "user name " + quoted(login_.user_name) + "; the triple at hand is that of " +
                                     quoted(subject_.device + "&" + subject_.product));
  }

  void look_at_password() {
    if (look_for_secrets()) return;
    Search search{subject_, received_, known_};
    const auto explanation = search.run();
    made_.digests = search.digests();
    if (tail_.times) add(Cause::sign_times_sign, "behind the signature stands a × where \"&times\" should be");
    if (!explanation)
      add(Cause::wrong_password,
          "received: " + received_.describe() + "; tried " + std::to_string(search.digests()) + " usual mistakes");
    else if (explanation->causes.empty())
      look_at_clock();
    else
      explain(*explanation);
  }

  void explain(const Explanation& explanation) {
    const bool swapped_names = has(Cause::user_name_swapped);
    const std::string evidence =
        "received: " + received_.describe() + ", which is " + explanation.formula + "; right is " + right_formula();
    // Whatever else a cut client id has led to, the cut is what to mend.
    const auto cut_short = std::find(explanation.causes.begin(), explanation.causes.end(), Cause::client_id_cut);
    if (cut_short != explanation.causes.end()) add(Cause::client_id_cut, evidence);
    for (const Cause cause : explanation.causes)
      if (!(swapped_names && cause == Cause::sign_names_swapped)) add(cause, evidence);
  }

  std::string right_formula() const {
    Subject official = subject_;
    official.article = false;
    const std::string method = std::string(name(official.method)).substr(4);
    std::string upper = method;
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
    return "HMAC-" + upper + "(the DeviceSecret, " + quoted(right_content(official).text()) + ")";
  }

  /// Secrets and texts that need no digest to be recognised.
  bool look_for_secrets() {
    const std::string_view password = login_.password;
    const std::string received = "received: " + received_.describe();
    if (password.empty()) return add(Cause::password_empty, received), true;
    const auto is = [password](std::string_view text) {
      const auto trimmed = password.substr(0, password.find_last_not_of(std::string_view(" \t\r\n\0", 5)) + 1);
      return !text.empty() && equals_ignoring_case(trimmed, text);
    };
    if (is(known_.device_secret)) return add(Cause::password_is_secret, received + ", the DeviceSecret"), true;
    if (is(known_.product_secret))
      return add(Cause::password_is_product_secret, received + ", the ProductSecret"), true;
    if (is_content(password)) return add(Cause::password_is_content, received + ", the text to sign"), true;
    bool sibling = false;
    std::size_t left = kMaxSiblings;
    if (known_.siblings)
      known_.siblings([&](const Sibling& other) {
        sibling = is(other.secret);
        if (sibling) add(Cause::password_is_secret, received + ", the DeviceSecret of " + std::string(other.device));
        return !sibling && --left > 0;
      });
    return sibling;
  }

  bool is_content(std::string_view password) const {
    if (password.size() < 20 || password.find(subject_.device) == std::string_view::npos) return false;
    if (password == right_content(subject_).text()) return true;
    const auto changes = content_changes(subject_);
    return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
      Content content = right_content(subject_);
      change.apply(content);
      return content.text() == password;
    });
  }

  void look_at_clock() {
    const std::string timestamp = subject_.timestamp.value_or(std::string{});
    const std::string evidence = "the signature is right; timestamp " + quoted(timestamp) + ", server's clock " +
                                 std::to_string(now_.ms) + difference(timestamp);
    if (subject_.timestamp)
      if (const auto fault = clock_fault(timestamp, now_)) return add(*fault, evidence);
    if (subject_.article && !tail_.times) add(Cause::article_dialect_off, evidence);
  }

  std::string difference(std::string_view timestamp) const {
    const auto then = parse_millis(timestamp);
    if (!then) return {};
    const std::int64_t off = *then > now_.ms ? *then - now_.ms : now_.ms - *then;
    return ", " + std::to_string(off / 1000) + (*then > now_.ms ? " s ahead" : " s behind");
  }

  void look_at_secure_mode() {
    const int mode = subject_.id.secure_mode.value_or(0);
    const bool contradicts = (mode == 2 && transport_ == Transport::tcp) || (mode == 3 && transport_ == Transport::tls);
    if (contradicts)
      add(Cause::secure_mode_contradicts_transport,
          "securemode=" + std::to_string(mode) + " over " + (transport_ == Transport::tls ? "TLS" : "plain TCP"));
  }

  bool holds_secret(std::string_view text) const {
    return known_.device_secret.size() >= 8 && text.find(known_.device_secret) != std::string_view::npos;
  }

  std::string redacted(std::string text) const {
    for (const auto& [secret, shown] :
         {std::pair<std::string_view, std::string_view>{known_.device_secret, "<secret>"},
          std::pair<std::string_view, std::string_view>{known_.product_secret, "<secret>"}})
      for (std::size_t at = 0; secret.size() >= 4 && (at = text.find(secret, at)) != std::string::npos;
           at += shown.size())
        text.replace(at, secret.size(), shown);
    return text;
  }

  const LoginStrings& login_;
  const Known& known_;
  Transport transport_;
  UnixMillis now_;
  Received received_;
  Subject subject_;
  Tail tail_;
  Examination made_;
};

}  // namespace

Examination examine(const LoginStrings& login, const Known& known, Transport transport, UnixMillis now) {
  return Examiner{login, known, transport, now}.run();
}

std::vector<Mistake> find_mistakes(const LoginStrings& login, const Known& known, Transport transport, UnixMillis now) {
  return examine(login, known, transport, now).mistakes;
}

}  // namespace tercet::auth
