// A cluster out of manifest files, judged without a daemon: the same compile and the same tries.
//
// Networks never mix: each that a probe asks about is a cluster of its own.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "acl/policy_input.h"
#include "control/kube/manifest.h"
#include "control/policy_build.h"
#include "control/probe.h"
#include "control/verdict.h"
#include "dataplane/eal.h"

namespace sluice::ctl {

// The networks that pods or policies of `objects` name, the primary one ("default") among them.
std::set<std::string> NetworksOf(const std::vector<control::Object>& objects);

// What one of them is made of. Of objects with one name the last one counts, as with apply. Every
// pod is local to its node.
acl::PolicyInput InputOf(const std::vector<control::Object>& objects,
                         acl::LegacyPolicy legacy_policy, const std::string& network);

enum class Why : uint8_t { kLeftOut, kToldToo };

// One network. `input` has every pod of the cluster, with its addresses there.
class OfflineCluster {
 public:
  explicit OfflineCluster(acl::PolicyInput input);
  OfflineCluster(const OfflineCluster&) = delete;
  OfflineCluster& operator=(const OfflineCluster&) = delete;

  // Errors: as control::Resolve.
  absl::StatusOr<control::Flow> Resolve(const control::Probe& probe) const {
    return control::Resolve(probe, index_);
  }

  // Compiles the policies and builds the tries. Errors: as acl::Compile, TrieClassifier::Build.
  absl::Status Build();

  // After Build, of a flow that this cluster resolved; with control::AddNearest or without.
  control::Verdict Judge(control::Flow flow, Why why) const;

  const acl::PolicyInput& input() const { return input_; }

 private:
  acl::PolicyInput input_;
  control::EndpointIndex index_;
  control::PolicyBuild build_;
};

class OfflineNetworks {
 public:
  // Of objects with one name the last one counts, as InputOf.
  OfflineNetworks(const std::vector<control::Object>& objects, acl::LegacyPolicy legacy_policy);

  // The network that a probe means: "default" or empty, "namespace/name" as pods or policies of the
  // manifests name it, or a bare name, which is that of namespace default, else the only one of
  // that name. Errors: InvalidArgument "network: ..." for one that is not there, or that could be
  // two.
  absl::StatusOr<OfflineCluster*> Find(const std::string& network);

  // Builds what has been found so far; needs no root and no huge pages, and leaves other DPDK
  // processes alone. Once a process. Errors: as OfflineCluster::Build, Eal::Start.
  absl::Status Build();

  // What policies say together that has no effect (control/policy_warnings.h).
  std::vector<std::string> Warnings();

 private:
  absl::StatusOr<std::string> FullName(const std::string& network) const;
  OfflineCluster& At(const std::string& network);

  acl::PolicyInput all_;          // objects of every kind, pods with their primary addresses
  std::set<std::string> others_;  // networks beside the primary one
  std::unique_ptr<dataplane::Eal> eal_;
  std::map<std::string, std::unique_ptr<OfflineCluster>> clusters_;
};

}  // namespace sluice::ctl
