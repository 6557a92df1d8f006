// What sluice-watcher is told on its command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "control/kube/watch/reflector.h"

namespace sluice::control {

struct WatcherConfig {
  std::string kubeconfig;  // empty: a pod's service account
  std::string node;
  std::string sluiced = "unix:///run/sluice/sluiced.sock";
  std::string source = "watcher";
  std::string status_address = "127.0.0.1:9478";
  std::chrono::seconds max_age{300};
  std::string log_level = "info";
  ReflectorConfig reflector;
};

struct WatcherCommandLine {
  std::optional<WatcherConfig> config;  // absent: leave with exit_code; what to say was printed
  int exit_code = 0;                    // 0: help or version; 2: bad usage
};

WatcherCommandLine ParseWatcherCommandLine(int argc, const char* const* argv);

}  // namespace sluice::control
