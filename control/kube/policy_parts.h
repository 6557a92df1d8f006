// What the readers of several kinds of policy share. Use control/kube/readers.h.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "acl/cluster_policy.h"
#include "acl/objects.h"
#include "control/kube/object_reader.h"

namespace sluice::control {

// meta/v1 LabelSelector.
acl::LabelSelector ReadSelector(ObjectReader selector);

// How the versions of the cluster-wide API differ where they look alike.
struct ClusterApi {
  const char* ports;  // "protocols" or "ports"
  acl::ClusterPort (*read_port)(ObjectReader& entry);
  std::vector<std::string> egress_peers;  // fields of an egress peer, beside those of ingress
  bool namespace_selector_required;       // in `pods`
  bool says_allow;                        // action Allow, which is read as Accept
};

// What all cluster-wide policies have: names, options, subject, rules. The caller has asked `spec`
// for the fields that are its kind's own.
acl::ClusterPolicy ReadClusterParts(const ClusterApi& api, ObjectReader& object, ObjectReader& spec,
                                    absl::Status* status);

// Which of `fields` is there, if one alone is. Otherwise the entry fails closed (a field we do not
// know, or none) and *unknown says where, or it is an error (several).
std::string_view OneOf(ObjectReader& entry, std::span<const std::string> fields,
                       acl::UnknownKind* unknown);

// An integer that must be there, 1 to 65535.
int64_t ReadPortNumber(ObjectReader& entry, std::string_view field);

}  // namespace sluice::control
