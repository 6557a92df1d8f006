#include "control/subject_selector.h"

namespace sluice::control {

acl::Labels LabelsOfNamespace(const std::string& name, const acl::Namespace* known) {
  acl::Labels labels = known == nullptr ? acl::Labels() : known->labels;
  labels["kubernetes.io/metadata.name"] = name;
  return labels;
}

SubjectSelector::SubjectSelector(const acl::NetworkPolicy& policy)
    : namespace_name_(policy.namespace_name),
      pods_(index_.Add(acl::Normalize(policy.pod_selector))) {}

SubjectSelector::SubjectSelector(const acl::SluicePolicy& policy)
    : namespace_name_(policy.namespace_name),
      pods_(index_.Add(acl::Normalize(policy.pod_selector))) {}

SubjectSelector::SubjectSelector(const acl::ClusterPolicy& policy)
    : namespaces_(index_.Add(acl::Normalize(policy.subject.namespaces))),
      pods_(index_.Add(acl::Normalize(policy.subject.pods))) {}

bool SubjectSelector::Selects(const acl::Endpoint& pod, const acl::Labels& namespace_labels) const {
  if (!namespace_name_.empty()) {
    return pod.namespace_name == namespace_name_ && acl::Matches(pods_, index_.Encode(pod.labels));
  }
  return acl::Matches(namespaces_, index_.Encode(namespace_labels)) &&
         acl::Matches(pods_, index_.Encode(pod.labels));
}

}  // namespace sluice::control
