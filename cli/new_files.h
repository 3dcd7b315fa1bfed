#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tercet::cli {

/// Private files (0600) that appear whole or not at all, together: each is written and synced under another name beside
/// its place, then all are put in place, in the order of add(). A file that is there already is never lost, unless
/// `replace` says so, and then not before all are in place. Whatever was not committed is removed with this.
class NewFiles {
 public:
  explicit NewFiles(bool replace) : replace_(replace) {}
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  ~NewFiles();

  /// False when something is at `path` already and must not be replaced, as a folder never is; `problem` names the
  /// remedy.
  static bool is_free(const std::string& path, bool replace, std::string& problem);
  /// False when it cannot be written; `problem` says why.
  bool add(const std::string& path, std::string_view bytes, std::string& problem);
  /// Puts all in place. False when one could not be: then none is, and what was there before is there again. (On a
  /// file system that cannot exchange two names, files already replaced stay replaced.)
  bool commit(std::string& problem);

 private:
  struct Waiting {
    std::string path, fresh;
    bool in_place = false;
    bool is_new = false;   ///< in place, and nothing was there before
    bool has_old = false;  ///< in place, and what was there before is under the name `fresh`
  };
  bool put(Waiting& file, std::string& problem) const;
  static bool put_new(const Waiting& file);
  bool replace_, committed_ = false;
  std::vector<Waiting> files_;
};

}  // namespace tercet::cli
