#include "platform/runtime/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tercet::runtime {
namespace {

constexpr std::size_t kLargest = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Problem system_problem(const std::string& what) {
  const int error = errno;
  return {error == ENOENT ? Error::not_found : Error::io_failed, what + ": " + std::system_category().message(error)};
}

bool write_all(int fd, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t n = ::write(fd, contents.data(), contents.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    contents.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool sync_directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.ok() && ::fsync(fd.get()) == 0;
}

}  // namespace

Outcome<void> write_file_atomically(const std::string& path, std::string_view contents, FileMode mode) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  {
    const auto bits = static_cast<mode_t>(mode);
    const Descriptor fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, bits));
    if (!fd.ok() || ::fchmod(fd.get(), bits) != 0 || !write_all(fd.get(), contents) || ::fsync(fd.get()) != 0)
      return system_problem("write " + fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0 || !sync_directory_of(path)) return system_problem("write " + path);
  return {};
}

Outcome<std::string> read_file(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return system_problem("read " + path);
  std::string contents;
  char buffer[8192];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_problem("read " + path);
    if (n == 0) return contents;
    contents.append(buffer, static_cast<std::size_t>(n));
    if (contents.size() > kLargest) return Problem{Error::too_large, "read " + path + ": over 1 MB"};
  }
}

}  // namespace tercet::runtime
