#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "platform/rule/queue.h"
#include "tercet/base/bytes.h"

struct pn_message_t;

namespace tercet::subscription {

/// Writes records as AMQP 1.0 messages, as the cloud's consumers read them (cloud-side reference 4.4): one Data
/// section; message-id; application properties topic and messageId (strings), generateTime (long), qos (int) and, of a
/// rule's action that has one, tag (string). One thread.
class MessageEncoder {
 public:
  MessageEncoder();
  ~MessageEncoder();
  MessageEncoder(const MessageEncoder&) = delete;
  MessageEncoder& operator=(const MessageEncoder&) = delete;

  /// tries: how often it was delivered before. Valid until the next call. Empty: it cannot be encoded (no memory).
  Bytes encode(const rule::Queued& record, std::string_view tag, std::uint32_t tries);

 private:
  pn_message_t* message_;
  std::vector<char> buffer_;
};

}  // namespace tercet::subscription
