#include "platform/openapi/http.h"

#include "platform/openapi/http_connection.h"
#include "platform/openapi/network.h"

namespace tercet::openapi {

bool EventStream::is_open() const {
  const auto core = core_.lock();
  const HttpConnection* connection = core ? core->find(connection_) : nullptr;
  return connection != nullptr && connection->is_streaming();
}

std::size_t EventStream::waiting_bytes() const {
  const auto core = core_.lock();
  const HttpConnection* connection = core ? core->find(connection_) : nullptr;
  return connection ? connection->waiting_bytes() : 0;
}

bool EventStream::send(std::string_view event, std::string_view data) {
  const auto core = core_.lock();
  HttpConnection* connection = core ? core->find(connection_) : nullptr;
  return connection != nullptr && connection->send_event(event, data);
}

void EventStream::close() {
  const auto core = core_.lock();
  if (HttpConnection* connection = core ? core->find(connection_) : nullptr) connection->close();
}

void HttpResponder::operator()(HttpResponse response) const {
  const auto core = core_.lock();
  if (HttpConnection* connection = core ? core->find(connection_) : nullptr) connection->answer(request_, response);
}

EventStream HttpResponder::stream(HttpHeaders headers) const {
  const auto core = core_.lock();
  HttpConnection* connection = core ? core->find(connection_) : nullptr;
  if (connection == nullptr || !connection->start_stream(request_, headers)) return {};
  return EventStream(core_, connection_);
}

void HttpCore::start() {
  loop.each_pass([weak = weak_from_this()] {
    if (const auto core = weak.lock()) core->graves_.clear();
  });
}

/// Closes the longest idle connection: of that network, or of any when it is empty.
bool HttpCore::make_room(std::string_view network) {
  HttpConnection* oldest = nullptr;
  for (const auto& [id, connection] : connections)
    if (connection->is_idle() && (network.empty() || connection->network() == network) &&
        (oldest == nullptr || connection->idle_since() < oldest->idle_since()))
      oldest = connection.get();
  if (oldest == nullptr) return false;
  oldest->close();
  return true;
}

void HttpCore::accept(std::unique_ptr<runtime::Stream> stream) {
  std::string network = stream->peer().is_loopback() ? std::string() : network_of(stream->peer());
  const auto counted = per_network_.find(network);
  const std::size_t of_network = network.empty() || counted == per_network_.end() ? 0 : counted->second;
  const bool network_room = of_network < limits.per_network || make_room(network);
  const bool room = network_room && (connections.size() < limits.connections || make_room({}));
  // A few more, so that the refused ones can be told; after that only closing helps.
  if (!room && (connections.size() >= limits.connections + 64 || of_network >= limits.per_network + 8)) {
    ++counters.refused;
    return;
  }
  const std::uint64_t id = next_id_++;
  if (!network.empty()) ++per_network_[network];
  auto made = std::make_unique<HttpConnection>(*this, id, std::move(stream), std::move(network));
  HttpConnection& connection = *connections.emplace(id, std::move(made)).first->second;
  if (room) {
    ++counters.accepted;
    return;
  }
  ++counters.refused;
  connection.turn_away(plain_response(503, "Too many connections. Close some, or try again in a minute."));
}

HttpConnection* HttpCore::find(std::uint64_t id) {
  const auto it = connections.find(id);
  return it == connections.end() ? nullptr : it->second.get();
}

void HttpCore::bury(std::uint64_t id) {
  const auto it = connections.find(id);
  if (it == connections.end()) return;
  if (const auto counted = per_network_.find(it->second->network()); counted != per_network_.end())
    if (--counted->second == 0) per_network_.erase(counted);
  graves_.push_back(std::move(it->second));
  connections.erase(it);
}

HttpServer::HttpServer(runtime::Loop& loop, HttpHandler& handler, HttpServerLimits limits)
    : core_(std::make_shared<HttpCore>(loop, handler, limits)) {
  core_->start();
}

HttpServer::~HttpServer() = default;

void HttpServer::accept(std::unique_ptr<runtime::Stream> stream) { core_->accept(std::move(stream)); }
std::size_t HttpServer::connection_count() const { return core_->connections.size(); }
const HttpServer::Counters& HttpServer::counters() const { return core_->counters; }

}  // namespace tercet::openapi
