#include "updates.h"

#include <esp_log.h>

#ifdef CONFIG_CLIMATE_UPDATES
#include <algorithm>
#include <cinttypes>

#include "climate/rules.h"
#include "heap_room.h"
#include "ports/esp-idf/health.h"

#ifdef CLIMATE_UPDATE_KEY
extern "C" const unsigned char update_key_start[] asm("_binary_update_key_der_start");
extern "C" const unsigned char update_key_end[] asm("_binary_update_key_der_end");
#endif
#else
#include <esp_ota_ops.h>
#endif

namespace tercet::firmware {
namespace {

constexpr const char* kTag = "update";

}  // namespace

#ifdef CONFIG_CLIMATE_UPDATES
namespace {

/// What the client can receive, less what stands around a block.
constexpr std::uint32_t kBlockBytes = std::min(1024, CONFIG_TERCET_PACKET_BYTES - 256);

int size(std::string_view text) { return static_cast<int>(text.size()); }

}  // namespace

void RoomyHttpsSource::start(std::uint32_t from, ota::ImageSink& sink, Instant now) {
  lacks_room_ = !has_room_for_tls(kTag);
  if (!lacks_room_) https_.start(from, sink, now);
}

Updates::Updates(idf::Board& board, device::Device& device)
    : board_(board),
      slots_(idf::AppSlots::find()),
      session_(device),
      https_(files_, buffer_),
      blocks_(session_, {.block_bytes = kBlockBytes}),
      sources_{&https_, &blocks_},
      running_(idf::AppSlots::running_identity()) {
#ifdef CLIMATE_UPDATE_KEY
  keys_[0] = {update_key_start, static_cast<std::size_t>(update_key_end - update_key_start)};
#endif
}

void Updates::start(const DeviceId& id, Instant now) {
  ESP_LOGI(kTag, "this is %.*s %.*s", size(running_.project.str()), running_.project.str().data(),
           size(running_.version.str()), running_.version.str().data());
  if (!slots_) {
    ESP_LOGW(kTag, "no updates: the partition table has no second slot for a program, or no otadata");
    return;
  }
  ota::UpdaterOptions options{.version = running_.version.str(), .project = running_.project.str()};
  if (!keys_[0].empty()) options.keys = keys_;
  options.healthy_within = Seconds{CONFIG_CLIMATE_UPDATE_HEALTHY_SECONDS};
  options.restarted_by_fault = climate::boot_after(idf::reset_reason()) == edge::Boot::after_fault;
  std::span<ota::Source* const> sources{sources_};
#ifdef CONFIG_TERCET_TLS_CERTIFICATES
  board_.add(files_);
#else
  sources = sources.subspan(1);  // nobody to believe: over the session
#endif
  updater_.emplace(*slots_, *slots_, board_.store(), sources, session_, options);
  updaters_[0] = &*updater_;
  const auto begun = session_.start(id, updaters_, &blocks_, now);
  if (!begun) ESP_LOGE(kTag, "no updates: %.*s", size(name(begun.error())), name(begun.error()).data());
  tell();
}

void Updates::run(Instant now) {
  if (!updater_) return;
  session_.run(now);
  tell();
}

void Updates::tell() {
  using State = ota::Updater::State;
  const State state = updater_->state();
  if (const ota::Fault fault = updater_->last_fault(); fault != shown_fault_) {
    shown_fault_ = fault;
    if (fault != ota::Fault::none) ESP_LOGW(kTag, "not updated: %.*s", size(name(fault)), name(fault).data());
  }
  if (state == shown_) return;
  const bool was_on_trial = shown_ == State::trial;
  shown_ = state;
  switch (state) {
    case State::fetching:
      ESP_LOGI(kTag, "fetching %" PRIu32 " bytes, from %" PRIu32, updater_->size(), updater_->position());
      return;
    case State::waiting:
      ESP_LOGI(kTag, "goes on later, from %" PRIu32, updater_->position());
      return;
    case State::verifying:
      ESP_LOGI(kTag, "verifying");
      return;
    case State::activated:
      ESP_LOGI(kTag, "the image is good: restarting into it");
      return;
    case State::trial:
      ESP_LOGI(kTag, "on trial: to be online and answered within %d s", CONFIG_CLIMATE_UPDATE_HEALTHY_SECONDS);
      return;
    case State::rolled_back:
      ESP_LOGW(kTag, "not well: back to the program before");
      return;
    case State::idle:
      if (was_on_trial) ESP_LOGI(kTag, "this program has proved itself and stays");
      return;
  }
}

#else

void Updates::on_answer() {
  if (is_confirmed_) return;
  is_confirmed_ = true;
  esp_ota_img_states_t state{};
  const esp_partition_t* running = esp_ota_get_running_partition();
  if (esp_ota_get_state_partition(running, &state) != ESP_OK || state != ESP_OTA_IMG_PENDING_VERIFY) return;
  if (esp_ota_mark_app_valid_cancel_rollback() == ESP_OK) ESP_LOGI(kTag, "this program has proved itself and stays");
}

#endif

}  // namespace tercet::firmware
