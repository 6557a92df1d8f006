#include "acl/attempt_sampler.h"

#include <array>

namespace sluice::acl {
namespace {

constexpr std::array<uint8_t, 4> kProtocols = {6, 17, 132, 1};
constexpr uint8_t kIcmp = 1;

bool IsLocal(const PolicyInput& input, const Endpoint& pod) {
  return !pod.host_network &&
         (input.all_local || input.local.contains({pod.namespace_name, pod.name}));
}

void SetService(const Service& service, RawFlow& flow) {
  flow.protocol = service.protocol;
  flow.port = service.port;
}

}  // namespace

AttemptSampler::AttemptSampler(const PolicyInput& input, uint64_t seed)
    : random_(seed), hints_(HintsOf(input)) {
  AddEndpoints(input);
  for (const Node& node : input.nodes) {
    for (const IpAddress& address : node.addresses) AddPeer(PlaceAt(address));
  }
  for (Hint& hint : hints_) {
    for (std::vector<IpAddress>& addresses : hint.addresses) {
      std::erase_if(addresses, [&](const IpAddress& one) { return contested_.contains(one); });
      for (const IpAddress& address : addresses) AddPeer(PlaceAt(address));
    }
  }
}

RawFlow AttemptSampler::Draw() {
  RawFlow flow = DrawFlow();
  const auto key = [&flow] {
    return Key{flow.from.pod,   flow.from.address, flow.to.pod,
               flow.to.address, flow.protocol,     flow.port};
  };
  while (!drawn_.insert(key()).second) SetService(AnyService(), flow);
  return flow;
}

void AttemptSampler::AddEndpoints(const PolicyInput& input) {
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
      AddPeer(PlaceAt(address));
      if (!local) continue;
      pods_.push_back(PlaceAt(address));
      in_namespace_[pod.namespace_name].push_back(pods_.back());
    }
    for (const IpAddress& address : pod.node_addresses) AddPeer(PlaceAt(address));
  }
}

void AttemptSampler::AddPeer(const Place& peer) {
  if (!contested_.contains(peer.address)) peers_[FamilyIndex(peer.address.family)].push_back(peer);
}

AttemptSampler::Place AttemptSampler::PlaceAt(const IpAddress& address) const {
  const auto owner = owners_.find(address);
  return {owner == owners_.end() ? nullptr : owner->second, address};
}

AttemptSampler::Place AttemptSampler::DrawPod(const Hint* hint) {
  if (hint == nullptr || hint->namespace_name.empty() || Chance(10)) return Pick(pods_);
  const auto own = in_namespace_.find(hint->namespace_name);
  return own == in_namespace_.end() ? Pick(pods_) : Pick(own->second);
}

AttemptSampler::Place AttemptSampler::DrawPeer(const Hint* hint, Family family) {
  if (hint != nullptr && !Chance(30)) {
    const std::vector<IpAddress>& addresses = hint->addresses[FamilyIndex(family)];
    if (!addresses.empty()) return PlaceAt(addresses[random_() % addresses.size()]);
  }
  return Pick(peers_[FamilyIndex(family)]);  // the pod's own are among them
}

Service AttemptSampler::AnyService() {
  const uint8_t protocol = kProtocols[random_() % kProtocols.size()];
  return {protocol, protocol == kIcmp ? uint16_t{0} : static_cast<uint16_t>(random_())};
}

Service AttemptSampler::DrawService(const Hint* hint) {
  if (hint == nullptr || hint->services.empty() || Chance(10)) return AnyService();
  const std::vector<Service>& services = hint->services[random_() % hint->services.size()];
  return services[random_() % services.size()];
}

RawFlow AttemptSampler::DrawFlow() {
  const Hint* hint = hints_.empty() || Chance(15) ? nullptr : &hints_[random_() % hints_.size()];
  const bool ingress =
      hint != nullptr && !Chance(5) ? hint->direction == Direction::kIngress : Chance(50);
  const Place pod = DrawPod(hint);
  const Place peer = DrawPeer(hint, pod.address.family);
  const RawEnd own{pod.pod, pod.address}, other{peer.pod, peer.address};
  RawFlow flow{.from = ingress ? other : own, .to = ingress ? own : other};
  SetService(DrawService(hint), flow);
  return flow;
}

}  // namespace sluice::acl
