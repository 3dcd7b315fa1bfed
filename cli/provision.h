#pragma once
#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/openapi_client.h"
#include "cli/verbs.h"
#include "provision/board_record.h"

namespace tercet::cli {

/// What `tercet provision` is asked for.
struct ProvisionOptions {
  // Where triples come from: one of these.
  std::string triple;         ///< file, "-" for standard input or a prompt
  std::string list;           ///< table of triples
  std::string product, name;  ///< registered on the platform; with `count` the name is a prefix
  bool existing = false;      ///< the device is registered already
  std::uint32_t count = 0;    ///< 0: one board
  std::uint32_t first = 1;    ///< number behind the prefix of the first of them
  AccessSources platform;

  // What is added to each.
  std::string host, ca_file, wifi_file, product_secret_file;
  std::uint16_t port = 0;
  std::vector<std::string> pins;

  // Where it goes.
  std::string triple_out, nvs_out, keys_out;
  std::string directory;   ///< of many boards: files named after product and device
  std::string as = "nvs";  ///< of many boards: nvs or file
  std::string use_keys;    ///< file of an NVS key partition, instead of new keys
  std::size_t size = 0x6000;
  bool unencrypted = false, force = false, json = false;
};

/// Writes triple files or NVS images. Prints what was written, never a secret. Exit codes: 0 done; 1 refused by the
/// platform; 2 bad input, a file that exists already or cannot be written, no answer. Nothing is registered before
/// everything else has been looked at.
int run_provision(const ProvisionOptions& options);

/// Prints what an image holds, secrets masked. keys_file: "" for an image that is not encrypted. Exit codes: 0 sound; 1
/// damaged, what is wrong is printed; 2 cannot be read.
int show_image(const std::string& image_file, const std::string& keys_file, bool json);
/// The entries as show_image prints them; exposed for its test.
std::string render_image(const provision::NvsImage& image);

/// Adds `provision` and `check-source` to the command line.
void add_provision_verbs(CLI::App& app, Verbs& verbs);

}  // namespace tercet::cli
