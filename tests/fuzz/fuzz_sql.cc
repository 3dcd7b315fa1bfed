#include <cstdint>
#include <string>
#include <string_view>

#include "platform/rule/evaluate.h"

// The first line is a rule's SQL, the rest a payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tercet::rule;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const Compiled compiled = compile(text.substr(0, end));
  if (!compiled.query) {
    if (!compiled.problem || compiled.problem->what.empty()) __builtin_trap();
    return 0;
  }
  const std::string payload(text.substr(std::min(end + 1, text.size())));
  const auto parsed = tercet::json::parse(payload);
  static std::uint64_t seed = 1;
  static Evaluator evaluator([] { return seed += 0x9E3779B97F4A7C15ULL; });
  Message message;
  message.topic = "/a1/board/user/update";
  message.product = "a1";
  message.device_name = "board";
  message.payload = payload;
  message.id = "1";
  message.time = 1'535'700'748'205;
  if (parsed) message.root = &*parsed;
  DeviceMemory memory;
  memory.memories.resize(compiled.query->memories());
  static_cast<void>(evaluator.decide(*compiled.query, message, &memory));
  std::string out;
  if (evaluator.select(*compiled.query, message, &memory, out) && !compiled.query->selects_all() &&
      !tercet::json::parse(out))
    __builtin_trap();  // a result is JSON
  return 0;
}
