#include "control/capture_text.h"

#include <fmt/format.h>

#include "control/traced_side.h"

namespace sluice::control {
namespace {

using dataplane::CapturedPacket;
using dataplane::DropReason;
using dataplane::PortId;

CaptureInterfaces::Interface InterfaceOf(const dataplane::PortSpec& spec, PortId id) {
  CaptureInterfaces::Interface interface { .name = spec.name, .text = spec.name, .id = id };
  interface.description = dataplane::PortRoleName(spec.role);
  if (!spec.pod_name.empty()) {
    interface.description += fmt::format(" {}/{}", spec.pod_namespace, spec.pod_name);
    interface.text += fmt::format(" ({}/{})", spec.pod_namespace, spec.pod_name);
  }
  interface.description += ", network " + spec.network;
  return interface;
}

std::string DropText(DropReason reason) {
  return fmt::format("{} ({})", DropReasonName(reason), DropReasonText(reason));
}

// What became of it.
std::string FateOf(const CapturedPacket& packet, CaptureInterfaces& interfaces) {
  const auto text = [&](PortId id, uint16_t generation) {
    return interfaces.all()[interfaces.NumberOf(id, generation)].text;
  };
  const bool has_way = packet.out_port != dataplane::kNoPort;
  if (packet.drop != DropReason::kNone) {
    std::string fate = "dropped: " + DropText(packet.drop);
    if (has_way) fate += ", on its way to " + text(packet.out_port, packet.out_generation);
    return packet.answered ? fate + ", its sender was told" : fate;
  }
  std::string fate;
  if (packet.outbound) fate = "from " + text(packet.in_port, packet.in_generation) + ", ";
  if (packet.flood) return fate + fmt::format("flooded to {} ports", packet.copies);
  return fate + "forwarded to " + text(packet.out_port, packet.out_generation);
}

std::string ConnectionText(const CapturedPacket& packet) {
  if (packet.state == nullptr) return "";
  if (packet.related) return fmt::format("; an error about a connection, {}", packet.state);
  return fmt::format("; connection {}, sent by its {}", packet.state,
                     packet.reply ? "responder" : "initiator");
}

std::string PolicyText(const CapturedPacket& packet, const acl::RuleIds* rules) {
  if (!packet.judged) return "";
  std::string text;
  if (packet.egress.judged) text += "; egress " + SideText(packet.egress, rules);
  if (packet.ingress.judged) text += "; ingress " + SideText(packet.ingress, rules);
  if (packet.would_drop != DropReason::kNone) {
    return text + "; mode observe, would be dropped: " + DropText(packet.would_drop);
  }
  const bool denied = !packet.egress.allow || !packet.ingress.allow;
  if (denied && packet.drop == DropReason::kNone) text += "; kept: it was established before that";
  return text;
}

}  // namespace

void CaptureInterfaces::Learn(const View& view) {
  if (view.snapshot->epoch == learned_epoch_) return;
  learned_epoch_ = view.snapshot->epoch;
  for (const auto& [name, spec] : view.state->ports().specs()) {
    const dataplane::AttachedPort& port = view.places.at(name).attached;
    if (numbers_.contains({port.id, port.generation})) continue;
    Add(port.id, port.generation, InterfaceOf(spec, port.id));
  }
}

uint32_t CaptureInterfaces::NumberOf(PortId id, uint16_t generation) {
  const auto found = numbers_.find({id, generation});
  if (found != numbers_.end()) return found->second;
  const std::string name = fmt::format("#{}", id);
  return Add(id, generation, {.name = name, .description = "deleted", .text = name, .id = id});
}

uint32_t CaptureInterfaces::Add(PortId id, uint16_t generation, Interface interface) {
  const auto number = static_cast<uint32_t>(all_.size());
  all_.push_back(std::move(interface));
  numbers_[{id, generation}] = number;
  newest_[id] = number;
  return number;
}

const acl::RuleIds* RulesOf(const CapturedPacket& packet, const View& view) {
  const auto& networks = view.snapshot->networks;
  return packet.network < networks.size() ? networks[packet.network].rule_ids.get() : nullptr;
}

std::string CommentOf(const CapturedPacket& packet, const View& view,
                      CaptureInterfaces& interfaces) {
  return FateOf(packet, interfaces) + ConnectionText(packet) +
         PolicyText(packet, RulesOf(packet, view));
}

}  // namespace sluice::control
