#include "control/drop_listing.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sluice::control {
namespace {

using dataplane::Denial;
using dataplane::DropReason;
using dataplane::Outcome;
using dataplane::PortId;

struct Denied {
  DropReason reason;
  Outcome outcome;
  dataplane::NetworkId network;
  acl::RuleId rule;
  auto operator<=>(const Denied&) const = default;
};
using Denials = std::map<Denied, uint64_t>;  // packets

// What was denied to packets of one port slot, over all workers.
std::map<std::pair<PortId, uint16_t>, Denials> SumUp(const dataplane::Switch& data_plane) {
  std::map<std::pair<PortId, uint16_t>, Denials> sums;
  for (const auto& [denial, packets] : data_plane.ReadDenials()) {
    sums[{denial.port, denial.generation}]
        [{denial.reason, denial.outcome, denial.network, denial.rule}] += packets;
  }
  return sums;
}

bool Died(Outcome outcome) { return outcome == Outcome::kDropped || outcome == Outcome::kRejected; }

DropRow RowOf(const std::string& port, const Denied& denied, uint64_t packets,
              const dataplane::Snapshot& snapshot) {
  DropRow row{.port = port, .reason = denied.reason, .packets = packets};
  row.outcome = denied.outcome;
  if (denied.rule == acl::kNoRule) return row;
  row.attributed = true;
  row.rule = acl::RuleSource{acl::Tier::kNone, {"(deleted)"}, ""};
  if (denied.network >= snapshot.networks.size()) return row;
  const dataplane::NetworkView& network = snapshot.networks[denied.network];
  const acl::RuleIds* rules =
      (denied.outcome == Outcome::kAudited ? network.audit_rule_ids : network.rule_ids).get();
  if (rules == nullptr) return row;
  row.in_force = rules->InForce(denied.rule);
  const acl::RuleSource* source = rules->Find(denied.rule);
  if (source != nullptr) row.rule = *source;
  return row;
}

void ListPort(const std::string& name, const dataplane::PortCounters& counters,
              const Denials& denials, const dataplane::Snapshot& snapshot,
              std::vector<DropRow>* rows) {
  std::array<uint64_t, dataplane::kDropReasonCount> rest = counters.drops;
  std::vector<DropRow> split[dataplane::kDropReasonCount];
  for (const auto& [denied, packets] : denials) {
    const auto reason = static_cast<size_t>(denied.reason);
    split[reason].push_back(RowOf(name, denied, packets, snapshot));
    if (Died(denied.outcome)) rest[reason] -= std::min(rest[reason], packets);
  }
  for (size_t reason = 0; reason < rest.size(); ++reason) {
    rows->insert(rows->end(), split[reason].begin(), split[reason].end());
    if (rest[reason] == 0) continue;
    rows->push_back(
        {.port = name, .reason = static_cast<DropReason>(reason), .packets = rest[reason]});
  }
}

}  // namespace

std::vector<DropRow> ListDrops(const View& view, const dataplane::Switch& data_plane) {
  // Denials first: they are never ahead of the port's counters, which would make a rest negative.
  const auto denials = SumUp(data_plane);
  std::vector<DropRow> rows;
  for (const auto& [name, place] : view.places) {
    const dataplane::AttachedPort& port = place.attached;
    const auto found = denials.find({port.id, port.generation});
    ListPort(name, data_plane.ReadPortCounters(port.id),
             found == denials.end() ? Denials() : found->second, *view.snapshot, &rows);
  }
  return rows;
}

}  // namespace sluice::control
