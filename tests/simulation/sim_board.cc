#include "tests/simulation/sim_board.h"

#include "tercet/device/properties.h"

namespace tercet::simulation {
namespace {

constexpr device::Property<float> kTemperature{"temperature"};

}  // namespace

Result<void> SimTransport::open(const device::Target&) {
  close();
  auto opened = loop_.connect(server_);
  if (!opened) return fail(opened.error());
  stream_ = std::move(*opened);
  stage_ = device::Stage::connecting;
  writable_ = false;
  loop_.attach(*stream_, *this);
  loop_.want_write(*stream_);
  return {};
}

void SimTransport::on_writable() {
  writable_ = true;
  wake_();
}

Result<device::Stage> SimTransport::advance() {
  if (!stream_) return fail(Error::closed);
  if (stage_ == device::Stage::connecting) {
    if (stream_->failure().kind != runtime::StreamFailure::Kind::none) return fail(Error::connect_refused);
    if (writable_) stage_ = device::Stage::ready;
  }
  return stage_;
}

Result<std::size_t> SimTransport::read(MutableBytes into) {
  if (!stream_) return fail(Error::closed);
  const runtime::Io io = stream_->read(into);
  if (io.bytes > 0) return io.bytes;
  if (io.state == runtime::Io::State::closed) return fail(Error::closed);
  if (io.state == runtime::Io::State::failed) return fail(Error::io_failed);
  return fail(Error::would_block);
}

Result<std::size_t> SimTransport::write(Bytes from) {
  if (!stream_) return fail(Error::closed);
  const runtime::Io io = stream_->write(from);
  if (io.bytes < from.size() && io.state != runtime::Io::State::failed && io.state != runtime::Io::State::closed)
    loop_.want_write(*stream_);
  if (io.bytes > 0) return io.bytes;
  if (io.state == runtime::Io::State::closed) return fail(Error::closed);
  if (io.state == runtime::Io::State::failed) return fail(Error::io_failed);
  return fail(Error::would_block);
}

void SimTransport::close() {
  if (stream_) loop_.detach(*stream_);
  stream_.reset();
  stage_ = device::Stage::closed;
}

/// Everything a board must supply, from the simulated host.
class SimBoard::Parts final : public device::Clock,
                              public device::Random,
                              public device::Network,
                              public device::SecretStore {
 public:
  Parts(runtime::SimLoop& loop, const runtime::Address& server, const std::string& secret, std::function<void()> wake)
      : transport(loop, server, std::move(wake)), loop_(loop), secret_(secret) {}

  Instant now() const override { return loop_.now(); }
  UnixMillis wall() const override { return {loop_.wall().ms + offset_}; }
  void set_wall(UnixMillis to) override { offset_ = to.ms - loop_.wall().ms; }
  void fill(MutableBytes into) override { loop_.random().fill(into); }
  bool has_link() const override { return true; }
  bool has_address() const override { return true; }
  Result<DeviceSecret> secret_of(const DeviceId&) override { return DeviceSecret::parse(secret_); }

  SimTransport transport;

 private:
  runtime::SimLoop& loop_;
  std::string secret_;
  std::int64_t offset_ = 0;
};

SimBoard::SimBoard(runtime::SimHost& host, const runtime::Address& server, Identity identity, UnixMillis first_reading,
                   Millis every)
    : host_(host),
      loop_(host.add_loop()),
      identity_(std::move(identity)),
      next_time_(first_reading.ms),
      every_(every),
      parts_(std::make_unique<Parts>(loop_, server, identity_.secret, [this] { run_wanted_ = true; })),
      buffers_(std::make_unique<device::DeviceBuffers<1024, 16384>>()),
      due_([](void* self) { static_cast<SimBoard*>(self)->run_wanted_ = true; }, this),
      reading_([](void* self) { static_cast<SimBoard*>(self)->take_reading(); }, this) {
  device::Port port{parts_->transport, *parts_, *parts_, *parts_, *parts_};
  device_.reset(new device::Device(port, buffers_->storage(), *this));
  loop_.each_pass([this] {
    if (run_wanted_) run();
  });
  static_cast<void>(loop_.post([this] {
    const DeviceId id{*ProductKey::parse(identity_.product), *DeviceName::parse(identity_.name)};
    device::Endpoint endpoint;
    endpoint.host = "platform";
    endpoint.tls = false;
    TERCET_CHECK(device_->start(id, endpoint));
    reading_.set(loop_, loop_.now() + every_);
    run_wanted_ = true;
  }));
}

SimBoard::~SimBoard() = default;

bool SimBoard::is_drained() const { return device_->in_flight() == 0 && device_->outbox().waiting == 0; }

void SimBoard::run() {
  run_wanted_ = false;
  device_->run();
  const Instant next = device_->next_deadline();
  if (next <= loop_.now()) run_wanted_ = true;
  due_.set(loop_, std::max(next, loop_.now() + Millis{1}));
}

void SimBoard::take_reading() {
  reading_.set(loop_, loop_.now() + every_);
  if (!taking_) return;
  const std::int64_t time = next_time_;
  next_time_ += every_.count();
  const auto posted = device_->post_properties({kTemperature(static_cast<float>(time % 1000) / 10)}, UnixMillis{time});
  if (!posted) return;
  taken_.insert(time);
  unanswered_[*posted] = time;
  run_wanted_ = true;
}

void SimBoard::on_reply(const device::PostReply& reply) {
  const auto found = unanswered_.find(reply.id);
  if (found == unanswered_.end()) return;
  if (reply.code == 200) acknowledged_.insert(found->second);
  unanswered_.erase(found);
}

void SimBoard::on_set(device::PropertySet&) {}

}  // namespace tercet::simulation
