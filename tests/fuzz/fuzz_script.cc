#include <cstdint>
#include <cstdlib>

#include "platform/script/engine.h"
#include "platform/script/frame.h"

/// The bridge between bytes, JavaScript and JSON: device bytes through a script that hands them back in several shapes,
/// JSON into a script, and the frames between platform and worker. The first byte says which.
namespace {

using namespace tercet::script;

const auto kScript = std::make_shared<const std::string>(R"(
function rawDataToProtocol(b) { return {method: 'm', text: String.fromCharCode.apply(null, b.slice(0, 64)), all: b}; }
function protocolToRawData(j) {
  var text = JSON.stringify(j), out = [];
  for (var i = 0; i < text.length; ++i) out.push(text.charCodeAt(i) & 0xff);
  return j.shape === 1 ? new Uint8Array(out) : j.bytes || out;
}
function transformPayload(t, b) { return b.length & 1 ? {n: b.length} : new Uint8Array(b); }
)");

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 4 == 2) {
    if (const auto request = decode_request(rest))
      if (decode_request(std::string_view(encode(*request)).substr(4))->input != request->input) std::abort();
    return 0;
  }
  if (data[0] % 4 == 3) {
    if (const auto outcome = decode_outcome(rest))
      if (decode_outcome(std::string_view(encode(*outcome)).substr(4))->output != outcome->output) std::abort();
    return 0;
  }
  Request request;
  request.script = kScript;
  request.input = rest;
  request.function = data[0] % 4 == 1 ? Function::protocol_to_raw
                     : data[0] & 4    ? Function::transform
                                      : Function::raw_to_protocol;
  const Outcome outcome = run_here(request, std::size_t{1} << 20);
  if (outcome.ok() == outcome.output.empty()) std::abort();
  if (!outcome.ok() && outcome.detail.empty()) std::abort();
  return 0;
}
