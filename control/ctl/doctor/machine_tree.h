// The files that say what a machine is like: /sys, /proc, /etc, /dev, /opt, /run below one
// directory,
// "/" for this machine. Tests make trees up.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::ctl {

class MachineTree {
 public:
  // `root` without the slash at its end; empty: this machine.
  explicit MachineTree(std::string root) : root_(std::move(root)) {}

  // Without white space at the ends. Absent: cannot be read.
  std::optional<std::string> Read(const std::string& path) const;
  std::optional<unsigned long> ReadNumber(const std::string& path) const;
  // "0-3,8" as the kernel writes it. Empty also if the file is not there or is no such list.
  std::set<int> ReadCpus(const std::string& path) const;
  // Names in a directory, sorted; none if it is not there.
  std::vector<std::string> List(const std::string& path) const;
  // Follows links. Absent: not there.
  std::optional<struct stat> Stat(const std::string& path) const;
  // Where a link leads, its last part; empty: no link.
  std::string LinkName(const std::string& path) const;

 private:
  std::string root_;
};

// Empty if `text` is none.
std::set<int> ParseCpus(const std::string& text);

// "0-3,8".
std::string CpusText(const std::set<int>& cpus);

}  // namespace sluice::ctl
