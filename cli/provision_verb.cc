#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "cli/provision.h"
#include "provision/source_walk.h"

namespace tercet::cli {
namespace {

constexpr const char* kNoSecretHere =
    "a secret on the command line is seen by every user of this machine and stays in the shell's history; nothing was "
    "done. Put it into a file (chmod 600), or give - as the file to be asked for it: --triple FILE|-, --wifi FILE|-, "
    "--product-secret-file FILE";

struct Words {
  ProvisionOptions options;
  std::string show;
  std::vector<std::string> refused;  ///< values of flags that must not be; never printed
};

void add_sources(CLI::App& verb, const std::shared_ptr<Words>& words) {
  ProvisionOptions& o = words->options;
  constexpr const char* kGroup = "Boards";
  verb.add_option("--triple", o.triple,
                  "file with ProductKey, DeviceName, DeviceSecret; - asks, or reads standard input")
      ->group(kGroup);
  verb.add_option("--list", o.list, "table of triples (CSV, first line ProductKey,DeviceName,DeviceSecret)")
      ->group(kGroup);
  verb.add_option("--product", o.product, "ProductKey: register a device on the platform and take its triple")
      ->group(kGroup);
  verb.add_option("--name", o.name, "its DeviceName; with --count a prefix; made up without it")->group(kGroup);
  verb.add_option("--count", o.count, "register so many")->check(CLI::Range(1, 100'000))->group(kGroup);
  verb.add_option("--first", o.first, "number of the first of them, behind the prefix")
      ->check(CLI::Range(1, 1'000'000'000))
      ->group(kGroup);
  verb.add_flag("--existing", o.existing, "the device is registered already: fetch its triple")->group(kGroup);
}

void add_contents(CLI::App& verb, const std::shared_ptr<Words>& words) {
  ProvisionOptions& o = words->options;
  constexpr const char* kGroup = "Also written";
  verb.add_option("--host", o.host, "MQTT host")->group(kGroup);
  verb.add_option("--port", o.port, "MQTT port")->check(CLI::Range(1, 65535))->group(kGroup);
  verb.add_option("--ca", o.ca_file, "roots to trust, PEM file")->group(kGroup);
  verb.add_option("--pin", o.pins, "SHA-256 of the server's public key, 64 hex digits; up to four")
      ->allow_extra_args(false)
      ->group(kGroup);
  verb.add_option("--wifi", o.wifi_file, "file with lines ssid= and password=; - asks")->group(kGroup);
  verb.add_option("--product-secret-file", o.product_secret_file,
                  "file with the ProductSecret, for dynamic registration")
      ->group(kGroup);
}

void add_places(CLI::App& verb, const std::shared_ptr<Words>& words) {
  ProvisionOptions& o = words->options;
  constexpr const char* kGroup = "Where to";
  verb.add_option("--file", o.triple_out, "triple file, for boards with a file system")->group(kGroup);
  verb.add_option("--nvs", o.nvs_out, "image of an NVS partition, for ESP-IDF")->group(kGroup);
  verb.add_option("--keys", o.keys_out, "image of its key partition, with new keys; with --show: the keys to read with")
      ->group(kGroup);
  verb.add_option("--use-keys", o.use_keys, "encrypt with the keys in this image of a key partition")->group(kGroup);
  verb.add_option("--size", o.size, "bytes of the NVS partition, as in the partition table (0x6000)")->group(kGroup);
  verb.add_flag("--unencrypted", o.unencrypted, "leave the image readable: for trying things out")->group(kGroup);
  verb.add_option("--dir", o.directory, "folder for the files of --list and --count")->group(kGroup);
  verb.add_option("--as", o.as, "of --dir: nvs images or triple files (file)")
      ->check(CLI::IsMember({"nvs", "file"}))
      ->group(kGroup);
  verb.add_flag("--force", o.force, "replace files that exist")->group(kGroup);
  verb.add_option("--show", words->show, "print what an image holds, secrets masked, and what is wrong with it");
}

/// Flags people would try: known only so that they can be refused with the remedy.
void add_refused(CLI::App& verb, const std::shared_ptr<Words>& words) {
  for (const char* flag :
       {"--device-secret", "--secret", "--product-secret", "--wifi-password", "--wifi-pass", "--password"})
    verb.add_option(flag, words->refused)
        ->group("")
        ->expected(0, 1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb.allow_extras();  // or else the parser's complaint would repeat a secret pasted as a word
}

int complain(const std::string& problem) {
  std::cerr << "tercet: " << problem << "\n";
  return 2;
}

int run(CLI::App& verb, Words& words, Verbs& verbs) {
  for (const CLI::Option* option : verb.get_options())
    if (option->get_group().empty() && option->count() != 0)
      return complain("--" + option->get_lnames().front() + ": " + kNoSecretHere);
  for (const std::string& extra : verb.remaining()) {
    if (extra.starts_with("-")) return complain("there is no " + extra.substr(0, extra.find('=')) + "; see --help");
    return complain(std::string("a word that belongs to no option, not shown because it may be a secret: ") +
                    kNoSecretHere);
  }
  if (!words.show.empty()) return show_image(words.show, words.options.keys_out, verbs.json);
  words.options.platform = {{verbs.endpoint, verbs.access_key_id, verbs.access_key_secret, ""}, verbs.ready_file};
  words.options.json = verbs.json;
  return run_provision(words.options);
}

void add_check_source(CLI::App& app, Verbs& verbs) {
  CLI::App* verb =
      app.add_subcommand("check-source", "find device secrets in source code, before it is built or shared");
  auto paths = std::make_shared<std::vector<std::string>>();
  verb->add_option("paths", *paths, "folders and files of your source")->required();
  verb->footer("Exit code: 0 none, 1 found (file:line, cause, remedy), 2 a path that cannot be read");
  verb->callback([paths, &verbs] { verbs.exit_code = provision::check_source(*paths, std::cout, std::cerr); });
}

}  // namespace

void add_provision_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* verb = app.add_subcommand("provision", "write a board's triple into a file or an encrypted NVS image");
  auto words = std::make_shared<Words>();
  add_sources(*verb, words);
  add_contents(*verb, words);
  add_places(*verb, words);
  add_refused(*verb, words);
  add_access_options(*verb, verbs);
  verb->footer("Exit code: 0 done, 1 refused by the platform (--show: damaged), 2 bad input or a file in the way");
  verb->callback([verb, words, &verbs] { verbs.exit_code = run(*verb, *words, verbs); });
  add_check_source(app, verbs);
}

}  // namespace tercet::cli
