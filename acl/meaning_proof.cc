#include "acl/meaning_proof.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "acl/compiled_side.h"
#include "acl/evaluator.h"
#include "acl/lowering.h"

namespace sluice::acl {
namespace {

constexpr std::array<uint8_t, 4> kProtocols = {6, 17, 132, 1};
constexpr uint8_t kIcmp = 1;
constexpr size_t kMostRuleMatches = 2'000'000;

// An address with whoever it is of, as a flow's end.
struct Place {
  const Endpoint* pod = nullptr;  // null: nobody's, or not a subject
  IpAddress address;
};

bool IsLocal(const PolicyInput& input, const Endpoint& pod) {
  return !pod.host_network &&
         (input.all_local || input.local.contains({pod.namespace_name, pod.name}));
}

enum class Edge : uint8_t { kFirst, kLast, kBelow, kAbove };

// The first or last address of `block`, or the one before or behind it.
IpAddress AtEdge(const Cidr& block, Edge edge) {
  IpAddress address = block.base;
  const unsigned bytes = address.bits() / 8;
  if (edge == Edge::kLast || edge == Edge::kAbove) {
    for (unsigned bit = block.prefix_len; bit < address.bits(); ++bit) {
      address.bytes[bit / 8] |= static_cast<uint8_t>(0x80 >> (bit % 8));
    }
  }
  for (unsigned i = bytes; i-- > 0;) {
    if (edge == Edge::kAbove ? ++address.bytes[i] != 0
                             : edge != Edge::kBelow || address.bytes[i]-- != 0) {
      break;
    }
  }
  return address;
}

struct Service {
  uint8_t protocol = 0;
  uint16_t port = 0;
};

// What one rule of a policy looks at, to draw attempts around its edges.
struct Hint {
  Direction direction = Direction::kIngress;
  std::string namespace_name;                  // of its subjects; empty: any
  std::vector<IpAddress> addresses;            // in and just outside of its blocks
  std::vector<std::vector<Service>> services;  // by port: in and just outside of it
};

class HintReader {
 public:
  explicit HintReader(const PolicyInput& input) : input_(input) {
    for (const NetworkPolicy& policy : input.policies) Read(policy);
    for (const MultiNetworkPolicy& multi : input.multi_policies) Read(multi.policy);
    for (const ClusterPolicy& policy : input.cluster_policies) {
      for (const ClusterRule& rule : policy.ingress) Read(Direction::kIngress, rule);
      for (const ClusterRule& rule : policy.egress) Read(Direction::kEgress, rule);
    }
  }
  std::vector<Hint> Take() { return std::move(hints_); }

 private:
  void Read(const NetworkPolicy& policy) {
    for (const Direction direction : {Direction::kIngress, Direction::kEgress}) {
      const bool ingress = direction == Direction::kIngress;
      for (const NetworkPolicyRule& rule : ingress ? policy.ingress : policy.egress) {
        Hint& hint = hints_.emplace_back();
        hint.direction = direction;
        hint.namespace_name = policy.namespace_name;
        for (const NetworkPolicyPeer& peer : rule.peers) {
          if (!peer.ip_block) continue;
          AddBlock(peer.ip_block->cidr, hint);
          for (const std::string& except : peer.ip_block->except) AddBlock(except, hint);
        }
        for (const NetworkPolicyPort& port : rule.ports) Read(port, hint);
      }
    }
  }

  void Read(const NetworkPolicyPort& port, Hint& hint) const {
    const uint8_t protocol = ProtocolNumber(port.protocol);
    if (const int64_t* first = std::get_if<int64_t>(&port.port)) {
      AddRange(protocol, *first, port.end_port.value_or(*first), hint);
    } else if (const std::string* name = std::get_if<std::string>(&port.port)) {
      AddNamed(*name, hint);
    } else {
      AddRange(protocol, 0, 0xffff, hint);
    }
  }

  void Read(Direction direction, const ClusterRule& rule) {
    Hint& hint = hints_.emplace_back();
    hint.direction = direction;
    for (const ClusterPeer& peer : rule.peers) {
      const auto* networks = std::get_if<NetworksPeer>(&peer);
      if (networks == nullptr) continue;
      for (const std::string& cidr : networks->cidrs) AddBlock(cidr, hint);
    }
    for (const ClusterPort& port : rule.ports) {
      if (const auto* numbers = std::get_if<PortNumbers>(&port)) {
        AddRange(ProtocolNumber(numbers->protocol), numbers->first, numbers->last, hint);
      } else if (const auto* name = std::get_if<PortName>(&port)) {
        AddNamed(name->name, hint);
      }
    }
  }

  void AddNamed(const std::string& name, Hint& hint) const {
    std::vector<Service>& services = hint.services.emplace_back();
    for (const Endpoint& endpoint : input_.endpoints) {
      if (services.size() >= kMostServices) return;
      for (const NamedPort& port : endpoint.named_ports) {
        if (port.name == name) services.push_back({ProtocolNumber(port.protocol), port.port});
      }
    }
    if (services.empty()) hint.services.pop_back();  // nobody has it
  }

  static void AddRange(uint8_t protocol, int64_t first, int64_t last, Hint& hint) {
    std::vector<Service>& services = hint.services.emplace_back();
    for (const int64_t port : {first - 1, first, last, last + 1}) {
      services.push_back({protocol, static_cast<uint16_t>(port)});
    }
  }

  static void AddBlock(const std::string& text, Hint& hint) {
    const absl::StatusOr<Cidr> block = Cidr::Parse(text);
    if (!block.ok()) return;
    for (const Edge edge : {Edge::kFirst, Edge::kLast, Edge::kBelow, Edge::kAbove}) {
      hint.addresses.push_back(AtEdge(*block, edge));
    }
  }

  static constexpr size_t kMostServices = 64;

  const PolicyInput& input_;
  std::vector<Hint> hints_;
};

class Sampler {
 public:
  Sampler(const Compiled& compiled, uint64_t seed)
      : random_(seed), hints_(HintReader(compiled.input).Take()) {
    AddEndpoints(compiled.input);
    for (const Node& node : compiled.input.nodes) {
      for (const IpAddress& address : node.addresses) peers_.push_back({nullptr, address});
    }
    for (const Hint& hint : hints_) {
      for (const IpAddress& address : hint.addresses) peers_.push_back(PlaceAt(address));
    }
  }

  bool CanSample() const { return !pods_.empty(); }

  // Absent if the ends drawn have no family in common, or cannot be told to be anybody's.
  std::optional<RawFlow> Draw() {
    const Hint* hint = hints_.empty() || Chance(15) ? nullptr : &hints_[random_() % hints_.size()];
    const bool ingress =
        hint != nullptr && !Chance(5) ? hint->direction == Direction::kIngress : Chance(50);
    const Place pod = DrawPod(hint);
    const Place peer = DrawPeer(hint);
    if (pod.address.family != peer.address.family || contested_.contains(peer.address)) {
      return std::nullopt;
    }
    const RawEnd own{pod.pod, pod.address}, other{peer.pod, peer.address};
    RawFlow flow{.from = ingress ? other : own, .to = ingress ? own : other};
    const Service service = DrawService(hint);
    flow.protocol = service.protocol;
    flow.port = service.port;
    return flow;
  }

 private:
  // Addresses that two pods have for the moment are left out: whose one is depends on more than the
  // objects say.
  void AddEndpoints(const PolicyInput& input) {
    for (const Endpoint& pod : input.endpoints) {
      for (const IpAddress& address : pod.addresses) {
        if (!owners_.try_emplace(address, &pod).second) contested_.insert(address);
      }
    }
    for (const Endpoint& pod : input.endpoints) {
      for (const IpAddress& address : pod.addresses) {
        if (contested_.contains(address)) continue;
        const bool local = IsLocal(input, pod);
        if (!local) owners_[address] = nullptr;
        peers_.push_back({local ? &pod : nullptr, address});
        if (!local) continue;
        pods_.push_back(peers_.back());
        in_namespace_[pod.namespace_name].push_back(peers_.back());
      }
      for (const IpAddress& address : pod.node_addresses) peers_.push_back(PlaceAt(address));
    }
  }

  Place PlaceAt(const IpAddress& address) const {
    const auto owner = owners_.find(address);
    return {owner == owners_.end() ? nullptr : owner->second, address};
  }

  bool Chance(unsigned percent) { return random_() % 100 < percent; }
  const Place& Pick(const std::vector<Place>& places) { return places[random_() % places.size()]; }

  Place DrawPod(const Hint* hint) {
    if (hint == nullptr || hint->namespace_name.empty() || Chance(10)) return Pick(pods_);
    const auto own = in_namespace_.find(hint->namespace_name);
    return own == in_namespace_.end() ? Pick(pods_) : Pick(own->second);
  }

  Place DrawPeer(const Hint* hint) {
    if (hint == nullptr || hint->addresses.empty() || Chance(30)) return Pick(peers_);
    return PlaceAt(hint->addresses[random_() % hint->addresses.size()]);
  }

  Service DrawService(const Hint* hint) {
    if (hint != nullptr && !hint->services.empty() && !Chance(10)) {
      const std::vector<Service>& services = hint->services[random_() % hint->services.size()];
      return services[random_() % services.size()];
    }
    const uint8_t protocol = kProtocols[random_() % kProtocols.size()];
    return {protocol, protocol == kIcmp ? uint16_t{0} : static_cast<uint16_t>(random_())};
  }

  std::mt19937_64 random_;
  std::vector<Hint> hints_;
  absl::flat_hash_map<IpAddress, const Endpoint*> owners_;  // null: not a subject here
  absl::flat_hash_set<IpAddress> contested_;
  std::vector<Place> peers_;
  std::vector<Place> pods_;
  absl::flat_hash_map<std::string, std::vector<Place>> in_namespace_;  // pods_
};

// Few where each is dear.
size_t ProbesFor(const PolicyInput& input, const MeaningLimits& limits) {
  size_t rules = 1;
  for (const NetworkPolicy& policy : input.policies) {
    rules += 1 + policy.ingress.size() + policy.egress.size();
  }
  for (const MultiNetworkPolicy& multi : input.multi_policies) {
    rules += 1 + multi.policy.ingress.size() + multi.policy.egress.size();
  }
  for (const ClusterPolicy& policy : input.cluster_policies) {
    rules += 1 + policy.ingress.size() + policy.egress.size();
  }
  return std::clamp(kMostRuleMatches / rules, limits.fewest, limits.most);
}

absl::Status Differs(const RawFlow& flow, Direction direction,
                     const std::optional<RawSide>& expected, const std::optional<RawSide>& seen) {
  return absl::InternalError(fmt::format(
      R"(policy build: {} of {} to {}, protocol {}, port {}: compiled "{}", its objects say "{}")",
      DirectionName(direction), flow.from.address.ToString(), flow.to.address.ToString(),
      flow.protocol, flow.port, ToText(seen), ToText(expected)));
}

}  // namespace

absl::StatusOr<size_t> ProveMeaning(const Compiled& compiled, const MeaningLimits& limits) {
  Sampler sampler(compiled, limits.seed);
  if (!sampler.CanSample()) return size_t{0};
  const Evaluator evaluator(compiled.input);
  const CompiledTrie trie{compiled.population, compiled.table, compiled.trie};
  const size_t probes = ProbesFor(compiled.input, limits);
  size_t asked = 0;
  // Half of the draws may have no family in common; never more draws than this.
  for (size_t draws = 0; asked < probes && draws < 8 * probes; ++draws) {
    const std::optional<RawFlow> flow = sampler.Draw();
    if (!flow) continue;
    ++asked;
    const RawVerdict verdict = evaluator.Evaluate(*flow);
    for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
      const bool ingress = direction == Direction::kIngress;
      const std::optional<RawSide>& expected =
          compiled.audit ? (ingress ? verdict.audited_ingress : verdict.audited_egress)
                         : (ingress ? verdict.ingress : verdict.egress);
      const std::optional<RawSide> seen = SideOf(trie, *flow, direction);
      if (seen != expected) return Differs(*flow, direction, expected, seen);
    }
  }
  return asked;
}

}  // namespace sluice::acl
