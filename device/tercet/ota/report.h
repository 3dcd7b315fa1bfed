#pragma once
#include <cstdint>
#include <string_view>

#include "tercet/base/triple.h"
#include "tercet/base/writer.h"

namespace tercet::ota {

/// Where messages of an update go (4.4).
enum class Channel : std::uint8_t {
  inform,       ///< /ota/device/inform/${pk}/${dn}
  progress,     ///< /ota/device/progress/${pk}/${dn}
  upgrade,      ///< /ota/device/upgrade/${pk}/${dn}, down
  request,      ///< /ota/device/request/${pk}/${dn}, the older way to ask; answered on the same topic
  get,          ///< /sys/${pk}/${dn}/thing/ota/firmware/get
  get_reply,    ///< …_reply, down
  block,        ///< /sys/${pk}/${dn}/thing/file/download
  block_reply,  ///< …_reply, down
};
inline constexpr std::size_t kChannels = 8;
/// The topic; out.ok() says whether it fitted (112 bytes do).
void write_topic(Writer& out, Channel channel, const DeviceId& id);

/// 7.1: what runs. module: "" for the whole device's firmware. No reply is sent to it; an update succeeds by this
/// message and nothing else.
void write_version_report(Writer& out, std::uint32_t id, std::string_view version, std::string_view module);
/// 7.3. step: 1 to 100 percent, or a Step. description: our own words.
void write_progress(Writer& out, std::uint32_t id, int step, std::string_view description, std::string_view module);
/// 7.4: is there something for us?
void write_pull(Writer& out, std::uint32_t id, std::string_view module);
/// The longest of the three, with versions and modules as long as may be.
inline constexpr std::size_t kMaxReportBytes = 320;

}  // namespace tercet::ota
