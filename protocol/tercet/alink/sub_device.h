#pragma once
#include <optional>
#include <string_view>

#include "tercet/base/result.h"
#include "tercet/base/triple.h"
#include "tercet/json/reader.h"
#include "tercet/json/writer.h"

namespace tercet::alink {

/// Limits of the cloud for gateways (device-protocol 9).
inline constexpr std::size_t kMaxSubDevicesPerLogin = 50;
inline constexpr std::size_t kMaxSubDevicesPerRegistration = 30;

/// What a gateway says about one sub-device. Views into the payload; what was not sent is nothing.
struct SubDevice {
  std::string_view product;
  std::string_view device;
  // topo/add and logins
  std::optional<std::string_view> client_id;
  std::optional<std::string_view> timestamp;  ///< as sent, digits of a number too
  std::string_view sign;
  std::string_view sign_method;  ///< "hmacSha1"; of an entry, else of the message
  // product_register
  std::string_view random;
};

/// `{"productKey":"…","deviceName":"…",…}`. `message`: where signMethod stands in messages of the vendor's C SDK 4.
/// Errors: malformed: no object, one of the names missing, empty, no text or with escapes.
Result<SubDevice> parse_sub_device(const json::Value& entry, const json::Value* message = nullptr);

/// The entries of a message's params: an array; the one object of a single login; or `{"deviceList":[…]}` and
/// `{"proxieds":[…]}`. next() gives malformed for an entry that is none and goes on behind it.
class SubDevices {
 public:
  explicit SubDevices(const json::Value& params);
  /// Whether params has one of these shapes and is not empty.
  bool ok() const { return count_ > 0; }
  std::size_t count() const { return count_; }
  std::optional<Result<SubDevice>> next();

 private:
  json::Value message_;
  std::optional<json::Elements> entries_;
  std::optional<json::Value> single_;
  std::size_t count_ = 0;
};

/// `{"deviceName":"…","productKey":"…"}`, the order of the documents.
void write_sub_device(json::Writer& out, std::string_view product, std::string_view device);

}  // namespace tercet::alink
