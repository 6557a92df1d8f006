#include "control/trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "control/protocol_name.h"
#include "control/traced_side.h"

namespace sluice::control {
namespace {

using dataplane::AnswerKind;
using dataplane::DropReason;
using dataplane::PortId;
using dataplane::PortView;
using dataplane::Stage;
using dataplane::TraceReceiver;
using dataplane::TraceReport;
using dataplane::TraceSide;
using dataplane::TraceTracking;

// Turns a report into words, with the names of the view that it belongs to.
class Narrator {
 public:
  Narrator(const View& view, PortId in_port, const TraceReport& report)
      : view_(view),
        report_(report),
        in_(view.snapshot->ports[in_port]),
        rules_(RulesOf(*view.snapshot, report.network)) {}

  std::vector<TraceStep> Steps() const {
    std::vector<TraceStep> steps;
    const bool died = report_.drop != DropReason::kNone;
    const auto last = died ? report_.died_in : Stage::kTransmit;
    for (unsigned number = 0; number <= static_cast<unsigned>(last); ++number) {
      const auto stage = static_cast<Stage>(number);
      const bool dropped = died && stage == last;
      if (report_.waits && stage > Stage::kFragments) break;
      std::string text = TextOf(stage);
      if (dropped) text = Joined(text, DropText("dropped", report_.drop) + AnswerText());
      if (!text.empty()) steps.push_back({StageName(stage), std::move(text), dropped});
    }
    return steps;
  }

  std::optional<Side> SideOf(const TraceSide& traced) const {
    return control::SideOf(traced, rules_);
  }

  std::string PortName(PortId id) const {
    return id < view_.snapshot->ports.size() ? view_.snapshot->ports[id].name : "?";
  }

 private:
  static const acl::RuleIds* RulesOf(const dataplane::Snapshot& snapshot,
                                     dataplane::NetworkId network) {
    return network < snapshot.networks.size() ? snapshot.networks[network].rule_ids.get() : nullptr;
  }
  static std::string Joined(const std::string& one, const std::string& other) {
    return one.empty() ? other : one + "; " + other;
  }
  static std::string DropText(const char* what, DropReason reason) {
    return fmt::format("{}: {} ({})", what, DropReasonName(reason), DropReasonText(reason));
  }

  // What a policy with reject adds to its refusal.
  std::string AnswerText() const {
    if (!report_.rejected) return "";
    switch (report_.answer) {
      case AnswerKind::kReset:
        return ", rejected: answered with a reset";
      case AnswerKind::kUnreachable:
        return ", rejected: answered with ICMP unreachable, prohibited";
      case AnswerKind::kNone:
        break;
    }
    return ", rejected: not to be answered";
  }

  std::string TextOf(Stage stage) const {
    const bool died_here = report_.drop != DropReason::kNone && report_.died_in == stage;
    switch (stage) {
      case Stage::kParse:
        return died_here ? "" : ParseText();
      case Stage::kGuard:
        return died_here ? "" : GuardText();
      case Stage::kForward:
        return died_here && report_.out_port == dataplane::kNoPort ? "" : ForwardText();
      case Stage::kFragments:
        if (died_here || !report_.fragment) return "";
        return report_.waits ? "a fragment: waits for its datagram's first one"
                             : "a fragment: treated as its datagram's first one";
      case Stage::kTrack:
        return report_.flood ? "" : TrackText();
      case Stage::kJudge:
        return JudgeText();
      case Stage::kInspect:
        return InspectText();
      case Stage::kFlood:
        return report_.flood ? FloodText() : "";
      default:
        return report_.flood ? "" : "out by port " + PortText(report_.out_port);
    }
  }

  std::string ParseText() const {
    const std::string macs =
        fmt::format("{} > {}", report_.src_mac.ToString(), report_.dst_mac.ToString());
    if (!report_.is_ip) {
      return fmt::format("arp of {} for {}, {}", report_.src.ToString(), report_.dst.ToString(),
                         macs);
    }
    const bool ports = report_.src_port != 0 || report_.dst_port != 0;
    const auto end = [&](const acl::IpAddress& address, uint16_t port) {
      if (!ports) return address.ToString();
      const bool v6 = address.family == acl::Family::kIpv6;
      return v6 ? fmt::format("[{}]:{}", address.ToString(), port)
                : fmt::format("{}:{}", address.ToString(), port);
    };
    return fmt::format("{} {} > {}{}, {}", ProtocolName(report_.protocol),
                       end(report_.src, report_.src_port), end(report_.dst, report_.dst_port),
                       FlagsText(), macs);
  }

  std::string FlagsText() const {
    constexpr std::pair<uint8_t, const char*> kFlags[] = {
        {0x02, " syn"}, {0x01, " fin"}, {0x04, " rst"}, {0x10, " ack"}};
    std::string text;
    if (report_.protocol != 6) return text;
    for (const auto& [flag, name] : kFlags) text += (report_.tcp_flags & flag) != 0 ? name : "";
    return text;
  }

  std::string GuardText() const {
    if (in_.role != dataplane::PortRole::kPod) return "from outside: claims no local address";
    if (!in_.guard) return "the port is not guarded";
    return "MAC and address are the port's or allowed";
  }

  std::string ForwardText() const {
    return report_.flood ? "broadcast or multicast: every port that may have it"
                         : "to port " + PortText(report_.out_port);
  }

  std::string TrackText() const {
    const auto* who = report_.reply ? "its responder" : "its initiator";
    switch (report_.tracking) {
      case TraceTracking::kNone:
        return "not tracked";
      case TraceTracking::kNew:
        return "no connection";
      case TraceTracking::kKnown:
        return fmt::format("connection {}, sent by {}, allowed before", report_.connection_state,
                           who);
      case TraceTracking::kRelated:
        return fmt::format("an error about a connection, {}", report_.connection_state);
      case TraceTracking::kStale:
        return fmt::format("connection {}, sent by {}, to be judged again",
                           report_.connection_state, who);
    }
    return "";
  }

  std::string JudgeText() const {
    if (!report_.judged) return "";
    return Observed("egress " + SideText(report_.egress) + "; ingress " +
                    SideText(report_.ingress));
  }

  std::string InspectText() const {
    if (!report_.inspected) return "";
    const std::string name = report_.name.data();
    return Observed(name.empty() ? "what it says is looked into" : "it asks for " + name);
  }

  std::string FloodText() const {
    if (report_.receivers == 0) return "nobody else may have it";
    std::vector<std::string> texts;
    const unsigned listed = std::min(report_.receivers, TraceReport::kMaxReceivers);
    for (unsigned i = 0; i < listed; ++i) {
      const TraceReceiver& receiver = report_.receiver[i];
      texts.push_back(fmt::format("port {}: egress {}, ingress {}", PortText(receiver.port),
                                  SideText(receiver.egress), SideText(receiver.ingress)));
    }
    if (listed < report_.receivers) {
      texts.push_back(fmt::format("and {} more", report_.receivers - listed));
    }
    return Observed(fmt::format("{}", fmt::join(texts, "; ")));
  }

  std::string SideText(const TraceSide& traced) const { return control::SideText(traced, rules_); }

  std::string Observed(std::string text) const {
    if (report_.would_drop != DropReason::kNone) {
      text = Joined(text, DropText("mode observe, would be dropped", report_.would_drop));
    }
    if (report_.audit_drop != DropReason::kNone) {
      text = Joined(text, DropText("audited, would be dropped", report_.audit_drop));
    }
    return text;
  }

  std::string PortText(PortId id) const {
    const std::string name = PortName(id);
    const auto spec = view_.state->ports().specs().find(name);
    if (spec == view_.state->ports().specs().end() || spec->second.pod_name.empty()) return name;
    return fmt::format("{} ({}/{})", name, spec->second.pod_namespace, spec->second.pod_name);
  }

  const View& view_;
  const TraceReport& report_;
  const PortView& in_;
  const acl::RuleIds* const rules_;  // null: the network is gone meanwhile
};

std::vector<std::string> DeliveredTo(const View& view, const TraceReport& report,
                                     const Narrator& narrator) {
  std::vector<std::string> ports;
  if (report.drop != DropReason::kNone || report.waits) return ports;
  if (!report.flood) return {narrator.PortName(report.out_port)};
  const bool observed = view.snapshot->mode == dataplane::Mode::kObserve;
  const unsigned listed = std::min(report.receivers, TraceReport::kMaxReceivers);
  for (unsigned i = 0; i < listed; ++i) {
    const TraceReceiver& receiver = report.receiver[i];
    if (receiver.refusal == DropReason::kNone || observed) {
      ports.push_back(narrator.PortName(receiver.port));
    }
  }
  return ports;
}

}  // namespace

absl::StatusOr<TraceAnswer> TraceFrame(const View& view, const dataplane::Switch& data_plane,
                                       const std::string& port, std::span<const uint8_t> frame) {
  const auto place = view.places.find(port);
  if (place == view.places.end()) {
    return absl::NotFoundError(fmt::format("port {}: does not exist", port));
  }
  const auto& [attached, worker] = place->second;
  auto report = data_plane.Trace(worker, attached, frame);
  if (!report.ok()) {
    return absl::Status(report.status().code(),
                        fmt::format("port {}: {}", port, std::string(report.status().message())));
  }
  TraceAnswer answer{.report = *report, .worker = worker};
  const Narrator narrator(view, attached.id, answer.report);
  answer.steps = narrator.Steps();
  answer.egress = narrator.SideOf(answer.report.egress);
  answer.ingress = narrator.SideOf(answer.report.ingress);
  answer.delivered_to = DeliveredTo(view, answer.report, narrator);
  return answer;
}

}  // namespace sluice::control
