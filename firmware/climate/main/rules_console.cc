#include "rules_console.h"

#if defined(CONFIG_CLIMATE_RULES) && defined(CONFIG_TERCET_SETUP_CONSOLE)
#include <esp_console.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

#include <array>
#include <cstdio>
#include <memory>
#include <new>
#include <string_view>

#include "setup/paste.h"

namespace tercet::firmware {
namespace {

// ESP-IDF's command functions are given nothing of ours.
idf::Board* board = nullptr;
BoardRules* rules = nullptr;

/// Handed from the console's task to the client's, which deletes it.
struct Pasted {
  std::array<std::uint8_t, climate::Rules::kMostText> room;
  setup::Paste paste{room};
};

int send(const idf::Mailbox::Job& job) {
  if (board->mailbox().send(job)) return 0;
  std::printf("busy: try again\n");
  return 1;
}

void offer(void* with) {
  const std::unique_ptr<Pasted> pasted(static_cast<Pasted*>(with));
  rules->offer(pasted->paste.text(), board->clock().now());
}

int paste() {
  std::unique_ptr<Pasted> pasted(new (std::nothrow) Pasted);
  if (!pasted) {
    std::printf("no memory\n");
    return 1;
  }
  std::printf("paste the rule set, {...}; Escape gives up\n");
  using enum setup::Paste::State;
  auto state = waiting;
  while (state == waiting || state == inside) {
    const int c = std::getchar();
    if (c == EOF) {  // nothing typed yet, where the console does not wait
      std::clearerr(stdin);
      vTaskDelay(1);
      continue;
    }
    state = pasted->paste.add(static_cast<char>(c));
  }
  if (state == whole) {
    if (send({offer, pasted.get()}) != 0) return 1;
    static_cast<void>(pasted.release());
    return 0;
  }
  std::printf(state == too_long ? "longer than %u bytes\n" : "given up\n",
              static_cast<unsigned>(climate::Rules::kMostText));
  return 1;
}

int run(int count, char** words) {
  const std::string_view verb = count > 1 ? words[1] : "";
  if (count == 1) return send({[](void*) { rules->tell(); }, nullptr});
  if (count == 2 && verb == "paste") return paste();
  std::printf("rules: what runs; rules paste: take a rule set\n");
  return 1;
}

}  // namespace

Result<void> add_rules_command(idf::Board& of, BoardRules& these) {
  board = &of;
  rules = &these;
  esp_console_cmd_t command{};
  command.command = "rules";
  command.help = "edge rules that run; 'rules paste': take a rule set";
  command.func = run;
  if (esp_console_cmd_register(&command) != ESP_OK) return fail(Error::no_space);
  return {};
}

}  // namespace tercet::firmware
#else
namespace tercet::firmware {
Result<void> add_rules_command(idf::Board&, BoardRules&) { return fail(Error::unsupported); }
}  // namespace tercet::firmware
#endif
