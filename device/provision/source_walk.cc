#include "provision/source_walk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "provision/source_check.h"

namespace tercet::provision {
namespace {
namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxFileBytes = 2 * 1024 * 1024;

bool is_left_out(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  std::error_code bad;
  if (name.starts_with('.') || entry.is_symlink(bad)) return true;
  if (!entry.is_directory(bad)) return false;
  return name == "node_modules" || name == "managed_components" || fs::exists(entry.path() / "CMakeCache.txt", bad);
}

struct Walk {
  std::ostream& err;
  std::size_t files = 0, findings = 0;
  bool unreadable = false;

  void read(const fs::path& path) {
    std::error_code bad;
    const auto size = fs::file_size(path, bad);
    std::ifstream in(path, std::ios::binary);
    if (bad || !in) {
      err << "check-source: " << path.string() << " cannot be read\n";
      unreadable = true;
      return;
    }
    if (size > kMaxFileBytes) return;
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text.find('\0') != std::string::npos) return;
    ++files;
    for (const SourceFinding& found : find_secrets(path.filename().string(), text)) {
      err << path.string() << ":" << found.line << ": " << found.what << "\n";
      ++findings;
    }
  }

  void enter(const fs::path& folder) {
    std::error_code bad;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator at(folder, bad), end; !bad && at != end; at.increment(bad)) entries.push_back(*at);
    if (bad) {
      err << "check-source: " << folder.string() << " cannot be read\n";
      unreadable = true;
    }
    std::sort(entries.begin(), entries.end());
    for (const auto& entry : entries) {
      if (is_left_out(entry)) continue;
      if (entry.is_directory(bad)) enter(entry.path());
      if (entry.is_regular_file(bad)) read(entry.path());
    }
  }
};

}  // namespace

int check_source(const std::vector<std::string>& paths, std::ostream& out, std::ostream& err) {
  if (paths.empty()) {
    err << "check-source: name the folders or files of your source\n";
    return 2;
  }
  Walk walk{err};
  for (const std::string& path : paths) {
    std::error_code bad;
    if (fs::is_directory(path, bad))
      walk.enter(path);
    else
      walk.read(path);
  }
  if (walk.findings != 0) {
    err << "check-source: " << walk.findings << (walk.findings == 1 ? " secret" : " secrets") << " in source\n"
        << "  cause: whoever has the source, its history or the firmware has the device; all boards would have one "
           "secret\n"
        << "  remedy: take it out, and replace it on the platform, since it has been known; write it into the board "
           "with\n"
        << "  `tercet provision` (docs/provisioning.md). If it is none, write not-a-secret in a comment on its line\n";
    return 1;
  }
  if (walk.unreadable) return 2;
  out << "check-source: no secret in " << walk.files << (walk.files == 1 ? " file" : " files") << "\n";
  return 0;
}

}  // namespace tercet::provision
