#include "ports/posix/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tercet::posix {
namespace {

constexpr std::size_t kMaxKey = 15;

/// A descriptor that closes itself.
struct File {
  explicit File(int opened) : fd(opened) {}
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd;
};

Error error_of(int code) {
  switch (code) {
    case ENOENT:
      return Error::not_found;
    case EACCES:
    case EPERM:
      return Error::denied;
    case ENOSPC:
    case EDQUOT:
      return Error::no_space;
    default:
      return Error::io_failed;
  }
}

bool is_key(std::string_view key) {
  if (key.empty() || key.size() > kMaxKey) return false;
  for (const char c : key) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!allowed) return false;
  }
  return true;
}

bool write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return fail(error_of(errno));
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(file.fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Error::io_failed);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > limit) return fail(Error::too_large);
  }
}

Result<bool> is_readable_by_others(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail(error_of(errno));
  return (info.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

std::string FileStore::path_of(std::string_view key) const { return directory_ + '/' + std::string(key); }

Result<std::size_t> FileStore::get(std::string_view key, MutableBytes into) {
  if (!is_key(key)) return fail(Error::bad_argument);
  const auto text = read_file(path_of(key));
  if (!text) return fail(text.error());
  if (text->size() > into.size()) return fail(Error::no_space);
  if (!text->empty()) std::memcpy(into.data(), text->data(), text->size());
  return text->size();
}

Result<void> FileStore::set(std::string_view key, Bytes value) {
  if (!is_key(key)) return fail(Error::bad_argument);
  ::mkdir(directory_.c_str(), 0700);
  const std::string path = path_of(key), fresh = path + ".new";
  {
    const File file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.fd < 0) return fail(error_of(errno));
    if (!write_all(file.fd, value) || ::fsync(file.fd) != 0) return fail(error_of(errno));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fail(error_of(errno));
  const File directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd < 0 || ::fsync(directory.fd) != 0) return fail(Error::io_failed);
  return {};
}

Result<void> FileStore::remove(std::string_view key) {
  if (!is_key(key)) return fail(Error::bad_argument);
  if (::unlink(path_of(key).c_str()) != 0 && errno != ENOENT) return fail(error_of(errno));
  return {};
}

}  // namespace tercet::posix
