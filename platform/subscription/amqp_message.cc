#include "platform/subscription/amqp_message.h"

#include <proton/codec.h>
#include <proton/message.h>

namespace tercet::subscription {
namespace {

constexpr std::size_t kFirstBuffer = 4096;

pn_bytes_t bytes_of(std::string_view text) { return pn_bytes(text.size(), text.data()); }

void put_text(pn_data_t* map, std::string_view key, std::string_view value) {
  pn_data_put_string(map, bytes_of(key));
  pn_data_put_string(map, bytes_of(value));
}

}  // namespace

MessageEncoder::MessageEncoder() : message_(pn_message()), buffer_(kFirstBuffer) {}

MessageEncoder::~MessageEncoder() { pn_message_free(message_); }

Bytes MessageEncoder::encode(const rule::Queued& record, std::string_view tag, std::uint32_t tries) {
  pn_message_clear(message_);
  pn_message_set_inferred(message_, true);  // the body is Data, not an AMQP value
  pn_message_set_durable(message_, true);
  pn_message_set_delivery_count(message_, tries);
  pn_data_t* const id = pn_message_id(message_);
  pn_data_clear(id);
  pn_data_put_string(id, bytes_of(record.message_id));
  pn_data_t* const map = pn_message_properties(message_);
  pn_data_put_map(map);
  pn_data_enter(map);
  put_text(map, "topic", record.topic);
  put_text(map, "messageId", record.message_id);
  pn_data_put_string(map, bytes_of("generateTime"));
  pn_data_put_long(map, record.time);
  pn_data_put_string(map, bytes_of("qos"));
  pn_data_put_int(map, record.qos);
  if (!tag.empty()) put_text(map, "tag", tag);
  pn_data_exit(map);
  pn_data_put_binary(pn_message_body(message_), bytes_of(record.result));
  while (true) {
    std::size_t size = buffer_.size();
    const int done = pn_message_encode(message_, buffer_.data(), &size);
    if (done == 0) return {reinterpret_cast<const std::uint8_t*>(buffer_.data()), size};
    constexpr std::size_t kMost = std::size_t{64} << 20;
    if (done != PN_OVERFLOW || buffer_.size() >= kMost) return {};
    buffer_.resize(buffer_.size() * 4);
  }
}

}  // namespace tercet::subscription
