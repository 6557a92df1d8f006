// One kind of object as the API server offers it, and how its collection is asked for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "control/kube/watch/field_shape.h"

namespace sluice::control {

struct Resource {
  std::string name;                // "networkpolicies", as in rules of RBAC
  std::string group;               // "networking.k8s.io"; "" for core
  std::vector<std::string> paths;  // of the collection; where several versions exist, best first
  bool may_be_absent = false;      // defined by a CRD: 404 means that there is no such kind
  FieldShape shape;
};

// The annotation of the bookmark after which a streaming list has told all.
inline constexpr char kInitialEventsEnd[] = "k8s.io/initial-events-end";

inline constexpr size_t kPageSize = 500;

// Targets of requests. None of them asks for resourceVersion=0, which any stale cache may answer: a
// list and a streaming list without a version are consistent reads.
std::string ListTarget(const std::string& path, const std::string& continue_token);
std::string WatchTarget(const std::string& path, const std::string& resource_version,
                        unsigned timeout_s);
// A watch that begins with what there is (sendInitialEvents, Kubernetes 1.27 and later).
std::string StreamingListTarget(const std::string& path, unsigned timeout_s);

// Bytes that are not unreserved (RFC 3986) as %XX.
std::string EscapeQuery(std::string_view text);

}  // namespace sluice::control
