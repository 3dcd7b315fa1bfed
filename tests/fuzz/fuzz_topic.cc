#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tercet/base/check.h"
#include "tercet/mqtt/topic.h"

/// A filter, a newline, a topic name. The matcher must agree with the plainest one there is, and the fast checks of
/// text with slow ones.

namespace {

using namespace tercet::mqtt;
using Levels = std::vector<std::string_view>;

Levels split(std::string_view text) {
  Levels levels;
  for (std::size_t at = 0;;) {
    const auto slash = text.find('/', at);
    levels.push_back(text.substr(at, slash - at));
    if (slash == std::string_view::npos) return levels;
    at = slash + 1;
  }
}

bool plainly_matches(std::string_view filter, std::string_view topic) {
  const Levels want = split(filter), have = split(topic);
  if (topic[0] == '$' && filter[0] != '$') return false;
  for (std::size_t i = 0;; ++i) {
    if (i < want.size() && want[i] == "#") return true;
    if (i == want.size() || i == have.size()) return want.size() == have.size();
    if (want[i] != "+" && want[i] != have[i]) return false;
  }
}

bool plainly_clean(std::string_view text) {
  for (const char c : text)
    if (c <= 0 || c == '+' || c == '#') return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const auto newline = input.find('\n');
  const std::string filter = input.substr(0, newline);
  const std::string topic = newline == std::string::npos ? std::string{} : input.substr(newline + 1);

  TERCET_CHECK((is_ascii_without<'+', '#'>(topic)) == plainly_clean(topic));
  if (is_valid_topic(topic)) {
    TERCET_CHECK(is_valid_utf8(topic));
    TERCET_CHECK(is_valid_filter(topic) || is_shared(topic));
    TERCET_CHECK(matches(topic, topic));
    TERCET_CHECK(matches("#", topic) == (topic[0] != '$'));
  }
  if (is_valid_filter(filter) && is_valid_topic(topic)) {
    const auto shared = parse_shared(filter);
    const std::string_view plain = shared ? shared->filter : std::string_view{filter};
    TERCET_CHECK(matches(plain, topic) == plainly_matches(plain, topic));
  }
  return 0;
}
