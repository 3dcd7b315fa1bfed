#include "platform/server/consumer_port.h"

#include <utility>

#include "platform/broker/refusal_of.h"
#include "platform/runtime/log.h"
#include "platform/runtime/shard_set.h"

namespace tercet::server {
namespace {

constexpr Seconds kLookEvery{1};

}  // namespace

runtime::Outcome<std::unique_ptr<ConsumerPort>> ConsumerPort::open(const Parts& parts) {
  auto loop = runtime::EpollLoop::open();
  if (!loop) return runtime::Problem{Error::io_failed, "no file descriptors are left; raise `ulimit -n`"};
  return std::unique_ptr<ConsumerPort>(new ConsumerPort(parts, std::move(*loop)));
}

ConsumerPort::ConsumerPort(const Parts& parts, std::unique_ptr<runtime::EpollLoop> loop)
    : parts_(parts), loop_(std::move(loop)), look_([](void* self) { static_cast<ConsumerPort*>(self)->look(); }, this) {
  subscription::AmqpServer::Wiring wiring{*loop_, parts.store, parts.shards, {}, {}, {}};
  wiring.authenticate = [this](subscription::ConsumerLogin login, std::string password, auto then) {
    authenticate(std::move(login), std::move(password), std::move(then));
  };
  wiring.drained = [this](std::uint64_t destination, std::uint16_t shard, std::uint64_t records, std::uint64_t bytes) {
    parts_.destinations.drained(destination, shard, records, bytes);
  };
  wiring.refused = [this](const runtime::Address& peer, const std::string& client, const std::string& group,
                          const subscription::AmqpServer::Refused& why) {
    runtime::log(runtime::LogLevel::warning, "consumer_refused",
                 {{"peer", peer.text()}, {"client", client}, {"cause", auth::code(why.cause)}, {"why", why.evidence}});
    parts_.journal.record(broker::refusal_of(broker::Refusal::Stage::connect, why.cause, loop_->wall(), peer,
                                             "consumer/" + group, client, 0, "AMQP: " + why.evidence));
  };
  wiring.backlog.keep = std::chrono::hours{parts.config.amqp_keep_hours};
  wiring.backlog.again_after = Seconds{parts.config.amqp_again_after_seconds};
  wiring.backlog.answer_within = Seconds{parts.config.amqp_answer_within_seconds};
  server_ = std::make_unique<subscription::AmqpServer>(std::move(wiring));
  parts_.destinations.on_group([this](std::uint64_t destination) { wake(destination); });
  look_.set(parts_.management, parts_.management.now() + kLookEvery);
}

ConsumerPort::~ConsumerPort() { stop(); }

runtime::Outcome<runtime::Address> ConsumerPort::listen(const std::string& host, std::uint16_t port,
                                                        runtime::TlsServerContext context) {
  const auto address = runtime::make_address(host == "localhost" ? "127.0.0.1" : host, port);
  if (!address)
    return runtime::Problem{Error::bad_argument,
                            "amqp: host '" + host + "' is no IP address; write 0.0.0.0 for every interface"};
  const auto shared = std::make_shared<const runtime::TlsServerContext>(std::move(context));
  const auto bound = loop_->listen(*address, [this, shared](std::unique_ptr<runtime::Stream> stream) {
    server_->accept(shared->wrap(std::move(stream)));
  });
  if (!bound)
    return runtime::Problem{Error::io_failed,
                            "AMQP for consumers cannot listen on " + address->text() + ": " + loop_->last_error() +
                                "; stop what uses the port, or give another one in [amqp] of --config, or say "
                                "offered = false there"};
  return *bound;
}

void ConsumerPort::start() { thread_ = runtime::run_in_thread(*loop_, "amqp"); }

void ConsumerPort::stop() {
  if (!thread_.joinable()) return;
  static_cast<void>(loop_->post([this] { server_->shut_down(); }));
  loop_->stop();
  thread_.join();
}

void ConsumerPort::use(std::vector<std::uint64_t> destinations, std::vector<subscription::AmqpServer::RuleTag> tags) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = Wanted{std::move(destinations), std::move(tags)};
  }
  take_up();
}

/// A queue that is full now is tried again by look().
void ConsumerPort::take_up() {
  static_cast<void>(loop_->post([this] {
    std::optional<Wanted> wanted;
    {
      const std::lock_guard lock(mutex_);
      wanted.swap(wanted_);
    }
    if (wanted) server_->use(wanted->destinations, std::move(wanted->tags));
  }));
}

/// The key and the group are looked up where they live.
void ConsumerPort::authenticate(subscription::ConsumerLogin login, std::string password,
                                std::function<void(subscription::AmqpServer::Verdict)> then) {
  static_cast<void>(parts_.management.post([this, login = std::move(login), password = std::move(password),
                                            then = std::move(then), alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    static_cast<void>(loop_->post([then, verdict = judge(login, password)] { then(verdict); }));
  }));
}

subscription::AmqpServer::Verdict ConsumerPort::judge(const subscription::ConsumerLogin& login,
                                                      const std::string& password) {
  const registry::AccessKey* const key = parts_.registry.access_key(login.access_key_id);
  const auto refuse = [](auth::Cause cause, std::string evidence) {
    return subscription::AmqpServer::Verdict{0, {cause, std::move(evidence)}};
  };
  if (key == nullptr)
    return refuse(auth::Cause::consumer_key_unknown,
                  "there is no AccessKey " + login.access_key_id.substr(0, 40) + ": authId is the AccessKey's ID");
  if (!subscription::is_signed(login, password, key->secret))
    return refuse(auth::Cause::consumer_password,
                  "the password is not base64(HMAC(AccessKeySecret, \"authId=" + login.access_key_id.substr(0, 40) +
                      "&timestamp=" + login.timestamp + "\")) with the signMethod of the user name");
  if (!key->active) return refuse(auth::Cause::consumer_key_disabled, "the AccessKey " + key->id + " is disabled");
  const auto group = parts_.groups.group(login.group);
  if (!group) return refuse(auth::Cause::consumer_group_unknown, group.problem().detail);
  return {group->destination(), {}};
}

/// From shards, and from the management thread: many wake-ups become one task.
void ConsumerPort::wake(std::uint64_t destination) {
  {
    const std::lock_guard lock(mutex_);
    const bool is_first = woken_.empty();
    woken_.insert(destination);
    if (!is_first) return;
  }
  const bool is_posted = loop_->post([this] {
    std::unordered_set<std::uint64_t> woken;
    {
      const std::lock_guard lock(mutex_);
      woken.swap(woken_);
    }
    for (const std::uint64_t one : woken) server_->wake(one);
  });
  if (is_posted) return;
  const std::lock_guard lock(mutex_);
  woken_.clear();  // the next message wakes it
}

bool ConsumerPort::status(std::uint64_t destination, std::function<void(subscription::GroupStatus)> then) {
  return loop_->post([this, destination, then = std::move(then)] {
    static_cast<void>(parts_.management.post([then, status = server_->status(destination)] { then(status); }));
  });
}

bool ConsumerPort::clear(std::uint64_t destination, std::function<void(std::uint64_t)> then) {
  return loop_->post([this, destination, then = std::move(then)] {
    server_->clear(destination, [this, then](std::uint64_t records) {
      static_cast<void>(parts_.management.post([then, records] { then(records); }));
    });
  });
}

void ConsumerPort::look() {
  look_.set(parts_.management, parts_.management.now() + kLookEvery);
  take_up();
  static_cast<void>(loop_->post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    static_cast<void>(parts_.management.post([this, alive, counters = server_->counters()] {
      if (!alive.expired()) counters_ = counters;
    }));
  }));
}

}  // namespace tercet::server
