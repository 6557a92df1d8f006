#include "acl/trie_proof.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>
#include <vector>

#include "acl/linear_classifier.h"

namespace sluice::acl {
namespace {

constexpr uint8_t kUnmentioned[] = {
    1, 253};  // one of them is a protocol that no rule of one subject names
constexpr size_t kBatch = 4096;

// By protocol: where the answer can change, ascending from 0.
using Edges = std::map<uint8_t, std::set<uint16_t>>;

// One subject class in one direction, with the rules that can concern it.
struct Subject {
  Direction direction = Direction::kIngress;
  ClassId id = kUnknownClass;
  std::vector<uint32_t> rules;  // indices into the whole table
};

std::vector<Subject> SubjectsOf(const RuleTable& table, const ClassSet& classes) {
  std::vector<Subject> subjects;
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    const size_t first = subjects.size();
    for (const ClassInterval& range : classes.intervals()) {
      for (unsigned id = range.first; id <= range.last; ++id) {
        subjects.push_back({direction, static_cast<ClassId>(id), {}});
      }
    }
    for (uint32_t r = 0; r < table.rules.size(); ++r) {
      if (table.rules[r].direction != direction) continue;
      const ClassInterval range = table.rules[r].subject();
      auto it =
          std::lower_bound(subjects.begin() + static_cast<std::ptrdiff_t>(first), subjects.end(),
                           range.first, [](const Subject& s, ClassId id) { return s.id < id; });
      for (; it != subjects.end() && it->id <= range.last; ++it) it->rules.push_back(r);
    }
  }
  return subjects;
}

Edges EdgesOf(const RuleTable& table, const Subject& subject) {
  Edges edges;
  for (const uint32_t r : subject.rules) {
    const FlatRule& rule = table.rules[r];
    if (rule.protocol == kAnyProtocol) continue;  // all ports
    std::set<uint16_t>& ports = edges[static_cast<uint8_t>(rule.protocol)];
    ports.insert({0, rule.port_first});
    if (rule.port_last < 0xffff) ports.insert(static_cast<uint16_t>(rule.port_last + 1));
  }
  for (const uint8_t protocol : kUnmentioned) {
    if (edges.contains(protocol)) continue;
    edges[protocol] = {0};
    break;
  }
  return edges;
}

size_t PortIntervals(const Edges& edges) {
  size_t count = 0;
  for (const auto& [protocol, ports] : edges) count += ports.size();
  return count;
}

// Asks both classifiers about the keys of one subject.
class SubjectProof {
 public:
  SubjectProof(const RuleTable& table, const TrieClassifier& trie, const Subject& subject)
      : trie_(trie), subject_(subject) {
    part_.has_conditional = table.has_conditional;
    part_.rules.reserve(subject.rules.size());
    for (const uint32_t r : subject.rules) part_.rules.push_back(table.rules[r]);
  }

  // As Ask, unless that was asked already.
  absl::Status AskOnce(ClassId peer, uint8_t protocol, uint16_t port) {
    const bool fresh = known_.emplace(peer, protocol, port).second;
    return fresh ? Ask(peer, protocol, port) : absl::OkStatus();
  }

  absl::Status Ask(ClassId peer, uint8_t protocol, uint16_t port) {
    const bool ingress = subject_.direction == Direction::kIngress;
    keys_.push_back(ClassifyKey::Make(protocol, ingress ? peer : subject_.id,
                                      ingress ? subject_.id : peer, port,
                                      Only(subject_.direction)));
    return keys_.size() < kBatch ? absl::OkStatus() : Flush();
  }

  absl::Status Flush() {
    const LinearClassifier oracle(part_);
    const unsigned theirs = oracle.categories(), ours = trie_.categories();
    std::vector<uint32_t> expected(keys_.size() * theirs), seen(keys_.size() * ours);
    oracle.Classify(keys_, expected);
    trie_.Classify(keys_, seen);
    for (size_t k = 0; k < keys_.size(); ++k) {
      for (unsigned slot = 0; slot < ours; ++slot) {
        if (slot % kDirections != static_cast<unsigned>(subject_.direction)) continue;
        const uint32_t hit = slot < theirs ? expected[k * theirs + slot] : 0;
        const uint32_t wanted = hit == 0 ? 0 : subject_.rules[hit - 1] + 1;
        if (seen[k * ours + slot] != wanted)
          return Differs(keys_[k], wanted, seen[k * ours + slot]);
      }
    }
    asked_ += keys_.size();
    keys_.clear();
    return absl::OkStatus();
  }

  size_t asked() const { return asked_; }

 private:
  static absl::Status Differs(const ClassifyKey& key, uint32_t wanted, uint32_t seen) {
    return absl::InternalError(fmt::format(
        "policy build: trie and oracle differ on protocol {}, classes {} to {}, port {}: rule {} "
        "instead of {}",
        key.protocol, __builtin_bswap16(key.src_class_be), __builtin_bswap16(key.dst_class_be),
        __builtin_bswap16(key.dst_port_be), seen, wanted));
  }

  const TrieClassifier& trie_;
  const Subject& subject_;
  RuleTable part_;  // the rules that can concern this subject
  std::vector<ClassifyKey> keys_;
  absl::flat_hash_set<std::tuple<ClassId, uint8_t, uint16_t>> known_;  // of AskOnce
  size_t asked_ = 0;
};

// Two keys for each atom: the first and the last port of its interval.
absl::Status AskAll(const Edges& edges, size_t classes, SubjectProof& proof) {
  for (const auto& [protocol, ports] : edges) {
    for (auto edge = ports.begin(); edge != ports.end(); ++edge) {
      const auto next = std::next(edge);
      const uint16_t last = next == ports.end() ? 0xffff : static_cast<uint16_t>(*next - 1);
      for (size_t peer = 0; peer < classes; ++peer) {
        const auto id = static_cast<ClassId>(peer);
        if (absl::Status s = proof.Ask(id, protocol, *edge); !s.ok()) return s;
        if (last == *edge) continue;
        if (absl::Status s = proof.Ask(id, protocol, last); !s.ok()) return s;
      }
    }
  }
  return absl::OkStatus();
}

// The corners of a rule and the points just past them, for one of its subjects.
absl::Status AskCorners(const FlatRule& rule, SubjectProof& proof) {
  const ClassInterval peers = rule.peer();
  const uint8_t protocol =
      rule.protocol == kAnyProtocol ? kUnmentioned[0] : static_cast<uint8_t>(rule.protocol);
  for (const int peer : {peers.first - 1, int{peers.first}, int{peers.last}, peers.last + 1}) {
    for (const int port :
         {rule.port_first - 1, int{rule.port_first}, int{rule.port_last}, rule.port_last + 1}) {
      if (absl::Status s =
              proof.AskOnce(static_cast<ClassId>(peer), protocol, static_cast<uint16_t>(port));
          !s.ok()) {
        return s;
      }
    }
  }
  return absl::OkStatus();
}

absl::Status AskAtRandom(const Edges& edges, size_t classes, size_t count, std::mt19937_64& random,
                         SubjectProof& proof) {
  std::vector<std::pair<uint8_t, uint16_t>> starts;
  for (const auto& [protocol, ports] : edges) {
    for (const uint16_t port : ports) starts.emplace_back(protocol, port);
  }
  for (size_t i = 0; i < count; ++i) {
    const auto& [protocol, port] = starts[random() % starts.size()];
    const auto peer = static_cast<ClassId>(random() % classes);
    if (absl::Status s = proof.AskOnce(peer, protocol, port); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Proof> ProveTrie(const RuleTable& table, const TrieClassifier& trie, size_t classes,
                                const ClassSet& subjects, const ProofLimits& limits) {
  if (trie.categories() != CategoriesOf(table)) {
    return absl::InternalError(fmt::format("policy build: the trie has {} categories, not {}",
                                           trie.categories(), CategoriesOf(table)));
  }
  const std::vector<Subject> all = SubjectsOf(table, subjects);
  std::vector<Edges> edges;
  Proof result;
  for (const Subject& subject : all) {
    edges.push_back(EdgesOf(table, subject));
    result.atoms += PortIntervals(edges.back()) * classes;
  }
  result.exhaustive = result.atoms <= limits.max_atoms;
  std::mt19937_64 random(limits.seed);
  std::vector<bool> cornered(table.rules.size());
  for (size_t i = 0; i < all.size(); ++i) {
    SubjectProof proof(table, trie, all[i]);
    absl::Status status;
    if (result.exhaustive) {
      status = AskAll(edges[i], classes, proof);
    } else {
      for (const uint32_t r : all[i].rules) {
        if (!status.ok() || cornered[r]) continue;
        cornered[r] = true;
        status = AskCorners(table.rules[r], proof);
      }
      const size_t share = limits.max_atoms / all.size() + 1;
      if (status.ok()) status = AskAtRandom(edges[i], classes, share, random, proof);
    }
    if (status.ok()) status = proof.Flush();
    if (!status.ok()) return status;
    result.keys += proof.asked();
  }
  return result;
}

}  // namespace sluice::acl
