#include "control/grpc/saved_state.h"

#include <fmt/format.h>

#include <list>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "control/grpc/candidates.h"
#include "control/grpc/convert.h"
#include "control/grpc/port_convert.h"

namespace sluice::control {
namespace {

template <typename Table>
void Append(const Table& table, v1::SavedObjects* out) {
  for (const auto& [key, owned] : table) {
    v1::SavedObject* saved = out->add_objects();
    ToProto(owned.object, saved->mutable_object());
    if (!saved->object().has_endpoint() && !owned.uid.empty()) {
      saved->mutable_object()->set_uid(owned.uid);
    }
    saved->set_source(owned.source);
    saved->set_stand_in(owned.stand_in);
  }
}

// One that stood in for another does so again.
Candidate CandidateOf(const v1::SavedObject& saved) {
  Candidate candidate = ToCandidate(saved.object());
  if (!saved.stand_in() || !candidate.object.ok()) return candidate;
  candidate.outline = std::make_shared<const Object>(*std::move(candidate.object));
  candidate.object = absl::InvalidArgumentError(
      fmt::format("{}: was not accepted before the restart", candidate.key.ToString()));
  return candidate;
}

class Restoration {
 public:
  Restoration(const v1::SavedPorts& ports, Controller& controller)
      : ports_(ports), controller_(controller) {}

  // A network comes after the uplink that it names, which comes after its own network.
  void AddNetworks() {
    std::list<const v1::NetworkSpec*> left;
    for (const v1::NetworkSpec& network : ports_.networks()) left.push_back(&network);
    std::vector<std::string> why;
    for (bool progress = true; progress && !left.empty();) {
      const size_t before = left.size();
      why.clear();
      left.remove_if([&](const v1::NetworkSpec* network) {
        const absl::Status status = AddNetwork(*network);
        if (!status.ok()) why.emplace_back(status.message());
        return status.ok();
      });
      progress = left.size() < before;
    }
    problems_.insert(problems_.end(), why.begin(), why.end());
  }

  absl::Status AddObjects(const v1::SavedObjects& objects) {
    std::map<std::string, std::vector<Candidate>> by_source;
    for (const auto& [source, version] : objects.synced_versions()) by_source[source];
    for (const v1::SavedObject& saved : objects.objects()) {
      by_source[saved.source()].push_back(CandidateOf(saved));
    }
    for (auto& [source, candidates] : by_source) {
      Command command = ApplyCommand{source, candidates, OnRefusal::kSkip};
      if (objects.synced_versions().contains(source)) command = SyncCommand{source, candidates, ""};
      const Result result = controller_.Execute(std::move(command));
      if (!result.ok()) {
        return absl::Status(
            result.status().code(),
            fmt::format("source \"{}\": {}", source, std::string(result.status().message())));
      }
      NoteRefusals(*result);
    }
    return absl::OkStatus();
  }

  void AddPorts() {
    for (const v1::PortSpec& port : ports_.ports()) {
      const absl::Status status = AddPort(port);
      if (!status.ok()) problems_.emplace_back(status.message());
    }
  }

  std::vector<std::string> TakeProblems() { return std::move(problems_); }

 private:
  absl::Status AddNetwork(const v1::NetworkSpec& network) {
    for (const v1::PortSpec& port : ports_.ports()) {
      if (network.uplink().empty() || port.name() != network.uplink()) continue;
      if (absl::Status status = AddPort(port); !status.ok()) return status;
    }
    const auto spec = NetworkFromProto(network);
    return spec.ok() ? controller_.Execute(AddNetworkCommand{*spec}).status() : spec.status();
  }

  // Once.
  absl::Status AddPort(const v1::PortSpec& port) {
    if (added_.contains(port.name())) return absl::OkStatus();
    const auto spec = PortFromProto(port);
    if (!spec.ok()) return spec.status();
    const absl::Status status = controller_.Execute(AddPortCommand{*spec}).status();
    if (status.ok()) added_.insert(port.name());
    return status;
  }

  void NoteRefusals(const Outcome& outcome) {
    for (const Refusal& refusal : outcome.refusals) {
      problems_.push_back(fmt::format("{}: {}", refusal.key.ToString(), refusal.reason));
    }
  }

  const v1::SavedPorts& ports_;
  Controller& controller_;
  std::set<std::string> added_;
  std::vector<std::string> problems_;
};

}  // namespace

v1::SavedObjects SaveObjects(const DesiredState& state) {
  v1::SavedObjects saved;
  Append(state.namespaces(), &saved);
  Append(state.nodes(), &saved);
  Append(state.endpoints(), &saved);
  Append(state.policies(), &saved);
  Append(state.multi_policies(), &saved);
  Append(state.sluice_policies(), &saved);
  Append(state.cluster_policies(), &saved);
  saved.mutable_synced_versions()->insert(state.synced_versions().begin(),
                                          state.synced_versions().end());
  return saved;
}

v1::SavedPorts SavePorts(const View& view) {
  const PortTable& table = view.state->ports();
  std::map<dataplane::NetworkId, const NetworkSpec*> by_slot;
  for (const auto& [name, spec] : table.networks()) by_slot[view.networks.at(name).id] = &spec;
  v1::SavedPorts saved;
  for (const auto& [slot, spec] : by_slot) NetworkToProto(*spec, saved.add_networks());
  for (const auto& [name, spec] : table.specs()) PortToProto(spec, saved.add_ports());
  return saved;
}

absl::StatusOr<std::vector<std::string>> Restore(const v1::SavedObjects& objects,
                                                 const v1::SavedPorts& ports,
                                                 Controller& controller) {
  Restoration restoration(ports, controller);
  restoration.AddNetworks();
  if (absl::Status status = restoration.AddObjects(objects); !status.ok()) return status;
  restoration.AddPorts();
  return restoration.TakeProblems();
}

}  // namespace sluice::control
