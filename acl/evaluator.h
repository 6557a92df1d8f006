// The second opinion on policy: SEMANTICS and the text of the APIs, word for word, over raw pods
// and labels.
//
// No classes, no flat rules, no normal forms. It shares the objects with the compiler and nothing
// else: text is read anew, selectors are matched on strings. As slow as it looks; whatever must
// agree with the compiled policy is held against this one.
//
// What an address is: acl/evaluate_world.h; whether a rule means an attempt: acl/evaluate_rule.h.
// Here: exemptions, the order of policies and tiers, and the names of what decided.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acl/evaluate_world.h"
#include "acl/policy_input.h"
#include "acl/stream_facts.h"

namespace sluice::acl {

struct RawAttempt;

// One end of a flow: a pod with the address it uses, or a bare address. Policy knows a peer by its
// address alone: `pod` says on whose behalf the side is judged.
struct RawEnd {
  const Endpoint* pod = nullptr;  // one of PolicyInput::endpoints, or of its namespace and name
  IpAddress address;
};

// One attempt to open a connection.
struct RawFlow {
  RawEnd from, to;
  uint8_t protocol = 0;                // IP protocol number
  uint16_t port = 0;                   // of the destination; 0 for protocols without ports
  const StreamFacts* facts = nullptr;  // what the initiator sends first; null: not known
};

// What one direction says, in the words of DESIGN section 8.
struct RawSide {
  bool allow = true;
  bool reject = false;                // only with a deny: answered, not silent
  bool own_node = false;              // only with a deny: the pod is closed to its node too
  std::string tier = "None";          // "Admin", "NetworkPolicy", "Baseline", "None"
  std::vector<std::string> policies;  // "Kind namespace/name" or "Kind name", sorted
  std::string rule;                   // its name, or "ingress[0]"; empty for a default deny
  // The facts are not known, and this rule is the first that asks for them: it may decide.
  bool conditional = false;
  bool operator==(const RawSide&) const = default;
};

struct RawVerdict {
  bool allow = true;  // both sides
  // Null: no pod subject here, or one that is not local.
  std::optional<RawSide> egress, ingress;
  // What the side would be if every audit policy were in force. Null if the input has none.
  std::optional<RawSide> audited_egress, audited_ingress;
};

class Evaluator {
 public:
  // `input` passed validation, and outlives the evaluator. Cost: a look at every object.
  explicit Evaluator(const PolicyInput& input);

  // Cost: every rule of every policy, and the selectors of each.
  RawVerdict Evaluate(const RawFlow& flow) const;

 private:
  // A NetworkPolicy, or what is in a MultiNetworkPolicy.
  struct Namespaced {
    const NetworkPolicy* policy = nullptr;
    bool multi = false;
    std::string name;
  };
  struct SluiceEntry {
    const SluicePolicy* policy = nullptr;
    const SluiceRule* rule = nullptr;
    bool ingress = false;
    size_t place = 0;
    std::string name;  // the policy's
  };
  enum class AuditPolicies : uint8_t { kIgnored, kInForce };

  void SortClusterPolicies();
  void SortNetworkPolicies();
  void SortSluiceRules();
  void AddNetworkPolicy(const NetworkPolicy& policy, bool multi);
  bool IsJudged(const Endpoint* pod) const;
  std::optional<RawSide> JudgeEgress(const RawFlow& flow, AuditPolicies audit) const;
  std::optional<RawSide> JudgeIngress(const RawFlow& flow, AuditPolicies audit) const;
  RawSide Judge(const RawAttempt& attempt, AuditPolicies audit) const;
  RawSide JudgeTiers(const RawAttempt& attempt, AuditPolicies audit) const;
  // Null: nothing here decides.
  std::optional<RawSide> JudgeTier(const std::vector<const ClusterPolicy*>& tier,
                                   const RawAttempt& attempt, AuditPolicies audit) const;
  std::optional<RawSide> JudgeNetworkPolicies(const RawAttempt& attempt, AuditPolicies audit) const;
  bool IsSubject(const ClusterPolicy& policy, const Endpoint& pod) const;
  std::optional<RawSide> JudgeSluiceRules(const RawAttempt& attempt, AuditPolicies audit) const;
  bool IsSubject(const SluicePolicy& policy, const RawAttempt& attempt, AuditPolicies audit) const;
  bool AnnotationIsolates(const RawAttempt& attempt) const;
  RawSide DefaultDeny(const std::vector<const Namespaced*>& isolating,
                      const std::vector<const SluicePolicy*>& sluice_isolating,
                      const RawAttempt& attempt) const;

  const PolicyInput& input_;
  RawWorld world_;
  std::vector<const ClusterPolicy*> admin_;     // the first to decide first
  std::vector<const ClusterPolicy*> baseline_;  // likewise
  std::vector<Namespaced> network_policies_;    // by namespace, name, kind
  std::vector<SluiceEntry> sluice_rules_;       // the first to decide first
  bool any_audit_ = false;
};

}  // namespace sluice::acl
