#include "tercet/device/ladder.h"

#include "tercet/base/words.h"

namespace tercet::device {

void Ladder::begin(Instant now) {
  ++attempts_;
  climbing_ = Rung::link;
  standing_.reset();
  since_ = now;
}

void Ladder::passed(Rung rung, Instant now) {
  while (climbing_ && *climbing_ <= rung) {
    const Rung here = *climbing_;
    RungRecord& record = records_[static_cast<std::size_t>(here)];
    record.duration = here == rung ? now - since_ : Millis{0};
    record.error.reset();
    ++record.passed;
    standing_ = here;
    if (here == Rung::reply)
      climbing_.reset();
    else
      climbing_ = static_cast<Rung>(static_cast<int>(here) + 1);
  }
  since_ = now;
}

void Ladder::failed(Rung rung, Error error, Instant now) {
  RungRecord& record = records_[static_cast<std::size_t>(rung)];
  record.duration = now - since_;
  record.error = error;
  last_break_ = {rung, error};
  ++record.failed;
  since_ = now;
}

std::string_view name(Rung rung) {
  return nth_word("link address dns tcp tls connect suback reply", static_cast<std::size_t>(rung));
}

std::string_view title(Rung rung, Language language) {
  constexpr std::string_view kEnglish[kRungs] = {"Wi-Fi or Ethernet", "IP address", "Name look-up",  "TCP connection",
                                                 "TLS handshake",     "MQTT login", "Subscriptions", "First reply"};
  constexpr std::string_view kChinese[kRungs] = {"无线或有线网络", "IP 地址",   "域名解析", "TCP 连接",
                                                 "TLS 握手",       "MQTT 登录", "订阅",     "首次应答"};
  const auto at = static_cast<std::size_t>(rung);
  return language == Language::chinese ? kChinese[at] : kEnglish[at];
}

}  // namespace tercet::device
