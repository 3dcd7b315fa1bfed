#include "platform/server/file_feed.h"

#include <utility>

namespace tercet::server {

bool FileFeed::on_message(thing::FileMessage message) {
  const std::size_t size = message.bytes.size() + 512;
  if (size > kMostBytes - waiting_) return false;
  const bool posted = management_.post([this, size, message = std::move(message)] {
    files_.on_message(message);
    done_with_ += size;
    if (loop_.post([this, done = done_with_] { waiting_ -= done; })) done_with_ = 0;
  });
  if (posted) waiting_ += size;
  return posted;
}

}  // namespace tercet::server
