#include "platform/upgrade/images.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tercet/crypto/encoding.h"

namespace tercet::upgrade {
namespace {

constexpr std::string_view kTemporary = ".part";
constexpr std::uint64_t kSyncEvery = 8u << 20;  // so that no single sync waits for much

runtime::Problem disk_problem(const std::filesystem::path& path) {
  const int error = errno;
  const std::string text = path.string() + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) return {Error::no_space, text + "; free some space on the disk"};
  return {Error::io_failed, text};
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > 128 || name.front() == '.') return false;
  for (const char c : name) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (!good) return false;
  }
  return true;
}

std::string hex(const crypto::Digest& digest) {
  char digits[2 * crypto::kMaxDigestBytes];
  const auto text = crypto::encode_hex(digest.view(), digits);
  return text ? std::string(*text) : std::string{};
}

}  // namespace

ImageWriter::~ImageWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary().c_str());
}

std::filesystem::path ImageWriter::temporary() const { return path_.string() + std::string(kTemporary); }

runtime::Outcome<void> ImageWriter::add(Bytes bytes) {
  if (bytes.size() > most_ - bytes_)
    return runtime::Problem{Error::too_large, "the file has more than " + std::to_string(most_) + " bytes"};
  md5_.add(bytes);
  sha256_.add(bytes);
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return disk_problem(path_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (bytes_ - synced_ < kSyncEvery) return {};
  synced_ = bytes_;
  if (::fdatasync(file_) != 0) return disk_problem(path_);
  return {};
}

runtime::Outcome<ImageFacts> ImageWriter::keep() {
  if (::fsync(file_) != 0) return disk_problem(path_);
  if (::rename(temporary().c_str(), path_.c_str()) != 0) return disk_problem(path_);
  ::close(file_);
  file_ = -1;
  const int folder = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return ImageFacts{bytes_, hex(md5_.finish()), hex(sha256_.finish())};
}

ImageReader::~ImageReader() { ::close(file_); }

std::size_t ImageReader::read(std::uint64_t offset, MutableBytes into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(file_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

runtime::Outcome<Images> Images::open(const std::filesystem::path& folder) {
  std::error_code bad;
  std::filesystem::create_directories(folder, bad);
  if (bad) return runtime::Problem{Error::io_failed, folder.string() + ": cannot be made: " + bad.message()};
  for (const auto& entry : std::filesystem::directory_iterator(folder, bad))
    if (entry.path().extension() == kTemporary) std::filesystem::remove(entry.path(), bad);
  return Images(folder);
}

runtime::Outcome<std::unique_ptr<ImageWriter>> Images::write(std::string_view name, std::uint64_t most) const {
  if (!is_name(name)) return runtime::Problem{Error::bad_argument, "that is no name for an image"};
  const std::filesystem::path path = folder_ / name;
  const std::string temporary = path.string() + std::string(kTemporary);
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return disk_problem(path);
  return std::unique_ptr<ImageWriter>(new ImageWriter(path, file, most));
}

std::shared_ptr<const ImageReader> Images::read(std::string_view name) const {
  if (!is_name(name)) return nullptr;
  const int file = ::open((folder_ / name).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  struct stat about {};
  if (::fstat(file, &about) != 0) {
    ::close(file);
    return nullptr;
  }
  return std::shared_ptr<const ImageReader>(new ImageReader(file, static_cast<std::uint64_t>(about.st_size)));
}

void Images::remove(std::string_view name) const {
  if (is_name(name)) ::unlink((folder_ / name).c_str());
}

}  // namespace tercet::upgrade
