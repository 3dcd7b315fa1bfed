#include "ports/posix/file_flash.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tercet::posix {
namespace {

constexpr std::uint32_t kUnit = 4;

Error error_of(int code) {
  if (code == EWOULDBLOCK) return Error::would_block;
  if (code == EACCES || code == EPERM) return Error::denied;
  return code == ENOSPC || code == EDQUOT ? Error::no_space : Error::io_failed;
}

Result<void> write_at(int file, off_t at, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(file, bytes.data(), bytes.size(), at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return fail(error_of(errno));
    at += done;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

Result<void> read_at(int file, off_t at, MutableBytes into) {
  while (!into.empty()) {
    const ssize_t done = ::pread(file, into.data(), into.size(), at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return fail(Error::io_failed);
    at += done;
    into = into.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

std::array<std::uint8_t, FileFlash::kSectorBytes> erased_sector() {
  std::array<std::uint8_t, FileFlash::kSectorBytes> bytes;
  bytes.fill(0xFF);
  return bytes;
}

/// The file's sectors, at least `wanted`; what is missing is made.
Result<std::uint32_t> make_sectors(int file, std::uint32_t wanted) {
  struct stat info {};
  if (::fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) return fail(Error::io_failed);
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0 && ::fchmod(file, 0600) != 0) return fail(Error::denied);
  const auto whole = static_cast<std::uint32_t>(std::min<off_t>(info.st_size / FileFlash::kSectorBytes, 0x7FFF));
  const auto blank = erased_sector();
  for (std::uint32_t sector = whole; sector < wanted; ++sector)
    if (const auto made = write_at(file, off_t{sector} * FileFlash::kSectorBytes, blank); !made)
      return fail(made.error());
  return std::max(whole, wanted);
}

}  // namespace

Result<std::unique_ptr<FileFlash>> FileFlash::open(const std::string& path, std::uint32_t sectors) {
  if (sectors < 2 || sectors > 0x7FFF) return fail(Error::bad_argument);
  if (const auto slash = path.rfind('/'); slash != std::string::npos && slash > 0)
    ::mkdir(path.substr(0, slash).c_str(), 0700);
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_DSYNC | O_NOFOLLOW, 0600);
  if (file < 0) return fail(error_of(errno));
  std::unique_ptr<FileFlash> flash(new FileFlash(file, 0));
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) return fail(error_of(errno));
  const auto made = make_sectors(file, sectors);
  if (!made) return fail(made.error());
  flash->sectors_ = *made;
  return flash;
}

FileFlash::~FileFlash() { ::close(file_); }

bool FileFlash::has(std::uint32_t at, std::size_t size) const {
  const std::uint64_t bytes = std::uint64_t{sectors_} * kSectorBytes;
  return at <= bytes && size <= bytes - at;
}

Result<void> FileFlash::read(std::uint32_t at, MutableBytes into) {
  if (!has(at, into.size())) return fail(Error::bad_argument);
  return read_at(file_, at, into);
}

Result<void> FileFlash::program(std::uint32_t at, Bytes bytes) {
  if (at % kUnit != 0 || bytes.size() % kUnit != 0 || !has(at, bytes.size())) return fail(Error::bad_argument);
  std::array<std::uint8_t, 256> cells;
  while (!bytes.empty()) {
    const MutableBytes part = MutableBytes{cells}.first(std::min(bytes.size(), cells.size()));
    if (const auto got = read_at(file_, at, part); !got) return got;
    for (std::size_t i = 0; i < part.size(); ++i) part[i] = static_cast<std::uint8_t>(part[i] & bytes[i]);
    if (const auto put = write_at(file_, at, part); !put) return put;
    at += static_cast<std::uint32_t>(part.size());
    bytes = bytes.subspan(part.size());
  }
  return {};
}

Result<void> FileFlash::erase(std::uint32_t sector) {
  if (sector >= sectors_) return fail(Error::bad_argument);
  return write_at(file_, off_t{sector} * kSectorBytes, erased_sector());
}

}  // namespace tercet::posix
