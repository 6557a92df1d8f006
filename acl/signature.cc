#include "acl/signature.h"

#include <algorithm>
#include <set>

namespace sluice::acl {
namespace {

constexpr char kNameLabel[] = "kubernetes.io/metadata.name";

}  // namespace

PodSigner::PodSigner(const PredicateTable& predicates, std::span<const Namespace> namespaces)
    : predicates_(predicates) {
  for (PredicateId id = 0; id < predicates.all().size(); ++id) {
    const PodPredicate* pods = std::get_if<PodPredicate>(&predicates.all()[id]);
    if (pods == nullptr) break;  // pod predicates sort first
    pods_.push_back(pod_labels_.Add(pods->pods));
    namespaces_.push_back(namespace_labels_.Add(pods->namespaces));
    if (pods->scope == PodPredicate::Scope::kOneNamespace) {
      of_one_namespace_[pods->namespace_name].push_back(id);
    } else {
      across_.push_back(id);
    }
  }
  for (const Namespace& ns : namespaces) labels_of_[ns.name] = ns.labels;
}

const std::vector<PredicateId>& PodSigner::CandidatesIn(const std::string& namespace_name) {
  const auto [entry, fresh] = candidates_.try_emplace(namespace_name);
  std::vector<PredicateId>& candidates = entry->second;
  if (!fresh) return candidates;

  if (const auto own = of_one_namespace_.find(namespace_name); own != of_one_namespace_.end()) {
    candidates = own->second;
  }
  const auto known = labels_of_.find(namespace_name);
  Labels labels = known == labels_of_.end() ? Labels{} : known->second;
  labels[kNameLabel] = namespace_name;
  const EncodedLabels encoded = namespace_labels_.Encode(labels);
  for (const PredicateId id : across_) {
    if (Matches(namespaces_[id], encoded)) candidates.push_back(id);
  }
  std::sort(candidates.begin(), candidates.end());
  return candidates;
}

Signature PodSigner::Sign(const Endpoint& endpoint) {
  const auto [entry, fresh] = signatures_.try_emplace(
      {endpoint.namespace_name, pod_labels_.Encode(endpoint.labels)}, Signature{});
  if (fresh) {
    for (const PredicateId id : CandidatesIn(endpoint.namespace_name)) {
      if (Matches(pods_[id], entry->first.second)) entry->second.push_back(id);
    }
  }
  Signature signature = entry->second;
  for (const PortFact& fact : FactsOf(endpoint)) {
    if (const auto id = predicates_.Find(fact)) signature.push_back(*id);
  }
  std::sort(signature.begin(), signature.end());
  return signature;
}

NodeSigner::NodeSigner(const PredicateTable& predicates) {
  for (PredicateId id = 0; id < predicates.all().size(); ++id) {
    const auto* nodes = std::get_if<NodePredicate>(&predicates.all()[id]);
    if (nodes != nullptr) selectors_.emplace_back(id, labels_.Add(nodes->nodes));
  }
}

Signature NodeSigner::Sign(const Labels& labels) const {
  const EncodedLabels encoded = labels_.Encode(labels);
  Signature signature;
  for (const auto& [id, selector] : selectors_) {
    if (Matches(selector, encoded)) signature.push_back(id);
  }
  return signature;
}

CidrIndex::CidrIndex(const PredicateTable& predicates) {
  std::set<uint8_t> v4, v6;
  for (PredicateId id = 0; id < predicates.all().size(); ++id) {
    const Cidr* cidr = std::get_if<Cidr>(&predicates.all()[id]);
    if (cidr == nullptr) continue;
    ids_[*cidr] = id;
    (cidr->base.family == Family::kIpv4 ? v4 : v6).insert(cidr->prefix_len);
  }
  lengths_v4_.assign(v4.begin(), v4.end());
  lengths_v6_.assign(v6.begin(), v6.end());
}

Signature CidrIndex::Containing(const Cidr& block) const {
  Signature signature;
  for (const uint8_t length : block.base.family == Family::kIpv4 ? lengths_v4_ : lengths_v6_) {
    if (length > block.prefix_len) break;
    const auto id = ids_.find(Cidr::Around(block.base, length));
    if (id != ids_.end()) signature.push_back(id->second);
  }
  return signature;  // ascending: a block sorts behind those that contain it
}

}  // namespace sluice::acl
