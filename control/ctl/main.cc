// sluicectl: the operator's command line. Asks the daemon over gRPC; `verdict` and
// `policy diff --old` need none.
#include <cstdio>
#include <string>
#include <system_error>

#include "control/ctl/command.h"
#include "control/kube/one_line.h"
#include "control/version.h"

namespace sluice::ctl {
namespace {

// Output that was lost is no success, whatever the command answered.
int Finish(int exit_code) {
  const bool flushed = fflush(stdout) == 0;
  if (flushed && ferror(stdout) == 0) return exit_code;
  fprintf(stderr, "the output could not be written\n");
  return kRefused;
}

int Main(int argc, char** argv) {
  GlobalOptions options;
  ExitCode exit_code = kOk;
  CLI::App app("Asks and tells sluiced, the switch that enforces network policies.", "sluicectl");
  app.fallthrough();  // global options may stand after the subcommand
  app.require_subcommand(1);
  app.set_version_flag("--version", control::kVersion);
  app.add_option("--server", options.server, "address of the daemon")
      ->envname("SLUICE_SERVER")
      ->capture_default_str();
  app.add_option("-o,--output", options.output, "form of the output")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  AddApply(app, options, &exit_code);
  AddPort(app, options, &exit_code);
  AddWorker(app, options, &exit_code);
  AddNetwork(app, options, &exit_code);
  AddGet(app, options, &exit_code);
  AddPolicy(app, options, &exit_code);
  AddExplain(app, options, &exit_code);
  AddStatus(app, options, &exit_code);
  AddMonitor(app, options, &exit_code);
  AddCapture(app, options, &exit_code);
  AddTop(app, options, &exit_code);
  AddTrace(app, options, &exit_code);
  AddMode(app, options, &exit_code);
  AddVerdict(app, options, &exit_code);
  AddDoctor(app, options, &exit_code);
  AddBundle(app, options, &exit_code);
  AddPages(app, &exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fprintf(stderr, "%s (try --help)\n", control::OneLine(error.what()).c_str());
    return kBadInput;
  } catch (const std::system_error&) {
    if (ferror(stdout) == 0) throw;  // else it is fmt::print that says so
  }
  return exit_code;
}

}  // namespace
}  // namespace sluice::ctl

int main(int argc, char** argv) { return sluice::ctl::Finish(sluice::ctl::Main(argc, argv)); }
