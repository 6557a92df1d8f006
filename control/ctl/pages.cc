// sluicectl completion, man: made from its own commands and options.
#include <fmt/format.h>

#include <memory>

#include "control/cli_pages.h"
#include "control/ctl/command.h"

namespace sluice::ctl {

void AddPages(CLI::App& app, ExitCode* exit_code) {
  CLI::App* completion = app.add_subcommand("completion", "completion for a shell, to be sourced");
  auto shell = std::make_shared<std::string>();
  completion->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  completion->callback([=, &app] {
    fmt::print("{}", *shell == "bash" ? control::BashCompletion(app) : control::ZshCompletion(app));
    *exit_code = kOk;
  });
  CLI::App* man = app.add_subcommand("man", "the manual page, for man -l -");
  man->callback([=, &app] {
    fmt::print("{}", control::ManPage(app, 1));
    *exit_code = kOk;
  });
}

}  // namespace sluice::ctl
