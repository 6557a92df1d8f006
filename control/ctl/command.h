// What the commands of sluicectl share: global options, exit codes, and how a family of commands
// joins the command line. One file a family.
#pragma once

#include <absl/status/status.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>

namespace sluice::ctl {

struct GlobalOptions {
  std::string server = "unix:///run/sluice/sluiced.sock";
  std::string output = "table";  // or "json"
  bool json() const { return output == "json"; }
};

enum ExitCode : int {
  kOk = 0,
  kRefused = 1,   // by the daemon, which may not even be reachable; or this machine fails
  kUnfit = 1,     // `doctor` found what keeps the switch from working
  kDiffers = 1,   // `policy diff --exit-code`, where every failure is kBadInput
  kBadInput = 2,  // files, arguments
};

// Prints the error, if `status` is one, as one line on stderr, whatever is in its text.
ExitCode Report(const absl::Status& status, ExitCode on_error);

// Each adds its commands to `app`. A command that ran has set *exit_code. `options` and `exit_code`
// must outlive the parse.
void AddApply(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);    // apply, delete
void AddPolicy(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);   // policy ...
void AddPort(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);     // port ...
void AddWorker(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);   // worker ...
void AddNetwork(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);  // network ...
void AddGet(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);      // get ...
void AddExplain(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);  // explain
void AddStatus(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);   // status, drops
void AddMonitor(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);  // monitor
void AddCapture(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);  // capture
void AddTop(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);      // top
void AddTrace(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);    // trace
void AddMode(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);     // mode
void AddDoctor(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);   // doctor
void AddBundle(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);  // support-bundle
void AddPages(CLI::App& app, ExitCode* exit_code);  // completion, man; of all that `app` has
void AddVerdict(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code);  // verdict

}  // namespace sluice::ctl
