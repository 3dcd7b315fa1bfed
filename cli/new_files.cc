#include "cli/new_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tercet::cli {
namespace {

std::string reason() { return std::strerror(errno); }

/// This file system does not know how.
bool is_unknown(int code) { return code == EINVAL || code == ENOSYS; }

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string folder_there(const std::string& path) { return path + " is a folder; name another file"; }

std::string taken(const std::string& path) {
  return path + " exists and is left as it is; name another file, or replace it with --force";
}

bool write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return ::fsync(fd) == 0;
}

/// The name as well as the bytes must survive a power cut.
void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

NewFiles::~NewFiles() {
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    if (!file->in_place) ::unlink(file->fresh.c_str());
    if (committed_) continue;
    if (file->is_new) ::unlink(file->path.c_str());
    if (file->has_old) ::rename(file->fresh.c_str(), file->path.c_str());
  }
}

bool NewFiles::is_free(const std::string& path, bool replace, std::string& problem) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || (replace && !S_ISDIR(info.st_mode))) return true;
  problem = S_ISDIR(info.st_mode) ? folder_there(path) : taken(path);
  return false;
}

bool NewFiles::add(const std::string& path, std::string_view bytes, std::string& problem) {
  if (!is_free(path, replace_, problem)) return false;
  std::string fresh = path + ".XXXXXX";
  const int fd = ::mkostemp(fresh.data(), O_CLOEXEC);  // 0600
  if (fd < 0) {
    problem = path + " cannot be written: " + reason();
    return false;
  }
  files_.push_back({path, fresh});
  const bool written = ::fchmod(fd, 0600) == 0 && write_whole(fd, bytes);
  if (!written) problem = path + " cannot be written: " + reason();
  return ::close(fd) == 0 && written;
}

bool NewFiles::put(Waiting& file, std::string& problem) const {
  if (is_folder(file.path)) {
    problem = folder_there(file.path);
    return false;
  }
  file.is_new = put_new(file);
  if (!file.is_new && replace_ && errno == EEXIST)
    file.has_old = ::renameat2(AT_FDCWD, file.fresh.c_str(), AT_FDCWD, file.path.c_str(), RENAME_EXCHANGE) == 0;
  file.in_place = file.is_new || file.has_old;
  if (!file.in_place && replace_)  // not every file system can exchange names, or link
    file.in_place = ::rename(file.fresh.c_str(), file.path.c_str()) == 0;
  if (!file.in_place) problem = errno == EEXIST ? taken(file.path) : file.path + " cannot be written: " + reason();
  return file.in_place;
}

/// Where nothing is. errno: EEXIST, something is.
bool NewFiles::put_new(const Waiting& file) {
  int done = ::renameat2(AT_FDCWD, file.fresh.c_str(), AT_FDCWD, file.path.c_str(), RENAME_NOREPLACE);
  if (done != 0 && is_unknown(errno)) {
    done = ::link(file.fresh.c_str(), file.path.c_str());
    if (done == 0) ::unlink(file.fresh.c_str());
  }
  return done == 0;
}

bool NewFiles::commit(std::string& problem) {
  for (Waiting& file : files_)
    if (!put(file, problem)) return false;
  for (const Waiting& file : files_) sync_folder_of(file.path);
  committed_ = true;
  for (const Waiting& file : files_)
    if (file.has_old) ::unlink(file.fresh.c_str());
  return true;
}

}  // namespace tercet::cli
