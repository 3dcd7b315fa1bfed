#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "tercet/base/bytes.h"
#include "tercet/device/properties.h"

namespace tercet::device {

/// A service of the thing model that the platform calls, synchronous or not. The handler reads every input, asks ok()
/// once, does it, and answers; inputs and outputs are described like properties:
///   inline constexpr Property<std::int32_t> kTimes{"times"};
///   if (call.identifier() != "weigh") return call.refuse(460);
///   const auto times = call.get(kTimes);
///   if (!call.ok() || !times) return;              // 460 is answered
///   call.answer({kGrams(weigh(*times))});
/// A handler that says nothing answers 200 without outputs. Lives during the handler only.
class ServiceCall {
 public:
  static constexpr std::size_t kMaxOutputs = 8;
  ServiceCall(std::string_view identifier, const json::Value& params)
      : identifier_(identifier), params_(params), members_(params.size()) {}

  std::string_view identifier() const { return identifier_; }  ///< "module:identifier" in a custom module
  const json::Value& params() const { return params_; }
  /// The input; nothing when it is missing, which is for the handler to judge, or wrong, which ok() tells.
  template <typename T>
  std::optional<T> get(const Property<T>& input) {
    const auto value = params_.find(input.identifier);
    if (!value) return std::nullopt;
    ++read_;
    if (auto parsed = input.parse(*value)) return parsed;
    refuse(alink::number(alink::Code::parameter_error));
    return std::nullopt;
  }
  /// Every input that came was asked for, and none was wrong. When not, 460 is answered.
  bool ok() {
    if (read_ != members_) refuse(alink::number(alink::Code::parameter_error));
    return code_ == alink::number(alink::Code::success);
  }
  /// Answers `code` instead of 200: 400 could not be done, 429 too busy, 100000..110000 the device's own.
  void refuse(std::int32_t code) { code_ = code; }
  /// The outputs. Texts must outlive the handler. More than kMaxOutputs are dropped.
  void answer(std::span<const PropertyValue> outputs) {
    for (const PropertyValue& output : outputs)
      if (count_ < kMaxOutputs) outputs_[count_++] = output;
  }
  void answer(std::initializer_list<PropertyValue> outputs) { answer(std::span(outputs.begin(), outputs.size())); }

  /// The outputs as one object, instead of answer(). What it refers to outlives the handler.
  void answer_object(const PropertyValue& object) { object_ = object; }

  std::int32_t code() const { return code_; }
  std::span<const PropertyValue> outputs() const { return {outputs_.data(), count_}; }
  void write_outputs(json::Writer& out) const;

 private:
  std::string_view identifier_;
  json::Value params_;
  std::size_t members_, read_ = 0;
  std::int32_t code_ = alink::number(alink::Code::success);
  std::array<PropertyValue, kMaxOutputs> outputs_{};
  std::size_t count_ = 0;
  std::optional<PropertyValue> object_;
};

/// The platform asks what properties are now. The handler hands over all it has; what was asked for is answered, the
/// first ServiceCall::kMaxOutputs of it:
///   get.answer({kTemperature(air_), kHumidity(damp_)});
/// Lives during the handler only.
class PropertyGet {
 public:
  explicit PropertyGet(ServiceCall& call) : call_(call) {}
  bool wants(std::string_view identifier) const;
  /// Texts must outlive the handler.
  void answer(std::span<const PropertyValue> values) {
    for (const PropertyValue& value : values)
      if (wants(value.identifier)) call_.answer(std::span(&value, 1));
  }
  void answer(std::initializer_list<PropertyValue> values) { answer(std::span(values.begin(), values.size())); }
  /// Answers `code` instead of 200.
  void refuse(std::int32_t code) { call_.refuse(code); }

 private:
  ServiceCall& call_;
};

/// Bytes the platform wants an answer to within seconds (RRPC). Lives during the handler only.
class RrpcCall {
 public:
  /// room: where the answer is put.
  RrpcCall(std::string_view topic, Bytes payload, MutableBytes room) : topic_(topic), payload_(payload), room_(room) {}

  std::string_view topic() const {
    return topic_;
  }  ///< "" of the system's own; else what was asked on, "/pk/dn/user/get"
  Bytes payload() const { return payload_; }
  /// Copies the answer. False: it is larger than Storage::scratch, and there is no answer. Not called: no answer.
  bool answer(Bytes bytes) {
    if (bytes.size() > room_.size()) return false;
    if (!bytes.empty()) std::memcpy(room_.data(), bytes.data(), bytes.size());
    said_ = Bytes{room_}.first(bytes.size());
    return true;
  }
  std::optional<Bytes> said() const { return said_; }

 private:
  std::string_view topic_;
  Bytes payload_;
  MutableBytes room_;
  std::optional<Bytes> said_;
};

}  // namespace tercet::device
