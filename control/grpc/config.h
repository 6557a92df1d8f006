// What sluiced is told on its command line or in a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/event_log.h"
#include "control/publisher.h"
#include "dataplane/eal.h"
#include "dataplane/switch.h"

namespace sluice::control {

struct Config {
  std::string listen = "unix:///run/sluice/sluiced.sock";
  std::string state_directory;  // empty: what is desired is forgotten at the end
  std::string metrics;          // HOST:PORT of the HTTP page for Prometheus; empty: none
  std::string node;             // name of this node, for logs
  EventLogConfig event_log;     // without a file: none is written
  std::string log_level = "info";
  dataplane::EalConfig eal;
  std::vector<int> spare_cores;        // of workers that rest at first
  dataplane::SwitchConfig data_plane;  // worker_cores: the spare ones are the last
  PublisherConfig publisher;
};

struct CommandLine {
  std::optional<Config> config;  // absent: leave with exit_code; what to say has been printed
  int exit_code = 0;             // 0: help or version; 2: bad usage
};

// Flags win over `--config FILE`: control/config_file.h.
CommandLine ParseCommandLine(int argc, const char* const* argv);

}  // namespace sluice::control
