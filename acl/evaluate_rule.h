// Whether a rule, as its author wrote it, means an attempt.
//
// Part of acl/evaluator.h.
#pragma once

#include "acl/cluster_policy.h"
#include "acl/evaluate_world.h"
#include "acl/stream_facts.h"

namespace sluice::acl {

// An attempt to connect as one side of it sees it.
struct RawAttempt {
  const Endpoint* subject = nullptr;
  IpAddress peer;
  const Endpoint* peer_pod = nullptr;     // RawWorld::PodAt
  bool peer_unknown = false;              // RawWorld::IsUnknown
  const Endpoint* destination = nullptr;  // whose ports are named; null: not a pod
  bool ingress = true;                    // towards the subject
  uint8_t protocol = 0;                   // IP protocol number
  uint16_t port = 0;                      // of the destination
  const StreamFacts* facts = nullptr;     // null: not known
};

// The rule of `policy` lets the attempt in, or out.
bool Admits(const RawWorld& world, const NetworkPolicy& policy, const NetworkPolicyRule& rule,
            const RawAttempt& attempt);

// The rule of `policy` is about the attempt, its content aside.
bool IsAbout(const RawWorld& world, const SluicePolicy& policy, const SluiceRule& rule,
             const RawAttempt& attempt);

// Addresses and ports alone do not tell whether the rule matches.
bool AsksForContent(const SluiceRule& rule);
// What the initiator sends first is what the rule asks for.
bool HasContent(const SluiceRule& rule, const StreamFacts& facts);

enum class RuleEffect : uint8_t { kNone, kAccept, kDeny, kPass };
RuleEffect EffectOf(const RawWorld& world, const ClusterRule& rule, const RawAttempt& attempt);

}  // namespace sluice::acl
