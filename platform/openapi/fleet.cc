#include "platform/openapi/fleet.h"

#include <utility>

#include "platform/broker/identity.h"
#include "tercet/base/check.h"

namespace tercet::openapi {
namespace {

/// Collects the parts of an answer that several shards give. Lives on the management loop.
template <typename T>
struct Gathering {
  T all{};
  std::size_t missing = 0;
  bool refused = false;
  Fleet::Then<T> then;
};

/// Gives `then` once no part is missing any more.
template <typename T>
void end_if_whole(Gathering<T>& gathering) {
  if (gathering.missing != 0) return;
  gathering.then(gathering.refused ? std::nullopt : std::optional<T>(std::move(gathering.all)));
}

}  // namespace

Fleet::Fleet(runtime::Loop& management, runtime::Shards& shards, std::vector<FleetShard> parts)
    : management_(management),
      shards_(shards),
      parts_(std::make_shared<const std::vector<FleetShard>>(std::move(parts))),
      tell_again_([](void* self) { static_cast<Fleet*>(self)->tell_rest(); }, this) {
  TERCET_CHECK(parts_->size() == shards_.count());
}

std::size_t Fleet::home(const DeviceKey& device) const {
  return shards_.home_of(broker::device_key(device.product, device.name));
}

std::vector<std::vector<std::uint64_t>> Fleet::by_shard(const std::vector<DeviceKey>& devices) const {
  std::vector<std::vector<std::uint64_t>> numbers(parts_->size());
  for (const DeviceKey& device : devices) numbers[home(device)].push_back(device.number);
  return numbers;
}

void Fleet::presences(const std::vector<DeviceKey>& devices, Then<Presences> then) {
  auto gathering = std::make_shared<Gathering<Presences>>();
  gathering->then = std::move(then);
  auto numbers = by_shard(devices);
  gathering->missing = 1;
  for (std::size_t shard = 0; shard < parts_->size(); ++shard) {
    if (numbers[shard].empty()) continue;
    ++gathering->missing;
    const bool taken = shards_.loop(shard).post(
        [&management = management_, parts = parts_, shard, gathering, wanted = std::move(numbers[shard])] {
          Presences found;
          for (const std::uint64_t number : wanted)
            if (auto presence = (*parts)[shard].things->presence(number)) found.emplace(number, std::move(*presence));
          management.post([gathering, found = std::move(found)]() mutable {
            gathering->all.merge(found);
            --gathering->missing;
            end_if_whole(*gathering);
          });
        });
    if (!taken) --gathering->missing, gathering->refused = true;
  }
  --gathering->missing;
  end_if_whole(*gathering);
}

void Fleet::latest_of(const std::vector<DeviceKey>& devices, Then<Summaries> then) {
  auto gathering = std::make_shared<Gathering<Summaries>>();
  gathering->then = std::move(then);
  auto numbers = by_shard(devices);
  gathering->missing = 1;
  for (std::size_t shard = 0; shard < parts_->size(); ++shard) {
    if (numbers[shard].empty()) continue;
    ++gathering->missing;
    const bool taken = shards_.loop(shard).post(
        [&management = management_, parts = parts_, shard, gathering, wanted = std::move(numbers[shard])] {
          (*parts)[shard].things->latest_of(wanted, [&management, gathering](std::vector<thing::Summary> found) {
            management.post([gathering, found = std::move(found)]() mutable {
              for (auto& summary : found) gathering->all.emplace(summary.device, std::move(summary));
              --gathering->missing;
              end_if_whole(*gathering);
            });
          });
        });
    if (!taken) --gathering->missing, gathering->refused = true;
  }
  --gathering->missing;
  end_if_whole(*gathering);
}

void Fleet::counts(Then<std::vector<ShardCounts>> then) {
  auto gathering = std::make_shared<Gathering<std::vector<ShardCounts>>>();
  gathering->then = std::move(then);
  gathering->all.resize(parts_->size());
  gathering->missing = 1;
  for (std::size_t shard = 0; shard < parts_->size(); ++shard) {
    ++gathering->missing;
    const bool taken = shards_.loop(shard).post([&management = management_, parts = parts_, shard, gathering] {
      ShardCounts counts{(*parts)[shard].things->counts(), {}};
      if ((*parts)[shard].counters) counts.broker = (*parts)[shard].counters();
      management.post([shard, gathering, counts] {
        gathering->all[shard] = counts;
        --gathering->missing;
        end_if_whole(*gathering);
      });
    });
    if (!taken) --gathering->missing, gathering->refused = true;
  }
  --gathering->missing;
  end_if_whole(*gathering);
}

void Fleet::set_properties(const DeviceKey& device, std::string items, Then<thing::SetTicket> then) {
  const std::size_t shard = home(device);
  // The answer is kept outside the task, so that it is still here when the task is not taken.
  const auto shared = std::make_shared<Then<thing::SetTicket>>(std::move(then));
  const bool taken = shards_.loop(shard).post(
      [&management = management_, parts = parts_, shard, shared, number = device.number, items = std::move(items)]() {
        thing::Things& things = *(*parts)[shard].things;
        const auto answer = [&management, shared](thing::SetTicket ticket) {
          management.post([shared, ticket = std::move(ticket)] { (*shared)(ticket); });
        };
        thing::SetTicket ticket = things.set_properties(number, items, [](const thing::SetResult&) {});
        if (ticket.is_translating) return things.when_translated(ticket.message_id, answer);
        answer(std::move(ticket));
      });
  if (!taken) (*shared)(std::nullopt);
}

/// Starts on the device's shard; answers with the ticket, or with the result of a call that is waited for.
void Fleet::call(const DeviceKey& device, Start start, Then<Invocation> then) {
  const std::size_t shard = home(device);
  const auto shared = std::make_shared<Then<Invocation>>(std::move(then));
  const bool taken =
      shards_.loop(shard).post([&management = management_, parts = parts_, shard, shared, start = std::move(start)] {
        const auto answer = [&management, shared](Invocation made) {
          management.post([shared, made = std::move(made)] { (*shared)(made); });
        };
        const auto kept = std::make_shared<thing::SetTicket>();
        const thing::SetTicket ticket = start(*(*parts)[shard].things, [answer, kept](const thing::CallResult& result) {
          if (kept->answers) answer({*kept, result});
        });
        *kept = ticket;
        if (ticket.is_translating)
          return (*parts)[shard].things->when_translated(ticket.message_id, [answer, kept](thing::SetTicket known) {
            if (!known.sent || !kept->answers) answer({std::move(known), std::nullopt});
          });
        if (!ticket.sent || !ticket.answers) answer({ticket, std::nullopt});
      });
  if (!taken) (*shared)(std::nullopt);
}

void Fleet::invoke_service(const DeviceKey& device, std::string identifier, std::string args, Then<Invocation> then) {
  call(
      device,
      [number = device.number, identifier = std::move(identifier), args = std::move(args)](thing::Things& things,
                                                                                           OnResult on_result) {
        return things.invoke_service(number, identifier, args, std::move(on_result));
      },
      std::move(then));
}

void Fleet::execute(const DeviceKey& device, std::string service, std::string params,
                    std::function<void(thing::SetTicket)> taken, std::function<void(thing::CallResult)> ended) {
  const std::size_t shard = home(device);
  const auto told = std::make_shared<std::function<void(thing::SetTicket)>>(std::move(taken));
  const auto over = std::make_shared<std::function<void(thing::CallResult)>>(std::move(ended));
  const bool posted =
      shards_.loop(shard).post([&management = management_, parts = parts_, shard, told, over, number = device.number,
                                service = std::move(service), params = std::move(params)] {
        thing::Things& things = *(*parts)[shard].things;
        const auto answer = [&management, told](thing::SetTicket ticket) {
          management.post([told, ticket = std::move(ticket)] { (*told)(ticket); });
        };
        const auto end = [&management, over](const thing::CallResult& result) {
          management.post([over, result] { (*over)(result); });
        };
        const thing::SetTicket ticket = service.empty()
                                            ? things.set_properties(number, params,
                                                                    [end](const thing::SetResult& result) {
                                                                      thing::CallResult whole;
                                                                      static_cast<thing::SetResult&>(whole) = result;
                                                                      end(whole);
                                                                    })
                                            : things.invoke_service(number, service, params, end);
        if (ticket.is_translating) return things.when_translated(ticket.message_id, answer);
        answer(ticket);
      });
  if (posted) return;
  thing::SetTicket busy;
  busy.error = Error::no_space;
  (*told)(busy);
}

void Fleet::rrpc(const DeviceKey& device, std::string topic, std::string payload, Millis timeout,
                 Then<Invocation> then) {
  call(
      device,
      [number = device.number, topic = std::move(topic), payload = std::move(payload), timeout](thing::Things& things,
                                                                                                OnResult on_result) {
        return things.rrpc(number, topic, as_bytes(payload), timeout, std::move(on_result));
      },
      std::move(then));
}

/// Runs on the device's shard and brings its answer back.
template <typename T>
void Fleet::ask(const DeviceKey& device, std::function<void(thing::Things&, std::function<void(const T&)>)> run,
                Then<T> then) {
  const std::size_t shard = home(device);
  const auto shared = std::make_shared<Then<T>>(std::move(then));
  const bool taken =
      shards_.loop(shard).post([&management = management_, parts = parts_, shard, shared, run = std::move(run)] {
        run(*(*parts)[shard].things,
            [&management, shared](const T& answer) { management.post([shared, answer] { (*shared)(answer); }); });
      });
  if (!taken) (*shared)(std::nullopt);
}

void Fleet::set_desired(const DeviceKey& device, std::string items, std::string versions,
                        Then<thing::DesiredResult> then) {
  ask<thing::DesiredResult>(
      device,
      [number = device.number, items = std::move(items), versions = std::move(versions)](
          thing::Things& things, auto done) { things.set_desired(number, items, versions, std::move(done)); },
      std::move(then));
}

void Fleet::log_upload(const DeviceKey& device, std::optional<bool> wanted, Then<thing::LogUpload> then) {
  ask<thing::LogUpload>(
      device,
      [number = device.number, wanted](thing::Things& things, auto done) {
        things.log_upload(number, wanted, std::move(done));
      },
      std::move(then));
}

void Fleet::clear_desired(const DeviceKey& device, std::vector<std::string> identifiers,
                          Then<thing::DesiredResult> then) {
  ask<thing::DesiredResult>(
      device,
      [number = device.number, identifiers = std::move(identifiers)](thing::Things& things, auto done) {
        things.clear_desired(number, identifiers, std::move(done));
      },
      std::move(then));
}

void Fleet::desired(const DeviceKey& device, Then<std::vector<thing::Desired>> then) {
  ask<std::vector<thing::Desired>>(
      device,
      [number = device.number](thing::Things& things, auto answer) { things.desired(number, std::move(answer)); },
      std::move(then));
}

void Fleet::get_properties(const DeviceKey& device, std::vector<std::string> identifiers, Then<Invocation> then) {
  call(
      device,
      [number = device.number, identifiers = std::move(identifiers)](thing::Things& things, OnResult on_result) {
        return things.get_properties(number, identifiers, std::move(on_result));
      },
      std::move(then));
}

void Fleet::update_shadow(const DeviceKey& device, std::string message, bool merges, Then<thing::ShadowResult> then) {
  ask<thing::ShadowResult>(
      device,
      [number = device.number, merges, message = std::move(message)](thing::Things& things, auto done) {
        things.update_shadow(number, message, merges, std::move(done));
      },
      std::move(then));
}

bool Fleet::publish(std::string topic, std::string payload, std::uint8_t qos) {
  return shards_.loop(0).post([parts = parts_, qos, topic = std::move(topic), payload = std::move(payload)] {
    parts->front().publish(topic, as_bytes(payload), qos);
  });
}

void Fleet::shadow(const DeviceKey& device, Then<std::optional<std::string>> then) {
  ask<std::optional<std::string>>(
      device,
      [number = device.number](thing::Things& things, auto answer) { things.shadow(number, std::move(answer)); },
      std::move(then));
}

bool Fleet::publish(const DeviceKey& device, std::string topic, std::string payload, std::uint8_t qos) {
  const std::size_t shard = home(device);
  return shards_.loop(shard).post([parts = parts_, shard, qos, topic = std::move(topic), payload = std::move(payload)] {
    (*parts)[shard].publish(topic, as_bytes(payload), qos);
  });
}

void Fleet::send(const DeviceKey& device, std::string topic, std::string payload, std::uint8_t qos,
                 std::function<void(thing::Delivery)> then) {
  const std::size_t shard = home(device);
  const auto shared = std::make_shared<std::function<void(thing::Delivery)>>(std::move(then));
  const bool taken =
      shards_.loop(shard).post([&management = management_, parts = parts_, shard, shared, number = device.number, qos,
                                topic = std::move(topic), payload = std::move(payload)] {
        const thing::Delivery delivery = (*parts)[shard].things->send(number, topic, as_bytes(payload), qos);
        static_cast<void>(management.post([shared, delivery] { (*shared)(delivery); }));
      });
  if (!taken) (*shared)(thing::Delivery::not_subscribed);  // too busy: as if it had not listened yet
}

void Fleet::tell_applications(thing::Announcement message) {
  if (untold_.size() == kMostUntold) untold_.pop_front();
  untold_.push_back(std::move(message));
  tell_rest();
}

/// In order: what a shard has no room for holds back the rest for a moment.
void Fleet::tell_rest() {
  for (; !untold_.empty(); untold_.pop_front()) {
    const thing::Announcement& next = untold_.front();
    const std::size_t shard = home({next.device, next.product, next.device_name});
    if (!shards_.loop(shard).post([parts = parts_, shard, message = next]() mutable {
          (*parts)[shard].things->tell_applications(std::move(message));
        }))
      return tell_again_.set(management_, management_.now() + Millis{10});
  }
}

void Fleet::push_configuration(const std::string& product, Then<std::size_t> then) {
  to_devices([product](thing::Things& things, auto done) { things.push_configuration(product, std::move(done)); },
             std::move(then));
}

void Fleet::broadcast(const std::string& product, std::string id, std::string payload, Then<std::size_t> then) {
  to_devices([product, id = std::move(id), payload = std::move(payload)](
                 thing::Things& things, auto done) { things.broadcast(product, id, payload, std::move(done)); },
             std::move(then));
}

/// Runs on every shard and adds up to how many devices each has sent.
void Fleet::to_devices(std::function<void(thing::Things&, std::function<void(std::size_t)>)> run,
                       Then<std::size_t> then) {
  auto gathering = std::make_shared<Gathering<std::size_t>>();
  gathering->then = std::move(then);
  gathering->missing = 1;
  for (std::size_t shard = 0; shard < parts_->size(); ++shard) {
    ++gathering->missing;
    const bool taken = shards_.loop(shard).post([&management = management_, parts = parts_, shard, gathering, run] {
      run(*(*parts)[shard].things, [&management, gathering](std::size_t sent) {
        management.post([gathering, sent] {
          gathering->all += sent;
          --gathering->missing;
          end_if_whole(*gathering);
        });
      });
    });
    if (!taken) --gathering->missing, gathering->refused = true;
  }
  --gathering->missing;
  end_if_whole(*gathering);
}

void Fleet::put_model(std::string product, std::uint64_t version, std::shared_ptr<const thing::Model> model) {
  for (std::size_t shard = 0; shard < parts_->size(); ++shard)
    on_shard(shard, [product, version, model](thing::Things& things) { things.put_model(product, version, model); });
}

bool Fleet::on_shard(std::size_t shard, std::function<void(thing::Things&)> run) {
  return shards_.loop(shard).post([parts = parts_, shard, run = std::move(run)] { run(*(*parts)[shard].things); });
}

}  // namespace tercet::openapi
