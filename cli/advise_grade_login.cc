#include <algorithm>
#include <cstdlib>

#include "cli/advise_grade.h"
#include "tercet/auth/article.h"
#include "tercet/auth/mistake.h"
#include "tercet/auth/sign.h"

namespace tercet::cli::advise {
namespace {

constexpr Millis kClockMayDiffer = std::chrono::minutes{15};

bool is_bad_certificate(Act act) { return act >= Act::expired && act <= Act::sha1_leaf; }

const Visit* first_login(const Record& record) {
  const auto found = std::find_if(record.visits.begin(), record.visits.end(),
                                  [](const Visit& visit) { return visit.login.has_value(); });
  return found == record.visits.end() ? nullptr : &*found;
}

Verdict fail_for(const auth::Mistake& mistake) {
  const auth::CauseText& cause = auth::text(mistake.cause);
  return fail_with(std::string(cause.code) + ": " + std::string(cause.cause_en) + " (" + mistake.evidence + ")",
                   {cause.remedy_en, cause.remedy_zh});
}

Verdict grade_fields(const Record& record, const SeenLogin& login) {
  const auth::LoginStrings strings{login.client_id, login.user_name, login.password};
  auth::Known known;
  known.product = record.product, known.device = record.device, known.device_secret = record.secret;
  const auto transport = record.tls ? auth::Transport::tls : auth::Transport::tcp;
  const auto examined = [&] { return auth::find_mistakes(strings, known, transport, login.wall); };
  if (!auth::parse_user_name(login.user_name)) {
    const auto named = auth::find_user_name_mistakes(login.user_name, nullptr);
    if (!named.empty()) return fail_for(named.front());
    return fail_with("the user name is not DeviceName&ProductKey");
  }
  if (!record.secret.empty()) {
    const auto verified = auth::verify(strings, record.secret, login.wall);
    if (!verified.accepted()) {
      const auto mistakes = examined();
      return mistakes.empty() ? fail_with("the password is not the signature of this device")
                              : fail_for(mistakes.front());
    }
  }
  // Right, but is it what the documents say?
  const auto odd = auth::what_the_real_cloud_would_refuse(strings);
  if (!odd.empty()) return fail_for(odd.front());
  const auto mistakes = record.secret.empty() ? examined() : std::vector<auth::Mistake>{};
  if (!mistakes.empty() && mistakes.front().cause != auth::Cause::wrong_password) return fail_for(mistakes.front());
  const std::string who = "client id \"" + login.client_id + "\", user name \"" + login.user_name + "\"";
  return pass(who +
              (record.secret.empty() ? "; the signature was not checked: give --triple" : "; the signature is right"));
}

Verdict grade_timestamp(const SeenLogin& login) {
  const auto id = auth::parse_client_id(login.client_id);
  const auto article = auth::parse_article_password(login.password);
  const auto stamp = article ? std::optional(article->timestamp) : id.timestamp;
  if (!stamp) return pass("none is sent");
  if (*stamp == auth::kConstantTimestamp) return pass("the constant of the vendor's C SDK");
  const std::string evidence = "timestamp=" + std::string(stamp->substr(0, 24));
  const auto ms = auth::parse_millis(*stamp);
  if (!ms) return fail_with(evidence + " is no number of milliseconds: a 32-bit product that overflowed, or text");
  if (*ms > 1'000'000'000 && *ms < 10'000'000'000) return fail_with(evidence + " is in seconds");
  const Millis off{std::llabs(*ms - login.wall.ms)};
  if (off > kClockMayDiffer) return fail_with(evidence + " is " + seconds(off) + " from this machine's clock");
  return pass(evidence + ", " + seconds(off) + " from this machine's clock");
}

Verdict grade_keep_alive(const SeenLogin& login) {
  const auto value = login.keep_alive.count();
  const std::string evidence = "keep-alive " + std::to_string(value) + " s";
  return value >= 30 && value <= 1200 ? pass(evidence) : fail_with(evidence);
}

Verdict grade_handshake(const Record& record) {
  const Visit* broken = nullptr;
  for (const Visit& visit : record.visits) {
    if (is_bad_certificate(visit.act) || visit.plain) continue;
    if (!visit.tls.empty()) return pass(visit.tls);
    if (!visit.failure.empty()) broken = &visit;
  }
  if (broken != nullptr) return fail_with(broken->failure);
  const bool plain =
      std::any_of(record.visits.begin(), record.visits.end(), [](const Visit& visit) { return visit.plain; });
  if (plain)
    return fail_with("the device speaks plain TCP", {"use TLS: WiFiClientSecure, esp_tls, mqtts://, port 8883",
                                                     "使用 TLS：WiFiClientSecure、esp_tls、mqtts://，端口 8883"});
  return not_seen("the device did not come");
}

Verdict grade_fallback(const Record& record) {
  const bool was_refused = std::any_of(record.visits.begin(), record.visits.end(),
                                       [](const Visit& visit) { return is_bad_certificate(visit.act); });
  for (const Visit& visit : record.visits)
    if (visit.plain && visit.login) return fail_with("sent CONNECT in plain TCP, password included");
  return was_refused ? pass("none") : not_seen("no bad certificate was presented");
}

}  // namespace

Verdict grade_login(Point point, const Record& record) {
  const Visit* visit = first_login(record);
  if (visit == nullptr) return not_seen("no CONNECT came");
  if (point == Point::login_fields) return grade_fields(record, *visit->login);
  if (point == Point::login_timestamp) return grade_timestamp(*visit->login);
  return grade_keep_alive(*visit->login);
}

Verdict grade_certificate(Point point, const Record& record) {
  if (point == Point::handshake) return grade_handshake(record);
  if (point == Point::no_fallback) return grade_fallback(record);
  const Visit* visit = first_visit(record, text(point).act);
  if (visit == nullptr) return not_seen("the device did not come that far");
  if (visit->login) return fail_with("believed it and sent its login, over " + visit->tls);
  if (grade_handshake(record).outcome != Outcome::pass)
    return not_seen("it refuses the right certificate too: see tls.handshake");
  if (!visit->ended) return not_seen("the run ended first");
  if (!visit->failure.empty()) return pass("refused: " + visit->failure);
  return pass(visit->ended_by_device ? "closed without CONNECT" : "sent no CONNECT");
}

}  // namespace tercet::cli::advise
