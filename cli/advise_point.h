#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tercet::cli::advise {

/// One sentence in both languages.
struct Words {
  std::string_view en, zh;
  std::string_view in(std::string_view language) const { return language == "zh" ? zh : en; }
};

/// What a device is graded on, in the order of the report.
enum class Point : std::uint8_t {
  handshake,
  no_fallback,
  login_fields,
  login_timestamp,
  login_keep_alive,
  subscribes,
  features,
  post_envelope,
  post_ids,
  set_obeyed,
  set_wrong_type,
  set_unknown_property,
  set_spaced_json,
  set_broken_json,
  set_duplicate,
  unknown_topic,
  large_message,
  closed_before_connack,
  closed_after_connack,
  garbage,
  refused_1,
  refused_2,
  refused_3,
  refused_4,
  refused_5,
  connack_slow,
  connack_withheld,
  puback_withheld,
  dead_link,
  backoff_grows,
  backoff_jitter,
  backoff_rate,
  certificate_expired,
  certificate_not_yet_valid,
  certificate_wrong_host,
  certificate_wrong_ca,
  certificate_self_signed,
  certificate_sha1,
  recovers,
};
inline constexpr std::size_t kPoints = static_cast<std::size_t>(Point::recovers) + 1;

/// What one connection is used for: how the scripted server behaves in it.
enum class Act : std::uint8_t {
  session,           ///< everything as it should be; commands are sent
  close_on_connect,  ///< closes instead of a CONNACK
  refuse_1,          ///< CONNACK 1, and so on
  refuse_2,
  refuse_3,
  refuse_4,
  refuse_5,
  garbage,              ///< bytes that are no CONNACK
  refuse_again,         ///< CONNACK 3 once more, until the pauses say enough
  close_after_connack,  ///< CONNACK 0, then closes
  slow,                 ///< CONNACK 0 after kSlowAnswer
  unacknowledged,       ///< no PUBACK for the first post of QoS 1, then closes
  redelivery,           ///< waits for that post to come again
  expired,              ///< the six certificates that must not be believed
  not_yet_valid,
  wrong_host,
  wrong_ca,
  self_signed,
  sha1_leaf,
  withhold,  ///< no CONNACK at all
  silent,    ///< CONNACK and SUBACK, then not a byte
  recover,   ///< everything as it should be, once more
};

struct PointText {
  Point point;
  std::string_view id;  ///< stable: "certificate.wrong-host"
  Act act;              ///< where it is seen; points of every login and every pause name Act::session
  bool waits;           ///< takes a minute or more, left out by --quick
  bool needs_tls;
  Words title, remedy;
};
const PointText& text(Point point);
std::span<const PointText> all_points();
/// Progress: what the server is doing.
std::string_view name(Act act);

/// Points whose id is one of the comma-separated names or begins with one and a dot; all when `names` is empty.
/// Nothing when a name fits no point.
std::optional<std::vector<Point>> select_points(std::string_view names);

/// What is run.
struct Plan {
  std::vector<Point> points;                   ///< graded
  std::vector<Act> acts;                       ///< in this order, one connection or a few each
  std::string left_out_quick, left_out_plain;  ///< ids, comma-separated, for the report
  bool hold_session = false;  ///< the first session lasts kSteadySession, so that the device's back-off begins anew
  bool has(Point point) const;
};
Plan make_plan(const std::vector<Point>& selected, bool quick, bool tls);

}  // namespace tercet::cli::advise
