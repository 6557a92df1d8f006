#include "acl/predicate_table.h"

#include <algorithm>
#include <set>

namespace sluice::acl {
namespace {

// Gathers what policies ask.
class Collector {
 public:
  void Add(const LoweredPolicy& policy) {
    predicates_.insert(policy.subject);
    for (const auto& rules : policy.rules) {
      for (const LoweredRule& rule : rules) Add(rule);
    }
  }

  std::set<Predicate> TakePredicates() { return std::move(predicates_); }
  const std::set<PortReference>& names() const { return names_; }

 private:
  void Add(const LoweredRule& rule) {
    names_.insert(rule.named_ports.begin(), rule.named_ports.end());
    if (!rule.peers) return;
    for (const LoweredPeer& peer : *rule.peers) {
      std::visit([this](const auto& value) { Add(value); }, peer);
    }
  }
  void Add(const PodPredicate& pods) { predicates_.insert(pods); }
  void Add(const NodePredicate& nodes) { predicates_.insert(nodes); }
  void Add(const AddressBlock& block) {
    predicates_.insert(block.cidr);
    predicates_.insert(block.except.begin(), block.except.end());
  }

  std::set<Predicate> predicates_ = {PodPredicate{}};
  std::set<PortReference> names_;
};

}  // namespace

PredicateTable::PredicateTable(std::span<const LoweredPolicy> policies,
                               std::span<const Endpoint* const> endpoints) {
  Collector collector;
  for (const LoweredPolicy& policy : policies) collector.Add(policy);
  names_.assign(collector.names().begin(), collector.names().end());
  std::set<Predicate> predicates = collector.TakePredicates();
  for (const Endpoint* endpoint : endpoints) {
    for (PortFact& fact : FactsOf(*endpoint)) {
      if (Names(fact)) predicates.insert(std::move(fact));
    }
  }
  predicates_.assign(predicates.begin(), predicates.end());
}

std::optional<PredicateId> PredicateTable::Find(const Predicate& predicate) const {
  const auto place = std::lower_bound(predicates_.begin(), predicates_.end(), predicate);
  if (place == predicates_.end() || *place != predicate) return std::nullopt;
  return static_cast<PredicateId>(place - predicates_.begin());
}

std::vector<PortFact> PredicateTable::FactsNamed(const PortReference& port) const {
  std::vector<PortFact> facts;
  const Predicate first = PortFact{port.name, port.protocol, 0};
  for (auto p = std::lower_bound(predicates_.begin(), predicates_.end(), first);
       p != predicates_.end(); ++p) {
    const PortFact* fact = std::get_if<PortFact>(&*p);
    if (fact == nullptr || fact->name != port.name) break;
    if (port.protocol != kEveryProtocol && fact->protocol != port.protocol) break;
    facts.push_back(*fact);
  }
  return facts;
}

std::vector<PredicateId> PredicateTable::AskedBy(const LoweredPolicy& policy) const {
  Collector collector;
  collector.Add(policy);
  std::set<PredicateId> ids;
  for (const PortReference& port : collector.names()) {
    for (const PortFact& fact : FactsNamed(port)) ids.insert(IdOf(fact));
  }
  for (const Predicate& predicate : collector.TakePredicates()) {
    if (const std::optional<PredicateId> id = Find(predicate)) ids.insert(*id);
  }
  return {ids.begin(), ids.end()};
}

bool PredicateTable::Covers(std::span<const LoweredPolicy> policies) const {
  Collector collector;
  for (const LoweredPolicy& policy : policies) collector.Add(policy);
  return std::ranges::includes(names_, collector.names()) &&
         std::ranges::all_of(collector.TakePredicates(),
                             [this](const Predicate& one) { return Find(one).has_value(); });
}

bool PredicateTable::Names(const PortFact& fact) const {
  const auto named = [&](uint8_t protocol) {
    return std::binary_search(names_.begin(), names_.end(), PortReference{fact.name, protocol});
  };
  return named(fact.protocol) || named(kEveryProtocol);
}

}  // namespace sluice::acl
