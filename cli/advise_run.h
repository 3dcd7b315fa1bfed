#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/advise_link.h"
#include "platform/runtime/epoll_loop.h"

namespace tercet::cli::advise {

struct RunOptions {
  std::string host = "0.0.0.0";  ///< address to listen on
  std::uint16_t port = 8883;     ///< 0 takes a free one
  bool plain = false;            ///< plain TCP on `port`
  bool has_plain_trap = false;   ///< with TLS: also listen for plain logins, on plain_port
  std::uint16_t plain_port = 1883;
  Millis limit{1'800'000};  ///< the run ends by then
};

/// Works through the acts of a plan, each in one connection of the device or a few, in their order.
class Run {
 public:
  /// All outlive the run. progress: told one line whenever a connection comes or an act begins.
  Run(runtime::EpollLoop& loop, const RunOptions& options, const Plan& plan, Scene& scene,
      std::function<void(const std::string&)> progress);
  ~Run();

  struct Ports {
    std::uint16_t main = 0, plain = 0;  ///< 0: there is none
  };
  /// Problems: io_failed, the port is taken.
  runtime::Outcome<Ports> listen();
  /// Passes until the plan is through, the device is gone, the limit has come or `is_asked_to_stop` says so. Fills
  /// scene.record.
  void run(const std::function<bool()>& is_asked_to_stop);

 private:
  void accept(std::unique_ptr<runtime::Stream> stream);
  void on_over();
  bool skip_decided();
  void sweep();
  bool is_time_up() const;

  runtime::EpollLoop& loop_;
  const RunOptions& options_;
  const Plan& plan_;
  Scene& scene_;
  std::function<void(const std::string&)> progress_;
  std::vector<std::unique_ptr<Link>> links_;  ///< the last one may be playing, others are closing
  std::size_t at_ = 0;                        ///< in plan_.acts
  std::size_t repeats_ = 0;                   ///< connections spent on this act beyond the first
  bool done_ = false;
  Instant began_{};
  Instant last_end_ = Instant::never();
};

}  // namespace tercet::cli::advise
