// A cluster out of manifest files, judged without a daemon: the same compile and the same tries.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "acl/policy_input.h"
#include "control/kube/manifest.h"
#include "control/policy_build.h"
#include "control/probe.h"
#include "control/verdict.h"
#include "dataplane/eal.h"

namespace sluice::ctl {

class OfflineCluster {
 public:
  // Of objects with one name the last one counts, as with apply. Every pod is local to its node.
  explicit OfflineCluster(const std::vector<control::Object>& objects);
  OfflineCluster(const OfflineCluster&) = delete;
  OfflineCluster& operator=(const OfflineCluster&) = delete;

  // Errors: as control::Resolve.
  absl::StatusOr<control::Flow> Resolve(const control::Probe& probe) const {
    return control::Resolve(probe, index_);
  }

  // Compiles the policies and builds the tries; needs no root and no huge pages, and leaves other
  // DPDK processes alone. One at a time in a process. Errors: as acl::Compile, Eal::Start,
  // TrieClassifier::Build.
  absl::Status Build();

  // After Build.
  control::Verdict Judge(control::Flow flow) const;

 private:
  acl::PolicyInput input_;
  control::EndpointIndex index_;
  std::unique_ptr<dataplane::Eal> eal_;  // goes last: the tries are in its memory
  control::PolicyBuild build_;
};

}  // namespace sluice::ctl
