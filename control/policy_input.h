// The join: what ports say of local pods (addresses) with what the API says of all pods (labels).
#pragma once

#include <absl/container/flat_hash_set.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "acl/address.h"
#include "acl/policy_input.h"
#include "control/desired_state.h"
#include "control/policy_build.h"

namespace sluice::control {

// A pod with a port but without an object from the API.
enum class UnlistedPods {
  kDeny,          // its port stays shut
  kDefaultClass,  // it counts as a pod without labels
};

// What a node sends to its own pods, by the host port.
enum class OwnNode : uint8_t {
  kAllow,  // passes whatever NetworkPolicies say (the API's own rule: kubelet's probes)
  kJudge,  // is judged as any other address
};

struct PolicySettings {
  std::vector<acl::Cidr> cluster_cidrs;
  UnlistedPods unlisted_pods = UnlistedPods::kDeny;
  OwnNode own_node = OwnNode::kAllow;
  acl::LegacyPolicy legacy_policy = acl::LegacyPolicy::kAnnotation;
};

// The endpoints of one network, which must exist, one at a time: MakePolicyInput's, by name.
class EndpointJoin {
 public:
  // `state` outlives it. Cost: all ports.
  EndpointJoin(const DesiredState& state, const PolicySettings& settings,
               const std::string& network);

  std::optional<JoinedEndpoint> Find(const ObjectName& name) const;  // absent: not on the network
  // Whether Find's answer for it, which has no port here, is that very object.
  bool IsAsListed(const acl::Endpoint& listed) const;
  std::vector<ObjectName> PodsWithPorts() const;

 private:
  const dataplane::PortSpec* PortOf(const acl::Endpoint& endpoint) const;

  const DesiredState& state_;
  const UnlistedPods unlisted_pods_;
  const std::string network_;
  // The ports of the network, by what they own: pods, and the node's own.
  std::map<ObjectName, const dataplane::PortSpec*> by_pod_;
  absl::flat_hash_set<acl::IpAddress> addresses_;
};

// What acl::Compile takes for one network, which must exist: namespaces and nodes, the policies
// that act on it (NetworkSpec::policies; MultiNetworkPolicies that name it, SluicePolicies
// that do or that name none), and the pods on it. On
// the default network those are all pods, with the API's addresses; on another, pods with a port
// there, or with an attachment to it. A local pod (one port here; UIDs agree where both sides know
// one) has its port's addresses and the API's labels and named ports, and is listed in `local`;
// everyone else has the API's addresses but for those a local port owns.
acl::PolicyInput MakePolicyInput(const DesiredState& state, const PolicySettings& settings,
                                 const std::string& network = kDefaultNetwork);

// Of that the namespaces and policies, without whom they are about; with `which` those policies
// alone, and if cluster-wide ones are among them all of those.
acl::PolicyInput PoliciesOn(const DesiredState& state, const PolicySettings& settings,
                            const std::string& network, const std::set<ObjectKey>* which = nullptr);

// As MakePolicyInput, for `subjects` alone: they are `local`, and of the policies there are those
// that select one of them.
acl::PolicyInput MakeOverlayInput(const DesiredState& state, const PolicySettings& settings,
                                  const std::string& network, const std::set<ObjectName>& subjects);

// How policies of one network, which must exist in both states, differ.
struct PolicyEdits {
  std::set<std::string> policies;  // that came, went or changed: "NetworkPolicy default/web"
  std::set<ObjectName> subjects;   // local pods that they select, or selected
};
// Of those policies that may differ. Cost: the network's ports for each.
PolicyEdits EditsOf(const DesiredState& before, const DesiredState& now,
                    const PolicySettings& settings, const std::string& network,
                    const std::set<ObjectKey>& touched);

}  // namespace sluice::control
