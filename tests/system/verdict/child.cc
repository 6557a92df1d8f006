#include "tests/system/verdict/child.h"

#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace sluice::tests {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool BecomeUser(uid_t user) {
  return user == 0 || (setgroups(0, nullptr) == 0 && setgid(user) == 0 && setuid(user) == 0);
}

// In the child; comes back only if something failed.
void Exec(const Command& command, int out, int err) {
  const std::vector<char*> arguments = Pointers(command.arguments);
  const std::vector<char*> environment = Pointers(command.environment);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  if (chdir(command.directory.c_str()) != 0 || !BecomeUser(command.user)) return;
  execve(arguments[0], arguments.data(),
         command.environment.empty() ? environ : environment.data());
}

std::string ReadAll(int fd) {
  std::string text;
  char chunk[4096];
  ssize_t got = 0;
  lseek(fd, 0, SEEK_SET);
  while ((got = read(fd, chunk, sizeof(chunk))) > 0) text.append(chunk, static_cast<size_t>(got));
  return text;
}

}  // namespace

Child::Child(const Command& command)
    : out_(memfd_create("out", MFD_CLOEXEC)), err_(memfd_create("err", MFD_CLOEXEC)), pid_(fork()) {
  if (pid_ != 0) return;
  Exec(command, out_, err_);
  _exit(126);
}

Child::~Child() {
  if (pid_ > 0) Wait();
  close(out_);
  close(err_);
}

Outcome Child::Wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, ReadAll(out_), ReadAll(err_)};
}

}  // namespace sluice::tests
