#include "control/config_file.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <set>
#include <sstream>

#include "control/cli_pages.h"
#include "control/kube/file.h"
#include "control/nearest_name.h"

namespace sluice::control {
namespace {

constexpr int kBadUsage = 2;
constexpr size_t kMaxBytes = 1 << 20;

std::vector<std::string> KeysOf(CLI::App& app) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_configurable()) keys.push_back(option->get_single_name());
  }
  return keys;
}

std::string UnknownKey(const std::string& name, CLI::App& scratch) {
  const std::string nearest = NearestName(name, KeysOf(scratch));
  return nearest.empty() ? "no such setting"
                         : fmt::format("no such setting; the nearest is {}", nearest);
}

// As CLI11 takes a setting from a file, but one alone.
void Try(const CLI::ConfigItem& item, CLI::Option& option, CLI::App& scratch) {
  option.clear();
  if (option.get_expected_min() == 0) {
    const std::string flag = scratch.get_config_formatter()->to_flag(item);
    option.add_result(option.get_flag_value(item.name, flag));
  } else {
    option.add_result(item.inputs);
  }
  option.run_callback();
}

// Empty: none.
std::string FaultOf(const CLI::ConfigItem& item, CLI::App& scratch) {
  CLI::Option* option = scratch.get_option_no_throw("--" + item.name);
  if (option == nullptr || !option->get_configurable()) return UnknownKey(item.name, scratch);
  try {
    Try(item, *option, scratch);
  } catch (const CLI::ParseError& error) {
    const std::string prefix = option->get_name() + ": ";
    const std::string text = error.what();
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }
  return "";
}

bool IsSectionMark(const CLI::ConfigItem& item) { return item.name == "++" || item.name == "--"; }

int PrintFaults(const std::vector<std::string>& faults) {
  for (const std::string& fault : faults) fprintf(stderr, "%s\n", fault.c_str());
  return kBadUsage;
}

std::string ConfigPath(const CLI::App& app) {
  const CLI::Option* config = app.get_config_ptr();
  return config->count() == 0 ? "" : config->as<std::string>();
}

// What is only found once the whole command line is known.
std::vector<std::string> FaultsOfAll(const ProgramOptions& options, CLI::App& scratch) {
  const std::string path = ConfigPath(options.app);
  if (!path.empty()) {
    // Flags hide the file's values from CLI11; they have to be good all the same.
    std::vector<std::string> faults = FaultsOfFile(path, scratch);
    if (!faults.empty()) return faults;
  }
  return options.contradictions();
}

// Absent: parsed.
std::optional<int> Parse(int argc, const char* const* argv, const ProgramOptions& options,
                         CLI::App& scratch) {
  try {
    options.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return options.app.exit(error);
    const std::string path = ConfigPath(options.app);
    const auto faults = path.empty() ? std::vector<std::string>() : FaultsOfFile(path, scratch);
    if (!faults.empty()) return PrintFaults(faults);
    options.app.exit(error);
    return kBadUsage;
  }
  const std::vector<std::string> faults = FaultsOfAll(options, scratch);
  if (!faults.empty()) return PrintFaults(faults);
  return std::nullopt;
}

// As a file has it. Empty: the option has no value.
std::string ValueOf(const CLI::Option& option) {
  if (option.count() > 0) {
    return CLI::detail::ini_join(option.reduced_results(), ',', '[', ']', '"', '\'');
  }
  const std::string value = option.get_default_str();
  if (value.empty()) return option.get_expected_min() == 0 ? "false" : "";
  if (value.front() == '[') return value == "[]" ? "" : value;
  return CLI::detail::convert_arg_for_ini(value, '"', '\'');
}

// CLI11's own writer quotes the default of a list, and leaves out what has no default.
void PrintConfig(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_configurable()) continue;
    const std::string value = ValueOf(*option);
    fmt::print("# {}\n{}{} = {}\n\n", option->get_description(), value.empty() ? "# " : "",
               option->get_single_name(), value);
  }
}

}  // namespace

std::vector<std::string> FaultsOfFile(const std::string& path, CLI::App& scratch) {
  const auto text = ReadFile(path, kMaxBytes);
  if (!text.ok()) return {std::string(text.status().message())};
  std::istringstream stream(*text);
  std::vector<std::string> faults;
  std::set<std::string> seen;
  for (const CLI::ConfigItem& item : scratch.get_config_formatter()->from_config(stream)) {
    if (IsSectionMark(item)) continue;
    std::string fault = !item.parents.empty() ? "there are no sections and no dots in keys"
                        : !seen.insert(item.name).second ? "given twice, with others between"
                                                         : FaultOf(item, scratch);
    if (!fault.empty()) faults.push_back(fmt::format("{}: {}: {}", path, item.fullname(), fault));
  }
  return faults;
}

std::optional<int> ParseOptions(int argc, const char* const* argv, const ProgramOptions& options,
                                const ProgramOptions& scratch) {
  std::string check;
  bool print = false, man = false;
  options.app.set_config("--config", "", "file with any of these settings; flags win over it");
  scratch.app.set_config("--config", "");
  options.app.allow_config_extras(CLI::config_extras_mode::error);
  scratch.app.allow_config_extras(CLI::config_extras_mode::error);
  options.app.add_option("--check-config", check, "say what is wrong with a file, and leave")
      ->type_name("FILE")
      ->configurable(false);
  options.app.add_flag("--print-config", print, "print all settings as a file, and leave")
      ->configurable(false);
  options.app.add_flag("--print-man", man, "print the manual page, and leave")->configurable(false);
  options.app.get_config_ptr()->type_name("FILE");
  std::optional<int> exit_code = Parse(argc, argv, options, scratch.app);
  if (exit_code) return exit_code;
  if (!check.empty()) {
    const std::vector<const char*> arguments = {argv[0], "--config", check.c_str()};
    exit_code = Parse(static_cast<int>(arguments.size()), arguments.data(), scratch, options.app);
    if (exit_code) return exit_code;
    fmt::print("{}: good\n", check);
    return 0;
  }
  if (print) PrintConfig(options.app);
  if (man) fmt::print("{}", ManPage(options.app, 8));
  return print || man ? std::optional<int>(0) : std::nullopt;
}

}  // namespace sluice::control
