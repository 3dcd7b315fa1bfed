#include "platform/file/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace tercet::file {
namespace {

runtime::Problem disk_problem(const std::filesystem::path& path) {
  const int error = errno;
  const std::string text = path.string() + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) return {Error::no_space, text + "; free some space on the disk"};
  return {Error::io_failed, text};
}

/// Closes itself.
struct Descriptor {
  explicit Descriptor(int at) : number(at) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

}  // namespace

Reader::~Reader() { ::close(file_); }

std::size_t Reader::read(std::uint64_t offset, MutableBytes into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(file_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

runtime::Outcome<Folder> Folder::open(const std::filesystem::path& folder) {
  std::error_code bad;
  std::filesystem::create_directories(folder, bad);
  if (bad) return runtime::Problem{Error::io_failed, folder.string() + ": cannot be made: " + bad.message()};
  return Folder(folder);
}

runtime::Outcome<void> Folder::write(std::uint64_t number, std::uint64_t offset, Bytes bytes) const {
  const auto path = part(number);
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (file.number < 0) return disk_problem(path);
  std::uint64_t at = offset;
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.number, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const auto problem = disk_problem(path);
      static_cast<void>(::ftruncate(file.number, static_cast<off_t>(offset)) == 0);  // half a block is none
      return problem;
    }
    at += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (::ftruncate(file.number, static_cast<off_t>(at)) != 0) return disk_problem(path);
  return {};
}

runtime::Outcome<void> Folder::keep(std::uint64_t number) const {
  const auto from = part(number), to = whole(number);
  if (!growing(number) && read(number)) return {};  // it has its name already: what came after that has failed
  {
    const Descriptor file(::open(from.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.number < 0 || ::fsync(file.number) != 0) return disk_problem(from);
  }
  if (::rename(from.c_str(), to.c_str()) != 0) return disk_problem(to);
  const Descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number < 0 || ::fsync(folder.number) != 0) return disk_problem(folder_);
  return {};
}

std::optional<std::uint64_t> Folder::growing(std::uint64_t number) const {
  struct stat about {};
  if (::stat(part(number).c_str(), &about) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(about.st_size);
}

std::shared_ptr<const Reader> Folder::read(std::uint64_t number, bool is_growing) const {
  const auto path = is_growing ? part(number) : whole(number);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  struct stat about {};
  if (::fstat(file, &about) != 0) {
    ::close(file);
    return nullptr;
  }
  return std::shared_ptr<const Reader>(new Reader(file, static_cast<std::uint64_t>(about.st_size)));
}

void Folder::remove(std::uint64_t number) const {
  ::unlink(part(number).c_str());
  ::unlink(whole(number).c_str());
}

void Folder::keep_only(const std::set<std::uint64_t>& numbers) const {
  std::error_code bad;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, bad)) {
    const std::string name = entry.path().filename().string();
    std::uint64_t number = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
    if (read.ec != std::errc() || numbers.contains(number)) continue;
    std::error_code ignored;
    std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace tercet::file
