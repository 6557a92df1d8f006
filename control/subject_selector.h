// Which pods a policy selects: one policy, asked about one pod after the other.
#pragma once

#include "acl/cluster_policy.h"
#include "acl/objects.h"
#include "acl/selector.h"
#include "acl/sluice_policy.h"

namespace sluice::control {

// What selectors see of a namespace: its labels, its own name among them. `known` may be null.
acl::Labels LabelsOfNamespace(const std::string& name, const acl::Namespace* known);

// Of a policy that passed acl::Validate.
class SubjectSelector {
 public:
  explicit SubjectSelector(const acl::NetworkPolicy& policy);
  explicit SubjectSelector(const acl::MultiNetworkPolicy& multi) : SubjectSelector(multi.policy) {}
  explicit SubjectSelector(const acl::SluicePolicy& policy);
  explicit SubjectSelector(const acl::ClusterPolicy& policy);

  // `namespace_labels` are LabelsOfNamespace of the pod's.
  bool Selects(const acl::Endpoint& pod, const acl::Labels& namespace_labels) const;

 private:
  std::string namespace_name_;  // that alone; empty: those that namespaces_ matches
  acl::LabelIndex index_;
  acl::EncodedSelector namespaces_, pods_;
};

}  // namespace sluice::control
