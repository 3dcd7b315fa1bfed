#pragma once
#include <optional>
#include <string_view>

#include "tercet/alink/property.h"
#include "tercet/base/result.h"
#include "tercet/json/reader.h"

namespace tercet::alink {

/// A property's or an event's value at one time, out of a batch or history post (5.6).
struct Sample {
  json::Text identifier;
  TimedValue posted;
};

/// Walks `{"Power":[{"value":…,"time":n},…],…}` (batch), `{"Power":{"value":…,"time":n},…}` (pack), and
/// `[{"Power":{"value":…,"time":n},…},…]` (history): every sample in order. Other shapes give nothing.
class Samples {
 public:
  explicit Samples(const json::Value& group);
  std::optional<Sample> next();

 private:
  std::optional<json::Member> next_member();
  std::optional<json::Elements> rows_;   // history: the objects still to come
  std::optional<json::Members> row_;     // the object being walked
  std::optional<json::Elements> times_;  // batch: the samples of `identifier_` still to come
  json::Text identifier_;
};

/// What a post says about one device.
struct DeviceSamples {
  std::string_view product;  ///< "" in a batch post: the device itself
  std::string_view device;
  std::optional<json::Value> properties;  ///< for Samples
  std::optional<json::Value> events;      ///< for Samples
};

/// `params` of `event/property/batch/post`. Errors: malformed, not an object or groups of another shape.
Result<DeviceSamples> parse_batch(const json::Value& params);

/// The devices in `params` of `event/property/history/post`, in order. next() gives malformed for an entry without
/// identity and goes on behind it.
class HistoryDevices {
 public:
  explicit HistoryDevices(const json::Value& params) : entries_(params) {}
  std::optional<Result<DeviceSamples>> next();

 private:
  json::Elements entries_;
};

}  // namespace tercet::alink
