#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/crypto/digest.h"
#include "tercet/crypto/signature.h"
#include "tercet/ota/offer.h"
#include "tercet/ota/record.h"
#include "tercet/ota/slot.h"
#include "tercet/ota/source.h"
#include "tercet/ota/uplink.h"

namespace tercet::ota {

/// What updates one module: "" is the board's own firmware; others are what the application updates, a second chip for
/// instance, behind an ImageSlot and a BootControl of its own. The texts and keys outlive the updater.
struct UpdaterOptions {
  std::string_view version;       ///< what runs: reported at each connection
  std::string_view module = {};   ///< "" or a name of up to 64 bytes
  std::string_view project = {};  ///< what an image must say it is the firmware of; "" for any
  std::string_view key = "ota";   ///< of the record, in the store: one for each module

  /// Images must be signed by one of these (crypto::verify_signature()). None: size and digest only.
  std::span<const Bytes> keys = {};
  bool allows_older = false;            ///< take offers of a version older than what runs
  std::string_view least_version = {};  ///< never take an older one than this, whatever runs

  bool pulls = true;  ///< ask for a package at each connection; without it the platform pushes
  std::uint32_t record_bytes =
      64 * 1024;                       ///< how often the progress is kept: so much is fetched twice after a power cut
  std::uint8_t progress_percent = 10;  ///< between two reports: 1 to 100
  std::uint8_t attempts = 10;          ///< of a download, without a byte of progress between them
  Millis retry_first{2'000}, retry_limit{300'000};
  Millis healthy_within{600'000};  ///< a new image must be online and answered in this time
  std::uint8_t trials = 3;         ///< of one image, when a cut supply keeps it from becoming well
  /// The restart before this one was a fault (a panic, a watchdog): an image on trial that ended so is not tried again.
  bool restarted_by_fault = false;
  /// false: a module that runs its new image as soon as activate() returns.
  bool needs_restart = true;
};

/// Brings one module to the version the platform offers, so that a cut supply, a lost network or a bad image at any
/// moment leaves the image before, or the new one, running and online.
///
///   idle --offer--> fetching --all bytes--> verifying --good--> activated: wants_restart()
///                    |   ^                                         restart
///                    v   '--again, from where it stopped--          v
///                  waiting                                        trial --online and answered--> idle, confirmed
///                                                                   '--too late--> rolled back: wants_restart()
///
/// Nothing is switched before the size, the digest and the signature have been verified over the bytes read back from
/// the slot. A failure is told once (7.3), also over a restart. One task calls it; nothing is allocated; a call erases
/// one sector at most.
class Updater final : private ImageSink {
 public:
  enum class State : std::uint8_t { idle, fetching, waiting, verifying, activated, trial, rolled_back };

  /// All outlive the updater. sources: the one to prefer first; the next is taken where an offer leaves the choice and
  /// memory for the one before lacks. Updaters may share sources.
  Updater(ImageSlot& slot, BootControl& boot, device::KeyValueStore& store, std::span<Source* const> sources,
          Uplink& uplink, const UpdaterOptions& options)
      : slot_(slot), boot_(boot), store_(store), sources_(sources), uplink_(uplink), options_(options) {}
  Updater(const Updater&) = delete;
  Updater& operator=(const Updater&) = delete;

  /// Once after each restart, before anything else: finds out what became of the last update.
  void start(Instant now);
  void run(Instant now);
  Instant next_deadline() const;

  void on_online(Instant now);
  void on_offline();
  /// An offer for this module, or one that cannot be used. Views are needed during the call only.
  void on_offer(const ParsedOffer& parsed, Instant now);
  /// The platform has answered something: what a new image must have seen before it is confirmed.
  void on_answer(Instant now);
  /// Ask the platform for a package, when next online.
  void ask() { owes_pull_ = true; }
  /// While false a new image is not confirmed: the application's own opinion of its health. It begins as true.
  void set_well(bool is_well) { is_well_ = is_well; }

  State state() const { return state_; }
  /// The image is switched: restart the board when it suits, soon.
  bool wants_restart() const {
    return (state_ == State::activated && options_.needs_restart) || state_ == State::rolled_back;
  }
  bool is_busy() const { return state_ >= State::fetching && state_ <= State::verifying; }
  std::string_view module() const { return options_.module; }
  std::string_view version() const { return version_.str(); }
  std::uint32_t position() const { return position_; }  ///< bytes of the image in the slot
  std::uint32_t size() const { return record_.size; }
  Fault last_fault() const { return last_fault_; }  ///< for a log; none when the last update went well

 private:
  // updater.cc
  void judge_last_update();
  void condemn(Fault fault);
  Fault refusal_of(const Offer& offer);
  bool take_sources(const Offer& offer);
  void accept(const Offer& offer, Instant now);
  void refuse(Fault fault, const crypto::Digest& digest, Instant now);
  void stop_with(Fault fault);
  // updater_fetch.cc
  void begin_at(std::uint32_t at);
  void resume(Instant now);
  void fetch(Instant now);
  bool wants_erasure() const;
  void erase_next();
  void judge_source(Instant now);
  void try_later(bool wants_offer, Instant now);
  void wake(Instant now);
  Result<void> on_image(std::uint32_t at, Bytes bytes) override;
  Result<void> put(Bytes bytes);
  void conclude_fetch();
  // updater_switch.cc
  void begin_hash(crypto::Algorithm algorithm);
  void verify(Instant now);
  void judge_digest(const crypto::Digest& digest, Instant now);
  void judge_signature(const crypto::Digest& sha256, Instant now);
  void verify_later(Instant now);
  Fault mistake_of_image();
  void activate();
  void watch_trial(Instant now);
  void confirm(Instant now);
  void roll_back(Instant now);
  // updater_report.cc
  void speak(Instant now);
  bool owes_anything() const;
  Result<void> say_due();
  Result<void> say_version();
  Result<void> say_pull();
  void report_progress(int percent);

  Result<void> keep() { return save_record(store_, options_.key, record_); }
  Source* source() const { return source_ < sources_.size() ? sources_[source_] : nullptr; }

  ImageSlot& slot_;
  BootControl& boot_;
  device::KeyValueStore& store_;
  std::span<Source* const> sources_;
  Uplink& uplink_;
  UpdaterOptions options_;
  FixedString<kMaxVersionBytes> version_;
  Record record_;
  std::array<std::uint8_t, crypto::kMaxSignatureBytes> signature_{};
  std::size_t signature_bytes_ = 0;
  std::array<std::uint8_t, 32> unit_{};  ///< what does not fill a unit of writing yet
  std::size_t unit_bytes_ = 0;
  std::optional<crypto::Hash> hash_;
  std::size_t source_ = 0;
  std::uint32_t taken_ = 0;  ///< bits of sources_ that took the offer
  std::uint32_t position_ = 0, erased_ = 0, begun_at_ = 0, hashed_ = 0;
  Fault failed_ = Fault::none, last_fault_ = Fault::none;
  State state_ = State::idle;
  std::uint8_t attempts_ = 0;
  int told_percent_ = 0;
  bool is_online_ = false, is_well_ = true, is_answered_ = false;
  bool hashes_for_signature_ = false, wants_offer_ = false;
  bool owes_version_ = false, owes_pull_ = false;
  crypto::Digest refused_ = {};  ///< the last, and until when the same is not refused again
  Instant refused_until_{};
  Instant again_ = Instant::never(), trial_until_ = Instant::never(), speak_again_{};
};

}  // namespace tercet::ota
