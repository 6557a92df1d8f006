// sluicectl: the operator's command line. Asks the daemon over gRPC; `verdict` alone needs none.
#include <cstdio>
#include <string>

#include "control/ctl/command.h"
#include "control/version.h"

namespace sluice::ctl {
namespace {

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
  AddGet(app, options, &exit_code);
  AddExplain(app, options, &exit_code);
  AddStatus(app, options, &exit_code);
  AddVerdict(app, options, &exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fprintf(stderr, "%s (try --help)\n", error.what());
    return kBadInput;
  }
  return exit_code;
}

}  // namespace
}  // namespace sluice::ctl

int main(int argc, char** argv) { return sluice::ctl::Main(argc, argv); }
