#include "ports/posix/image_mark.h"

#include <algorithm>

#include "ports/posix/files.h"

namespace tercet::posix {
namespace {

bool is_graphic(char c) { return c > ' ' && c < 0x7F; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The word that begins here; empty when it is too long to be one.
std::string_view word(std::string_view text) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), is_graphic);
  const std::string_view found = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  return found.size() <= ota::kMaxVersionBytes ? found : std::string_view{};
}

bool ends(std::string_view rest) { return rest.empty() || rest[0] == '\n' || rest[0] == '\r' || rest[0] == '\0'; }

/// What follows the mark, if it is what the mark promises.
bool read_words(std::string_view text, ota::ImageIdentity& identity) {
  const std::string_view version = word(text);
  if (!std::any_of(version.begin(), version.end(), is_digit)) return false;
  std::string_view rest = text.substr(version.size()), project;
  if (rest.starts_with(' ')) {
    project = word(rest.substr(1));
    if (project.empty()) return false;
    rest.remove_prefix(1 + project.size());
  }
  return ends(rest) && identity.version.assign(version) && identity.project.assign(project);
}

}  // namespace

Result<ota::ImageIdentity> find_image_mark(std::string_view image) {
  for (std::size_t at = image.find(kImageMark); at != std::string_view::npos; at = image.find(kImageMark, at + 1)) {
    ota::ImageIdentity identity;
    if (read_words(image.substr(at + kImageMark.size()), identity)) return identity;
  }
  return fail(Error::malformed);
}

Result<ota::ImageIdentity> read_image_mark(const std::string& file, std::uint32_t most_bytes) {
  const auto image = read_file(file, most_bytes);
  if (!image) return fail(image.error());
  return find_image_mark(*image);
}

}  // namespace tercet::posix
