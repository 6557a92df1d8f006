// What the runtime says in environment variables.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <map>
#include <string>

namespace sluice::cni {

using Environment = std::map<std::string, std::string>;

struct Args {
  std::string command;       // ADD, DEL, CHECK, STATUS, GC, VERSION
  std::string container_id;  // as in all below: empty if the command does not need it
  std::string netns;
  std::string ifname;
  std::string pod_namespace, pod_name, pod_uid;  // K8S_POD_* of CNI_ARGS; the UID may be empty
  Environment environment;                       // all of it, for delegated plugins
};

// Errors: kEnvironment naming the variables that are missing or wrong, kUnknownContainer if ADD's
// CNI_NETNS is not there.
absl::StatusOr<Args> ReadArgs(const Environment& environment);

// As the specification restricts container IDs and names of networks.
bool IsCniName(const std::string& text);

}  // namespace sluice::cni
