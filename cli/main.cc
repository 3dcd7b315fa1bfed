#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "cli/advise.h"
#include "cli/board.h"
#include "cli/doctor.h"
#include "cli/edge_verb.h"
#include "cli/errors_verb.h"
#include "cli/fleet.h"
#include "cli/gateway.h"
#include "cli/model_header.h"
#include "cli/provision.h"
#include "cli/sign.h"
#include "cli/verbs.h"
#include "platform/script/worker.h"
#include "platform/server/serve.h"
#include "ports/posix/triple_file.h"

namespace {

using namespace tercet;

std::string language_of_environment() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != 0) return std::string(value).starts_with("zh") ? "zh" : "en";
  }
  return "en";
}

/// A triple named by --triple or by its three parts.
struct TripleOptions {
  std::string file, product_key, device_name, device_secret;
  std::string host, ca;  ///< what the file says
  std::uint16_t port = 0;

  void add_to(CLI::App& app) {
    app.add_option("--triple", file,
                   "file with productKey, deviceName, deviceSecret (JSON or lines), readable by you only");
    app.add_option("--product-key", product_key, "ProductKey");
    app.add_option("--device-name", device_name, "DeviceName");
    app.add_option("--device-secret", device_secret,
                   "DeviceSecret (prefer --triple: a command line is visible to others)");
  }
  /// Fills from the file what was not given.
  bool load(std::string& problem) {
    if (file.empty()) return true;
    const auto read = posix::read_triple_file(file, problem);
    if (!read) return false;
    const auto secret = posix::TripleFileSecrets(file).secret_of(read->id);
    if (!secret) {
      problem = file + ": no DeviceSecret could be read (" + std::string(name(secret.error())) + ")";
      return false;
    }
    if (product_key.empty()) product_key = read->id.product.str();
    if (device_name.empty()) device_name = read->id.device.str();
    if (device_secret.empty()) device_secret = secret->str();
    host = read->host, ca = read->ca, port = read->port.value_or(0);
    return true;
  }
  /// Hands identity and host to the options of a verb.
  template <typename Options>
  void give_to(Options& options) const {
    options.product_key = product_key;
    options.device_name = device_name;
    options.device_secret = device_secret;
    if (options.host.empty()) options.host = host;
  }
};

int complain(const std::string& problem) {
  std::cerr << "tercet: " << problem << "\n";
  return 2;
}

void add_serve(CLI::App& app, int& exit_code) {
  struct Options {
    std::string config, data, ready;
    bool ephemeral = false, accept_data_loss = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* serve = app.add_subcommand("serve", "run the platform");
  serve->add_option("--config", options->config, "TOML file; without one the defaults are used");
  serve->add_option("--data", options->data, "data directory (default .tercet)");
  serve->add_flag("--ephemeral", options->ephemeral, "free ports on 127.0.0.1 only, for tests");
  serve->add_flag("--accept-data-loss", options->accept_data_loss,
                  "open a damaged store up to the damage; what was stored later is lost");
  serve->add_option("--ready", options->ready, "write this JSON file once connections are accepted");
  serve->callback([options, &exit_code] {
    server::Config config = options->ephemeral ? server::ephemeral_config() : server::default_config();
    std::string problem;
    if (!options->config.empty() && !server::load_config(options->config, config, problem)) {
      exit_code = complain(problem);
      return;
    }
    config.ephemeral = options->ephemeral;
    if (!options->data.empty()) config.data_dir = options->data;
    config.accept_data_loss |= options->accept_data_loss;
    config.ready_file = options->ready;
    exit_code = server::serve(config);
  });
}

void add_sign(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<cli::SignOptions>();
  auto triple = std::make_shared<TripleOptions>();
  CLI::App* sign =
      app.add_subcommand("sign", "print client id, user name and password of a device, for any MQTT client");
  triple->add_to(*sign);
  sign->add_option("--host", options->host, "host; derived from region or instance without it");
  sign->add_option("--region", options->region, "region of the old public instance");
  sign->add_option("--instance", options->instance_id, "instance id, iot-…");
  CLI::Option* port =
      sign->add_option("--port", options->port, "port (8883, with --plain 1883)")->check(CLI::Range(1, 65535));
  sign->add_option("--client-id", options->client_id, "the part before the bar; ProductKey.DeviceName without it");
  sign->add_option("--method", options->method, "hmacmd5, hmacsha1 or hmacsha256");
  sign->add_option("--timestamp", options->timestamp, "milliseconds, or none");
  sign->add_flag("--plain", options->plain, "plain TCP (securemode=3)");
  sign->add_flag("--json", options->json, "print JSON");
  sign->callback([options, triple, port, &exit_code] {
    std::string problem, text;
    if (!triple->load(problem)) {
      exit_code = complain(problem);
      return;
    }
    triple->give_to(*options);
    if (port->count() == 0) options->port = triple->port != 0 ? triple->port : options->plain ? 1883 : 8883;
    if (!cli::render_sign(*options, text, problem)) {
      exit_code = complain(problem);
      return;
    }
    std::cout << text;
  });
}

void add_doctor(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<cli::DoctorOptions>();
  auto triple = std::make_shared<TripleOptions>();
  options->language = language_of_environment();
  CLI::App* doctor =
      app.add_subcommand("doctor", "find out where and why a connection breaks; to this platform or the real cloud");
  triple->add_to(*doctor);
  doctor->add_option("--host", options->host, "host to reach");
  CLI::Option* port = doctor->add_option("--port", options->port, "port (8883, with --plain 1883)");
  doctor->add_flag("--plain", options->plain, "plain TCP instead of TLS");
  doctor->add_option("--ca", options->ca_file, "root certificate, PEM");
  doctor->add_option("--client-id", options->client_id, "the client id as your program sends it");
  doctor->add_option("--user-name,--username", options->user_name, "the user name as your program sends it");
  doctor->add_option("--password", options->password, "the password as your program sends it");
  doctor->add_option("--timeout", options->timeout_seconds, "seconds for each rung")->check(CLI::Range(1, 120));
  doctor->add_option("--lang", options->language, "en or zh")->check(CLI::IsMember({"en", "zh"}));
  doctor->footer(
      "Exit code: 0 all stands, 2 input, 10 clock, 11 DNS, 12 TCP, 13 TLS, 14 CONNECT, 15 SUBSCRIBE, 16 reply");
  doctor->callback([options, triple, port, &exit_code] {
    std::string problem;
    if (!triple->load(problem)) {
      exit_code = complain(problem);
      return;
    }
    triple->give_to(*options);
    if (options->ca_file.empty()) options->ca_file = triple->ca;
    if (port->count() == 0) options->port = triple->port != 0 ? triple->port : options->plain ? 1883 : 8883;
    exit_code = cli::run_doctor(*options);
  });
}

void add_advise(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<cli::AdviseOptions>();
  auto triple = std::make_shared<TripleOptions>();
  options->language = language_of_environment();
  CLI::App* advise =
      app.add_subcommand("advise", "grade any device that connects: a server that misbehaves on purpose");
  triple->add_to(*advise);
  advise->add_option("--listen", options->listen, "address to listen on");
  CLI::Option* port = advise->add_option("--port", options->port, "port (8883, with --plain 1883); 0 takes a free one");
  advise->add_flag("--plain", options->plain, "plain TCP instead of TLS");
  advise->add_option("--plain-port", options->plain_port, "beside TLS: a port on which a plain login is a fault")
      ->check(CLI::Range(0, 65535));
  advise->add_option("--dir", options->directory, "directory that keeps the CA (default .tercet/advise)");
  advise->add_option("--name", options->names, "a name or address the device connects by; may be repeated");
  advise->add_option("--set", options->set, "properties this device can set, JSON");
  advise->add_option("--points", options->points, "only these points or groups, comma-separated");
  advise->add_flag("--quick", options->quick, "leave out the points that take a minute");
  advise->add_option("--limit", options->limit_seconds, "seconds the run may take")->check(CLI::Range(1, 86'400));
  advise->add_flag("--json", options->json, "print JSON");
  advise->add_option("--lang", options->language, "en or zh")->check(CLI::IsMember({"en", "zh"}));
  advise->add_option("--ready", options->ready_file, "write this JSON file once connections are accepted");
  advise->footer("Exit code: 0 every point passed, 1 one did not, 2 bad input or a port in use");
  advise->callback([options, triple, port, &exit_code] {
    std::string problem;
    if (!triple->load(problem)) {
      exit_code = complain(problem);
      return;
    }
    options->product_key = triple->product_key;
    options->device_name = triple->device_name;
    options->device_secret = triple->device_secret;
    if (port->count() == 0 && options->plain) options->port = 1883;
    exit_code = cli::run_advise(*options);
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Tercet: both ends of the Alibaba Cloud IoT protocol"};
  // What `tercet serve` starts for itself: it has no options and is no verb of a person's.
  if (argc == 2 && std::string_view(argv[1]) == "script-worker") std::_Exit(script::serve_scripts());
  app.require_subcommand(1);
  app.set_version_flag("--version", "tercet 0.1.0");
  int exit_code = 0;
  cli::Verbs verbs;
  verbs.language = language_of_environment();

  add_serve(app, exit_code);
  add_sign(app, exit_code);
  add_doctor(app, exit_code);
  add_advise(app, exit_code);
  cli::add_errors(app, verbs.language, exit_code);
  CLI::App* device = app.add_subcommand("device", "without a verb: run a climate board; with one: manage devices");
  cli::add_board(*device, exit_code);
  cli::add_device_verbs(*device, verbs);
  cli::add_edge(app, exit_code);
  cli::add_fleet(app, exit_code);
  cli::add_gateway(app, exit_code);
  cli::add_model(app, exit_code);
  cli::add_product_verbs(app, verbs);
  cli::add_config_verbs(app, verbs);
  cli::add_script_verbs(app, verbs);
  cli::add_ota_verbs(app, verbs);
  cli::add_rule_verbs(app, verbs);
  cli::add_subscription_verbs(app, verbs);
  cli::add_group_verbs(app, verbs);
  cli::add_property_verbs(app, verbs);
  cli::add_topic_verbs(app, verbs);
  cli::add_broadcast_verb(app, verbs);
  cli::add_call_verbs(app, verbs);
  cli::add_cert_verbs(app, verbs);
  cli::add_topology_verbs(app, verbs);
  cli::add_job_verbs(app, verbs);
  cli::add_file_verbs(app, verbs);
  cli::add_tag_verbs(app, verbs);
  cli::add_log_verbs(app, verbs);
  cli::add_provision_verbs(app, verbs);

  std::signal(SIGPIPE, SIG_IGN);  // a peer that has gone is told by the write
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& bad) {
    return app.exit(bad) == 0 ? 0 : 2;  // help and version are no mistakes; every mistake in the arguments is a 2
  }
  return exit_code != 0 ? exit_code : verbs.exit_code;
}
