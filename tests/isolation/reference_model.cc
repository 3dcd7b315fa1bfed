#include "tests/isolation/reference_model.h"

#include <algorithm>
#include <vector>

namespace tercet::isolation {
namespace {

using Levels = std::vector<std::string>;

Levels split(const std::string& text) {
  Levels levels{""};
  for (const char c : text) {
    if (c == '/')
      levels.emplace_back();
    else
      levels.back() += c;
  }
  return levels;
}

/// Patterns with {pk}, {dn} and * for one level that may be anything. Which way the request goes; its reply goes the
/// other.
struct Row {
  const char* pattern;
  char way;        ///< u: up, d: down
  bool has_reply;  ///< the same with _reply goes the other way
};
constexpr Row kRows[] = {
    {"/sys/{pk}/{dn}/thing/event/property/post", 'u', true},
    {"/sys/{pk}/{dn}/thing/service/property/set", 'd', true},
    {"/sys/{pk}/{dn}/thing/service/property/get", 'd', true},
    {"/sys/{pk}/{dn}/thing/event/*/post", 'u', true},
    {"/sys/{pk}/{dn}/thing/service/*", 'd', true},
    {"/sys/{pk}/{dn}/rrpc/request/*", 'd', false},
    {"/sys/{pk}/{dn}/rrpc/response/*", 'u', false},
    {"/sys/{pk}/{dn}/thing/event/property/batch/post", 'u', true},
    {"/sys/{pk}/{dn}/thing/event/property/history/post", 'u', true},
    {"/sys/{pk}/{dn}/thing/event/property/pack/post", 'u', true},
    {"/sys/{pk}/{dn}/thing/property/desired/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/property/desired/delete", 'u', true},
    {"/sys/{pk}/{dn}/thing/model/up_raw", 'u', true},
    {"/sys/{pk}/{dn}/thing/model/down_raw", 'd', true},
    {"/sys/{pk}/{dn}/thing/dsltemplate/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/dynamicTsl/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/deviceinfo/update", 'u', true},
    {"/sys/{pk}/{dn}/thing/deviceinfo/delete", 'u', true},
    {"/sys/{pk}/{dn}/thing/deviceinfo/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/config/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/config/push", 'd', true},
    {"/sys/{pk}/{dn}/thing/config/log/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/log/post", 'u', true},
    {"/ota/device/inform/{pk}/{dn}", 'u', false},
    {"/ota/device/progress/{pk}/{dn}", 'u', false},
    {"/ota/device/upgrade/{pk}/{dn}", 'd', false},
    {"/sys/{pk}/{dn}/thing/ota/firmware/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/file/upload/mqtt/init", 'u', true},
    {"/sys/{pk}/{dn}/thing/file/upload/mqtt/send", 'u', true},
    {"/sys/{pk}/{dn}/thing/file/upload/mqtt/cancel", 'u', true},
    {"/shadow/update/{pk}/{dn}", 'u', false},
    {"/shadow/get/{pk}/{dn}", 'd', false},
    {"/ext/ntp/{pk}/{dn}/request", 'u', false},
    {"/ext/ntp/{pk}/{dn}/response", 'd', false},
    {"/sys/{pk}/{dn}/thing/job/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/job/update", 'u', true},
    {"/sys/{pk}/{dn}/thing/disable", 'd', true},
    {"/sys/{pk}/{dn}/thing/enable", 'd', true},
    {"/sys/{pk}/{dn}/thing/delete", 'd', true},
    {"/sys/{pk}/{dn}/thing/topo/add", 'u', true},
    {"/sys/{pk}/{dn}/thing/topo/delete", 'u', true},
    {"/sys/{pk}/{dn}/thing/topo/get", 'u', true},
    {"/sys/{pk}/{dn}/thing/topo/change", 'd', true},
    {"/sys/{pk}/{dn}/thing/sub/register", 'u', true},
    {"/sys/{pk}/{dn}/thing/sub/unregister", 'u', true},
    {"/ext/session/{pk}/{dn}/combine/login", 'u', true},
    {"/ext/session/{pk}/{dn}/combine/logout", 'u', true},
    {"/ext/error/{pk}/{dn}", 'd', false},
};

bool matches(const std::string& pattern, const Names& own, const Levels& topic) {
  const Levels wanted = split(pattern);
  if (wanted.size() != topic.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{pk}"   ? topic[i] != own.product
        : wanted[i] == "{dn}" ? topic[i] != own.device
        : wanted[i] == "*"    ? topic[i].empty()
                              : wanted[i] != topic[i])
      return false;
  }
  return true;
}

bool goes(char way, const Names& own, const std::string& topic) {
  const Levels levels = split(topic);
  const bool reply = topic.ends_with("_reply");
  const Levels request = reply ? split(topic.substr(0, topic.size() - 6)) : levels;
  for (const Row& row : kRows) {
    // A service or event named `x_reply` does not exist: where there are replies the suffix always means one.
    if ((!reply || !row.has_reply) && row.way == way && matches(row.pattern, own, levels)) return true;
    if (reply && row.has_reply && row.way != way && matches(row.pattern, own, request)) return true;
  }
  return false;
}

bool is_system_family(const std::string& first) {
  return first == "sys" || first == "ext" || first == "ota" || first == "shadow" || first == "broadcast";
}

std::size_t slashes(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '/'));
}

bool well_formed_topic(const std::string& topic) {
  if (topic.empty() || topic.size() > 128 || topic[0] != '/') return false;
  if (topic.find_first_of("+#") != std::string::npos || topic.find('\0') != std::string::npos) return false;
  const Levels levels = split(topic);
  return std::none_of(levels.begin() + 1, levels.end(), [](const std::string& level) { return level.empty(); });
}

bool well_formed_filter(const std::string& filter) {
  if (filter.empty() || filter.size() > 128 || filter[0] != '/') return false;
  const Levels levels = split(filter);
  for (std::size_t i = 1; i < levels.size(); ++i) {
    const std::string& level = levels[i];
    if (level != "+" && level != "#" && level.find_first_of("+#") != std::string::npos) return false;
    if (level == "#" && i + 1 != levels.size()) return false;
  }
  return true;
}

}  // namespace

bool may_publish(const Names& own, const std::string& whole) {
  const std::string topic = whole.substr(0, whole.find('?'));
  if (!well_formed_topic(topic)) return false;
  const Levels levels = split(topic);
  if (is_system_family(levels[1])) {
    if (levels[1] == "ext" && levels.size() > 4 && levels[2] == "rrpc") return true;
    return goes('u', own, topic);
  }
  return levels.size() >= 4 && levels[1] == own.product && levels[2] == own.device && slashes(topic) <= 7;
}

bool may_subscribe(const Names& own, const std::string& filter) {
  if (!well_formed_filter(filter)) return false;
  const Levels levels = split(filter);
  const bool wild = filter.find_first_of("+#") != std::string::npos;
  const auto is = [&levels](std::size_t i, const std::string& text) { return i < levels.size() && levels[i] == text; };
  const bool empty_level =
      std::any_of(levels.begin() + 1, levels.end(), [](const std::string& level) { return level.empty(); });
  if (empty_level && !wild && !is(2, "rrpc")) return false;
  if (is(1, "sys")) {
    if (!is(2, own.product) || !is(3, own.device)) return false;
    return wild || goes('d', own, filter) || !goes('u', own, filter);  // unknown ones below its own names are harmless
  }
  if (is(1, "ext") && is(2, "rrpc")) return true;
  if (is(1, "ext") && (is(2, "register") || is(2, "regnwl"))) return levels.size() == 3 || wild;
  if (is(1, "ext") && is(2, "auth"))
    return filter == "/ext/auth/identity/response" || (wild && is(3, "identity") && is(4, "response"));
  if (is(1, "broadcast")) return is(2, own.product) && levels.size() >= 4;
  // Where a wildcard is, whatever lies below the device's own names may come; else what does come down.
  if (is(1, "ota")) {
    if (!is(2, "device") || !is(4, own.product) || !is(5, own.device)) return false;
    return wild || (levels.size() == 6 && (is(3, "upgrade") || is(3, "request")));
  }
  if (is(1, "shadow")) return is(3, own.product) && is(4, own.device) && (wild || (levels.size() == 5 && is(2, "get")));
  if (is(1, "ext"))
    return (is(2, "ntp") || is(2, "session") || is(2, "error")) && is(3, own.product) && is(4, own.device) &&
           (wild || goes('d', own, filter));
  return is(1, own.product) && is(2, own.device) && levels.size() >= 4 && slashes(filter) <= 7;
}

}  // namespace tercet::isolation
