#include "ports/esp-idf/setup_console.h"

#include <sdkconfig.h>

#include "ports/esp-idf/setup_page.h"
#include "setup/field.h"

#ifdef CONFIG_TERCET_SETUP_CONSOLE
#include <esp_console.h>
#include <esp_system.h>

#include <cstdio>
#include <cstring>

namespace tercet::idf {
namespace {

Board* board = nullptr;  // ESP-IDF's command functions are given nothing of ours

int set(int count, char** words) {
  const setup::Field* field = count == 3 ? setup::find_field(words[1]) : nullptr;
  if (field == nullptr) {
    std::printf("set <field> <value>, where <field> is one of\n");
    for (const setup::Field& known : setup::fields()) std::printf("  %-10s %s\n", known.key, known.help);
    return 1;
  }
  if (!setup::check(field->key, words[2])) {
    std::printf("%s cannot be that: %s\n", field->key, field->help);
    return 1;
  }
  const auto stored = board->provisioning().set_text(field->key, words[2]);
  if (field->is_secret) std::memset(words[2], 0, std::strlen(words[2]));
  std::printf(stored ? "stored; 'restart' makes it count\n" : "NVS would not take it\n");
  return stored ? 0 : 1;
}

int show(int, char**) {
  for (const setup::Field& field : setup::fields()) {
    if (std::string_view(field.key) == "port") continue;  // a number, told below
    const bool is_there = board->provisioning().has(field.key);
    const auto text =
        field.is_secret ? Result<Provisioning::Text>(fail(Error::denied)) : board->provisioning().text(field.key);
    const std::string_view said = text ? text->str() : is_there ? "***" : "-";
    std::printf("%-10s %.*s\n", field.key, static_cast<int>(said.size()), said.data());
  }
  if (const auto port = board->provisioning().port())
    std::printf("%-10s %u\n", "port", static_cast<unsigned>(*port));
  else
    std::printf("%-10s -\n", "port");
  std::printf("network    %s\n", board->network().has_address() ? "up" : "down");
  return 0;
}

int forget(int, char**) {
  const auto done = board->provisioning().erase();
  std::printf(done ? "forgotten; 'restart' makes it count\n" : "NVS would not do it\n");
  return done ? 0 : 1;
}

int open_page(int, char**) {
  const bool asked =
      board->mailbox().send({[](void* at) { static_cast<void>(open_setup_page(*static_cast<Board*>(at))); }, board});
  if (!asked) std::printf("busy: try again\n");
  return asked ? 0 : 1;
}

int restart(int, char**) { esp_restart(); }

Result<void> add(const char* name, const char* help, int (*run)(int, char**)) {
  esp_console_cmd_t command{};
  command.command = name;
  command.help = help;
  command.func = run;
  if (esp_console_cmd_register(&command) != ESP_OK) return fail(Error::no_space);
  return {};
}

esp_err_t make_reader(const esp_console_repl_config_t& config, esp_console_repl_t*& made) {
#if defined(CONFIG_ESP_CONSOLE_UART_DEFAULT) || defined(CONFIG_ESP_CONSOLE_UART_CUSTOM)
  const esp_console_dev_uart_config_t device = ESP_CONSOLE_DEV_UART_CONFIG_DEFAULT();
  return esp_console_new_repl_uart(&device, &config, &made);
#elif defined(CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG)
  const esp_console_dev_usb_serial_jtag_config_t device = ESP_CONSOLE_DEV_USB_SERIAL_JTAG_CONFIG_DEFAULT();
  return esp_console_new_repl_usb_serial_jtag(&device, &config, &made);
#elif defined(CONFIG_ESP_CONSOLE_USB_CDC)
  const esp_console_dev_usb_cdc_config_t device = ESP_CONSOLE_DEV_CDC_CONFIG_DEFAULT();
  return esp_console_new_repl_usb_cdc(&device, &config, &made);
#else
  static_cast<void>(config), static_cast<void>(made);
  return ESP_ERR_NOT_SUPPORTED;
#endif
}

}  // namespace

Result<void> open_setup_console(Board& of) {
  board = &of;
  esp_console_repl_config_t config = ESP_CONSOLE_REPL_CONFIG_DEFAULT();
  config.prompt = "tercet>";
  config.max_history_len = 1;  // what was typed may have been a secret
  esp_console_repl_t* reader = nullptr;
  const esp_err_t made = make_reader(config, reader);
  if (made != ESP_OK) return fail(made == ESP_ERR_NOT_SUPPORTED ? Error::unsupported : Error::no_space);
  const struct {
    const char *name, *help;
    int (*run)(int, char**);
  } commands[] = {{"set", "set <field> <value>: store a value; alone: the fields", set},
                  {"show", "what is stored, secrets as stars", show},
                  {"forget", "erase what is stored, the triple too", forget},
                  {"setup", "open the set-up page (Wi-Fi boards)", open_page},
                  {"restart", "start again with what is stored", restart}};
  for (const auto& command : commands)
    if (const auto added = add(command.name, command.help, command.run); !added) return added;
  if (esp_console_start_repl(reader) != ESP_OK) return fail(Error::no_space);
  return {};
}

}  // namespace tercet::idf
#else
namespace tercet::idf {
Result<void> open_setup_console(Board&) { return fail(Error::unsupported); }
}  // namespace tercet::idf
#endif
