#include "tercet/mqtt/topic.h"

namespace tercet::mqtt {
namespace {

/// The grammar of wildcards alone.
bool has_good_wildcards(std::string_view filter) {
  Levels levels{filter};
  for (auto level = levels.next(); level;) {
    const auto following = levels.next();
    if (*level == "#") return !following;
    if (*level != "+" && level->find_first_of("+#") != std::string_view::npos) return false;
    level = following;
  }
  return true;
}

}  // namespace

namespace detail {

bool is_valid_topic_beyond_ascii(std::string_view topic) {
  return topic.find_first_of("+#") == std::string_view::npos && is_valid_utf8(topic);
}

}  // namespace detail

bool is_valid_filter(std::string_view filter) {
  if (filter.empty() || filter.size() > 0xFFFF || !is_valid_utf8(filter)) return false;
  const auto shared = parse_shared(filter);
  if (shared) return has_good_wildcards(shared->filter);
  return shared.error() == Error::not_found && has_good_wildcards(filter);
}

bool matches(std::string_view filter, std::string_view topic) {
  if (topic.starts_with('$') && !filter.starts_with('$')) return false;  // [MQTT-4.7.2-1]
  Levels want{filter}, have{topic};
  for (;;) {
    const auto w = want.next();
    if (w == "#") return true;
    const auto h = have.next();
    if (!w || !h) return !w && !h;
    if (*w != "+" && *w != *h) return false;
  }
}

Result<SharedFilter> parse_shared(std::string_view filter) {
  if (!is_shared(filter)) return fail(Error::not_found);
  const auto rest = filter.substr(kSharePrefix.size());
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == rest.size()) return fail(Error::malformed);
  const SharedFilter shared{rest.substr(0, slash), rest.substr(slash + 1)};
  if (shared.group.find_first_of("+#") != std::string_view::npos) return fail(Error::malformed);
  return shared;
}

}  // namespace tercet::mqtt
