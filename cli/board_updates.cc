#include "cli/board_updates.h"

#include <optional>

#include "cli/image_loader.h"
#include "ports/posix/files.h"
#include "tercet/crypto/encoding.h"

namespace tercet::cli {
namespace {

using State = ota::Updater::State;

constexpr std::string_view kPemBegin = "-----BEGIN PUBLIC KEY-----", kPemEnd = "-----END PUBLIC KEY-----";

/// DER from a file of DER or PEM.
std::optional<std::vector<std::uint8_t>> key_of(const std::string& text) {
  const auto begin = text.find(kPemBegin), end = text.find(kPemEnd);
  if (begin == std::string::npos) return std::vector<std::uint8_t>(text.begin(), text.end());
  if (end == std::string::npos || end < begin) return {};
  std::string digits;
  for (const char c : std::string_view(text).substr(begin + kPemBegin.size(), end - begin - kPemBegin.size()))
    if (c != '\n' && c != '\r' && c != ' ') digits.push_back(c);
  std::vector<std::uint8_t> der(digits.size());
  const auto decoded = crypto::decode_base64(digits, der);
  if (!decoded) return {};
  der.resize(decoded->size());
  return der;
}

std::string_view words(State state, bool is_chinese) {
  switch (state) {
    case State::fetching:
      return is_chinese ? "正在下载" : "fetching";
    case State::waiting:
      return is_chinese ? "稍后继续下载" : "goes on later";
    case State::verifying:
      return is_chinese ? "正在校验" : "verifying";
    case State::activated:
      return is_chinese ? "镜像已验证，重启试运行" : "the image is good, restarting into it";
    case State::trial:
      return is_chinese ? "新镜像试运行中" : "a new image, on trial";
    case State::rolled_back:
      return is_chinese ? "新镜像不健康，回滚" : "the new image is not well, going back";
    case State::idle:
      break;
  }
  return {};
}

}  // namespace

BoardUpdates::BoardUpdates(const UpdateOptions& options, posix::Board& board, device::Device& device)
    : options_(options),
      images_(options.directory),
      store_(options.directory),
      session_(device),
      https_(board.image_transport(), buffer_),
      blocks_(session_, {.block_bytes = kBlockBytes}) {
  if (options.over != "session") sources_.push_back(&https_);
  if (options.over != "https") sources_.push_back(&blocks_);
}

std::string BoardUpdates::read_keys() {
  for (const std::string& file : options_.keys) {
    const auto text = posix::read_file(file, 64 * 1024);
    if (!text) return file + ": " + std::string(name(text.error()));
    auto key = key_of(*text);
    if (!key) return file + ": no public key in PEM or DER (openssl pkey -pubout)";
    keys_.push_back(std::move(*key));
  }
  for (const auto& key : keys_) key_views_.emplace_back(key);
  return {};
}

std::string BoardUpdates::start(const DeviceId& id, Instant now) {
  if (std::string problem = read_keys(); !problem.empty()) return problem;
  if (const auto known = images_.attach(); !known) return options_.directory + ": " + std::string(name(known.error()));
  const auto running = images_.running_identity();
  if (!running) return images_.running_file() + ": does not say its version (a line `tercet-image ` and the version)";
  running_ = *running;
  ota::UpdaterOptions settings{.version = running_.version.str(), .project = running_.project.str()};
  settings.keys = key_views_;
  settings.allows_older = options_.allows_older;
  settings.healthy_within = Seconds{options_.healthy_s};
  settings.restarted_by_fault = was_ended_by_fault();
  updater_ = std::make_unique<ota::Updater>(images_, images_, store_, sources_, session_, settings);
  updaters_[0] = updater_.get();
  if (!session_.start(id, updaters_, &blocks_, now)) return "the ProductKey and DeviceName are too long";
  return {};
}

std::string BoardUpdates::news(bool is_chinese) {
  std::string text;
  const State state = updater_->state();
  const bool was_confirmed = shown_ == State::trial && state == State::idle;
  if (state != shown_) {
    if (const auto say = words(state, is_chinese); !say.empty()) text.append(say);
    if (state == State::fetching)
      text.append(" ")
          .append(std::to_string(updater_->size()))
          .append(is_chinese ? " 字节，从 " : " bytes, from ")
          .append(std::to_string(updater_->position()));
    if (was_confirmed) text = is_chinese ? "新镜像已确认" : "the new image is confirmed";
  }
  const ota::Fault fault = updater_->last_fault();
  if (fault != shown_fault_ && fault != ota::Fault::none)
    text.append(text.empty() ? "" : "; ").append(is_chinese ? "未升级：" : "not updated: ").append(name(fault));
  shown_ = state, shown_fault_ = fault;
  return text;
}

}  // namespace tercet::cli
