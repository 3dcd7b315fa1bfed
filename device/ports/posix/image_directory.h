#pragma once
#include <string>

#include "ports/posix/files.h"
#include "ports/posix/image_mark.h"
#include "tercet/ota/slot.h"

namespace tercet::posix {

/// Two images of a program as files of one directory, `a.img` and `b.img`, and which of them runs: what slots and boot
/// loader are on a board. Whatever starts the program (a service, a script) makes one, boot()s it, and runs
/// running_file(); the program itself makes another with attach() and hands it to its ota::Updater. The selection is
/// replaced as a whole and after the image is on disk, so that a power cut leaves the old or the new one selected.
class ImageDirectory final : public ota::ImageSlot, public ota::BootControl {
 public:
  /// The directory exists. most_bytes: of an image.
  explicit ImageDirectory(std::string directory, std::uint32_t most_bytes = 64u << 20);
  ~ImageDirectory() override;
  ImageDirectory(const ImageDirectory&) = delete;
  ImageDirectory& operator=(const ImageDirectory&) = delete;

  /// Chooses what runs, as a boot loader does: an image that was activated is tried once, one that was tried and not
  /// confirmed is left. Errors: io_failed, the choice could not be noted: nothing is tried then.
  Result<void> boot();
  /// What was chosen last; `a.img`, confirmed, in a directory without a selection. Errors: io_failed.
  Result<void> attach();
  std::string running_file() const { return file_of(running_); }
  /// What the running image says it is (image_mark.h). Errors: those of read_image_mark().
  Result<ota::ImageIdentity> running_identity() const { return read_image_mark(running_file(), most_bytes_); }
  std::string spare_file() const { return file_of(spare()); }

  Geometry geometry() const override { return {most_bytes_, kSectorBytes, 1}; }
  Result<void> erase(std::uint32_t at) override;
  Result<void> write(std::uint32_t at, Bytes bytes) override;
  Result<void> read(std::uint32_t at, MutableBytes into) override;
  bool is_on_trial() const override { return state_ == kPending; }
  bool was_spare_rejected() const override { return is_spare_rejected_; }
  Result<ota::ImageIdentity> spare_identity() override;
  Result<void> activate() override;
  Result<void> confirm() override;
  Result<void> roll_back() override;

 private:
  static constexpr std::uint32_t kSectorBytes = 4096;
  static constexpr char kFresh = 'f', kPending = 'p', kValid = 'v';
  char spare() const { return running_ == 'a' ? 'b' : 'a'; }
  std::string file_of(char slot) const { return directory_ + "/" + slot + ".img"; }
  Result<void> select(char slot, char state, bool is_spare_rejected);
  Result<int> open_spare();
  void close_spare();

  std::string directory_;
  FileStore store_;
  std::uint32_t most_bytes_;
  int spare_fd_ = -1;
  char running_ = 'a', state_ = kValid;
  bool is_spare_rejected_ = false;
};

}  // namespace tercet::posix
