#include "platform/server/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tercet::server {
namespace {

runtime::Problem io_problem(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  std::string detail = path.string() + ": " + what + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) return {Error::no_space, detail + "; free some space on the disk"};
  return {Error::io_failed, detail + "; make it readable and writable for this user, or name another with --data"};
}

}  // namespace

runtime::Outcome<std::unique_ptr<DataDir>> DataDir::open(const std::string& path) {
  std::error_code bad;
  const std::filesystem::path absolute = std::filesystem::absolute(path, bad);
  const bool existed = std::filesystem::exists(absolute, bad);
  std::filesystem::create_directories(absolute, bad);
  if (bad)
    return runtime::Problem{Error::io_failed, absolute.string() + ": cannot be made: " + bad.message() +
                                                  "; name a writable directory with --data"};
  if (!existed) ::chmod(absolute.c_str(), 0700);
  struct stat about {};
  if (::stat(absolute.c_str(), &about) != 0) return io_problem(absolute, "cannot be read");
  if ((about.st_mode & 077) != 0)
    return runtime::Problem{
        Error::denied,
        absolute.string() + ": others may enter it and it holds secrets; run: chmod 700 " + absolute.string()};
  const int lock = ::open((absolute / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return io_problem(absolute / "lock", "cannot be opened");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return runtime::Problem{Error::already_exists, absolute.string() +
                                                       ": another `tercet serve` is using it; stop that one, or name "
                                                       "another directory with --data"};
  }
  const bool is_new = !std::filesystem::exists(absolute / "registry.db", bad);
  std::unique_ptr<DataDir> opened(new DataDir(absolute, lock, is_new));
  // Devices are registered before anything of theirs is stored: what is stored here must not become nobody's.
  const bool empty = is_new || std::filesystem::file_size(absolute / "registry.db", bad) == 0;
  if (empty && std::filesystem::exists(absolute / "stream" / "CURRENT", bad))
    return runtime::Problem{Error::malformed,
                            (absolute / "registry.db").string() + (is_new ? " is missing" : " is empty") +
                                " although devices' data is in stream/: restore it from a backup, or move the whole "
                                "directory away to begin anew"};
  return opened;
}

DataDir::~DataDir() { ::close(lock_); }

runtime::Outcome<registry::SecretBox> DataDir::master_key() const {
  const auto key_file = file("master.key");
  std::error_code bad;
  const bool given = std::getenv("TERCET_MASTER_KEY") != nullptr;
  if (is_new_ && !given && !std::filesystem::exists(key_file, bad)) {
    const auto made = registry::SecretBox::create_file(key_file);
    if (!made) return made.problem();
  }
  return registry::SecretBox::from_environment_or(key_file);
}

}  // namespace tercet::server
