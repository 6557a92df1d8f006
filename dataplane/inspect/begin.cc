#include "dataplane/inspect/begin.h"

#include <netinet/in.h>

#include "dataplane/tcp_state.h"
#include "dataplane/tcp_window.h"

namespace sluice::dataplane {
namespace {

bool StillHolds(const PolicyAnswer::Side& side, acl::Direction direction, const Half& half) {
  if (!side.Inspects()) return true;
  const uint32_t judged_by = half.judged_by.load(std::memory_order_relaxed);
  return judged_by != 0 &&
         side.rules->content->Explains(side.key, direction, side.decision, judged_by);
}

// A rule with patterns alone does not care who speaks first.
void Begin(const PolicyAnswer& answer, Connection& connection) {
  const bool waits = answer.egress.decision.conditional || answer.ingress.decision.conditional;
  connection.inspection.store(waits ? Inspection::kFirst : Inspection::kHead,
                              std::memory_order_relaxed);
}

}  // namespace

DropReason BeginInspection(const PolicyAnswer& answer, Packet& packet) {
  if (packet.protocol == IPPROTO_TCP) {
    if ((packet.tcp_flags & kTcpSyn) == 0) return DropReason::kInspectLate;
    packet.connection->next_head().store(packet.tcp.seq + 1, std::memory_order_relaxed);
  }
  Begin(answer, *packet.connection);
  return DropReason::kNone;
}

DropReason Reinspect(const PolicyAnswer& answer, Packet& packet) {
  Connection& connection = *packet.connection;
  const bool b = connection.initiator_is_b;
  const Inspection state = connection.inspection.load(std::memory_order_relaxed);
  const bool open = state == Inspection::kFirst || state == Inspection::kHead;
  if (open && !connection.WasJudged()) return DropReason::kNone;
  if (StillHolds(answer.egress, acl::Direction::kEgress, connection.Sent(b)) &&
      StillHolds(answer.ingress, acl::Direction::kIngress, connection.Sent(!b))) {
    return DropReason::kNone;
  }
  const Half& sent = connection.Sent(b);
  const uint32_t syn_end = sent.syn_end.load(std::memory_order_relaxed);
  const bool again = (sent.flags.load(std::memory_order_relaxed) & TcpSide::kPendingSyn) != 0;
  const bool silent = packet.protocol == IPPROTO_TCP && syn_end != 0 && !again &&
                      sent.end.load(std::memory_order_relaxed) == syn_end;
  if (!silent) return DropReason::kInspectLate;
  connection.next_head().store(syn_end, std::memory_order_relaxed);
  Begin(answer, connection);
  return DropReason::kNone;
}

void ForgetJudges(const PolicyAnswer& answer, Connection& connection) {
  const bool b = connection.initiator_is_b;
  if (!answer.egress.Inspects()) {
    connection.Sent(b).judged_by.store(0, std::memory_order_relaxed);
  }
  if (!answer.ingress.Inspects()) {
    connection.Sent(!b).judged_by.store(0, std::memory_order_relaxed);
  }
}

}  // namespace sluice::dataplane
