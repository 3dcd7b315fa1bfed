#include "platform/runtime/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "platform/runtime/tcp_stream.h"

namespace tercet::runtime {
namespace {

Problem failed(const std::string& program, int error) {
  return {Error::io_failed, "starting " + program + ": " + std::system_category().message(error)};
}

}  // namespace

Outcome<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::string& program,
                                                           std::vector<std::string> arguments) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return failed(program, errno);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  char* environment[] = {nullptr};

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&files, ends[1], 0);
  ::posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&files, 3);
  // A group of its own: Ctrl-C at the terminal is for us to act on. No signal stays blocked or ignored.
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t id = -1;
  const int error = ::posix_spawn(&id, program.c_str(), &files, &attributes, argv.data(), environment);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  ::close(ends[1]);
  auto stream = std::make_unique<TcpStream>(ends[0], Address{});
  if (error != 0) return failed(program, error);
  return std::unique_ptr<ChildProcess>(new ChildProcess(id, std::move(stream)));
}

int ChildProcess::end() {
  if (signal_ >= 0) return signal_;
  // Not yet waited for, so the id is still its own.
  ::kill(id_, SIGKILL);
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return signal_;
}

ChildProcess::~ChildProcess() { end(); }

}  // namespace tercet::runtime
