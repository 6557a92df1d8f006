// Who may talk to whom: one flow, and what each end's policies say of it.
//
//   Probe --Resolve (control/probe.h)--> Flow --KeysOf--> keys --classifier--> hits --VerdictOf-->
//   Verdict
//
// Pure: the same look-ups as the data plane's, over parts of a compiled network. `sluicectl
// verdict` and the daemon's Explain are its users; both classifiers fit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acl/address_map.h"
#include "acl/classifier.h"
#include "acl/content.h"
#include "acl/flat_rule.h"
#include "acl/objects.h"
#include "acl/stream_facts.h"
#include "control/nearest.h"

namespace sluice::control {

// One end of a flow.
struct End {
  acl::IpAddress address;
  const acl::Endpoint* endpoint = nullptr;  // the pod that owns `address`; null: none does
  // The pod's class as a subject, for the address' family. Absent: this end is not judged here (no
  // pod, or not a local one).
  std::optional<acl::ClassId> subject;
};

// What the initiator says first, for rules that ask for content. Names as acl::StreamFacts has
// them.
struct Said {
  acl::StreamFacts::Kind kind = acl::StreamFacts::Kind::kOther;
  std::string server_name;         // kTls
  std::string question;            // kDns
  std::string method, host, path;  // kHttp

  acl::StreamFacts facts() const { return {kind, server_name, question, method, host, path}; }
  // The IP protocol that this is said in.
  uint8_t Protocol() const {
    const bool dns = kind == acl::StreamFacts::Kind::kDns;
    return dns ? acl::Content::kUdp : acl::Content::kTcp;
  }
  bool operator==(const Said&) const = default;
};

// A new connection. Both addresses are of one family.
struct Flow {
  End source;
  End destination;
  uint8_t protocol = 0;           // IP protocol number
  uint16_t port = 0;              // destination port; 0 for protocols without ports
  std::optional<Said> said = {};  // absent: not known
};

// One direction's outcome.
struct Side {
  bool allow = true;
  acl::Tier tier = acl::Tier::kNone;
  std::vector<std::string> policies;  // that decided, "Kind namespace/name", sorted; none for kNone
  std::string rule;                   // "ingress[0]"; empty for a default deny, or none
  std::optional<Nearest> nearest = {};  // AddNearest's
  bool reject = false;                  // denied, and the sender is told
  // What the connection says decides, which is not known: `rule` is the first that may, and allow
  // is said for now.
  bool conditional = false;
  bool operator==(const Side&) const = default;
};

// A side is absent if its end is not judged here.
struct Verdict {
  bool allow = true;  // no side denies
  std::optional<Side> egress;
  std::optional<Side> ingress;
  bool operator==(const Verdict&) const = default;
};

// The questions of one flow, indexed by acl::Direction. A direction that is not judged asks with
// kUnknownClass as its subject; its answer is not looked at.
std::array<acl::ClassifyKey, acl::kDirections> KeysOf(const Flow& flow,
                                                      const acl::AddressMap& addresses);

// Reads the answers to `keys`, which are KeysOf's, `categories` of them for each. What
// acl/exemption.h exempts is allowed, whatever the policies say. Cost: all rules, for each side on
// which content decides.
Verdict VerdictOf(const Flow& flow, const std::array<acl::ClassifyKey, acl::kDirections>& keys,
                  const acl::RuleTable& table, std::span<const uint32_t> hits, unsigned categories);

// Says of each side that is denied by default what came nearest to admitting it. Cost: all rules,
// for each such side.
void AddNearest(const Flow& flow, const acl::AddressMap& addresses, const acl::RuleTable& table,
                Verdict* verdict);

// `Classifier` is acl::TrieClassifier or acl::LinearClassifier, built from `table`.
template <typename Classifier>
Verdict Judge(const Flow& flow, const acl::AddressMap& addresses, const acl::RuleTable& table,
              const Classifier& classifier) {
  const auto keys = KeysOf(flow, addresses);
  std::vector<uint32_t> hits(keys.size() * classifier.categories());
  classifier.Classify(keys, hits);
  return VerdictOf(flow, keys, table, hits, classifier.categories());
}

}  // namespace sluice::control
