#include "tests/soak/flows.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

namespace sluice::soak {
namespace {

using acl::Family;
using std::chrono::steady_clock;

constexpr size_t kFlows = 48;
constexpr auto kForgotten = std::chrono::seconds(8);  // well below every time-out of the switch
// Ports of the initiators here; whatever else is sent keeps away from them.
constexpr uint16_t kFirstPort = 20'000, kPorts = 40'000;
constexpr uint16_t kServices[] = {53, 80, 443, 1000, 8080};
constexpr const char* kOutside[] = {"203.0.113.7", "198.51.100.7", "2001:db8::7", "2001:db9::7"};

}  // namespace

void Flows::AddTo(std::vector<Sent>& batch) {
  const auto now = steady_clock::now();
  std::erase_if(flows_, [&](const Flow& flow) {
    return now - flow.used > kForgotten || flow.step > flow.last_step || !IsAlive(flow);
  });
  while (flows_.size() < kFlows && Open()) {
  }
  for (Flow& flow : flows_) {
    if (Below(2) == 0) continue;
    const PacketSpec spec = SpecOf(flow);
    const Line& line = flow.line;
    Sent sent = Packet(flow);
    sent.honest = true;
    const bool allowed = world_.Allows(line.from, line.to, line.tuple);
    sent.claim = allowed ? Claim::kMustPass : Claim::kMustNotPass;
    batch.push_back(std::move(sent));
    Advance(flow, spec);
    flow.used = now;
    if (!allowed) flow.step = flow.last_step + 1;
  }
}

bool Flows::IsAlive(const Flow& flow) const {
  return world_.IsOpen(flow.line.from) && world_.IsOpen(flow.line.to) &&
         world_.Generation(flow.line.from) == flow.from_generation &&
         world_.Generation(flow.line.to) == flow.to_generation;
}

bool Flows::Open() {
  std::vector<Place> open;
  for (Place place = 0; place < kPlaces; ++place) {
    if (world_.IsOpen(place)) open.push_back(place);
  }
  if (open.size() < 2) return false;
  Flow flow;
  std::shuffle(open.begin(), open.end(), random_);
  flow.line.from = open[0];
  flow.line.to = open[1];
  flow.from_generation = world_.Generation(open[0]);
  flow.to_generation = world_.Generation(open[1]);
  const Family family = Below(2) == 0 ? Family::kIpv4 : Family::kIpv6;
  const auto address = [&](Place place) -> IpAddress {
    if (place != kUplink) return world_.pods[place].Address(family);
    if (Below(2) == 0) return world_.remote[Below(2)].addresses[family == Family::kIpv4 ? 0 : 1];
    return *IpAddress::Parse(kOutside[Below(2) + (family == Family::kIpv4 ? 0 : 2)]);
  };
  Tuple& tuple = flow.line.tuple;
  tuple.src = address(open[0]);
  tuple.dst = address(open[1]);
  tuple.src_port = static_cast<uint16_t>(kFirstPort + opened_++ % kPorts);
  tuple.dst_port = kServices[Below(std::size(kServices))];
  const size_t kind = Below(4);
  tuple.protocol = IPPROTO_TCP;
  if (kind == 1) tuple.protocol = IPPROTO_UDP;
  if (kind == 2) {
    tuple.protocol = IcmpOf(family);
    tuple.dst_port = tuple.src_port;
  }
  flow.by_reset = Below(3) == 0;
  flow.last_step = static_cast<unsigned>(tuple.protocol == IPPROTO_TCP ? 6 + Below(20) : Below(12));
  flow.seq[0] = static_cast<uint32_t>(random_());
  flow.seq[1] = static_cast<uint32_t>(random_());
  flow.used = steady_clock::now();
  flows_.push_back(flow);
  return true;
}

// TCP: SYN, SYN+ACK, ACK, then in turns, the initiator first. Others: in turns.
bool Flows::ByResponder(const Flow& flow) const {
  if (flow.line.tuple.protocol == IPPROTO_TCP && flow.step == 2) return false;
  const unsigned turn =
      flow.line.tuple.protocol == IPPROTO_TCP && flow.step > 2 ? flow.step + 1 : flow.step;
  return turn % 2 == 1;
}

PacketSpec Flows::SpecOf(const Flow& flow) const {
  const bool back = ByResponder(flow);
  const Place from = back ? flow.line.to : flow.line.from,
              to = back ? flow.line.from : flow.line.to;
  PacketSpec spec;
  spec.src_mac = world_.Mac(from);
  spec.dst_mac = world_.Mac(to);
  spec.tuple = back ? flow.line.tuple.Reversed() : flow.line.tuple;
  if (spec.tuple.protocol == IPPROTO_ICMP) spec.icmp_type = back ? 0 : 8;
  if (spec.tuple.protocol == IPPROTO_ICMPV6) spec.icmp_type = back ? 129 : 128;
  spec.icmp_sequence = static_cast<uint16_t>(flow.step / 2);
  const std::string text = fmt::format("{} step {}", flow.line.tuple.ToString(), flow.step);
  spec.payload.assign(text.begin(), text.end());
  if (spec.tuple.protocol == IPPROTO_TCP) FillTcp(flow, spec);
  return spec;
}

void Flows::FillTcp(const Flow& flow, PacketSpec& spec) const {
  const bool back = ByResponder(flow);
  spec.seq = flow.seq[back];
  spec.ack = flow.step == 0 ? 0 : flow.seq[!back];
  spec.window = 30'000;
  if (flow.step < 3) {
    const uint8_t flags[] = {kSyn, kSyn | kAck, kAck};
    spec.tcp_flags = flags[flow.step];
    spec.payload.clear();
  } else if (flow.step + 3 > flow.last_step && !flow.by_reset) {  // FIN, FIN, ACK
    spec.tcp_flags = flow.step == flow.last_step ? kAck : kFin | kAck;
    spec.payload.clear();
  } else if (flow.step == flow.last_step) {
    spec.tcp_flags = kRst | kAck;
    spec.payload.clear();
  } else {
    spec.tcp_flags = kPsh | kAck;
  }
}

void Flows::Advance(Flow& flow, const PacketSpec& spec) {
  const bool back = ByResponder(flow);
  const bool counts = (spec.tcp_flags & (kSyn | kFin)) != 0;
  flow.seq[back] += static_cast<uint32_t>(spec.payload.size()) + (counts ? 1 : 0);
  ++flow.step;
}

Sent Flows::Packet(const Flow& flow) const {
  Sent sent;
  sent.from = ByResponder(flow) ? flow.line.to : flow.line.from;
  sent.frame = Encode(SpecOf(flow));
  sent.what = "conversation";
  return sent;
}

Sent Flows::Imitate() {
  if (flows_.empty()) return {};
  const Flow& flow = flows_[Below(flows_.size())];
  return flow.step > flow.last_step ? Sent{} : Packet(flow);
}

Sent Flows::TakeOne() {
  if (flows_.empty()) return {};
  const size_t index = Below(flows_.size());
  const Sent sent = flows_[index].step > flows_[index].last_step ? Sent{} : Packet(flows_[index]);
  flows_.erase(flows_.begin() + static_cast<ptrdiff_t>(index));
  return sent;
}

bool Flows::AnyLine(Line* line) {
  if (flows_.empty()) return false;
  const Flow& flow = flows_[Below(flows_.size())];
  *line = flow.line;
  return flow.step <= flow.last_step;
}

}  // namespace sluice::soak
