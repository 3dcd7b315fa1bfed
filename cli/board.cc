#include "cli/board.h"

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>

#include "cli/board_plan.h"
#include "cli/board_register.h"
#include "cli/image_loader.h"
#include "climate/diurnal.h"
#include "climate/monitor.h"
#include "climate/remote_rules.h"
#include "climate/rules.h"
#include "ports/posix/air_sensor.h"
#include "ports/posix/board.h"
#include "ports/posix/files.h"
#include "tercet/device/client.h"

namespace tercet::cli {
namespace {

std::atomic<bool> stop_asked{false};

void ask_to_stop(int) { stop_asked = true; }

int complain(const std::string& problem) {
  std::fprintf(stderr, "tercet device: %s\n", problem.c_str());
  return 2;
}

std::unique_ptr<climate::Sensor> choose_sensor(const BoardOptions& options, std::string& problem) {
  if (options.sensor != "model") {
    if (auto chip = posix::AirSensor::find()) return chip;
    if (options.sensor == "chip") {
      problem = "no chip below /sys measures both temperature and humidity";
      return nullptr;
    }
  }
  climate::DiurnalModel::Shape room;
  room.day_s = options.day_s;
  return std::make_unique<climate::DiurnalModel>(options.seed, room);
}

/// Prints what happens, for a person.
class Screen final : public device::DeviceEvents, public climate::RulesWatcher, public climate::RemoteRulesEvents {
 public:
  explicit Screen(const BoardOptions& options)
      : language_(options.language == "zh" ? device::Language::chinese : device::Language::english),
        quiet_(options.quiet) {}
  void watch(climate::Monitor& monitor) { monitor_ = &monitor; }
  void watch(climate::RemoteRules& remote, const device::Clock& clock) { remote_ = &remote, clock_ = &clock; }
  void watch(BoardUpdates& updates) { updates_ = &updates; }
  std::uint64_t answered = 0;
  std::optional<device::Rung> last_rung;  ///< that broke
  Error last_error = Error::timed_out;

  void on_set(device::PropertySet& set) override {
    monitor_->on_set(set);
    const auto& now = monitor_->settings();
    say("%s %.*s -> %d: report_interval %d s, alarm_threshold %.1f\n", tell("set", "设置"),
        static_cast<int>(set.params().raw().size()), set.params().raw().data(), set.code(), now.report_interval_s,
        static_cast<double>(now.alarm_threshold));
  }
  void on_reply(const device::PostReply& reply) override {
    if (reply.code == 200) answered += reply.posts;
    say("%s %u: %d %.*s\n", tell("answer to", "应答"), reply.id, reply.code, static_cast<int>(reply.message.size()),
        reply.message.data());
  }
  /// What the monitor has done since the last call.
  void show_air() {
    const auto& now = monitor_->counters();
    const climate::Reading air = monitor_->reading();
    const double temperature = static_cast<double>(air.temperature), humidity = static_cast<double>(air.humidity);
    if (now.alarms != shown_.alarms) say("%s: %.2f °C\n", tell("ALARM", "报警"), temperature);
    if (now.reports != shown_.reports) say("%s: %.2f °C, %.2f %%RH\n", tell("report", "上报"), temperature, humidity);
    if (now.refused_reports != shown_.refused_reports)
      say("%s\n", tell("no room for the report", "缓存已满，上报未保存"));
    shown_ = now;
  }
  void on_rung(device::Rung rung, const device::RungRecord& record, std::string_view detail) override {
    const std::string_view title = device::title(rung, language_);
    const int width = static_cast<int>(title.size());
    if (!record.error) {
      say("  ✓ %.*s (%lld ms) %.*s\n", width, title.data(), static_cast<long long>(record.duration.count()),
          static_cast<int>(detail.size()), detail.data());
      return;
    }
    last_rung = rung, last_error = *record.error;
    const auto explanation = device::explain(rung, *record.error, language_);
    const auto remedy = device::remedy(rung, *record.error, language_);
    const std::string_view error = name(*record.error);
    std::printf("  ✗ %.*s: %.*s [%.*s] %.*s\n    %s %.*s\n", width, title.data(), static_cast<int>(explanation.size()),
                explanation.data(), static_cast<int>(error.size()), error.data(), static_cast<int>(detail.size()),
                detail.data(), tell("->", "→"), static_cast<int>(remedy.size()), remedy.data());
    std::fflush(stdout);
  }
  void on_step(const edge::Step& step) override {
    constexpr const char* kWhat[] = {"entered", "left", "blind", "sighted", "deferred", "did", "failed", "gave up"};
    say("%s %.*s: %s %.*s\n", tell("rule", "规则"), static_cast<int>(step.rule.size()), step.rule.data(),
        kWhat[static_cast<std::size_t>(step.what)], static_cast<int>(step.target.size()), step.target.data());
  }
  void on_report(const edge::Report& report) override {
    say("%s %u %.*s, %s %u\n", tell("rule set", "规则集"), report.version,
        static_cast<int>(name(report.outcome).size()), name(report.outcome).data(), tell("running", "正在运行"),
        report.running);
  }
  void on_message(std::string_view topic, Bytes payload) override {
    if (remote_ != nullptr) remote_->on_message(topic, payload, clock_->now());
    if (updates_ != nullptr) updates_->on_message(topic, payload, clock_->now());
  }
  void show_updates() {
    if (updates_ == nullptr) return;
    if (const std::string news = updates_->news(language_ == device::Language::chinese); !news.empty())
      say("%s: %s\n", tell("update", "升级"), news.c_str());
  }
  void on_fetch(std::string_view url, std::uint32_t bytes) override {
    const std::string_view shown = url.substr(0, url.find('?'));  // the rest opens the file
    say("%s: %u %s %.*s\n", tell("configuration", "远程配置"), bytes, tell("bytes from", "字节，来自"),
        static_cast<int>(shown.size()), shown.data());
  }
  void on_fetch_failed(const device::FetchFailure& failure, std::string_view detail, Millis retry_in) override {
    const auto explanation = device::explain(failure.fault, language_);
    const auto remedy = device::remedy(failure.fault, language_);
    const std::string_view fault = device::name(failure.fault);
    std::printf("%s: %.*s [%.*s %u] %.*s\n    %s %.*s", tell("configuration", "远程配置"),
                static_cast<int>(explanation.size()), explanation.data(), static_cast<int>(fault.size()), fault.data(),
                failure.status, static_cast<int>(detail.size()), detail.data(), tell("->", "→"),
                static_cast<int>(remedy.size()), remedy.data());
    if (retry_in.count() != 0)
      std::printf(language_ == device::Language::chinese ? "（%.0f 秒后重试）" : " (next try in %.0f s)",
                  static_cast<double>(retry_in.count()) / 1000);
    std::printf("\n");
    std::fflush(stdout);
  }
  void on_offered(const edge::Problem& problem) override {
    if (problem.fault == edge::Fault::none) return say("%s\n", tell("configuration taken", "远程配置已接受"));
    std::array<std::uint8_t, 1024> buffer{};
    Writer out{buffer};
    edge::write_problem(out, problem, language_);
    const std::string_view text = out.text();
    std::printf("%s: %.*s\n", tell("configuration not taken", "远程配置未接受"), static_cast<int>(text.size()),
                text.data());
    std::fflush(stdout);
  }
  device::Language language() const { return language_; }
  void on_online() override { say("%s\n", tell("online", "已上线")); }
  void on_offline(device::Rung, Error, Millis retry_in) override {
    const double seconds = static_cast<double>(retry_in.count()) / 1000;
    std::printf(language_ == device::Language::chinese ? "离线，%.1f 秒后重试\n" : "offline, next try in %.1f s\n",
                seconds);
    std::fflush(stdout);
  }
  void on_time(const device::TimeStep& step) override {
    say("%s %s: %+lld ms\n", tell("clock set from", "校时来源"), device::name(step.origin).data(),
        static_cast<long long>(step.to.ms - step.from.ms));
  }

 private:
  const char* tell(const char* english, const char* chinese) const {
    return language_ == device::Language::chinese ? chinese : english;
  }
  template <typename... Arguments>
  void say(const char* format, Arguments... arguments) const {
    if (quiet_) return;
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    std::printf("%02d:%02d:%02d ", local.tm_hour, local.tm_min, local.tm_sec);
    std::printf(format, arguments...);  // NOLINT: formats are literals of this file
    std::fflush(stdout);
  }
  device::Language language_;
  bool quiet_;
  climate::Monitor* monitor_ = nullptr;
  climate::RemoteRules* remote_ = nullptr;
  const device::Clock* clock_ = nullptr;
  BoardUpdates* updates_ = nullptr;
  climate::MonitorCounters shown_;
};

/// After --give-up: the rung that broke last; 1 when none did and only too few posts were answered.
int give_up_with(const Screen& screen, const BoardOptions& options) {
  if (screen.last_rung) return exit_code_of(*screen.last_rung, screen.last_error);
  std::fprintf(stderr, "tercet device: gave up after %d s: %llu posts answered, %llu wanted; nothing broke\n",
               static_cast<int>(options.give_up_s), static_cast<unsigned long long>(screen.answered),
               static_cast<unsigned long long>(options.count));
  return 1;
}

/// Hands the rule file to the keeper. A version that was in use or rolled back is only told: the board goes on with the
/// rules it has. False: the file cannot be read or is wrong.
bool offer_rules(climate::Rules& rules, const BoardOptions& options, device::Language language, Instant now) {
  const auto text = posix::read_file(options.rules_file);
  if (!text) {
    complain(options.rules_file + ": " + std::string(name(text.error())));
    return false;
  }
  edge::Problem problem;
  const auto taken = rules.offer(*text, 0, now, problem);
  if (taken) return true;
  std::array<std::uint8_t, 1024> buffer{};
  Writer out{buffer};
  edge::write_problem(out, problem, language);
  complain(options.rules_file + ": " + std::string(out.text()));
  return taken.error() == Error::version_conflict;
}

/// Packets as large as a block of an image; subscriptions for remote configuration and updates.
struct Room : device::DeviceBuffers<6 * 1024, 64 * 1024, 1024, 16, 2 + ota::Session::kFilters> {};

void say_goodbye(posix::Board& board, device::Device& device) {
  device.stop();
  const Instant until = board.clock().now() + Millis{1'000};
  while (!device.is_stopped() && board.clock().now() < until) {
    device.run();
    if (!device.is_stopped()) board.wait(std::min(device.next_deadline(), until));
  }
}

/// What has been said about the image reaches the platform before the board is gone.
void wait_for_words(posix::Board& board, device::Device& device) {
  const Instant until = board.clock().now() + Millis{2'000};
  while (device.is_online() && device.in_flight() > 0 && board.clock().now() < until) {
    device.run();
    board.wait(std::min(device.next_deadline(), until));
  }
}

/// The updates of this board; null when there are none, or problem says why not.
std::unique_ptr<BoardUpdates> start_updates(const BoardOptions& options, const DeviceId& id, posix::Board& board,
                                            device::Device& device, std::string& problem) {
  if (options.updates.directory.empty()) return nullptr;
  auto updates = std::make_unique<BoardUpdates>(options.updates, board, device);
  problem = updates->start(id, board.clock().now());
  return problem.empty() ? std::move(updates) : nullptr;
}

}  // namespace

int run_board(const BoardOptions& options) {
  const std::string& images = options.updates.directory;
  if (!images.empty() && !is_booted_from(images)) return load_images(images, options.updates.first_version);
  Plan plan;
  std::string problem;
  if (!make_plan(options, plan, problem)) return complain(problem);
  const auto sensor = choose_sensor(options, problem);
  if (!sensor) return complain(problem);

  posix::Board board({options.triple_file, plan.host, plan.trust, options.state_directory});
  Screen screen(options);
  const auto room = std::make_unique<Room>();
  device::Device device(board.port(), room->storage(), screen);
  climate::Settings first;
  if (options.interval_s != 0) first.report_interval_s = options.interval_s;
  first.alarm_threshold = static_cast<float>(options.threshold);
  climate::Monitor monitor(device, *sensor, board.store(), first);
  screen.watch(monitor);
  climate::Rules rules(device, monitor, screen, board.store(), {.watcher = &screen});

  climate::RemoteRules remote(device, rules, board.file_transport(), board.store(), &screen);
  screen.watch(remote, board.clock());

  device::Options settings;
  settings.auto_subscribe = options.auto_subscribe;
  settings.psk = options.psk;
  settings.other = {plan.other_host, plan.other_port, !options.plain};
  if (!device.start(plan.id, {plan.host, plan.port, !options.plain}, settings)) return complain("options out of range");
  if (!options.quiet)
    std::printf("%s/%s -> %s:%u (%s), %.*s\n", std::string(plan.id.product.str()).c_str(),
                std::string(plan.id.device.str()).c_str(), plan.host.c_str(), plan.port,
                options.plain ? "TCP"
                : options.psk ? "TLS, pre-shared key"
                              : "TLS",
                static_cast<int>(sensor->description().size()), sensor->description().data());

  if (const auto waiting = device.outbox().in_flash; waiting != 0 && !options.quiet)
    std::printf("%u posts of an earlier run wait to be sent\n", waiting);

  rules.start(edge::Boot::ordinary, board.clock().now());
  if (!options.rules_file.empty() && !offer_rules(rules, options, screen.language(), board.clock().now())) return 2;

  if (!remote.start(plan.id)) return complain("the ProductKey and DeviceName are too long");

  const auto updates = start_updates(options, plan.id, board, device, problem);
  if (!problem.empty()) return complain(problem);
  if (updates) {
    screen.watch(*updates);
    if (!options.quiet) std::printf("image %s\n", std::string(updates->version()).c_str());
  }

  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  const Instant give_up = options.give_up_s > 0 ? board.clock().now() + Seconds{options.give_up_s} : Instant::never();
  while (!stop_asked) {
    const Instant now = board.clock().now();
    if (options.count != 0 && screen.answered >= options.count) break;
    const bool is_content = options.count == 0 && device.is_online();
    if (now >= give_up && !is_content) return give_up_with(screen, options);
    monitor.run(now, board.clock().wall());
    rules.run(now);
    remote.run(now);
    screen.show_air();
    device.run();
    if (updates) updates->run(now);
    screen.show_updates();
    if (updates && updates->wants_restart()) {
      wait_for_words(board, device);
      say_goodbye(board, device);
      return kRestartCode;
    }
    Instant wake =
        std::min({device.next_deadline(), monitor.next_deadline(), rules.next_deadline(), remote.next_deadline()});
    if (updates) wake = std::min(wake, updates->next_deadline());
    if (!is_content) wake = std::min(wake, give_up);
    board.wait(wake);
  }
  say_goodbye(board, device);
  return 0;
}

namespace {

void add_update_options(CLI::App& device, UpdateOptions& updates) {
  device.add_option("--ota", updates.directory, "take updates: directory of images (docs/ota-device.md)");
  device.add_option("--ota-version", updates.first_version, "version of the image a new --ota directory begins with");
  device.add_option("--ota-over", updates.over, "any (HTTPS, else the session), https or session")
      ->check(CLI::IsMember({"any", "https", "session"}));
  device.add_option("--ota-key", updates.keys, "public key (PEM or DER) that images must be signed with; repeatable");
  device.add_option("--ota-healthy", updates.healthy_s, "seconds in which a new image must be online and answered")
      ->check(CLI::Range(1, 86'400));
  device.add_flag("--ota-older", updates.allows_older, "take older versions too");
}

}  // namespace

void add_board(CLI::App& device, int& exit_code) {
  auto options = std::make_shared<BoardOptions>();
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == 0) continue;
    if (std::string(value).starts_with("zh")) options->language = "zh";
    break;
  }
  device.add_option("--triple", options->triple_file, "triple file (JSON or key=value lines, chmod 600)");
  device.add_option("--host", options->host, "platform to connect to (default: of the triple file, else localhost)");
  device.add_option("--port", options->port, "port (default: of the triple file, else 8883)");
  device.add_option("--ca", options->ca_file,
                    "root certificates, PEM (default: of the triple file, else the machine's)");
  device.add_option("--pin", options->pin, "SHA-256 of the server's public key, instead of roots");
  device.add_flag("--plain", options->plain, "plain TCP instead of TLS");
  device.add_flag("--psk", options->psk, "TLS by the triple's pre-shared key instead of certificates (port 1883)");
  device.add_option("--cert", options->certificate, "certificate of a device whose product is of the kind x509, PEM");
  device.add_option("--key", options->key, "its private key, PEM");
  device.add_option("--other", options->other, "HOST:PORT to try in turn when nobody answers");
  device.add_flag("--auto-subscribe", options->auto_subscribe, "let the platform subscribe (_ss=1)");
  device.add_option("--interval", options->interval_s, "report interval in seconds")->check(CLI::Range(1, 86'400));
  device.add_option("--threshold", options->threshold, "alarm threshold in degrees")->check(CLI::Range(-40.0, 125.0));
  device.add_option("--count", options->count, "stop after so many posts answered with 200");
  device.add_option("--give-up", options->give_up_s, "stop after so many seconds without success")
      ->check(CLI::Range(1, 86'400));
  device.add_option("--rules", options->rules_file,
                    "edge rules to take (docs/edge-rules.md) instead of the built-in alarm");
  device.add_option("--state", options->state_directory, "directory that keeps settings, time, and posts that wait");
  add_update_options(device, options->updates);
  device.add_option("--sensor", options->sensor, "auto, chip or model")
      ->check(CLI::IsMember({"auto", "chip", "model"}));
  device.add_option("--seed", options->seed, "seed of the model");
  device.add_option("--day", options->day_s, "seconds that the model's day lasts; 86400, fewer to see more happen")
      ->check(CLI::Range(1, 86'400));
  device.add_option("--lang", options->language, "en or zh")->check(CLI::IsMember({"en", "zh"}));
  device.add_flag("--quiet", options->quiet, "print only what goes wrong");
  device.add_option("--register", options->registers,
                    "PRODUCT/DEVICE: get its DeviceSecret with the ProductSecret, write --triple FILE (0600), and end");
  device.add_option("--product-secret", options->product_secret,
                    "file with the ProductSecret, - for standard input (default: TERCET_PRODUCT_SECRET)");
  device.callback([&device, options, &exit_code] {
    if (!device.get_subcommands().empty()) return;
    if (options->triple_file.empty()) {
      exit_code = complain("--triple FILE is needed to run a board; see tercet device --help for the verbs");
      return;
    }
    exit_code = options->registers.empty() ? run_board(*options) : register_board(*options);
  });
}

}  // namespace tercet::cli
