#include "control/grpc/saved_state.h"

#include <fmt/format.h>

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
    for (const v1::NetworkSpec& network : ports_.networks()) {
      for (const v1::PortSpec& port : ports_.ports()) {
        if (!network.uplink().empty() && port.name() == network.uplink()) Add(port);
      }
      const auto spec = NetworkFromProto(network);
      Note(spec.ok() ? controller_.Execute(AddNetworkCommand{*spec}).status() : spec.status());
    }
  }

  void AddObjects(const v1::SavedObjects& objects) {
    std::map<std::string, std::vector<Candidate>> by_source;
    for (const auto& [source, version] : objects.synced_versions()) by_source[source];
    for (const v1::SavedObject& saved : objects.objects()) {
      by_source[saved.source()].push_back(CandidateOf(saved));
    }
    for (auto& [source, candidates] : by_source) {
      const auto version = objects.synced_versions().find(source);
      const bool synced = version != objects.synced_versions().end();
      Command command = ApplyCommand{source, candidates, OnRefusal::kSkip};
      if (synced) command = SyncCommand{source, candidates, version->second};
      Result result = controller_.Execute(std::move(command));
      Note(result.status());
      if (result.ok()) NoteRefusals(*result);
    }
  }

  void AddPorts() {
    for (const v1::PortSpec& port : ports_.ports()) Add(port);
  }

  std::vector<std::string> TakeProblems() { return std::move(problems_); }

 private:
  void Add(const v1::PortSpec& port) {
    if (!added_.insert(port.name()).second) return;
    const auto spec = PortFromProto(port);
    Note(spec.ok() ? controller_.Execute(AddPortCommand{*spec}).status() : spec.status());
  }

  void Note(const absl::Status& status) {
    if (!status.ok()) problems_.emplace_back(status.message());
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

std::vector<std::string> Restore(const v1::SavedObjects& objects, const v1::SavedPorts& ports,
                                 Controller& controller) {
  Restoration restoration(ports, controller);
  restoration.AddNetworks();
  restoration.AddObjects(objects);
  restoration.AddPorts();
  return restoration.TakeProblems();
}

}  // namespace sluice::control
