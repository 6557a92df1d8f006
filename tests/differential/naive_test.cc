// Compiled policy, looked up in the trie, against the naive evaluator: every pair, both sides, and
// the policy that is said to decide.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "acl/compiler.h"
#include "acl/trie_classifier.h"
#include "tests/differential/naive_evaluator.h"
#include "tests/differential/random_cluster.h"

namespace sluice::acl {
namespace {

constexpr struct {
  const char* name;
  uint8_t number;
} kProtocols[] = {{"TCP", 6}, {"UDP", 17}, {"SCTP", 132}, {"ICMP", 1}};
constexpr int kProbesAPair = 6;

struct Counts {
  size_t allowed_by_rule = 0;
  size_t allowed_by_default = 0;
  size_t denied = 0;
  size_t total() const { return allowed_by_rule + allowed_by_default + denied; }
};

naive::World WorldOf(const PolicyInput& input) {
  return {input.namespaces, input.endpoints, input.policies, input.cluster_cidrs};
}

bool IsLocal(const PolicyInput& input, const Endpoint& pod) {
  return input.all_local || input.local.count({pod.namespace_name, pod.name}) != 0;
}

// What the classifier's answer says, in the naive evaluator's words.
naive::Verdict Read(const RuleTable& table, const Decision& decision) {
  naive::Verdict verdict{.allow = decision.allow, .because = {}};
  if (decision.rule == 0) return verdict;
  const RuleSource& source = table.sources[table.rules[decision.rule - 1].source];
  for (const std::string& policy : source.policies) {
    const std::string name = policy.substr(std::string("NetworkPolicy ").size());
    verdict.because.push_back(source.rule.empty() ? name : name + " " + source.rule);
  }
  return verdict;
}

class NaiveComparison {
 public:
  explicit NaiveComparison(uint64_t seed)
      : cluster_(seed), input_(cluster_.Make()), compiled_(*Compile(input_)) {
    auto trie = TrieClassifier::Build(compiled_.table);
    EXPECT_TRUE(trie.ok()) << trie.status();
    trie_ = *std::move(trie);
  }

  Counts Run() {
    for (const Endpoint& pod : input_.endpoints) {
      if (pod.host_network || !IsLocal(input_, pod)) continue;
      for (const Endpoint& peer : input_.endpoints) {
        for (const IpAddress& address : peer.addresses) Probe(pod, address);
      }
      for (int i = 0; i < 10; ++i) Probe(pod, cluster_.AnyAddress());
    }
    return counts_;
  }

 private:
  void Probe(const Endpoint& pod, const IpAddress& peer) {
    if (pod.addresses.empty()) return;
    for (int i = 0; i < kProbesAPair; ++i) {
      const auto& protocol = kProtocols[cluster_.AnyPort() % std::size(kProtocols)];
      const uint16_t port = protocol.number == 1 ? 0 : cluster_.AnyPort();
      const bool ingress = i % 2 == 0;
      const naive::Attempt attempt{&pod, peer, ingress, protocol.name, port};
      const naive::Verdict expected = naive::Evaluate(WorldOf(input_), attempt);
      const naive::Verdict seen = Ask(attempt, protocol.number);
      EXPECT_EQ(expected.allow, seen.allow) << Text(attempt);
      EXPECT_EQ(expected.because, seen.because) << Text(attempt);
      Count(expected);
    }
  }

  naive::Verdict Ask(const naive::Attempt& attempt, uint8_t protocol) const {
    const SubjectClasses classes =
        compiled_.subjects.at({attempt.subject->namespace_name, attempt.subject->name});
    const ClassId own = attempt.peer.family == Family::kIpv4 ? classes.v4 : classes.v6;
    const ClassId other = compiled_.addresses.Lookup(attempt.peer);
    const ClassifyKey key = attempt.ingress ? ClassifyKey::Make(protocol, other, own, attempt.port)
                                            : ClassifyKey::Make(protocol, own, other, attempt.port);
    std::vector<uint32_t> hits(trie_->categories());
    trie_->Classify({&key, 1}, hits);
    const Direction direction = attempt.ingress ? Direction::kIngress : Direction::kEgress;
    return Read(compiled_.table, Decide(compiled_.table, hits, direction));
  }

  void Count(const naive::Verdict& verdict) {
    if (!verdict.allow) {
      ++counts_.denied;
    } else {
      ++(verdict.because.empty() ? counts_.allowed_by_default : counts_.allowed_by_rule);
    }
  }

  static std::string Text(const naive::Attempt& attempt) {
    return fmt::format("{} of {}/{}, peer {}, {}/{}", attempt.ingress ? "ingress" : "egress",
                       attempt.subject->namespace_name, attempt.subject->name,
                       attempt.peer.ToString(), attempt.protocol, attempt.port);
  }

  RandomCluster cluster_;
  PolicyInput input_;
  CompiledPolicy compiled_;
  std::unique_ptr<TrieClassifier> trie_;
  Counts counts_;
};

TEST(Naive, CompiledPolicyDecidesAsTheTextOfTheApi) {
  Counts counts;
  for (const uint64_t seed : Seeds()) {
    SCOPED_TRACE(fmt::format("SLUICE_SEED={}", seed));
    const Counts one = NaiveComparison(seed).Run();
    counts.allowed_by_rule += one.allowed_by_rule;
    counts.allowed_by_default += one.allowed_by_default;
    counts.denied += one.denied;
    ASSERT_FALSE(HasFailure());
  }
  // Agreement means little unless every kind of verdict is common.
  EXPECT_GT(counts.total(), 50'000u);
  EXPECT_GT(counts.allowed_by_rule, counts.total() / 20);
  EXPECT_GT(counts.allowed_by_default, counts.total() / 20);
  EXPECT_GT(counts.denied, counts.total() / 20);
  std::printf("allowed by rule %zu, by default %zu, denied %zu\n", counts.allowed_by_rule,
              counts.allowed_by_default, counts.denied);
}

}  // namespace
}  // namespace sluice::acl
