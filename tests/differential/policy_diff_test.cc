// acl/policy_diff against the evaluator, pod by pod, and against the linear oracle, class by class.
#include "acl/policy_diff.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>

#include "acl/classifier.h"
#include "acl/evaluator.h"
#include "acl/exemption.h"
#include "acl/linear_classifier.h"
#include "acl/validate.h"
#include "tests/differential/random_cluster.h"

namespace sluice::acl {
namespace {

constexpr uint64_t kClusters = 60;
constexpr size_t kAll = std::numeric_limits<size_t>::max();
constexpr uint8_t kUnnamed = 50;  // a protocol that no random policy names
constexpr const char* kOutside[] = {"203.0.113.1", "198.51.100.1", "10.0.1.200", "10.9.0.1",
                                    "192.168.0.1", "2001:db8::1",  "fd00::5",    "fd01::1"};

// Some policies go, some come from another cluster under a name of their own or in place of an old
// one.
template <typename Policy, typename NameOf>
void Mix(RandomSource& random, std::vector<Policy>& policies, const std::vector<Policy>& others,
         const NameOf& name_of) {
  std::erase_if(policies, [&](const Policy&) { return random.Chance(25); });
  for (Policy other : others) {
    if (random.Chance(50) || !Validate(other).ok()) continue;  // some seeds draw a block twice
    const auto same = std::ranges::find_if(
        policies, [&](Policy& policy) { return name_of(policy) == name_of(other); });
    if (same == policies.end()) {
      policies.push_back(other);
    } else {
      *same = other;
    }
  }
}

PolicyInput Changed(const PolicyInput& before, uint64_t seed) {
  RandomSource random(seed);
  const PolicyInput other = RandomCluster(seed + 100'000, kCompiledKinds).Make();
  PolicyInput after = before;
  const auto name = [](NetworkPolicy& p) { return std::pair(p.namespace_name, p.name); };
  Mix(random, after.policies, other.policies, name);
  Mix(random, after.multi_policies, other.multi_policies,
      [&](MultiNetworkPolicy& multi) { return name(multi.policy); });
  Mix(random, after.cluster_policies, other.cluster_policies,
      [](ClusterPolicy& p) { return std::pair(p.kind, p.name); });
  for (Namespace& ns : after.namespaces) ns.ingress_default_deny ^= random.Chance(20);
  return after;
}

std::set<uint16_t> EdgesOf(const PolicyDiff& diff) {
  std::set<uint16_t> edges = {0};
  for (const RuleTable* table : {&diff.before, &diff.after}) {
    for (const FlatRule& rule : table->rules) {
      edges.insert(rule.port_first);
      edges.insert(static_cast<uint16_t>(rule.port_last + 1));  // 0 behind the last one
    }
  }
  return edges;
}

// As the diff takes rules that ask for content: they let through what they may, and deny nothing.
RuleTable AtMost(RuleTable table) {
  std::erase_if(table.rules, [](const FlatRule& rule) {
    return rule.conditional && rule.action != Action::kAllow;
  });
  for (FlatRule& rule : table.rules) rule.conditional = false;
  table.has_conditional = {};
  return table;
}

void AtMost(const char* direction, std::vector<SluiceRule>& rules) {
  for (size_t i = 0; i < rules.size(); ++i) {
    SluiceRule& rule = rules[i];
    if (rule.name.empty()) rule.name = fmt::format("{}[{}]", direction, i);
    if (!rule.content.IsConditional()) continue;
    const char* protocol = rule.content.dns ? "UDP" : "TCP";
    if (rule.match.ports.empty()) rule.match.ports = {{.protocol = protocol}};
  }
  std::erase_if(rules, [](const SluiceRule& rule) {
    return rule.content.IsConditional() && rule.action == "deny";
  });
  for (SluiceRule& rule : rules) rule.content = {};
}

void AtMost(PolicyInput& input) {
  for (SluicePolicy& policy : input.sluice_policies) {
    // What it isolates does not hang on its rules.
    const bool ingress = policy.IsolatesIngress(), egress = policy.IsolatesEgress();
    policy.policy_types.clear();
    if (ingress) policy.policy_types.push_back("Ingress");
    if (egress) policy.policy_types.push_back("Egress");
    AtMost("ingress", policy.ingress);
    AtMost("egress", policy.egress);
  }
}

struct Case {
  explicit Case(uint64_t seed)
      : before(RandomCluster(seed, kCompiledKinds).Make()), after(Changed(before, seed)) {
    auto made = DiffPolicies(before, after, kAll);
    EXPECT_TRUE(made.ok()) << made.status();
    if (made.ok()) diff = *std::move(made);
  }

  PolicyInput before, after;
  PolicyDiff diff;
};

// --- class by class -----------------------------------------------------------------------------

class OracleDiff {
 public:
  explicit OracleDiff(const Case& c)
      : diff_(c.diff),
        edges_(EdgesOf(c.diff)),
        before_(AtMost(c.diff.before)),
        after_(AtMost(c.diff.after)),
        old_(before_),
        new_(after_) {
    for (const RuleTable* table : {&diff_.before, &diff_.after}) {
      for (const FlatRule& rule : table->rules) protocols_.insert(rule.protocol);
    }
    protocols_.erase(kAnyProtocol);
    AddFamilies(c.after);
  }

  std::vector<Flip> All() const {
    std::vector<Flip> flips;
    for (size_t from = 0; from < families_.size(); ++from) {
      for (size_t to = 0; to < families_.size(); ++to) {
        if ((families_[from] & families_[to]) == 0) continue;
        if (from == to && IsOnePod(static_cast<ClassId>(from))) continue;
        AddPair(static_cast<ClassId>(from), static_cast<ClassId>(to), flips);
      }
    }
    return flips;
  }

 private:
  void AddFamilies(const PolicyInput& input) {
    families_.resize(diff_.universe->classes().size());
    members_.resize(families_.size());
    const AddressMap& addresses = diff_.population.addresses();
    const auto add = [&](const std::string& who, const IpAddress& address, ClassId id) {
      families_[id] |= address.family == Family::kIpv4 ? 1 : 2;
      members_[id].insert(who);
    };
    for (const Endpoint& endpoint : input.endpoints) {
      const std::string name = "pod " + endpoint.namespace_name + "/" + endpoint.name;
      for (const IpAddress& address : endpoint.addresses) {
        if (endpoint.host_network) continue;
        const Member* member = diff_.population.Find({endpoint.namespace_name, endpoint.name});
        const bool v4 = address.family == Family::kIpv4;
        add(name, address, v4 ? member->subject.v4 : member->subject.v6);
        add(name, address, addresses.Lookup(address));
      }
      for (const IpAddress& address : endpoint.node_addresses) {
        add("node", address, addresses.Lookup(address));
      }
    }
    for (const Node& node : input.nodes) {
      for (const IpAddress& address : node.addresses) {
        add("node", address, addresses.Lookup(address));
      }
    }
    for (const auto& [block, id] : diff_.universe->blocks()) add("block", block.base, id);
  }

  bool IsOnePod(ClassId id) const {
    return members_[id].size() == 1 && members_[id].begin()->starts_with("pod");
  }

  Ruling Judge(const RuleTable& table, const LinearClassifier& oracle, const ClassifyKey& key,
               Direction direction, ClassId subject) const {
    if (!diff_.universe->local().Contains(subject)) return {};
    std::array<uint32_t, kMaxCategories> hits{};
    oracle.Classify({&key, 1}, hits);
    const Decision decision =
        Decide(table, std::span<const uint32_t>(hits).first(oracle.categories()), direction);
    const uint32_t source = decision.rule == 0 ? 0 : table.rules[decision.rule - 1].source + 1;
    return {decision.allow, decision.tier, source};
  }

  BothSides JudgeBoth(bool after, ClassId from, ClassId to, uint8_t protocol, uint16_t port) const {
    const RuleTable& table = after ? after_ : before_;
    const LinearClassifier& oracle = after ? new_ : old_;
    const ClassifyKey key = ClassifyKey::Make(protocol, from, to, port);
    return {Judge(table, oracle, key, Direction::kEgress, from),
            Judge(table, oracle, key, Direction::kIngress, to)};
  }

  std::vector<Flip> Of(ClassId from, ClassId to, uint8_t protocol) const {
    std::vector<Flip> flips;
    bool touches = false;
    for (auto edge = edges_.begin(); edge != edges_.end(); ++edge) {
      const bool last = std::next(edge) == edges_.end();
      const auto end = static_cast<uint16_t>(last ? 0xffff : *std::next(edge) - 1);
      const Flip flip{.from = from,
                      .to = to,
                      .port_first = *edge,
                      .port_last = end,
                      .before = JudgeBoth(false, from, to, protocol, *edge),
                      .after = JudgeBoth(true, from, to, protocol, *edge)};
      const bool flipped = flip.before.allow() != flip.after.allow();
      if (flipped && touches && flips.back().before == flip.before &&
          flips.back().after == flip.after) {
        flips.back().port_last = end;
      } else if (flipped) {
        flips.push_back(flip);
      }
      touches = flipped;
    }
    return flips;
  }

  void AddPair(ClassId from, ClassId to, std::vector<Flip>& flips) const {
    std::vector<Flip> others = Of(from, to, kUnnamed);
    std::vector<uint8_t> but;
    for (const int16_t protocol : protocols_) {
      std::vector<Flip> own = Of(from, to, static_cast<uint8_t>(protocol));
      if (own == others) continue;
      but.push_back(static_cast<uint8_t>(protocol));
      for (Flip& flip : own) flip.protocol = protocol;
      flips.insert(flips.end(), own.begin(), own.end());
    }
    for (Flip& flip : others) flip.but = but;
    flips.insert(flips.end(), others.begin(), others.end());
  }

  const PolicyDiff& diff_;
  const std::set<uint16_t> edges_;
  const RuleTable before_, after_;
  const LinearClassifier old_, new_;
  std::set<int16_t> protocols_;
  std::vector<uint8_t> families_;
  std::vector<std::set<std::string>> members_;
};

std::string ToText(const Flip& flip) {
  return fmt::format(
      "{} -> {} protocol {} but {} ports {}-{}: egress {} {} -> {} {}, ingress {} {} "
      "-> {} {}",
      flip.from, flip.to, flip.protocol, flip.but.size(), flip.port_first, flip.port_last,
      flip.before.egress.allow, flip.before.egress.source, flip.after.egress.allow,
      flip.after.egress.source, flip.before.ingress.allow, flip.before.ingress.source,
      flip.after.ingress.allow, flip.after.ingress.source);
}

TEST(PolicyDiff, FlipsAreThoseOfTheOracleClassByClass) {
  size_t flips = 0, partial = 0;
  for (const uint64_t seed : Seeds(kClusters)) {
    SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
    const Case c(seed);
    const std::vector<Flip> expected = OracleDiff(c).All();
    ASSERT_EQ(c.diff.count, expected.size());
    ASSERT_EQ(c.diff.flips.size(), expected.size());
    std::set<std::pair<ClassId, ClassId>> pairs;
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(c.diff.flips[i], expected[i])
          << "seen     " << ToText(c.diff.flips[i]) << "\nexpected " << ToText(expected[i]);
      pairs.insert({expected[i].from, expected[i].to});
      partial += expected[i].port_last - expected[i].port_first < 0xffff ? 1 : 0;
    }
    EXPECT_EQ(c.diff.pairs, pairs.size());
    flips += expected.size();
  }
  EXPECT_GT(flips, kClusters * 100);
  EXPECT_GT(partial, flips / 20) << "of single ports and ranges";
}

// --- pod by pod ---------------------------------------------------------------------------------

class EvaluatedDiff {
 public:
  explicit EvaluatedDiff(Case& c) : diff_(c.diff), before_(c.before), after_(c.after) {
    for (const Flip& flip : diff_.flips) by_pair_[{flip.from, flip.to}].push_back(&flip);
    edges_ = EdgesOf(diff_);
    // Who is not local is judged here or left out by its class, as the diff does.
    before_.all_local = after_.all_local = true;
    AtMost(before_);
    AtMost(after_);
    AddEnds();
  }

  // How many attempts differ.
  size_t Check() const {
    const Evaluator old_evaluator(before_), new_evaluator(after_);
    size_t differing = 0;
    for (const End& from : ends_) {
      for (const End& to : ends_) {
        if (from.raw.address.family != to.raw.address.family || IsExemptPair(from, to)) continue;
        for (const uint8_t protocol : {6, 17, 132, 1}) {
          for (const uint16_t port : protocol == 1 ? std::set<uint16_t>{0} : edges_) {
            const RawFlow flow{from.raw, to.raw, protocol, port};
            const RawVerdict before = old_evaluator.Evaluate(flow);
            const RawVerdict after = new_evaluator.Evaluate(flow);
            const bool differs = Allows(from, to, before) != Allows(from, to, after);
            const Flip* flip = Find(from.peer_class, to.peer_class, protocol, port);
            EXPECT_EQ(flip != nullptr, differs)
                << from.raw.address.ToString() << " -> " << to.raw.address.ToString()
                << " protocol " << int{protocol} << " port " << port;
            if (flip != nullptr) ExpectNames(*flip, from, to, before, after);
            differing += differs ? 1 : 0;
            if (testing::Test::HasFailure()) return differing;
          }
        }
      }
    }
    return differing;
  }

 private:
  struct End {
    RawEnd raw;
    ClassId peer_class = kUnknownClass;
    bool judged = false;
  };

  // Pods whose address is theirs alone, and addresses of nobody.
  void AddEnds() {
    std::map<IpAddress, int> claims;
    for (const Endpoint& endpoint : before_.endpoints) {
      for (const IpAddress& address : endpoint.addresses) ++claims[address];
    }
    const AddressMap& addresses = diff_.population.addresses();
    for (const Endpoint& endpoint : before_.endpoints) {
      if (endpoint.host_network) continue;
      for (const IpAddress& address : endpoint.addresses) {
        if (claims[address] > 1) continue;
        const ClassId id = addresses.Lookup(address);
        ends_.push_back({{&endpoint, address}, id, diff_.universe->local().Contains(id)});
      }
    }
    for (const char* text : kOutside) {
      const IpAddress address = *IpAddress::Parse(text);
      if (!claims.contains(address)) {
        ends_.push_back({{nullptr, address}, addresses.Lookup(address), false});
      }
    }
  }

  static bool IsExemptPair(const End& from, const End& to) {
    const auto exempt = [](const RawEnd& subject, const RawEnd& peer, Direction direction) {
      const Decision denied{.allow = false};
      return subject.pod != nullptr &&
             Exempted(denied, *subject.pod, peer.address, direction) != denied;
    };
    return exempt(from.raw, to.raw, Direction::kEgress) ||
           exempt(to.raw, from.raw, Direction::kIngress);
  }

  static bool Allows(const End& from, const End& to, const RawVerdict& verdict) {
    return (!from.judged || verdict.egress->allow) && (!to.judged || verdict.ingress->allow);
  }

  const Flip* Find(ClassId from, ClassId to, uint8_t protocol, uint16_t port) const {
    const auto pair = by_pair_.find({from, to});
    if (pair == by_pair_.end()) return nullptr;
    for (const Flip* flip : pair->second) {
      const bool of_protocol = flip->protocol == kAnyProtocol
                                   ? std::ranges::count(flip->but, protocol) == 0
                                   : flip->protocol == protocol;
      if (of_protocol && flip->port_first <= port && port <= flip->port_last) return flip;
    }
    return nullptr;
  }

  void ExpectNames(const Flip& flip, const End& from, const End& to, const RawVerdict& before,
                   const RawVerdict& after) const {
    if (from.judged) {
      ExpectName(flip.before.egress, diff_.before, *before.egress);
      ExpectName(flip.after.egress, diff_.after, *after.egress);
    }
    if (to.judged) {
      ExpectName(flip.before.ingress, diff_.before, *before.ingress);
      ExpectName(flip.after.ingress, diff_.after, *after.ingress);
    }
  }

  static void ExpectName(const Ruling& ruling, const RuleTable& table, const RawSide& side) {
    EXPECT_EQ(ruling.allow, side.allow);
    EXPECT_EQ(TierName(ruling.tier), side.tier);
    const RuleSource source = ruling.source == 0 ? RuleSource{} : table.sources[ruling.source - 1];
    EXPECT_EQ(source.policies, side.policies);
    EXPECT_EQ(source.rule, side.rule);
  }

  const PolicyDiff& diff_;
  PolicyInput before_, after_;
  std::map<std::pair<ClassId, ClassId>, std::vector<const Flip*>> by_pair_;
  std::set<uint16_t> edges_;
  std::vector<End> ends_;
};

TEST(PolicyDiff, FlipsAreWhatTheEvaluatorSaysPodByPod) {
  size_t differing = 0;
  for (const uint64_t seed : Seeds(kClusters)) {
    SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
    Case c(seed);
    differing += EvaluatedDiff(c).Check();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  EXPECT_GT(differing, kClusters * 1000);
}

TEST(PolicyDiff, EqualPoliciesFlipNothingAndTheLimitLeavesTheCountAlone) {
  for (const uint64_t seed : Seeds(10)) {
    SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
    const Case c(seed);
    const auto same = DiffPolicies(c.after, c.after, kAll);
    ASSERT_TRUE(same.ok());
    EXPECT_EQ(same->count, 0u);
    const auto few = DiffPolicies(c.before, c.after, 3);
    ASSERT_TRUE(few.ok());
    EXPECT_EQ(few->count, c.diff.count);
    EXPECT_EQ(few->flips.size(), std::min<size_t>(3, c.diff.count));
  }
}

}  // namespace
}  // namespace sluice::acl
