#include "tercet/mqtt/topic.h"

namespace tercet::mqtt {
namespace {

/// The grammar of wildcards alone: each stands where a level begins and ends, `#` at the very end.
bool has_good_wildcards(std::string_view filter) {
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const char c = filter[i];
    if (c != '+' && c != '#') continue;
    const bool is_last = i + 1 == filter.size();
    if (i > 0 && filter[i - 1] != '/') return false;
    if (!is_last && (c == '#' || filter[i + 1] != '/')) return false;
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

/// One walk over the bytes: in a valid filter `+` and `#` are always whole levels, so levels need not be cut out first.
bool matches(std::string_view filter, std::string_view topic) {
  if (topic.starts_with('$') && !filter.starts_with('$')) return false;  // [MQTT-4.7.2-1]
  std::size_t t = 0;
  for (std::size_t f = 0; f < filter.size(); ++f) {
    const char want = filter[f];
    if (want == '#') return true;
    if (want == '+') {
      while (t < topic.size() && topic[t] != '/') ++t;
      continue;
    }
    if (t == topic.size()) return filter.substr(f) == "/#";  // "a/#" selects "a" too [MQTT-4.7.1-2]
    if (want != topic[t++]) return false;
  }
  return t == topic.size();
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
