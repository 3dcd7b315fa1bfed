#include "ports/posix/image_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace tercet::posix {
namespace {

constexpr std::string_view kSelection = "selection";

bool write_all(int fd, const std::uint8_t* from, std::size_t size, off_t at) {
  while (size > 0) {
    const ssize_t done = ::pwrite(fd, from, size, at);
    if (done <= 0) return false;
    from += done, size -= static_cast<std::size_t>(done), at += done;
  }
  return true;
}

}  // namespace

ImageDirectory::ImageDirectory(std::string directory, std::uint32_t most_bytes)
    : directory_(std::move(directory)),
      store_(directory_),
      most_bytes_((most_bytes + kSectorBytes - 1) / kSectorBytes * kSectorBytes) {}

ImageDirectory::~ImageDirectory() { close_spare(); }

void ImageDirectory::close_spare() {
  if (spare_fd_ >= 0) ::close(spare_fd_);
  spare_fd_ = -1;
}

/// Slot, state, and whether the other one was rejected: a letter each.
Result<void> ImageDirectory::attach() {
  close_spare();
  std::array<std::uint8_t, 3> bytes{};
  const auto got = store_.get(kSelection, bytes);
  if (!got && got.error() == Error::io_failed) return fail(Error::io_failed);
  const bool is_known = got && *got == bytes.size() && (bytes[0] == 'a' || bytes[0] == 'b');
  running_ = is_known ? static_cast<char>(bytes[0]) : 'a';
  state_ = is_known ? static_cast<char>(bytes[1]) : kValid;
  is_spare_rejected_ = is_known && bytes[2] == 'r';
  return {};
}

Result<void> ImageDirectory::select(char slot, char state, bool is_spare_rejected) {
  const std::array<std::uint8_t, 3> bytes{static_cast<std::uint8_t>(slot), static_cast<std::uint8_t>(state),
                                          static_cast<std::uint8_t>(is_spare_rejected ? 'r' : '-')};
  return store_.set(kSelection, bytes);
}

Result<void> ImageDirectory::boot() {
  if (const auto known = attach(); !known) return known;
  if (state_ == kValid) return {};
  const auto chosen = state_ == kFresh ? select(running_, kPending, false) : select(spare(), kValid, true);
  return chosen ? attach() : chosen;
}

Result<int> ImageDirectory::open_spare() {
  if (spare_fd_ < 0) spare_fd_ = ::open(spare_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0700);
  if (spare_fd_ < 0) return fail(Error::io_failed);
  return spare_fd_;
}

Result<void> ImageDirectory::erase(std::uint32_t at) {
  if (at % kSectorBytes != 0 || at >= most_bytes_) return fail(Error::bad_argument);
  const auto fd = open_spare();
  if (!fd) return fail(fd.error());
  // What lay behind is of an older image: the file is as long as the new one has become.
  if (::ftruncate(*fd, static_cast<off_t>(at)) != 0) return fail(Error::io_failed);
  return {};
}

Result<void> ImageDirectory::write(std::uint32_t at, Bytes bytes) {
  if (at > most_bytes_ || bytes.size() > most_bytes_ - at) return fail(Error::bad_argument);
  const auto fd = open_spare();
  if (!fd || !write_all(*fd, bytes.data(), bytes.size(), static_cast<off_t>(at))) return fail(Error::io_failed);
  return {};
}

Result<void> ImageDirectory::read(std::uint32_t at, MutableBytes into) {
  if (at > most_bytes_ || into.size() > most_bytes_ - at) return fail(Error::bad_argument);
  const auto fd = open_spare();
  if (!fd) return fail(fd.error());
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t size =
        ::pread(*fd, into.data() + done, into.size() - done, static_cast<off_t>(at) + static_cast<off_t>(done));
    if (size < 0) return fail(Error::io_failed);
    if (size == 0) break;
    done += static_cast<std::size_t>(size);
  }
  for (; done < into.size(); ++done) into[done] = 0xFF;  // erased
  return {};
}

Result<ota::ImageIdentity> ImageDirectory::spare_identity() {
  const auto identity = read_image_mark(spare_file(), most_bytes_);
  const bool is_unreadable = !identity && identity.error() != Error::malformed;
  if (is_unreadable) return fail(Error::io_failed);
  return identity;
}

Result<void> ImageDirectory::activate() {
  const auto fd = open_spare();
  struct stat status {};
  const bool is_ready = fd && ::fstat(*fd, &status) == 0 && ::fchmod(*fd, 0700) == 0 && ::fsync(*fd) == 0;
  if (!is_ready) return fail(Error::io_failed);
  if (status.st_size == 0) return fail(Error::malformed);
  return select(spare(), kFresh, false);
}

Result<void> ImageDirectory::confirm() {
  if (const auto done = select(running_, kValid, false); !done) return done;
  return attach();
}

Result<void> ImageDirectory::roll_back() {
  if (::access(spare_file().c_str(), R_OK) != 0) return fail(Error::not_found);
  return select(spare(), kValid, true);
}

}  // namespace tercet::posix
