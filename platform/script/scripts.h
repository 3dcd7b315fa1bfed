#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tercet/alink/codes.h"

namespace tercet::script {

/// The functions of a product's script that the platform calls (device-protocol 5.8).
enum class Function : std::uint8_t {
  check,            ///< none: compiles the script, runs its top level, and sees that it has one of the others
  raw_to_protocol,  ///< rawDataToProtocol(bytes) gives an object
  protocol_to_raw,  ///< protocolToRawData(object) gives an array of bytes
  transform,        ///< transformPayload(topic, bytes) gives an object, a string or bytes
};
std::string_view name(Function function);

struct Request {
  Function function = Function::check;
  std::string product;  ///< whose script it is: one that is cut off stops this product's scripts for a while
  std::shared_ptr<const std::string> script;
  std::string topic;  ///< of transform
  std::string input;  ///< bytes; JSON of protocol_to_raw
};

struct Outcome {
  /// success; script_empty, script_error (also: cut off), script_function_missing, script_wrong_type, script_failed
  /// (an empty result), script_throttled.
  alink::Code code = alink::Code::success;
  std::string output;        ///< JSON of raw_to_protocol; else bytes
  std::string detail;        ///< why not, for a person
  std::uint64_t micros = 0;  ///< processor time of the script, when it ended by itself
  bool is_cut_off = false;
  bool ok() const { return code == alink::Code::success; }
};

/// Runs scripts of products, one after the other, in the order asked. One per loop, on that loop.
class Scripts {
 public:
  virtual ~Scripts() = default;
  /// Answers once, later and never inside of this call; not at all when this is destroyed before.
  virtual void run(Request request, std::function<void(Outcome)> done) = 0;
};

}  // namespace tercet::script
