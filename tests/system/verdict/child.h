// Runs a program and keeps what it printed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::tests {

struct Outcome {
  int exit_code = -1;  // 128 + the signal that ended it
  std::string out;
  std::string err;
  bool operator==(const Outcome&) const = default;
};

struct Command {
  std::vector<std::string> arguments;         // arguments[0] is the program's path
  std::filesystem::path directory;            // to run in
  uid_t user = 0;                             // 0: as the caller
  std::vector<std::string> environment = {};  // "NAME=value"; the caller's if empty
};

// A running program. Output goes to memory files, so that nothing has to be read meanwhile.
class Child {
 public:
  explicit Child(const Command& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Outcome Wait();

 private:
  int out_;
  int err_;
  pid_t pid_;
};

inline Outcome RunToEnd(const Command& command) { return Child(command).Wait(); }

}  // namespace sluice::tests
