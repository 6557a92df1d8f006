#include "control/watcher/config.h"

#include <CLI/CLI.hpp>

#include "control/config_file.h"
#include "control/version.h"

namespace sluice::control {
namespace {

constexpr unsigned kDay = 86'400;

unsigned InSeconds(std::chrono::milliseconds duration) {
  return static_cast<unsigned>(duration / std::chrono::seconds(1));
}

// Flags in seconds.
struct Seconds {
  unsigned max_age, watch_idle, absent_probe, forbidden_probe;
};

std::string CheckServer(const std::string& text) {
  if (text.starts_with("unix:") && text.size() > 5) return "";
  return "must be unix:PATH";
}

void AddFlags(CLI::App& app, WatcherConfig& config, Seconds& seconds) {
  app.add_option("--kubeconfig", config.kubeconfig,
                 "file that leads to the API server; without it, a pod's service account");
  app.add_option("--node", config.node, "name of this node, for events and logs")
      ->envname("NODE_NAME");
  app.add_option("--sluiced", config.sluiced, "address of sluiced")
      ->check(CLI::Validator(CheckServer, "unix:PATH"));
  app.add_option("--source", config.source, "owner of the objects in sluiced");
  app.add_option("--status-address", config.status_address,
                 "where /metrics, /readyz and /status are served; empty: nowhere");
  app.add_option("--max-age", seconds.max_age,
                 "seconds without the API server before it is no longer ready")
      ->check(CLI::Range(1u, kDay));
  app.add_option("--watch-idle", seconds.watch_idle,
                 "seconds without a byte before a watch counts as stalled")
      ->check(CLI::Range(1u, kDay));
  app.add_option("--absent-probe", seconds.absent_probe,
                 "seconds between questions for kinds that the API server does not have")
      ->check(CLI::Range(1u, kDay));
  app.add_option("--forbidden-probe", seconds.forbidden_probe,
                 "seconds between questions for kinds that the watcher may not read")
      ->check(CLI::Range(1u, kDay));
  app.add_option("--log-level", config.log_level, "what is logged")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "critical", "off"}));
}

// The options with the variables that they fill.
struct Options {
  CLI::App app{"sluice-watcher: keeps sluiced at what the Kubernetes API says", "sluice-watcher"};
  WatcherConfig config;
  Seconds seconds{InSeconds(config.max_age), InSeconds(config.reflector.watch_idle),
                  InSeconds(config.reflector.absent_probe),
                  InSeconds(config.reflector.forbidden_probe)};

  Options() {
    app.set_version_flag("--version", kVersion);
    app.option_defaults()->always_capture_default();
    AddFlags(app, config, seconds);
  }
};

}  // namespace

WatcherCommandLine ParseWatcherCommandLine(int argc, const char* const* argv) {
  Options options, scratch;
  const auto exit_code = ParseOptions(argc, argv, {options.app}, {scratch.app});
  if (exit_code) return {std::nullopt, *exit_code};
  WatcherConfig& config = options.config;
  const Seconds& seconds = options.seconds;
  config.max_age = std::chrono::seconds(seconds.max_age);
  config.reflector.watch_idle = std::chrono::seconds(seconds.watch_idle);
  config.reflector.absent_probe = std::chrono::seconds(seconds.absent_probe);
  config.reflector.forbidden_probe = std::chrono::seconds(seconds.forbidden_probe);
  return {config, 0};
}

}  // namespace sluice::control
