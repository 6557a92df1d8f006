#include "dataplane/trace_stage.h"

#include "dataplane/needs_verdict.h"

namespace sluice::dataplane {
namespace {

TraceTracking TrackingOf(const Burst& burst, const Packet& packet) {
  if (packet.kind == PacketKind::kIcmpError && packet.connection != nullptr) {
    return TraceTracking::kRelated;
  }
  if (packet.flood || packet.kind != PacketKind::kTracked) return TraceTracking::kNone;
  if (packet.connection == nullptr) return TraceTracking::kNew;
  const bool stale = packet.alive() && NeedsVerdict(burst, packet);
  return stale ? TraceTracking::kStale : TraceTracking::kKnown;
}

void NoteTrack(const Burst& burst, const Packet& packet, TraceReport* report) {
  report->tracking = TrackingOf(burst, packet);
  if (packet.connection == nullptr) return;
  report->connection_state = ConnectionStateName(StateOf(*packet.connection));
  report->reply = packet.from_b != packet.connection->initiator_is_b;
}

}  // namespace

void NoteStage(Stage stage, const Burst& burst, TraceReport* report) {
  const Packet& packet = burst.packets[0];
  if (!packet.alive() && report->drop == DropReason::kNone) {
    report->drop = packet.drop;
    report->died_in = stage;
  }
  if (stage == Stage::kParse) {
    report->is_ip = packet.is_ip();
    report->protocol = packet.protocol;
    report->tcp_flags = packet.tcp_flags;
    report->src_port = packet.src_port;
    report->dst_port = packet.dst_port;
    report->src_mac = packet.src_mac;
    report->dst_mac = packet.dst_mac;
    report->src = packet.src;
    report->dst = packet.dst;
  } else if (stage == Stage::kForward) {
    report->out_port = packet.out_port;
    report->flood = packet.flood;
  } else if (stage == Stage::kTrack && (packet.alive() || report->died_in == stage)) {
    NoteTrack(burst, packet, report);
  }
}

}  // namespace sluice::dataplane
