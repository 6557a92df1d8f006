// The immutable whole that a worker reads: who is where, which classes, which rules.
//
// Control builds a Snapshot, Switch::Publish makes it the one in force with a single pointer store,
// and frees its predecessor when no worker can still see it. Values only; no DPDK type in here.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "acl/address_map.h"
#include "acl/content_matcher.h"
#include "acl/flat_rule.h"
#include "acl/rule_ids.h"
#include "acl/trie_classifier.h"
#include "dataplane/mac_address.h"
#include "dataplane/port_io.h"
#include "dataplane/port_spec.h"
#include "dataplane/verdict_age.h"

namespace sluice::dataplane {

class LearnedMacs;

using PortId = uint16_t;  // slot in Snapshot::ports; 0 is no port
inline constexpr PortId kNoPort = 0;
inline constexpr size_t kMaxPorts = 1024;  // slot 0 included

using NetworkId = uint16_t;  // index into Snapshot::networks
inline constexpr NetworkId kNoNetwork = UINT16_MAX;

// Whether policy's refusals are carried out, or only counted.
enum class Mode : uint8_t { kEnforce, kObserve };

// Whether and how policy holds for what is behind a port.
enum class SubjectState : uint8_t {
  kNone,     // no subject (uplink, host): its direction is not judged here
  kUnknown,  // a pod whose labels are not known: the port is shut
  kKnown,    // judged by the classes below
};

// Policies are compiled in layers, and each subject is judged by one of them: the base, or an
// overlay, of subjects whose own policies changed since the base was made. So an edit compiles what
// selects those, and not everything. Class numbers mean something inside one layer only.
using Layer = uint8_t;
inline constexpr Layer kBase = 0;
inline constexpr Layer kFirstOverlay = 1;
inline constexpr Layer kLayers = 4;

// An endpoint's as a subject, by family.
struct LayerClasses {
  acl::ClassId v4 = acl::kUnknownClass;
  acl::ClassId v6 = acl::kUnknownClass;
};

// Some of Snapshot::mirrors, a bit each.
using MirrorSet = uint8_t;
inline constexpr size_t kMaxMirrors = 8;

// Who gets copies of a port's packets.
struct PortMirrors {
  MirrorSet in = 0;    // that enter by it and are sent on
  MirrorSet out = 0;   // that leave by it
  MirrorSet dead = 0;  // that enter by it and die
};

// One attached port as a worker sees it.
struct PortView {
  bool in_use = false;
  PortRole role = PortRole::kPod;
  SubjectState subject = SubjectState::kNone;
  bool guard = true;
  PortIo io;                   // from Switch::AttachPort
  uint16_t generation = 0;     // from Switch::AttachPort: differs each time a slot is used again
  NetworkId network = 0;       // not an uplink's: there the VLAN says it
  uint8_t queues = 1;          // to read
  uint16_t mtu = kDefaultMtu;  // largest IP packet that leaves by it
  // Uplinks: which network a VLAN id is; id 0 is what comes without a tag.
  absl::flat_hash_map<uint16_t, NetworkId> vlans;
  bool admits_own = false;  // kHost: its own addresses pass ingress policy (SEMANTICS 11)
  Layer layer = kBase;      // that judges its subject
  std::array<LayerClasses, kLayers> classes;  // of the endpoint as subject
  uint32_t verdict_epoch = 0;  // at which this subject's own verdicts were last in question
  PortMirrors mirrors;
  MacAddress mac;
  std::vector<acl::IpAddress> addresses;
  std::vector<AllowedAddress> allowed;  // that a pod may use beside its own
  std::string name;
};

// Flat rules with their trie. All null, or none but `content`.
struct RulesView {
  std::shared_ptr<const acl::RuleTable> rules;
  std::shared_ptr<const acl::RuleIds> rule_ids;  // of `rules`
  std::shared_ptr<const acl::TrieClassifier> classifier;
  std::shared_ptr<const acl::ContentMatcher> content;  // null: no rule looks into connections
};

// What was compiled together: which class whose address is of, and what is said of classes.
struct PolicyLayer {
  std::shared_ptr<const acl::AddressMap> addresses;
  RulesView in_force;
  RulesView audit;  // as if the policies under audit were in force, too; null: there are none
};

// One bridge domain.
struct NetworkView {
  std::string name;
  std::array<PolicyLayer, kLayers> layers;  // an overlay is null if no port is judged by it
  // Whatever number of a rule counters and events may bear, of rules that are gone, too; those of
  // the audit are null if there never were any.
  std::shared_ptr<const acl::RuleIds> rule_ids;
  std::shared_ptr<const acl::RuleIds> audit_rule_ids;
  std::shared_ptr<const AddressStamps> stamps;
  absl::flat_hash_map<MacAddress, PortId> macs;                 // of pods and the host
  absl::flat_hash_map<acl::IpAddress, PortId> local_addresses;  // of pods and the host
  std::vector<PortId> members;                                  // every port: who gets floods
  PortId uplink = kNoPort;               // where unknown unicast goes; kNoPort: dropped
  uint16_t vlan = 0;                     // its tag on the uplink; 0: none
  PortId host = kNoPort;                 // its host port
  bool allow_dhcp = false;               // see dhcp.h
  std::vector<MacAddress> routers;       // behind the uplink: see returned.h
  std::shared_ptr<LearnedMacs> learned;  // never null in a network that packets are of

  bool IsAudited() const {
    return std::ranges::any_of(
        layers, [](const PolicyLayer& layer) { return layer.audit.classifier != nullptr; });
  }
};

struct Snapshot {
  uint64_t epoch = 0;
  Mode mode = Mode::kEnforce;
  // Raised by whatever a verdict can rest on. A connection judged in an earlier verdict epoch looks
  // whether it was touched (verdict_age.h), and if so is judged again at its next packet.
  uint32_t verdict_epoch = 0;
  uint32_t everything_epoch = 0;  // the newest verdict epoch that touched every connection
  // Connections with packets both ways live on through changes of policy; those with one-way
  // traffic are judged again by every change. Control then stamps new owners of addresses only.
  bool keep_established = false;
  std::vector<PortView> ports;                // by PortId; ports[0] unused
  std::array<PortId, kMaxMirrors> mirrors{};  // from the first on; kNoPort: no more
  std::vector<NetworkView> networks;
  std::vector<std::vector<PortId>> polled;  // by worker: every port in exactly one list
};

}  // namespace sluice::dataplane
