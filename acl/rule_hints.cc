#include "acl/rule_hints.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "acl/cluster_policy.h"
#include "acl/objects.h"

namespace sluice::acl {
namespace {

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

class HintReader {
 public:
  explicit HintReader(const PolicyInput& input) : input_(input) {
    for (const NetworkPolicy& policy : input.policies) Read(policy);
    for (const MultiNetworkPolicy& multi : input.multi_policies) Read(multi.policy);
    for (const SluicePolicy& policy : input.sluice_policies) {
      for (const SluiceRule& rule : policy.ingress) {
        Read(policy.namespace_name, Direction::kIngress, rule.match);
      }
      for (const SluiceRule& rule : policy.egress) {
        Read(policy.namespace_name, Direction::kEgress, rule.match);
      }
    }
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
        Read(policy.namespace_name, direction, rule);
      }
    }
  }

  void Read(const std::string& namespace_name, Direction direction, const NetworkPolicyRule& rule) {
    Hint& hint = hints_.emplace_back();
    hint.direction = direction;
    hint.namespace_name = namespace_name;
    for (const NetworkPolicyPeer& peer : rule.peers) {
      if (!peer.ip_block) continue;
      AddBlock(peer.ip_block->cidr, hint);
      for (const std::string& except : peer.ip_block->except) AddBlock(except, hint);
    }
    for (const NetworkPolicyPort& port : rule.ports) Read(port, hint);
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
      if (const auto* networks = std::get_if<NetworksPeer>(&peer)) {
        for (const std::string& cidr : networks->cidrs) AddBlock(cidr, hint);
      } else if (std::holds_alternative<NodesPeer>(peer)) {
        AddNodes(hint);
      }
    }
    for (const ClusterPort& port : rule.ports) {
      if (const auto* numbers = std::get_if<PortNumbers>(&port)) {
        AddRange(ProtocolNumber(numbers->protocol), numbers->first, numbers->last, hint);
      } else if (const auto* name = std::get_if<PortName>(&port)) {
        AddNamed(name->name, hint);
      }
    }
  }

  void AddNodes(Hint& hint) const {
    const size_t most = std::min(input_.nodes.size(), kMostNodes);
    for (size_t i = 0; i < most; ++i) {
      for (const IpAddress& address : input_.nodes[i].addresses) {
        hint.addresses[FamilyIndex(address.family)].push_back(address);
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
      hint.addresses[FamilyIndex(block->base.family)].push_back(AtEdge(*block, edge));
    }
  }

  static constexpr size_t kMostNodes = 64;
  static constexpr size_t kMostServices = 64;

  const PolicyInput& input_;
  std::vector<Hint> hints_;
};

}  // namespace

std::vector<Hint> HintsOf(const PolicyInput& input) { return HintReader(input).Take(); }

}  // namespace sluice::acl
