#include <algorithm>
#include <cstring>

#include "platform/runtime/sim_wire.h"
#include "tercet/base/check.h"

namespace tercet::runtime {

SimStream::SimStream(SimWorld& world, std::shared_ptr<SimWire> wire, int side)
    : world_(world), wire_(std::move(wire)), side_(side) {
  end().open = true;
}

SimStream::~SimStream() {
  SimEnd& mine = end();
  if (mine.loop != nullptr) mine.loop->detach(*this);
  if (!mine.open) return;  // the host has died, and with it what it could have said
  mine.open = false;
  if (mine.broken != StreamFailure::Kind::none) return;
  if (!mine.incoming.empty())
    world_.send(wire_, 1 - side_, SimWorld::Note::reset);
  else if (!mine.fin_sent)
    world_.send(wire_, 1 - side_, SimWorld::Note::fin);
}

Io SimStream::read(MutableBytes into) {
  SimEnd& mine = end();
  const std::size_t n = std::min(into.size(), mine.incoming.size());
  if (n > 0) {
    std::memcpy(into.data(), mine.incoming.data(), n);
    mine.incoming.erase(0, n);
    mine.unread_or_under_way -= n;
    mine.told_in_vain = 0;
    if (other().wants_write) world_.send(wire_, 1 - side_, SimWorld::Note::window);
    return {n < into.size() ? Io::State::drained : Io::State::more, n};
  }
  if (!mine.open || mine.broken != StreamFailure::Kind::none) return {Io::State::failed, 0};
  return {mine.fin_received ? Io::State::closed : Io::State::drained, 0};
}

Io SimStream::write(Bytes from) {
  SimEnd& mine = end();
  if (!mine.open || mine.broken != StreamFailure::Kind::none || mine.fin_sent) return {Io::State::failed, 0};
  if (!mine.connected) return {Io::State::drained, 0};
  std::size_t n = std::min(from.size(), kSimWindow - std::min(kSimWindow, other().unread_or_under_way));
  const SimLink& link = mine.host->link;
  if (n > 1 && world_.random_.chance(link.short_writes)) n = 1 + world_.random_.below(n - 1);
  if (n == 0) return {from.empty() ? Io::State::more : Io::State::drained, 0};
  other().unread_or_under_way += n;
  std::size_t cut = n;
  if (n > 1 && world_.random_.chance(std::max(link.split_reads, other().host->link.split_reads)))
    cut = 1 + world_.random_.below(n - 1);
  world_.send(wire_, 1 - side_, SimWorld::Note::data, from.first(cut));
  if (cut < n) world_.send(wire_, 1 - side_, SimWorld::Note::data, from.subspan(cut, n - cut));
  return {n < from.size() ? Io::State::drained : Io::State::more, n};
}

void SimStream::shut_down() {
  SimEnd& mine = end();
  if (!mine.open || mine.fin_sent || mine.broken != StreamFailure::Kind::none) return;
  mine.fin_sent = true;
  world_.send(wire_, 1 - side_, SimWorld::Note::fin);
}

StreamFailure SimStream::failure() const {
  const auto kind = end().broken;
  if (kind == StreamFailure::Kind::none) return {};
  return {kind, kind == StreamFailure::Kind::connect_refused ? "Connection refused" : "Connection reset by peer"};
}

}  // namespace tercet::runtime
