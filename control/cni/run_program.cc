#include "control/cni/run_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>
#include <vector>

#include "control/cni/cni_error.h"

namespace sluice::cni {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxOutput = size_t{1} << 20;

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { Close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  void Set(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status SystemError(const std::string& path, int error) {
  return Fail(kIo, fmt::format("{}: {}", path, std::generic_category().message(error)));
}

// A file that holds `text`, to be read from its start: unlike a pipe, it is never full.
int FileOf(const std::string& text) {
  const int fd = memfd_create("input", MFD_CLOEXEC);
  if (fd < 0) return fd;
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = write(fd, text.data() + done, text.size() - done);
    if (wrote < 0) return close(fd), -1;
    done += static_cast<size_t>(wrote);
  }
  lseek(fd, 0, SEEK_SET);
  return fd;
}

// 0, or the system's error.
int Spawn(const std::string& path, int input, int output, const Environment& environment,
          pid_t* pid) {
  std::vector<std::string> pairs;
  pairs.reserve(environment.size());
  for (const auto& [key, value] : environment) pairs.push_back(fmt::format("{}={}", key, value));
  std::vector<char*> variables;
  variables.reserve(pairs.size() + 1);
  for (std::string& pair : pairs) variables.push_back(pair.data());
  variables.push_back(nullptr);
  std::string name = path;
  char* arguments[] = {name.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int error =
      posix_spawn(pid, path.c_str(), &actions, &attributes, arguments, variables.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

int ExitCode(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// What is in the pipe, without waiting for more.
void TakeOutput(int fd, std::string* text) {
  char buffer[4096];
  ssize_t got = 0;
  while (text->size() <= kMaxOutput && (got = read(fd, buffer, sizeof(buffer))) > 0) {
    text->append(buffer, static_cast<size_t>(got));
  }
}

enum class Ending { kExited, kTooLate, kTooMuch };

Ending Await(int process, int output, Clock::time_point deadline, std::string* text) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return Ending::kTooLate;
    pollfd fds[] = {{process, POLLIN, 0}, {output, POLLIN, 0}};
    poll(fds, 2, static_cast<int>(left.count()));
    TakeOutput(output, text);
    if (text->size() > kMaxOutput) return Ending::kTooMuch;
    if (fds[0].revents != 0) return Ending::kExited;
    if ((fds[1].revents & POLLHUP) != 0) {  // it closed its output: only its end is awaited
      poll(fds, 1, static_cast<int>(left.count()));
      return fds[0].revents != 0 ? Ending::kExited : Ending::kTooLate;
    }
  }
}

}  // namespace

absl::StatusOr<ProgramOutput> RunProgram(const std::string& path, const std::string& input,
                                         const Environment& environment,
                                         std::chrono::milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  const Fd stdin_file(FileOf(input));
  int ends[2];
  if (stdin_file.get() < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return SystemError(path, errno);
  }
  const Fd output(ends[0]);
  Fd child_output(ends[1]);
  fcntl(child_output.get(), F_SETFL, 0);  // the child's end blocks, as programs expect
  pid_t pid = 0;
  const int error = Spawn(path, stdin_file.get(), child_output.get(), environment, &pid);
  child_output.Close();
  if (error != 0) return SystemError(path, error);
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  ProgramOutput result;
  const Ending ending = Await(process.get(), output.get(), deadline, &result.text);
  if (ending != Ending::kExited) kill(-pid, SIGKILL);
  result.exit_code = ExitCode(pid);
  if (ending == Ending::kTooLate) {
    return Fail(kTryAgain, fmt::format("{}: did not end within {} ms", path, limit.count()));
  }
  if (ending == Ending::kTooMuch) {
    return Fail(kIpam, fmt::format("{}: prints more than {} MiB", path, kMaxOutput >> 20));
  }
  TakeOutput(output.get(), &result.text);
  return result;
}

}  // namespace sluice::cni
