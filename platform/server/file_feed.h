#pragma once
#include <cstddef>

#include "platform/file/files.h"
#include "platform/runtime/loop.h"

namespace tercet::server {

/// What one shard's devices say about files that they upload, on its way to the management thread. So many bytes at a
/// time: beyond, devices are told to try again. Shard's thread.
class FileFeed {
 public:
  static constexpr std::size_t kMostBytes = 8u << 20;

  FileFeed(runtime::Loop& loop, runtime::Loop& management, file::Files& files)
      : loop_(loop), management_(management), files_(files) {}
  FileFeed(const FileFeed&) = delete;
  FileFeed& operator=(const FileFeed&) = delete;

  /// False: there is no room now.
  bool on_message(thing::FileMessage message);

 private:
  runtime::Loop& loop_;
  runtime::Loop& management_;
  file::Files& files_;
  std::size_t waiting_ = 0;    ///< bytes that the management thread has not said it is done with
  std::size_t done_with_ = 0;  ///< the management thread's: what it has not yet been able to say
};

}  // namespace tercet::server
