#pragma once
#include <utility>

#include "platform/runtime/loop.h"
#include "platform/script/engine.h"

namespace tercet::script {

/// Runs scripts within the test and answers with a task of the loop. They must come to an end.
class ScriptsHere final : public Scripts {
 public:
  explicit ScriptsHere(runtime::Loop& loop) : loop_(loop) {}
  void run(Request request, std::function<void(Outcome)> done) override {
    ++runs;
    static_cast<void>(loop_.post([done = std::move(done), outcome = run_here(request)] { done(outcome); }));
  }
  int runs = 0;

 private:
  runtime::Loop& loop_;
};

/// A parser of 8 bytes: what it is (0), id (1), temperature (2, hundredths, signed), humidity (2, tenths), two spare.
inline constexpr std::string_view kClimateScript = R"(
function rawDataToProtocol(bytes) {
  var view = new DataView(new Uint8Array(bytes).buffer);
  var id = String(view.getUint8(1));
  if (view.getUint8(0) === 0)
    return {id: id, version: '1.0', method: 'thing.event.property.post',
            params: {temperature: view.getInt16(2) / 100, humidity: view.getUint16(4) / 10}};
  if (view.getUint8(0) === 2) return {id: String(view.getUint32(1)), code: view.getUint16(5), data: {}};
  return {id: id};
}
function protocolToRawData(json) {
  if (json.method === 'thing.service.property.set') {
    var out = new DataView(new ArrayBuffer(7));
    out.setUint8(0, 1);
    out.setUint32(1, Number(json.id));
    out.setUint16(5, json.params.interval);
    return Array.prototype.slice.call(new Uint8Array(out.buffer));
  }
  return [0x80, Number(json.id), json.code >> 8, json.code & 0xff];
}
)";

}  // namespace tercet::script
