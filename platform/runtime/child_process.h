#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/runtime/problem.h"
#include "platform/runtime/stream.h"

namespace tercet::runtime {

/// Another program, started with a socket to us as its standard input, which it writes to as well; its standard output
/// goes nowhere, its environment is empty. Destroying this ends it at once. Not inherited: any of our descriptors.
class ChildProcess {
 public:
  /// Starts `program` with these arguments (without its own name). Problems: io_failed, with what the system said.
  static Outcome<std::unique_ptr<ChildProcess>> start(const std::string& program, std::vector<std::string> arguments);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  Stream& stream() { return *stream_; }
  int id() const { return id_; }
  /// Ends it, waits for that (it takes no longer than the system needs), and gives the signal it has died of; 0 when it
  /// had ended by itself. A second call gives the same.
  int end();

 private:
  ChildProcess(int id, std::unique_ptr<Stream> stream) : id_(id), stream_(std::move(stream)) {}
  int id_;
  int signal_ = -1;  ///< -1: not ended yet
  std::unique_ptr<Stream> stream_;
};

}  // namespace tercet::runtime
