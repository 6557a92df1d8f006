#include "control/cli_pages.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cctype>
#include <ctime>
#include <functional>
#include <vector>

#include "control/version.h"

namespace sluice::control {
namespace {

using Words = std::vector<std::string>;

// Calls `take` for `app` and all below it, with the names of subcommands on the way: " port add".
void Walk(const CLI::App& app, const std::string& path,
          const std::function<void(const CLI::App&, const std::string&)>& take) {
  take(app, path);
  for (const CLI::App* sub : app.get_subcommands({}))
    Walk(*sub, path + " " + sub->get_name(), take);
}

bool IsFlag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

// "-o", "--output"; none for a positional.
Words NamesOf(const CLI::Option& option) {
  Words names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

// Of "TEXT:{json,table}".
Words ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{'), end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

Words WordsOf(const CLI::App& app) {
  Words words;
  for (const CLI::App* sub : app.get_subcommands({})) words.push_back(sub->get_name());
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : NamesOf(*option)) words.push_back(name);
  }
  return words;
}

// "table, json" lines of a case: what an option may be, for the command at `path`.
std::string ChoiceCases(const CLI::App& app, const std::string& path) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    const Words choices = ChoicesOf(*option);
    if (choices.empty()) continue;
    for (const std::string& name : NamesOf(*option)) {
      text += fmt::format("    {}\"{}|{}\") words=\"{}\" ;;\n", path.empty() ? "*" : "", path, name,
                          fmt::join(choices, " "));
    }
  }
  return text;
}

// A function's name may not have a dash.
std::string FunctionName(const CLI::App& app) {
  std::string name = "_" + app.get_name();
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if (c == '\n') {
      escaped += ' ';
    } else {
      escaped += c;
    }
  }
  const bool request = escaped.starts_with('.') || escaped.starts_with('\'');
  return request ? "\\&" + escaped : escaped;
}

// "TEXT" without the choices and ranges that CLI11 puts behind it.
std::string ValueName(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t colon = type.find(':');
  const Words choices = ChoicesOf(option);
  return choices.empty() ? type.substr(0, colon) : fmt::format("{}", fmt::join(choices, "|"));
}

std::string OptionText(const CLI::Option& option) {
  const Words names = NamesOf(option);
  std::string head =
      names.empty() ? option.get_name(true) : fmt::format("{}", fmt::join(names, ", "));
  std::string text = fmt::format(".TP\n\\fB{}\\fR", Escaped(head));
  if (!IsFlag(option) && !names.empty()) text += " \\fI" + Escaped(ValueName(option)) + "\\fR";
  const std::string& value = option.get_default_str();
  const std::string& description = option.get_description();
  text += "\n" + Escaped(description.empty() ? "see above" : description);
  if (!value.empty() && value != "[]") text += Escaped(" (default: " + value + ")");
  return text + "\n";
}

std::string OptionsText(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) text += OptionText(*option);
  return text;
}

std::string CommandsText(const CLI::App& app) {
  std::string text;
  Walk(app, "", [&](const CLI::App& command, const std::string& path) {
    if (path.empty()) return;
    text += fmt::format(".SS {}\n{}\n{}", Escaped(app.get_name() + path),
                        Escaped(command.get_description()), OptionsText(command));
  });
  return text.empty() ? "" : ".SH COMMANDS\n" + text;
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  std::string commands, choices, words;
  Walk(app, "", [&](const CLI::App& command, const std::string& path) {
    if (!path.empty()) commands += fmt::format("      \"{}\") path=\"{}\" ;;\n", path, path);
    choices += ChoiceCases(command, path);
    words += fmt::format("      \"{}\") words=\"{}\" ;;\n", path, fmt::join(WordsOf(command), " "));
  });
  return fmt::format(R"(# bash completion of {0}, made by it
{1}() {{
  local path="" words="" i
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${{COMP_WORDS[i]}}" in
{2}      *) ;;
    esac
  done
  case "$path|$previous" in
{3}    *) ;;
  esac
  if [ -z "$words" ]; then
    case "$path" in
{4}    esac
  fi
  COMPREPLY=()
  while IFS='' read -r i; do COMPREPLY+=("$i"); done < <(compgen -W "$words" -- "$current")
}}
complete -o default -F {1} {0}
)",
                     app.get_name(), FunctionName(app), commands, choices, words);
}

std::string ZshCompletion(const CLI::App& app) {
  return fmt::format("#compdef {}\nautoload -U +X bashcompinit && bashcompinit\n{}", app.get_name(),
                     BashCompletion(app));
}

std::string ManPage(const CLI::App& app, int section) {
  const bool commands = !app.get_subcommands({}).empty();
  const std::string name = Escaped(app.get_name());
  std::string title = app.get_name();
  for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return fmt::format(
      ".TH {0} {1} {8:%Y-%m-%d} \"Sluice {2}\"\n.SH NAME\n{3} \\- {4}\n.SH SYNOPSIS\n\\fB{3}\\fR "
      "{5}\n"
      ".SH OPTIONS\n{6}{7}",
      title, section, kVersion, name, Escaped(app.get_description()),
      commands ? "[\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIOPTION\\fR]..." : "[\\fIOPTION\\fR]...",
      OptionsText(app), CommandsText(app), fmt::gmtime(std::time(nullptr)));
}

}  // namespace sluice::control
