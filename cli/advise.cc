#include "cli/advise.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cstdio>

#include "cli/advise_report.h"
#include "cli/advise_run.h"
#include "platform/runtime/atomic_file.h"

namespace tercet::cli {
namespace {

std::atomic<bool> stop_asked{false};
void ask_to_stop(int) { stop_asked = true; }

int complain(const std::string& problem) {
  std::fprintf(stderr, "tercet advise: %s\n", problem.c_str());
  return 2;
}

/// Whatever a device on this network may call this machine.
std::vector<std::string> names_of_this_machine(std::vector<std::string> names) {
  names.insert(names.begin(), "localhost");
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) == 0 && *host != 0) names.emplace_back(host);
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) == 0) {
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
      char text[INET6_ADDRSTRLEN] = {};
      if (one->ifa_addr == nullptr) continue;
      if (one->ifa_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof text);
      if (one->ifa_addr->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr, text, sizeof text);
      if (*text != 0) names.emplace_back(text);
    }
    freeifaddrs(all);
  }
  names.emplace_back("127.0.0.1");
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

advise::Scene make_scene(const AdviseOptions& options, const advise::Plan& plan,
                         const advise::Certificates* certificates) {
  using advise::Point;
  advise::Scene scene;
  scene.certificates = certificates;
  scene.set = options.set;
  scene.hold_session = plan.hold_session;
  scene.needs_posts = plan.has(Point::post_ids) || plan.has(Point::post_envelope) || plan.has(Point::subscribes);
  scene.post_wait = options.quick ? Seconds{40} : Seconds{150};
  for (const Point point : plan.points)
    if (point >= Point::set_obeyed && point <= Point::large_message) scene.commands.push_back(point);
  scene.record.tls = !options.plain;
  scene.record.product = options.product_key;
  scene.record.device = options.device_name;
  scene.record.secret = options.device_secret;
  return scene;
}

bool write_ready(const AdviseOptions& options, const advise::Run::Ports& ports, const std::string& ca) {
  boost::json::object ready{{"host", options.listen}, {"port", ports.main}, {"pid", getpid()}};
  if (ports.plain != 0) ready["plainPort"] = ports.plain;
  if (!ca.empty()) ready["ca"] = ca;
  return runtime::write_file_atomically(options.ready_file, boost::json::serialize(ready), runtime::FileMode::shared)
      .has_value();
}

void announce(const AdviseOptions& options, const advise::Run::Ports& ports, const std::string& ca) {
  const bool zh = options.language == "zh";
  std::fprintf(stderr, zh ? "请让设备连接本机 %u 端口 (%s)" : "let the device connect to port %u of this machine (%s)",
               ports.main, options.plain ? "TCP" : "TLS");
  if (!ca.empty()) std::fprintf(stderr, zh ? "，根证书 %s" : ", root certificate %s", ca.c_str());
  if (ports.plain != 0)
    std::fprintf(stderr, zh ? "；明文陷阱端口 %u" : "; plain logins are watched for on port %u", ports.plain);
  std::fprintf(stderr, zh ? "；随时可按 Ctrl-C 查看结果\n" : "; Ctrl-C ends the run with what was seen\n");
}

}  // namespace

int run_advise(const AdviseOptions& options) {
  const auto selected = advise::select_points(options.points);
  if (!selected) return complain("--points: no point or group has that name; see docs/advise.md");
  if (!advise::is_settable(options.set)) return complain("--set wants a JSON object with the properties to set");
  const advise::Plan plan = advise::make_plan(*selected, options.quick, !options.plain);
  if (plan.points.empty()) return complain("every point of --points is left out by --quick or --plain");

  auto loop = runtime::EpollLoop::open();
  if (!loop) return complain("no descriptors left");
  std::optional<advise::Certificates> certificates;
  if (!options.plain) {
    auto opened = advise::Certificates::open(options.directory, names_of_this_machine(options.names), (*loop)->wall());
    if (!opened) return complain(opened.problem().detail);
    certificates = std::move(*opened);
  }
  advise::Scene scene = make_scene(options, plan, certificates ? &*certificates : nullptr);
  advise::RunOptions wanted;
  wanted.host = options.listen, wanted.port = options.port, wanted.plain = options.plain;
  wanted.has_plain_trap = options.plain_port >= 0;
  wanted.plain_port = static_cast<std::uint16_t>(std::max(0, options.plain_port));
  wanted.limit = Seconds{options.limit_seconds != 0 ? options.limit_seconds : options.quick ? 900 : 1800};
  advise::Run run(**loop, wanted, plan, scene,
                  [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
  const auto ports = run.listen();
  if (!ports) return complain(ports.problem().detail);
  const std::string ca = certificates ? certificates->ca_path() : "";
  if (!options.ready_file.empty() && !write_ready(options, *ports, ca))
    return complain(options.ready_file + " cannot be written");
  announce(options, *ports, ca);

  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  run.run([] { return stop_asked.load(); });

  const advise::Report report = advise::make_report(plan, scene.record);
  const std::string text =
      options.json ? advise::as_json(report, options.language) + "\n" : advise::as_lines(report, options.language);
  std::fputs(text.c_str(), stdout);
  return report.is_clean() ? 0 : 1;
}

}  // namespace tercet::cli
