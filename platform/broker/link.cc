#include "platform/broker/link.h"

#include <cstring>

#include "tercet/base/check.h"

namespace tercet::broker {
namespace {

// A record: its kind, the bytes that follow (four, native order: it never leaves the process), and they.

enum Flag : std::uint8_t { flag_clients = 1, flag_devices = 2, flag_confirm = 4 };

template <typename T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
T take(std::string_view& in) {
  T value;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return value;
}
void put_text(std::string& out, std::string_view text) {
  out.push_back(static_cast<char>(text.size() >> 8));
  out.push_back(static_cast<char>(text.size()));
  out.append(text);
}

}  // namespace

std::size_t LinkBatch::begin(LinkKind kind) {
  put(bytes_, kind);
  put(bytes_, std::uint32_t{0});
  return bytes_.size();
}

void LinkBatch::end(std::size_t start) {
  const auto size = static_cast<std::uint32_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + start - sizeof size, &size, sizeof size);
}

void LinkBatch::publish(const Publication& publication, bool clients, bool devices,
                        std::optional<std::uint32_t> confirm, const Shares& shares) {
  const std::size_t start = begin(LinkKind::publish);
  const int flags = (clients ? flag_clients : 0) | (devices ? flag_devices : 0) | (confirm ? flag_confirm : 0);
  put(bytes_, static_cast<std::uint8_t>(flags));
  put(bytes_, confirm.value_or(0));
  const std::size_t size_at = bytes_.size();
  put(bytes_, std::uint32_t{0});
  for (const auto& [filter, group] : shares) {
    put_text(bytes_, filter);
    put_text(bytes_, group);
  }
  const auto size = static_cast<std::uint32_t>(bytes_.size() - size_at - sizeof(std::uint32_t));
  std::memcpy(bytes_.data() + size_at, &size, sizeof size);
  encode_message(bytes_, publication, publication.qos, publication.retain);
  end(start);
}

void LinkBatch::to_device(std::string_view key, const Publication& publication, std::optional<std::uint32_t> confirm) {
  const std::size_t start = begin(LinkKind::to_device);
  put(bytes_, static_cast<std::uint8_t>(confirm ? flag_confirm : 0));
  put(bytes_, confirm.value_or(0));
  put_text(bytes_, key);
  encode_message(bytes_, publication, publication.qos, false);
  end(start);
}

void LinkBatch::confirm(std::uint32_t id) {
  const std::size_t start = begin(LinkKind::confirm);
  put(bytes_, id);
  end(start);
}

void LinkBatch::refuse(std::uint32_t id) {
  const std::size_t start = begin(LinkKind::refused);
  put(bytes_, id);
  end(start);
}

void LinkBatch::filter(LinkKind kind, std::string_view filter, bool durable) {
  const std::size_t start = begin(kind);
  put(bytes_, durable);
  put_text(bytes_, filter);
  end(start);
}

void LinkBatch::group(LinkKind kind, std::string_view filter, std::string_view group) {
  const std::size_t start = begin(kind);
  put_text(bytes_, filter);
  put_text(bytes_, group);
  end(start);
}

void LinkBatch::number(LinkKind kind, std::uint64_t number) {
  const std::size_t start = begin(kind);
  put(bytes_, number);
  end(start);
}

void LinkBatch::retain(const Publication& publication, const RetainStamp& stamp, std::optional<std::uint32_t> confirm) {
  const std::size_t start = begin(LinkKind::retain);
  put(bytes_, stamp);
  put(bytes_, static_cast<std::uint8_t>(confirm ? flag_confirm : 0));
  put(bytes_, confirm.value_or(0));
  encode_message(bytes_, publication, publication.qos, true);
  end(start);
}

void LinkBatch::ride(LinkKind kind, const Ride& ride, std::string_view name, const Publication& publication,
                     std::optional<std::uint32_t> confirm) {
  const std::size_t start = begin(kind);
  put(bytes_, ride);
  put_text(bytes_, name);
  put(bytes_, static_cast<std::uint8_t>(confirm ? flag_confirm : 0));
  put(bytes_, confirm.value_or(0));
  encode_message(bytes_, publication, publication.qos, false);
  end(start);
}

void LinkBatch::ride_ended(LinkKind kind, const Ride& ride, std::string_view name, RideEnd why) {
  const std::size_t start = begin(kind);
  put(bytes_, ride);
  put_text(bytes_, name);
  put(bytes_, why);
  end(start);
}

std::optional<LinkRecord> LinkReader::next() {
  if (rest_.empty()) return std::nullopt;
  LinkRecord record;
  record.kind = take<LinkKind>(rest_);
  const auto size = take<std::uint32_t>(rest_);
  std::string_view body = rest_.substr(0, size);
  rest_.remove_prefix(size);
  const auto message = [&record, &body] {
    const auto publication = decode_message(body);
    TERCET_CHECK(publication.has_value());
    record.publication = *publication;
  };
  switch (record.kind) {
    case LinkKind::publish:
    case LinkKind::to_device: {
      const auto flags = take<std::uint8_t>(body);
      const auto id = take<std::uint32_t>(body);
      record.clients = (flags & flag_clients) != 0;
      record.devices = (flags & flag_devices) != 0;
      if ((flags & flag_confirm) != 0) record.confirm = id;
      if (record.kind == LinkKind::publish) {
        const auto shares = take<std::uint32_t>(body);
        record.text = body.substr(0, shares);
        body.remove_prefix(shares);
      } else {
        record.text = detail::take_text(body);
      }
      message();
      break;
    }
    case LinkKind::confirm:
    case LinkKind::refused:
      record.confirm = take<std::uint32_t>(body);
      break;
    case LinkKind::want:
    case LinkKind::unwant:
      record.number = take<bool>(body) ? 1 : 0;
      record.text = detail::take_text(body);
      break;
    case LinkKind::join:
    case LinkKind::leave:
      record.text = detail::take_text(body);
      record.group = detail::take_text(body);
      break;
    case LinkKind::barrier:
    case LinkKind::reached:
      record.number = take<std::uint64_t>(body);
      break;
    case LinkKind::retain:
      record.stamp = take<RetainStamp>(body);
      if ((take<std::uint8_t>(body) & flag_confirm) != 0)
        record.confirm = take<std::uint32_t>(body);
      else
        body.remove_prefix(sizeof(std::uint32_t));
      message();
      break;
    case LinkKind::ride_up:
    case LinkKind::ride_down: {
      record.ride = take<Ride>(body);
      record.text = detail::take_text(body);
      const auto flags = take<std::uint8_t>(body);
      const auto id = take<std::uint32_t>(body);
      if ((flags & flag_confirm) != 0) record.confirm = id;
      message();
      break;
    }
    case LinkKind::ride_left:
    case LinkKind::ride_over:
      record.ride = take<Ride>(body);
      record.text = detail::take_text(body);
      record.why = take<RideEnd>(body);
      break;
  }
  return record;
}

}  // namespace tercet::broker
