#include "control/cni/run_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <vector>

#include "control/cni/cni_error.h"
#include "control/file_descriptor.h"
#include "control/whole_file.h"

namespace sluice::cni {
namespace {

using control::FileDescriptor;
using Clock = std::chrono::steady_clock;

constexpr size_t kMaxOutput = size_t{1} << 20;

absl::Status SystemError(const std::string& path, int error) {
  return Fail(kIo, fmt::format("{}: {}", path, std::generic_category().message(error)));
}

// A file that holds `text`, to be read from its start: unlike a pipe, it is never full.
FileDescriptor FileOf(const std::string& text) {
  FileDescriptor file(memfd_create("input", MFD_CLOEXEC));
  if (!file.IsOpen()) return file;
  if (const int error = control::WriteAll(file.get(), text); error != 0) {
    errno = error;
    return FileDescriptor();
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

// What execve(2) takes, made before the fork.
class Image {
 public:
  Image(const std::string& path, const Environment& environment) : path_(path) {
    for (const auto& [key, value] : environment) pairs_.push_back(fmt::format("{}={}", key, value));
    for (std::string& pair : pairs_) variables_.push_back(pair.data());
    variables_.push_back(nullptr);
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  void Execute() {
    char* arguments[] = {path_.data(), nullptr};
    execve(path_.c_str(), arguments, variables_.data());
  }

 private:
  std::string path_;
  std::vector<std::string> pairs_;
  std::vector<char*> variables_;
};

// In the child, where nothing may be called that is not safe after a fork of many threads. It dies
// with `parent`, which may be dead already.
[[noreturn]] void Become(Image& image, pid_t parent, int input, int output, int failure) {
  const bool ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
                     setpgid(0, 0) == 0 && dup2(input, STDIN_FILENO) >= 0 &&
                     dup2(output, STDOUT_FILENO) >= 0;
  if (ready) image.Execute();
  const int error = errno;
  const ssize_t told = write(failure, &error, sizeof(error));
  _exit(told < 0 ? 126 : 127);
}

int ExitCode(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// 0, or the errno of what failed; then there is no child.
int Spawn(const std::string& path, int input, int output, const Environment& environment,
          pid_t* pid) {
  Image image(path, environment);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  const FileDescriptor failure(ends[0]);
  FileDescriptor child_failure(ends[1]);
  const pid_t parent = getpid();
  *pid = fork();
  if (*pid < 0) return errno;
  if (*pid == 0) Become(image, parent, input, output, child_failure.get());
  child_failure.Close();
  int error = 0;
  while (read(failure.get(), &error, sizeof(error)) < 0 && errno == EINTR) {
  }
  if (error != 0) ExitCode(*pid);
  return error;
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
  const FileDescriptor stdin_file = FileOf(input);
  int ends[2];
  if (!stdin_file.IsOpen() || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return SystemError(path, errno);
  }
  const FileDescriptor output(ends[0]);
  FileDescriptor child_output(ends[1]);
  fcntl(child_output.get(), F_SETFL, 0);  // the child's end blocks, as programs expect
  pid_t pid = 0;
  const int error = Spawn(path, stdin_file.get(), child_output.get(), environment, &pid);
  child_output.Close();
  if (error != 0) return SystemError(path, error);
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.IsOpen()) {
    const int reason = errno;
    kill(-pid, SIGKILL);
    ExitCode(pid);
    return SystemError(path, reason);
  }
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
