#include "cli/advise_run.h"

#include <algorithm>

#include "cli/advise_grade.h"

namespace tercet::cli::advise {
namespace {

constexpr std::size_t kMostRepeats = 12;  ///< a device that cannot get further is not waited for
constexpr Millis kLongestWait{100};

}  // namespace

Run::Run(runtime::EpollLoop& loop, const RunOptions& options, const Plan& plan, Scene& scene,
         std::function<void(const std::string&)> progress)
    : loop_(loop), options_(options), plan_(plan), scene_(scene), progress_(std::move(progress)) {}

Run::~Run() { loop_.stop_listening(); }

runtime::Outcome<Run::Ports> Run::listen() {
  const auto open = [this](std::uint16_t port) -> runtime::Outcome<std::uint16_t> {
    const auto address = runtime::make_address(options_.host, port);
    if (!address) return runtime::Problem{Error::bad_argument, "--host wants an address of this machine, as 0.0.0.0"};
    const auto bound =
        loop_.listen(*address, [this](std::unique_ptr<runtime::Stream> stream) { accept(std::move(stream)); });
    if (!bound) return runtime::Problem{Error::io_failed, "port " + std::to_string(port) + ": " + loop_.last_error()};
    return bound->port;
  };
  Ports ports;
  const auto main = open(options_.port);
  if (!main) return main.problem();
  ports.main = *main;
  if (options_.has_plain_trap && !options_.plain) {
    const auto plain = open(options_.plain_port);
    if (!plain) return plain.problem();
    ports.plain = *plain;
  }
  return ports;
}

/// The pauses may have said enough: then nothing more is refused for their sake.
bool Run::skip_decided() {
  while (at_ < plan_.acts.size() && plan_.acts[at_] == Act::refuse_again &&
         do_pauses_grow(failure_pauses(scene_.record)))
    ++at_;
  return at_ < plan_.acts.size();
}

void Run::accept(std::unique_ptr<runtime::Stream> stream) {
  if (done_) return;
  if (!links_.empty() && !links_.back()->is_over()) links_.back()->end_now(true);
  if (done_) return;
  const Instant now = loop_.now();
  Visit visit;
  visit.began = visit.last_sent = now;
  visit.act = Act::recover;
  scene_.record.visits.push_back(visit);
  if (!skip_decided()) {  // it has come again, which was all that was left to see
    scene_.record.visits.back().ended = now;
    done_ = true;
    return;
  }
  const Act act = plan_.acts[at_];
  scene_.record.visits.back().act = act;
  const std::string pause = last_end_ == Instant::never() ? "" : ", after " + seconds(now - last_end_);
  progress_("[" + std::to_string(at_ + 1) + "/" + std::to_string(plan_.acts.size()) + "] " + stream->peer().text() +
            pause + ": " + std::string(name(act)));
  links_.push_back(
      std::make_unique<Link>(loop_, std::move(stream), scene_, scene_.record.visits.size() - 1, [this] { on_over(); }));
}

void Run::on_over() {
  const Link& link = *links_.back();
  last_end_ = loop_.now();
  const Act act = scene_.record.visits.back().act;
  const bool again = !link.is_played() || act == Act::refuse_again;
  if (again && ++repeats_ <= kMostRepeats) return;
  if (again) progress_("the device gets no further than \"" + std::string(name(act)) + "\"");
  done_ = again || act == Act::recover;
  repeats_ = 0;
  ++at_;
}

void Run::sweep() {
  std::erase_if(links_, [](const std::unique_ptr<Link>& link) { return link->is_gone(); });
}

bool Run::is_time_up() const {
  const bool is_playing = !links_.empty() && !links_.back()->is_over();
  const bool is_lost = !is_playing && last_end_ != Instant::never() && loop_.now() - last_end_ >= kReturnWithin;
  return is_lost || loop_.now() - began_ >= options_.limit;
}

void Run::run(const std::function<bool()>& is_asked_to_stop) {
  loop_.run_once(Millis{0});
  began_ = loop_.now();
  while (!done_ && !is_time_up() && !is_asked_to_stop()) {
    loop_.run_once(kLongestWait);
    sweep();
  }
  done_ = true;
  scene_.record.finished = loop_.now();
  links_.clear();
}

}  // namespace tercet::cli::advise
