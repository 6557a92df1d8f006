#include "acl/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "acl/class_table.h"
#include "acl/flatten.h"
#include "acl/predicates.h"
#include "acl/signature.h"
#include "acl/validate.h"

namespace sluice::acl {
namespace {

// An endpoint that policy can see, with what holds of it and of each of its addresses.
struct Member {
  const Endpoint* endpoint = nullptr;
  bool local = false;
  Signature pod;                     // without CIDRs
  std::vector<Signature> addresses;  // in the order of endpoint->addresses
};

// One block of addresses without a known endpoint.
struct Atom {
  Cidr block;
  bool in_cluster = false;
  Signature signature;
};

// Who an address belongs to when endpoints contend for it.
struct Claim {
  const Signature* signature = nullptr;
  bool local = false;
  bool disputed = false;
};
using Claims = absl::flat_hash_map<IpAddress, Claim>;

template <typename T>
std::vector<const T*> SortedByName(const std::vector<T>& objects) {
  std::vector<const T*> sorted;
  for (const T& object : objects) sorted.push_back(&object);
  std::sort(sorted.begin(), sorted.end(), [](const T* a, const T* b) {
    return std::tie(a->namespace_name, a->name) < std::tie(b->namespace_name, b->name);
  });
  return sorted;
}

// Errors: InvalidArgument for two objects of one name; the result would depend on their order.
template <typename T>
absl::Status CheckDistinct(const char* kind, const std::vector<const T*>& sorted) {
  const auto twin = std::adjacent_find(sorted.begin(), sorted.end(), [](const T* a, const T* b) {
    return std::tie(a->namespace_name, a->name) == std::tie(b->namespace_name, b->name);
  });
  if (twin == sorted.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} {}/{} is given twice", kind, (*twin)->namespace_name, (*twin)->name));
}

absl::Status CheckPolicies(const std::vector<const NetworkPolicy*>& policies) {
  for (const NetworkPolicy* policy : policies) {
    if (absl::Status valid = Validate(*policy); !valid.ok()) return valid;
  }
  return CheckDistinct("NetworkPolicy", policies);
}

std::vector<const Endpoint*> WithAddresses(std::vector<const Endpoint*> endpoints) {
  std::erase_if(endpoints,
                [](const Endpoint* e) { return e->host_network || e->addresses.empty(); });
  return endpoints;
}

std::vector<Member> SignMembers(const PolicyInput& input,
                                const std::vector<const Endpoint*>& endpoints,
                                const PredicateTable& predicates, const CidrIndex& cidrs) {
  PodSigner signer(predicates, input.namespaces);
  std::vector<Member> members;
  members.reserve(endpoints.size());
  for (const Endpoint* endpoint : endpoints) {
    Member& member = members.emplace_back();
    member.endpoint = endpoint;
    member.local =
        input.all_local || input.local.count({endpoint->namespace_name, endpoint->name}) != 0;
    member.pod = signer.Sign(*endpoint);
    for (const IpAddress& address : endpoint->addresses) {
      Signature& signature = member.addresses.emplace_back(member.pod);
      const Signature blocks = cidrs.Containing(address);
      signature.insert(signature.end(), blocks.begin(), blocks.end());
    }
  }
  return members;
}

// Every block that an address without endpoint can be told apart by.
std::vector<Atom> Atoms(const PolicyInput& input, const PredicateTable& predicates,
                        const CidrIndex& cidrs) {
  std::set<Cidr> blocks(input.cluster_cidrs.begin(), input.cluster_cidrs.end());
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    blocks.insert(Cidr{IpAddress{.family = family}, 0});
  }
  for (const Predicate& predicate : predicates.all()) {
    if (const Cidr* cidr = std::get_if<Cidr>(&predicate)) blocks.insert(*cidr);
  }
  std::vector<Atom> atoms;
  for (const Cidr& block : blocks) {
    const bool in_cluster =
        std::any_of(input.cluster_cidrs.begin(), input.cluster_cidrs.end(),
                    [&](const Cidr& cluster) { return cluster.Contains(block); });
    atoms.push_back({block, in_cluster, cidrs.Containing(block)});
  }
  return atoms;
}

absl::StatusOr<ClassTable> NumberClasses(const std::vector<Member>& members,
                                         const std::vector<Atom>& atoms, size_t predicates) {
  std::vector<Signature> signatures;
  for (const Member& member : members) {
    signatures.push_back(member.pod);
    signatures.insert(signatures.end(), member.addresses.begin(), member.addresses.end());
  }
  for (const Atom& atom : atoms) {
    if (!atom.in_cluster) signatures.push_back(atom.signature);
  }
  return ClassTable::Number(std::move(signatures), predicates);
}

// A local endpoint's claim beats a remote one's. Equal claims that differ leave the address
// disputed: nobody's, so that it is open to nobody. The order of claims makes no difference.
void AddClaim(Claims& claims, const IpAddress& address, bool local, const Signature& signature) {
  const auto [entry, fresh] = claims.try_emplace(address, Claim{&signature, local, false});
  Claim& held = entry->second;
  if (fresh || held.local > local) return;
  if (held.local < local) {
    held = {&signature, local, false};
  } else if (*held.signature != signature) {
    held.disputed = true;
  }
}

Claims ClaimAddresses(const std::vector<Member>& members) {
  Claims claims;
  for (const Member& member : members) {
    for (size_t i = 0; i < member.addresses.size(); ++i) {
      AddClaim(claims, member.endpoint->addresses[i], member.local, member.addresses[i]);
    }
  }
  return claims;
}

ClassId SubjectClass(const Member& member, Family family, const ClassTable& classes) {
  const std::vector<IpAddress>& addresses = member.endpoint->addresses;
  const auto first =
      std::find_if(addresses.begin(), addresses.end(),
                   [family](const IpAddress& address) { return address.family == family; });
  if (first == addresses.end()) return classes.IdOf(member.pod);
  return classes.IdOf(member.addresses[static_cast<size_t>(first - addresses.begin())]);
}

// Fills result.subjects and answers the classes of the local ones.
ClassSet NameSubjects(const std::vector<Member>& members, const ClassTable& classes,
                      CompiledPolicy& result) {
  std::set<ClassId> local;
  for (const Member& member : members) {
    const SubjectClasses subject{.v4 = SubjectClass(member, Family::kIpv4, classes),
                                 .v6 = SubjectClass(member, Family::kIpv6, classes)};
    result.subjects[{member.endpoint->namespace_name, member.endpoint->name}] = subject;
    if (member.local) local.insert({subject.v4, subject.v6});
  }
  ClassSet set;
  for (const ClassId id : local) set.Append(id);
  return set;
}

void MapAddresses(const std::vector<Atom>& atoms, const Claims& claims, const ClassTable& classes,
                  CompiledPolicy& result) {
  for (const Atom& atom : atoms) {
    result.addresses.SetPrefix(atom.block,
                               atom.in_cluster ? kUnknownClass : classes.IdOf(atom.signature));
  }
  for (const auto& [address, claim] : claims) {
    const ClassId id = claim.disputed ? kUnknownClass : classes.IdOf(*claim.signature);
    result.addresses.SetExact(address, id);
    ++result.classes[id].endpoint_addresses;
  }
}

std::vector<ClassInfo> Describe(const ClassTable& classes, const PredicateTable& predicates) {
  std::vector<ClassInfo> described(classes.size());
  described[kUnknownClass].selectors = {"unknown: inside the cluster, of no known pod"};
  for (size_t id = 1; id < classes.size(); ++id) {
    for (const PredicateId predicate : classes.signature(static_cast<ClassId>(id))) {
      described[id].selectors.push_back(ToString(predicates.all()[predicate]));
    }
    if (described[id].selectors.empty()) described[id].selectors = {"any other address"};
  }
  return described;
}

}  // namespace

absl::StatusOr<CompiledPolicy> Compile(const PolicyInput& input) {
  const std::vector<const NetworkPolicy*> policies = SortedByName(input.policies);
  if (absl::Status valid = CheckPolicies(policies); !valid.ok()) return valid;
  const std::vector<const Endpoint*> endpoints = WithAddresses(SortedByName(input.endpoints));
  if (absl::Status valid = CheckDistinct("Pod", endpoints); !valid.ok()) return valid;

  const PredicateTable predicates(policies, endpoints);
  const CidrIndex cidrs(predicates);
  const std::vector<Member> members = SignMembers(input, endpoints, predicates, cidrs);
  const std::vector<Atom> atoms = Atoms(input, predicates, cidrs);
  absl::StatusOr<ClassTable> classes = NumberClasses(members, atoms, predicates.all().size());
  if (!classes.ok()) return classes.status();

  CompiledPolicy result;
  result.classes = Describe(*classes, predicates);
  MapAddresses(atoms, ClaimAddresses(members), *classes, result);
  const ClassSet local = NameSubjects(members, *classes, result);
  absl::StatusOr<RuleTable> table = Flatten(policies, predicates, *classes, local);
  if (!table.ok()) return table.status();
  result.table = *std::move(table);
  return result;
}

}  // namespace sluice::acl
