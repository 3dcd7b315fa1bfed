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
  for (const Waiting& file : files_) {
    if (!file.in_place) ::unlink(file.fresh.c_str());
    if (file.in_place && !committed_ && !replace_) ::unlink(file.path.c_str());
  }
}

bool NewFiles::is_free(const std::string& path, bool replace, std::string& problem) {
  struct stat info {};
  if (replace || ::lstat(path.c_str(), &info) != 0) return true;
  problem = taken(path);
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
  int done = replace_ ? ::rename(file.fresh.c_str(), file.path.c_str())
                      : ::renameat2(AT_FDCWD, file.fresh.c_str(), AT_FDCWD, file.path.c_str(), RENAME_NOREPLACE);
  if (done != 0 && !replace_ && (errno == EINVAL || errno == ENOSYS)) {  // this file system does not know how
    done = ::link(file.fresh.c_str(), file.path.c_str());
    if (done == 0) ::unlink(file.fresh.c_str());
  }
  if (done != 0) problem = errno == EEXIST ? taken(file.path) : file.path + " cannot be written: " + reason();
  file.in_place = done == 0;
  return file.in_place;
}

bool NewFiles::commit(std::string& problem) {
  for (Waiting& file : files_)
    if (!put(file, problem)) return false;
  for (const Waiting& file : files_) sync_folder_of(file.path);
  committed_ = true;
  return true;
}

}  // namespace tercet::cli
