#include "control/ctl/doctor/machine_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::ctl {
namespace {

constexpr int kMostCpus = 8192;

// -1: no number, or what follows it is not `end`.
int ParseCpu(std::string_view text) {
  int cpu = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  return error == std::errc() && end == text.data() + text.size() && cpu < kMostCpus ? cpu : -1;
}

}  // namespace

std::optional<std::string> MachineTree::Read(const std::string& path) const {
  std::ifstream file(root_ + path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return std::nullopt;
  std::string content = text.str();
  const char* blanks = " \t\n";
  content.erase(content.find_last_not_of(blanks) + 1);
  return content.substr(std::min(content.size(), content.find_first_not_of(blanks)));
}

std::optional<unsigned long> MachineTree::ReadNumber(const std::string& path) const {
  const auto text = Read(path);
  unsigned long number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

std::set<int> MachineTree::ReadCpus(const std::string& path) const {
  return ParseCpus(Read(path).value_or(""));
}

std::vector<std::string> MachineTree::List(const std::string& path) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root_ + path, error)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

std::optional<struct stat> MachineTree::Stat(const std::string& path) const {
  struct stat status {};
  return stat((root_ + path).c_str(), &status) == 0 ? std::optional(status) : std::nullopt;
}

std::string MachineTree::LinkName(const std::string& path) const {
  std::error_code error;
  return std::filesystem::read_symlink(root_ + path, error).filename();
}

std::set<int> ParseCpus(const std::string& text) {
  std::set<int> cpus;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t dash = part.find('-');
    const int first = ParseCpu(part.substr(0, dash));
    const int last = dash == std::string::npos ? first : ParseCpu(part.substr(dash + 1));
    if (first < 0 || last < first) return {};
    for (int cpu = first; cpu <= last; ++cpu) cpus.insert(cpu);
  }
  return cpus;
}

std::string CpusText(const std::set<int>& cpus) {
  std::string text;
  for (auto it = cpus.begin(); it != cpus.end();) {
    const int first = *it;
    int last = first;
    while (++it != cpus.end() && *it == last + 1) ++last;
    if (!text.empty()) text += ",";
    text += first == last ? fmt::to_string(first) : fmt::format("{}-{}", first, last);
  }
  return text;
}

}  // namespace sluice::ctl
