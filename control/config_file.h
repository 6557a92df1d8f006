// The configuration file of a program: CLI11's format (TOML, INI), a key an option, held against
// the options as a whole.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sluice::control {

// A program's options, and what they may not be together.
struct ProgramOptions {
  CLI::App& app;
  // Of values that are good each alone: one sentence a fault.
  std::function<std::vector<std::string>()> contradictions = [] {
    return std::vector<std::string>();
  };
};

// Adds --config FILE, --check-config FILE, --print-config and --print-man to the options, and
// parses. Absent: the options have their values, flags before the file. Else leave with that exit
// code: 0 for help, version, a good file under --check-config and a printed one; 2 for bad usage,
// after a line on stderr for every fault. `scratch` is a second set of the same options, with
// variables of its own.
std::optional<int> ParseOptions(int argc, const char* const* argv, const ProgramOptions& options,
                                const ProgramOptions& scratch);

// What is wrong with the file at `path`, a line each: "PATH: KEY: REASON". Each setting is tried on
// `scratch` alone, so that no fault hides another.
std::vector<std::string> FaultsOfFile(const std::string& path, CLI::App& scratch);

}  // namespace sluice::control
