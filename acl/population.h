// Who is where: the classes of known endpoints and nodes, and whose each address is.
//
// A value that is cheap to copy and to change by one endpoint; the result depends on who is in it
// alone, not on the order in which they came. What classes mean is acl/universe.h's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "acl/address_map.h"
#include "acl/cow_map.h"

namespace sluice::acl {

// Kind of owner, in the order in which they lose an address to each other.
enum class Owner : uint8_t { kNode, kRemote, kLocal };

// Namespace and name; a node's namespace is empty.
using MemberName = std::pair<std::string, std::string>;

// The classes of an endpoint as a subject, by family. Both are set even if it has no address of
// that family (then its class is that of an address no CIDR contains).
struct SubjectClasses {
  ClassId v4 = kUnknownClass;
  ClassId v6 = kUnknownClass;
  bool operator==(const SubjectClasses&) const = default;
};

struct Member {
  Owner owner = Owner::kRemote;
  SubjectClasses subject;
  std::vector<std::pair<IpAddress, ClassId>> addresses;
  bool operator==(const Member&) const = default;
};

class Population {
 public:
  // One that comes or changes; one without a member goes.
  struct Change {
    MemberName name;
    std::optional<Member> member;
  };
  // Each name at most once. Cost: the members that change, and the parts of the map they lie in.
  void Apply(std::span<const Change> changes);
  void SetPrefixes(std::span<const std::pair<Cidr, ClassId>> prefixes) {
    addresses_.SetPrefixes(prefixes);
  }

  // Copies are cheap from here on, until the next Apply.
  void Freeze();

  // Null: not in it.
  const Member* Find(const MemberName& name) const;
  // Whose the address is, of several any; null: nobody's. As long as the population stays as it is.
  const MemberName* OwnerOf(const IpAddress& address) const;
  // An address that two members claim goes to the one whose kind wins; between equals whose classes
  // differ it is kUnknownClass.
  const AddressMap& addresses() const { return addresses_; }

 private:
  struct Claim {
    MemberName name;
    Owner owner = Owner::kRemote;
    ClassId id = kUnknownClass;
    bool operator==(const Claim&) const = default;
  };
  using Claims = std::vector<Claim>;

  void Withdraw(const MemberName& name, std::vector<IpAddress>& touched);
  static ClassId Decide(const Claims& claims);

  CowMap<MemberName, Member> members_;
  CowMap<IpAddress, Claims> claims_;
  AddressMap addresses_;
};

}  // namespace sluice::acl
