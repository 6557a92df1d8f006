// All that is desired: namespaces, nodes, endpoints, policies of every kind with their owners, and
// ports.
//
// A plain value that is cheap to copy once frozen: the controller copies it, tries a change on the
// copy, and keeps the copy only if it could be built and published. What it means for packets is a
// function of this value alone (control/policy_input.h), never of the path to it. Each object has
// one owner, the source that brought it; another source may neither replace nor delete it.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "acl/cluster_policy.h"
#include "acl/cow_map.h"
#include "acl/objects.h"
#include "control/object_key.h"
#include "control/port_table.h"
#include "control/tenant_shares.h"

namespace sluice::control {

template <typename T>
struct Owned {
  T object;  // the last accepted version
  std::string source;
  std::string uid;        // the API server's; empty: not known
  bool stand_in = false;  // never accepted: an isolating stand-in (control/stand_in.h)
  bool operator==(const Owned&) const = default;
};

// By name; cluster-wide policies by kind too, since three kinds share a table.
template <typename T>
struct TableKey {
  using type = ObjectName;
  static const type& Of(const ObjectKey& key) { return key.name; }
};
template <>
struct TableKey<acl::ClusterPolicy> {
  using type = ObjectKey;
  static const type& Of(const ObjectKey& key) { return key; }
};

template <typename T>
using ObjectTable = acl::CowMap<typename TableKey<T>::type, Owned<T>>;

enum class OnRefusal : uint8_t { kRefuseAll, kSkip };

struct StateLimits {
  // Of NetworkPolicies, MultiNetworkPolicies and SluicePolicies together
  // (control/policy_terms.h).
  size_t terms_a_namespace = 20'000;
  // Of each network's flat rules and classes. Not held here: it takes a compiler to count them.
  TenantShares rules = {.a_namespace = 20'000, .cluster_wide = 50'000};
  TenantShares classes = {.a_namespace = 20'000, .cluster_wide = 30'000};
  bool operator==(const StateLimits&) const = default;
};

class DesiredState {
 public:
  DesiredState() = default;
  explicit DesiredState(const StateLimits& limits) : limits_(limits) {}

  // Creates or replaces objects, in order. kRefuseAll: the first bad object is the error and
  // nothing changes. kSkip: bad objects are listed in the result; what had been accepted of them
  // stays, unless that has another UID: then it is another object's, and goes. A policy never
  // accepted gets a stand-in. `removed` goes first, as by Delete; with kSkip what may not be
  // removed is listed too. Errors: InvalidArgument (no source, a bad object, an unknown kind),
  // FailedPrecondition (another source's object), ResourceExhausted (a policy with which its
  // namespace would exceed StateLimits).
  absl::StatusOr<std::vector<Refusal>> Apply(const std::string& source,
                                             std::span<const Candidate> objects, OnRefusal mode,
                                             std::span<const ObjectKey> removed = {});

  // Ok if the last Sync of `source` named `version`, or `version` is empty. Error:
  // FailedPrecondition.
  absl::Status CheckContinues(const std::string& source, const std::string& version) const;

  // Removes objects and says how many were there. Errors, then nothing changes: InvalidArgument (no
  // source, unknown kind), FailedPrecondition (another source's object).
  absl::StatusOr<uint32_t> Delete(const std::string& source, std::span<const ObjectKey> keys);

  // Removes objects, then creates or replaces others, each as its owner could: for a change that is
  // only asked about. Errors, then nothing changes: as Apply and Delete, NotFound for an object
  // that is to be removed and is not there.
  absl::Status Rehearse(std::span<const Candidate> objects, std::span<const ObjectKey> removed);

  // Replaces everything `source` owns by `objects`, with refusals as kSkip; refused objects count
  // as still there. Errors: InvalidArgument (no source).
  absl::StatusOr<std::vector<Refusal>> Sync(const std::string& source,
                                            std::span<const Candidate> objects,
                                            const std::string& version);

  const ObjectTable<acl::Namespace>& namespaces() const { return Table<acl::Namespace>(); }
  const ObjectTable<acl::Endpoint>& endpoints() const { return Table<acl::Endpoint>(); }
  const ObjectTable<acl::Node>& nodes() const { return Table<acl::Node>(); }
  const ObjectTable<acl::NetworkPolicy>& policies() const { return Table<acl::NetworkPolicy>(); }
  const ObjectTable<acl::MultiNetworkPolicy>& multi_policies() const {
    return Table<acl::MultiNetworkPolicy>();
  }
  const ObjectTable<acl::SluicePolicy>& sluice_policies() const {
    return Table<acl::SluicePolicy>();
  }
  const ObjectTable<acl::ClusterPolicy>& cluster_policies() const {
    return Table<acl::ClusterPolicy>();
  }
  // Policies of every kind.
  size_t policy_count() const {
    return policies().size() + multi_policies().size() + sluice_policies().size() +
           cluster_policies().size();
  }
  // Whether it is here as `candidate` has it, of `source`, and no stand-in.
  bool Has(const std::string& source, const Candidate& candidate) const;
  const StateLimits& limits() const { return limits_; }
  // By source: the version its last Sync named.
  const std::map<std::string, std::string>& synced_versions() const { return synced_versions_; }

  // To be changed: a copy of its own, whoever else has the state.
  PortTable& ports();
  const PortTable& ports() const { return *ports_; }

  // Copies are cheap from here on, until the next change.
  void Freeze();

  bool operator==(const DesiredState& other) const;

 private:
  template <typename T>
  const ObjectTable<T>& Table() const {
    return std::get<ObjectTable<T>>(tables_);
  }
  template <typename T>
  ObjectTable<T>& Table() {
    return std::get<ObjectTable<T>>(tables_);
  }
  // Its source and its UID; null: no such object.
  struct Origin {
    const std::string* source = nullptr;
    const std::string* uid = nullptr;
  };
  Origin OriginOf(const ObjectKey& key) const;
  absl::Status CheckOwner(const std::string& source, const ObjectKey& key) const;
  absl::Status Check(const std::string& source, const Candidate& candidate) const;
  absl::Status CheckRemoval(const std::string& source, const ObjectKey& key) const;
  absl::Status CheckAll(const std::string& source, std::span<const Candidate> objects,
                        std::span<const ObjectKey> removed) const;
  absl::Status CheckRoom(const Object& object) const;
  // As Apply; an error with kRefuseAll may come half-way if there are several objects.
  absl::StatusOr<std::vector<Refusal>> ApplyInPlace(const std::string& source,
                                                    std::span<const Candidate> objects,
                                                    OnRefusal mode,
                                                    std::span<const ObjectKey> removed);
  void Put(const std::string& source, const Candidate& candidate);
  template <typename T>
  void Assign(const typename TableKey<T>::type& name, Owned<T> owned);
  template <typename T>
  size_t Remove(const typename TableKey<T>::type& name);
  Refusal Refuse(const std::string& source, const Candidate& candidate, const absl::Status& why);
  template <typename T>
  void PutStandIn(const std::string& source, const Candidate& refused);
  void DropOther(const Candidate& refused);
  uint32_t Erase(const ObjectKey& key);
  void Sweep(const std::string& source, const std::set<ObjectKey>& keep);

  std::tuple<ObjectTable<acl::Namespace>, ObjectTable<acl::Node>, ObjectTable<acl::Endpoint>,
             ObjectTable<acl::NetworkPolicy>, ObjectTable<acl::MultiNetworkPolicy>,
             ObjectTable<acl::SluicePolicy>, ObjectTable<acl::ClusterPolicy>>
      tables_;
  StateLimits limits_;
  acl::CowMap<std::string, size_t> terms_;  // by namespace, of what is in tables_
  std::map<std::string, std::string> synced_versions_;
  std::shared_ptr<PortTable> ports_ = std::make_shared<PortTable>();
};

}  // namespace sluice::control
