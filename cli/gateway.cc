#include "cli/gateway.h"

#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

#include "cli/new_files.h"
#include "cli/triples.h"
#include "climate/diurnal.h"
#include "ports/posix/board.h"
#include "tercet/device/gateway.h"

namespace tercet::cli {
namespace {

inline constexpr device::Property<float> kTemperature{"temperature"}, kHumidity{"humidity"};
inline constexpr device::Property<std::int32_t> kInterval{"report_interval", device::Access::read_write, 1, 86'400};
constexpr std::size_t kMostSubs = 2'000;  // of a gateway of the cloud
constexpr Millis kNoRoom{100};

std::atomic<bool> stop_asked{false};

void ask_to_stop(int) { stop_asked = true; }

int complain(const std::string& problem) {
  std::fprintf(stderr, "tercet gateway: %s\n", problem.c_str());
  return 2;
}

/// Logins of fifty in one message.
struct Room : device::DeviceBuffers<8 * 1024, 4 * 1024, 17 * 1024, 16> {};

/// A room that is measured: what a sub-device of ours is.
struct Chamber {
  explicit Chamber(std::uint32_t seed) : sensor(seed) {}
  climate::DiurnalModel sensor;
  std::int32_t interval_s = 60;
  Instant due{};
};

class Station final : public device::DeviceEvents, public device::GatewayEvents {
 public:
  Station(const GatewayOptions& options, posix::Board& board, std::vector<ListedDevice> listed)
      : options_(options),
        board_(board),
        listed_(std::move(listed)),
        subs_(listed_.size()),
        device_(board.port(), room_.storage(), *this),
        gateway_(device_, board.port(), *this, subs_, scratch_, static_cast<std::size_t>(options.logins)) {
    for (std::size_t i = 0; i < listed_.size(); ++i) {
      chambers_.emplace_back(options.seed + static_cast<std::uint32_t>(i));
      chambers_[i].interval_s = options.interval_s;
    }
  }
  bool start(const DeviceId& id, const device::Endpoint& endpoint) {
    device::Options settings;
    settings.auto_subscribe = true;
    settings.clean_session = true;
    if (!device_.start(id, endpoint, settings)) return false;
    gateway_.start(id);
    for (const ListedDevice& one : listed_)
      if (!gateway_.add(one.id, one.secret)) return false;
    return true;
  }
  /// When it wants to run again.
  Instant run() {
    device_.run();
    gateway_.run();
    if (needs_saving_) save();
    const Instant due = report();
    return std::min({due, device_.next_deadline(), gateway_.next_deadline()});
  }
  void say_goodbye() {
    device_.stop();
    const Instant until = board_.clock().now() + Millis{1'000};
    while (!device_.is_stopped() && board_.clock().now() < until) {
      device_.run();
      if (!device_.is_stopped()) board_.wait(std::min(device_.next_deadline(), until));
    }
  }
  std::uint64_t answered() const { return answered_; }

  void on_online() override { say("%s\n", tell("online", "已上线")); }
  void on_offline(device::Rung rung, Error error, Millis retry_in) override {
    const std::string_view why = device::explain(rung, error, language());
    complain_of("%s %.*s (%.1f s)\n", tell("offline:", "离线："), static_cast<int>(why.size()), why.data(),
                static_cast<double>(retry_in.count()) / 1000);
  }
  void on_message(std::string_view topic, Bytes payload) override {
    static_cast<void>(gateway_.on_message(topic, payload));
  }
  void on_sub_state(device::SubDevice& sub) override {
    using device::SubState;
    if (sub.state() == SubState::unused) return;
    const std::string_view name = sub.id().device.str();
    const int width = static_cast<int>(name.size());
    const char* what = nullptr;
    switch (sub.state()) {
      case SubState::online:
        chamber_of(sub).due = board_.clock().now();
        return say("%.*s %s (%zu / %zu)\n", width, name.data(), tell("logged in", "已登录"), online(), subs_.size());
      case SubState::ready:
        what = tell("waits for its login", "等待登录");
        break;
      case SubState::absent:
        what = tell("is to be added to the topology", "待加入拓扑");
        break;
      case SubState::unnamed:
        what = tell("is to be registered", "待注册");
        break;
      case SubState::disabled:
        what = tell("is disabled: it goes on when it is enabled", "已被禁用：启用后继续");
        break;
      case SubState::deleted:
        what = tell("is not known to the platform", "平台上没有该设备");
        break;
      case SubState::removed:
        what = tell("was taken from the topology", "已被移出拓扑");
        break;
      default:
        return;
    }
    if (sub.code() != 0)
      say("%.*s %s (%d: tercet explain %d)\n", width, name.data(), what, sub.code(), sub.code());
    else
      say("%.*s %s\n", width, name.data(), what);
  }
  void on_sub_registered(device::SubDevice& sub) override {
    listed_[index_of(sub)].secret = sub.secret();
    needs_saving_ = true;
  }
  void on_sub_set(device::SubDevice& sub, device::PropertySet& set) override {
    Chamber& chamber = chamber_of(sub);
    const auto wanted = set.get(kInterval);
    if (set.ok() && wanted) {
      chamber.interval_s = *wanted;
      chamber.due = board_.clock().now();
      set.confirm(kInterval(*wanted));
    }
    const std::string_view name = sub.id().device.str(), params = set.params().raw();
    say("%.*s %s %.*s -> %d\n", static_cast<int>(name.size()), name.data(), tell("set", "设置"),
        static_cast<int>(params.size()), params.data(), set.code());
  }
  void on_sub_reply(device::SubDevice& sub, const device::PostReply& reply) override {
    if (reply.code == 200) {
      ++answered_;
      return;
    }
    const std::string_view name = sub.id().device.str();
    complain_of("%.*s %s %d %.*s\n", static_cast<int>(name.size()), name.data(), tell("was answered", "应答"),
                reply.code, static_cast<int>(reply.message.size()), reply.message.data());
  }
  void on_invited(const DeviceId& id) override {
    const std::string_view name = id.device.str();
    say("%.*s %s\n", static_cast<int>(name.size()), name.data(),
        tell("is to be added, says an application: put it into the list", "：应用要求添加，请写入列表"));
  }

 private:
  std::size_t index_of(const device::SubDevice& sub) const {
    const auto found =
        std::find_if(listed_.begin(), listed_.end(), [&](const ListedDevice& one) { return one.id == sub.id(); });
    return static_cast<std::size_t>(found - listed_.begin());
  }
  std::size_t online() const {
    return static_cast<std::size_t>(std::count_if(subs_.begin(), subs_.end(), [](const device::SubDevice& one) {
      return one.state() == device::SubState::online;
    }));
  }
  Chamber& chamber_of(const device::SubDevice& sub) { return chambers_[index_of(sub)]; }
  /// Posts what is due; when the next is.
  Instant report() {
    const Instant now = board_.clock().now();
    Instant soonest = Instant::never();
    for (device::SubDevice& sub : subs_) {
      if (sub.state() != device::SubState::online) continue;
      Chamber& chamber = chamber_of(sub);
      if (now >= chamber.due) {
        const auto air = chamber.sensor.sample(board_.clock().wall());
        const bool is_sent =
            air && gateway_.post_properties(sub, {kTemperature(air->temperature), kHumidity(air->humidity)});
        chamber.due = now + (is_sent ? Millis{Seconds{chamber.interval_s}} : kNoRoom);
      }
      soonest = std::min(soonest, chamber.due);
    }
    return soonest;
  }
  /// The list, with the secrets that were told.
  void save() {
    needs_saving_ = false;
    std::string text = "# ProductKey DeviceName DeviceSecret\n", problem;
    for (const ListedDevice& one : listed_)
      text.append(one.id.product.str())
          .append(" ")
          .append(one.id.device.str())
          .append(" ")
          .append(one.secret)
          .append("\n");
    NewFiles files(true);
    if (!files.add(options_.subs_file, text, problem) || !files.commit(problem))
      complain_of("%s: %s\n", tell("the secrets cannot be kept", "无法保存密钥"), problem.c_str());
  }
  device::Language language() const {
    return options_.language == "zh" ? device::Language::chinese : device::Language::english;
  }
  const char* tell(const char* english, const char* chinese) const {
    return options_.language == "zh" ? chinese : english;
  }
  template <typename... Arguments>
  void complain_of(const char* format, Arguments... arguments) const {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    std::printf("%02d:%02d:%02d ", local.tm_hour, local.tm_min, local.tm_sec);
    std::printf(format, arguments...);  // NOLINT: formats are literals of this file
    std::fflush(stdout);
  }
  template <typename... Arguments>
  void say(const char* format, Arguments... arguments) const {
    if (!options_.quiet) complain_of(format, arguments...);
  }

  const GatewayOptions& options_;
  posix::Board& board_;
  std::vector<ListedDevice> listed_;
  std::vector<device::SubDevice> subs_;
  std::vector<Chamber> chambers_;
  Room room_;
  std::array<std::uint8_t, 17 * 1024> scratch_{};
  device::Device device_;
  device::Gateway gateway_;
  std::uint64_t answered_ = 0;
  bool needs_saving_ = false;
};

}  // namespace

int run_gateway(const GatewayOptions& options) {
  std::string problem;
  const auto triple = posix::read_triple_file(options.triple_file, problem);
  if (!triple) return complain(problem);
  std::vector<ListedDevice> listed;
  if (!read_devices(options.subs_file, false, listed, problem)) return complain(problem);
  if (listed.size() > kMostSubs)
    return complain(options.subs_file + ": a gateway has " + std::to_string(kMostSubs) + " sub-devices at most");
  const std::string host = !options.host.empty() ? options.host : !triple->host.empty() ? triple->host : "localhost";
  const std::uint16_t port = options.port != 0 ? options.port : triple->port.value_or(options.plain ? 1883 : 8883);
  posix::Trust trust;
  const std::string ca = !options.ca_file.empty() ? options.ca_file : triple->ca;
  if (!ca.empty()) trust.files.push_back(ca);
  trust.system = trust.files.empty();

  posix::Board board({options.triple_file, host, trust, {}});
  const auto station = std::make_unique<Station>(options, board, std::move(listed));
  if (!station->start(triple->id, {host, port, !options.plain}))
    return complain(options.subs_file + ": a device is listed twice, or the options are out of range");
  if (!options.quiet)
    std::printf("%s/%s -> %s:%u\n", std::string(triple->id.product.str()).c_str(),
                std::string(triple->id.device.str()).c_str(), host.c_str(), port);
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  const Instant give_up = options.give_up_s > 0 ? board.clock().now() + Seconds{options.give_up_s} : Instant::never();
  while (!stop_asked && (options.count == 0 || station->answered() < options.count)) {
    if (options.count != 0 && board.clock().now() >= give_up) {
      std::fprintf(stderr, "tercet gateway: gave up after %d s: %llu posts answered, %llu wanted\n", options.give_up_s,
                   static_cast<unsigned long long>(station->answered()),
                   static_cast<unsigned long long>(options.count));
      return 1;
    }
    board.wait(std::min(station->run(), give_up));
  }
  station->say_goodbye();
  return 0;
}

void add_gateway(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<GatewayOptions>();
  CLI::App* gateway = app.add_subcommand("gateway", "run a gateway that speaks for virtual climate boards");
  gateway->add_option("--triple", options->triple_file, "the gateway's triple: a file, mode 0600")->required();
  gateway
      ->add_option(
          "--subs", options->subs_file,
          "its devices, lines \"ProductKey DeviceName [DeviceSecret]\"; without a secret they register, and the "
          "secret is written to the file")
      ->required();
  gateway->add_option("--host", options->host, "host; what the triple file says without it");
  gateway->add_option("--port", options->port, "port (8883, with --plain 1883)")->check(CLI::Range(1, 65535));
  gateway->add_option("--ca", options->ca_file, "root certificate, PEM");
  gateway->add_flag("--plain", options->plain, "plain TCP instead of TLS");
  gateway->add_option("--interval", options->interval_s, "seconds between two reports of a device")
      ->check(CLI::Range(1, 86'400));
  gateway->add_option("--logins", options->logins, "most devices in one login")->check(CLI::Range(1, 50));
  gateway->add_option("--count", options->count, "stop after so many posts answered with 200");
  gateway->add_option("--give-up", options->give_up_s, "with --count: stop after so many seconds, with 1");
  gateway->add_option("--seed", options->seed, "of the rooms that are measured");
  gateway->add_option("--lang", options->language, "en or zh")->check(CLI::IsMember({"en", "zh"}));
  gateway->add_flag("--quiet", options->quiet, "print only what goes wrong");
  gateway->callback([options, &exit_code] { exit_code = run_gateway(*options); });
}

}  // namespace tercet::cli
