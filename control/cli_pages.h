// What a shell and man(1) want to know of a program, made from its tree of options and subcommands:
// whatever is added there is in here.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace sluice::control {

// For `source`, or a file of bash-completion's: subcommands, options, and the values of options
// that have a choice; else file names.
std::string BashCompletion(const CLI::App& app);
// The same in zsh, by its bashcompinit.
std::string ZshCompletion(const CLI::App& app);
// In section `section`: 1 for commands, 8 for daemons. Its date is today's.
std::string ManPage(const CLI::App& app, int section);

}  // namespace sluice::control
