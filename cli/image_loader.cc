#include "cli/image_loader.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "ports/posix/image_directory.h"

namespace tercet::cli {
namespace {

constexpr const char* kBootedFrom = "TERCET_IMAGES";
constexpr const char* kFault = "TERCET_IMAGE_FAULT";
constexpr int kNotExecuted = 126;

int complain(const std::string& problem) {
  std::fprintf(stderr, "tercet device: %s\n", problem.c_str());
  return 2;
}

bool is_there(const std::string& file) { return ::access(file.c_str(), F_OK) == 0; }

/// A new directory begins with an image that is nothing but its mark.
bool make_first_image(const std::string& directory, const std::string& version) {
  if (is_there(directory + "/a.img") || is_there(directory + "/b.img")) return true;
  const std::string text = std::string(posix::kImageMark) + version + "\n";
  if (!posix::find_image_mark(text)) return false;
  std::ofstream file(directory + "/a.img", std::ios::binary);
  file << text;
  file.close();
  return file.good();
}

bool is_program(const std::string& file) {
  char first[4] = {};
  std::ifstream(file, std::ios::binary).read(first, sizeof first);
  return std::memcmp(first,
                     "\x7F"
                     "ELF",
                     4) == 0 ||
         std::memcmp(first, "#!", 2) == 0;
}

/// What this process was called with, as the image is to be.
std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string each; std::getline(file, each, '\0');) arguments.push_back(each);
  return arguments;
}

/// In the child: becomes the image.
[[noreturn]] void become(const std::string& directory, const std::string& image, bool after_fault, pid_t loader,
                         const sigset_t& signals) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // the supply is one
  if (::getppid() != loader) ::_exit(kNotExecuted);
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::setenv(kBootedFrom, directory.c_str(), 1);
  after_fault ? ::setenv(kFault, "1", 1) : ::unsetenv(kFault);
  std::vector<std::string> arguments = own_arguments();
  std::vector<char*> pointers;
  for (std::string& each : arguments) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  ::execv(is_program(image) ? image.c_str() : "/proc/self/exe", pointers.data());
  std::fprintf(stderr, "tercet device: %s cannot be executed: %s\n", image.c_str(), std::strerror(errno));
  ::_exit(kNotExecuted);
}

/// Nobody else runs these images as long as this process lives. "" or why not.
std::string lock(const std::string& directory) {
  const int held = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (held < 0) return directory + ": " + std::strerror(errno);
  if (::flock(held, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK)
    return directory +
           ": another `tercet device --ota` runs its images: stop that one, or give this one a directory of its own";
  return directory + ": cannot be locked (" + std::strerror(errno) + "): use a directory of a local file system";
}

struct End {
  int status = 0;
  bool was_stopped = false;  ///< by a signal to us
  bool is_fault() const { return !WIFEXITED(status) || (WEXITSTATUS(status) != 0 && !wants_restart()); }
  bool wants_restart() const { return WIFEXITED(status) && WEXITSTATUS(status) == kRestartCode; }
  int code() const { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }
};

/// The signals are blocked: they come here, and nowhere else.
End wait_for(pid_t child, const sigset_t& signals) {
  End end;
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGCHLD) {
      if (::waitpid(child, &end.status, WNOHANG) == child) return end;
      continue;
    }
    end.was_stopped = true;
    ::kill(child, SIGTERM);
  }
}

}  // namespace

bool is_booted_from(const std::string& directory) {
  const char* const from = std::getenv(kBootedFrom);
  return from != nullptr && directory == from;
}

bool was_ended_by_fault() { return std::getenv(kFault) != nullptr; }

int load_images(const std::string& directory, const std::string& first_version) {
  ::mkdir(directory.c_str(), 0700);
  if (const std::string problem = lock(directory); !problem.empty()) return complain(problem);
  if (!make_first_image(directory, first_version))
    return complain(directory + ": no first image could be written there; the version must have a digit and no blanks");
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&signals, each);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  for (bool after_fault = false;;) {
    posix::ImageDirectory images(directory);
    if (const auto chosen = images.boot(); !chosen)
      return complain(directory + ": which image runs cannot be noted there (" + std::string(name(chosen.error())) +
                      ")");
    std::fflush(nullptr);
    const pid_t loader = ::getpid(), child = ::fork();
    if (child < 0) return complain(std::string("no process for the image: ") + std::strerror(errno));
    if (child == 0) become(directory, images.running_file(), after_fault, loader, signals);
    const End end = wait_for(child, signals);
    if (end.was_stopped) return end.code();
    if (!images.attach()) return end.code();
    after_fault = images.is_on_trial() && end.is_fault();
    if (after_fault)
      std::fprintf(stderr, "tercet device: the image on trial ended with %d; the one before runs again\n", end.code());
    if (!after_fault && !end.wants_restart()) return end.code();
  }
}

}  // namespace tercet::cli
