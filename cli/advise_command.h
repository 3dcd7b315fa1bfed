#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/advise_record.h"

namespace tercet::cli::advise {

/// What is published to the device for one point, and the correct set sent right behind it to see that it lives.
struct Command {
  Point point = Point::set_obeyed;
  std::string topic, payload, id;
  std::string probe, probe_id;  ///< "" = nothing is sent behind it
  mqtt::Qos qos = mqtt::Qos::at_most_once;
  bool twice = false;  ///< once more with DUP
  Millis wait = kReplyWithin;
  /// The answer that ends the waiting; "" = the second PUBACK does.
  std::string_view awaited() const { return twice ? std::string_view{} : probe.empty() ? id : probe_id; }
};

/// Whether the text of --set is a JSON object with a member.
bool is_settable(std::string_view set);
/// set: the correct properties, is_settable(). number: of the command, counted up by two.
Command make_command(Point point, std::string_view product, std::string_view device, std::string_view set,
                     std::uint32_t number);

/// The platform's answer to a message of the device, as topic and payload; nothing where none is due.
struct Reply {
  std::string topic, payload;
};
std::optional<Reply> reply_to(std::string_view topic, std::string_view payload, UnixMillis now);

}  // namespace tercet::cli::advise
