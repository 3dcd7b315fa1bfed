#include <boost/json.hpp>
#include <cstdio>

#include "cli/provision.h"
#include "cli/provision_source.h"
#include "ports/posix/files.h"

namespace tercet::cli {
namespace {

using provision::NvsEntry;
using provision::NvsImage;
using provision::NvsType;

/// Only what is known to be no secret is shown, on one line.
std::string shown(const NvsEntry& entry) {
  const bool is_text = entry.type == NvsType::text;
  const std::string size = std::to_string(entry.bytes.size()) + (is_text ? " characters" : " bytes");
  if (provision::number_bytes(entry.type) != 0) {
    if (!is_public(entry)) return "********";
    return (static_cast<std::uint8_t>(entry.type) & 0x10) != 0 ? std::to_string(static_cast<std::int64_t>(entry.number))
                                                               : std::to_string(entry.number);
  }
  if (!is_public(entry) || !is_text) return "******** (" + size + ")";
  std::string text = entry.bytes.substr(0, entry.bytes.find_first_of("\r\n"));
  if (text.size() < entry.bytes.size()) text += " ... (" + size + ")";
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return text;
}

std::string padded(std::string text, std::size_t columns) {
  if (text.size() < columns) text.append(columns - text.size(), ' ');
  return text;
}

std::string as_json(const NvsImage& image) {
  boost::json::array entries, problems;
  for (const NvsEntry& entry : image.entries)
    entries.push_back({{"namespace", entry.name_space},
                       {"key", entry.key},
                       {"type", provision::name(entry.type)},
                       {"value", shown(entry)}});
  for (const std::string& problem : image.problems) problems.emplace_back(problem);
  return boost::json::serialize(
             boost::json::object{{"entries", entries}, {"erased", image.erased}, {"problems", problems}}) +
         "\n";
}

}  // namespace

std::string render_image(const NvsImage& image) {
  std::string text;
  for (const NvsEntry& entry : image.entries)
    text += padded(entry.name_space, 15) + ' ' + padded(entry.key, 15) + ' ' +
            padded(std::string(provision::name(entry.type)), 4) + ' ' + shown(entry) + '\n';
  if (image.erased != 0)
    text += std::to_string(image.erased) + " erased entries: what was in them can still be read in the image\n";
  return text;
}

int show_image(const std::string& image_file, const std::string& keys_file, bool json) {
  std::string problem;
  const auto bytes = posix::read_file(image_file, provision::kMaxImageBytes);
  if (!bytes) {
    std::fprintf(stderr, "tercet: %s cannot be read\n", image_file.c_str());
    return 2;
  }
  std::optional<provision::NvsKeys> keys;
  if (!keys_file.empty()) {
    auto partition = read_private(keys_file, problem);
    const auto read = partition ? provision::NvsKeys::parse(as_bytes(*partition), problem)
                                : Result<provision::NvsKeys>(fail(partition.error()));
    if (!read) {
      std::fprintf(stderr, "tercet: %s: %s\n", keys_file.c_str(), problem.c_str());
      return 2;
    }
    wipe(*partition);
    keys = *read;
  }
  const NvsImage image = provision::decode_nvs(as_bytes(*bytes), keys ? &*keys : nullptr);
  std::fputs((json ? as_json(image) : render_image(image)).c_str(), stdout);
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < image.problems.size() && i < kShown; ++i)
    std::fprintf(stderr, "tercet: %s: %s\n", image_file.c_str(), image.problems[i].c_str());
  if (image.problems.size() > kShown) std::fprintf(stderr, "tercet: and %zu more\n", image.problems.size() - kShown);
  return image.problems.empty() ? 0 : 1;
}

}  // namespace tercet::cli
