#pragma once
#include <optional>
#include <string_view>

#include "tercet/base/one_copy.h"
#include "tercet/base/result.h"
#include "tercet/mqtt/utf8.h"

/// Topic names and topic filters (section 4.7 of the specification). Nothing is split, copied or compiled.
namespace tercet::mqtt {

/// Walks the levels of a topic name or filter; "a//b" has an empty one in the middle.
class Levels {
 public:
  explicit Levels(std::string_view topic) : rest_(topic) {}
  /// The next level, or nothing after the last.
  std::optional<std::string_view> next() {
    if (done_) return std::nullopt;
    const auto slash = rest_.find('/');
    const auto level = rest_.substr(0, slash);
    done_ = slash == std::string_view::npos;
    if (!done_) rest_.remove_prefix(slash + 1);
    return level;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

namespace detail {
bool is_valid_topic_beyond_ascii(std::string_view topic);
}

/// A name one may publish to: 1..65535 bytes of MQTT text without `+` and `#` [MQTT-4.7.1-1, MQTT-4.7.3-1].
TERCET_ONE_COPY inline bool is_valid_topic(std::string_view topic) {
  if (topic.empty() || topic.size() > 0xFFFF) return false;
  return is_ascii_without<'+', '#'>(topic) || detail::is_valid_topic_beyond_ascii(topic);
}

/// A filter one may subscribe to: as above, with `+` as a whole level and `#` as the whole last level
/// [MQTT-4.7.1-2, MQTT-4.7.1-3]. "$share/{group}/{filter}" must have a group without wildcards and a filter
/// [MQTT-4.8.2-1, MQTT-4.8.2-2].
bool is_valid_filter(std::string_view filter);

/// Whether a valid filter selects a valid topic name. A topic that starts with `$` is selected only by a filter that
/// does too [MQTT-4.7.2-1]. Shared filters: hand in SharedFilter::filter.
bool matches(std::string_view filter, std::string_view topic);

/// "$share/{group}/{filter}".
struct SharedFilter {
  std::string_view group;
  std::string_view filter;
};
inline constexpr std::string_view kSharePrefix = "$share/";
inline bool is_shared(std::string_view filter) { return filter.starts_with(kSharePrefix); }
/// Errors: not_found, an ordinary filter; malformed, no group, a wildcard in it, or no filter after it.
Result<SharedFilter> parse_shared(std::string_view filter);

}  // namespace tercet::mqtt
