#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tercet::cli {

/// Private files (0600) that appear whole or not at all, together: each is written and synced under another name beside
/// its place, then all are put in place. A file that is there already is never lost, unless `replace` says so. Whatever
/// was not committed is removed with this.
class NewFiles {
 public:
  explicit NewFiles(bool replace) : replace_(replace) {}
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  ~NewFiles();

  /// False when something is at `path` already (and must not be replaced); `problem` names the remedy.
  static bool is_free(const std::string& path, bool replace, std::string& problem);
  /// False when it cannot be written; `problem` says why.
  bool add(const std::string& path, std::string_view bytes, std::string& problem);
  /// Puts all in place. False when one could not be: then none is, but for files already replaced.
  bool commit(std::string& problem);

 private:
  struct Waiting {
    std::string path, fresh;
    bool in_place = false;
  };
  bool put(Waiting& file, std::string& problem) const;
  bool replace_, committed_ = false;
  std::vector<Waiting> files_;
};

}  // namespace tercet::cli
