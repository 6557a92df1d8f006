// What callers ask of the control thread, and what they get back.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "control/desired_state.h"
#include "control/network_spec.h"
#include "dataplane/port_spec.h"
#include "dataplane/snapshot.h"

namespace sluice::control {

struct ApplyCommand {
  std::string source;
  std::vector<Candidate> objects;
  OnRefusal on_refusal = OnRefusal::kRefuseAll;
  std::vector<ObjectKey> removed;  // before `objects`
  std::string after;               // the version to continue from; empty: any
};

struct DeleteCommand {
  std::string source;
  std::vector<ObjectKey> objects;
};

struct SyncCommand {
  std::string source;
  std::vector<Candidate> objects;
  std::string version;
};

struct AddPortCommand {
  dataplane::PortSpec spec;
  // Above 0: done when the port's pod is known (control/policy_waits.h); not within this time:
  // undone.
  std::chrono::milliseconds policy_timeout{0};
};

struct DeletePortCommand {
  std::string name;
};

struct AddNetworkCommand {
  NetworkSpec spec;
};

struct DeleteNetworkCommand {
  std::string name;
};

// Another worker polls the port from now on.
struct MovePortCommand {
  std::string name;
  unsigned worker = 0;
};

// A worker at rest gets its share of the ports.
struct AddWorkerCommand {
  unsigned worker = 0;
  int core = 0;  // for people
};

// The others get its ports, and it goes to rest.
struct RemoveWorkerCommand {
  unsigned worker = 0;
  int core = 0;  // for people
};

struct SetModeCommand {
  dataplane::Mode mode = dataplane::Mode::kEnforce;
};

struct Rebuilt;
// Takes over what was rebuilt (control/rebuilder.h). Nothing that anybody asked for changes.
struct AdoptCommand {
  std::shared_ptr<Rebuilt> rebuilt;
};

using Command =
    std::variant<ApplyCommand, DeleteCommand, SyncCommand, AddPortCommand, DeletePortCommand,
                 MovePortCommand, AddWorkerCommand, RemoveWorkerCommand, AddNetworkCommand,
                 DeleteNetworkCommand, SetModeCommand, AdoptCommand>;

struct Outcome {
  uint64_t epoch = 0;             // run by every worker, with the command's change in it
  std::vector<Refusal> refusals;  // Apply, Sync
  uint32_t deleted = 0;           // Delete
  dataplane::PortId port = dataplane::kNoPort;  // AddPort
};

using Result = absl::StatusOr<Outcome>;

}  // namespace sluice::control
