#include "platform/openapi/handlers.h"

namespace tercet::openapi {
namespace {

namespace json = boost::json;

constexpr std::string_view kHexDigits = "0123456789abcdef";

/// Digits in pairs, upper or lower case, with or without blanks and a leading 0x; nothing for anything else.
std::optional<std::string> bytes_of(std::string_view hex) {
  if (hex.starts_with("0x") || hex.starts_with("0X")) hex.remove_prefix(2);
  std::string bytes;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const auto digit = kHexDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
    if (digit == std::string_view::npos) return std::nullopt;
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      bytes += static_cast<char>(high << 4 | static_cast<int>(digit));
      high = -1;
    }
  }
  if (high >= 0) return std::nullopt;
  return bytes;
}

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (!text.empty()) text += ' ';
    text += kHexDigits[static_cast<unsigned char>(c) >> 4];
    text += kHexDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

Answer not_offered() { return refusal("tercet.script.NotOffered", "This platform runs no scripts."); }

}  // namespace

/// Saved once it compiles, runs, and has a function that devices' messages go through; else nothing changes.
void create_thing_script(Services& services, const Call& call, Reply reply) {
  if (services.scripts == nullptr) return reply(not_offered());
  const std::string product(call.parameters.text("ProductKey"));
  const std::string text(call.parameters.text("ScriptContent"));
  script::Request check;
  check.product = product + "?";  // what is tried out does not stop what runs
  check.script = std::make_shared<const std::string>(text);
  services.scripts->run(
      std::move(check), [&services, product, text, type = std::string(call.parameters.text("ScriptType")),
                         reply = std::move(reply)](const script::Outcome& outcome) {
        if (!outcome.ok()) {
          Answer answer = refusal("tercet.script.Wrong", "The script was not saved: " + outcome.detail + ".");
          answer.body["AlinkCode"] = alink::number(outcome.code);
          return reply(std::move(answer));
        }
        const AfterApplied later(reply);
        const auto stored = services.registry.set_script(product, type, text, later.applied());
        if (!stored) return later.refuse(stored.problem());
        later.answer(success({{"Data", json::object{{"Version", stored->version}, {"Size", text.size()}}}}));
      });
}

void get_thing_script(Services& services, const Call& call, Reply reply) {
  const std::string product(call.parameters.text("ProductKey"));
  const auto version = call.parameters.number("ScriptVersion").value_or(0);
  const auto found = services.registry.script(product, version < 0 ? 0 : static_cast<std::uint64_t>(version));
  if (!found) return reply(refusal(found.problem()));
  std::string url;
  if (services.files != nullptr && services.files->is_offered())
    url = services.files->link("/files/script/" + product + "/" + std::to_string(found->version), services.loop.wall());
  reply(success({{"Data", json::object{{"ScriptType", found->type},
                                       {"ScriptUrl", url},
                                       {"ScriptContent", found->text},
                                       {"Version", found->version},
                                       {"GmtCreate", found->created.ms}}}}));
}

/// Hex: bytes through rawDataToProtocol, or through transformPayload with a Topic; Json: an object through
/// protocolToRawData. ScriptContent: a text that is not saved yet.
void test_thing_script(Services& services, const Call& call, Reply reply) {
  if (services.scripts == nullptr) return reply(not_offered());
  const std::string product(call.parameters.text("ProductKey"));
  script::Request request;
  request.product = product + "?";
  if (call.parameters.has("ScriptContent")) {
    request.script = std::make_shared<const std::string>(call.parameters.text("ScriptContent"));
  } else {
    auto saved = services.registry.script(product);
    if (!saved) return reply(refusal(saved.problem()));
    request.script = std::make_shared<const std::string>(std::move(saved->text));
  }
  if (call.parameters.has("Json")) {
    request.function = script::Function::protocol_to_raw;
    request.input = call.parameters.text("Json");
  } else {
    auto bytes = bytes_of(call.parameters.text("Hex"));
    if (!bytes)
      return reply(gateway_error(400, "InvalidHex", "Hex is bytes as pairs of hexadecimal digits, such as 00 1f."));
    request.topic = call.parameters.text("Topic");
    request.function = request.topic.empty() ? script::Function::raw_to_protocol : script::Function::transform;
    request.input = std::move(*bytes);
  }
  const auto function = request.function;
  services.scripts->run(std::move(request), [function, reply = std::move(reply)](const script::Outcome& outcome) {
    json::object data{{"Function", script::name(function)}};
    if (!outcome.ok()) {
      Answer answer =
          refusal("tercet.script.Failed", std::string(script::name(function)) + ": " + outcome.detail + ".");
      answer.body["AlinkCode"] = alink::number(outcome.code);
      return reply(std::move(answer));
    }
    if (function == script::Function::raw_to_protocol)
      data["Output"] = outcome.output;
    else
      data["OutputHex"] = hex_of(outcome.output);
    data["Microseconds"] = outcome.micros;
    reply(success({{"Data", std::move(data)}}));
  });
}

}  // namespace tercet::openapi
