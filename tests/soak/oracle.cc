#include "tests/soak/oracle.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

namespace sluice::soak {
namespace {

constexpr size_t kRemembered = 500'000;  // of each age: many minutes
constexpr size_t kShownBytes = 256;
constexpr auto kFragmentsWait = std::chrono::seconds(5);  // longer than the switch lets them

std::string Name(Place place) { return place == kUplink ? "uplink" : fmt::format("pod {}", place); }

bool IsOpeningSyn(const Decoded& packet) {
  return packet.tuple.protocol == IPPROTO_TCP && packet.tcp_flags == kSyn;
}

// Whether a packet without a connection may ask for one.
bool MayOpen(const Decoded& packet) {
  const uint8_t protocol = packet.tuple.protocol;
  if (protocol == IPPROTO_TCP) return IsOpeningSyn(packet);
  const bool icmp = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
  return !icmp || packet.EchoRequest();
}

// Where there are no VLANs, an uplink's tag with id 0 carries a priority and names no network: the
// switch takes it off.
std::vector<Sent> WithoutPriorityTags(std::vector<Sent> batch) {
  constexpr size_t kMacs = 12, kTag = 4;
  for (Sent& sent : batch) {
    Bytes& frame = sent.frame;
    if (sent.from != kUplink || frame.size() < kMacs + kTag + 2) continue;
    const bool tagged = frame[12] == 0x81 && frame[13] == 0x00;
    if (!tagged || (frame[14] & 0x0f) != 0 || frame[15] != 0) continue;
    frame.erase(frame.begin() + kMacs, frame.begin() + kMacs + kTag);
  }
  return batch;
}

}  // namespace

Oracle::Way Oracle::WayOf(Place from, Place to, const Tuple& tuple) const {
  return {from, to, world_.Generation(from), world_.Generation(to), tuple};
}

std::vector<std::string> Oracle::Check(const std::vector<Sent>& put_in,
                                       const std::vector<std::vector<Bytes>>& received) {
  const std::vector<Sent> batch = WithoutPriorityTags(put_in);
  std::multimap<Bytes, const Sent*> unclaimed;  // each frame may come out once at each port
  std::map<const Sent*, unsigned> copies;
  for (const Sent& sent : batch) {
    unclaimed.emplace(sent.frame, &sent);
    copies[&sent] = 0;
  }
  for (const Waiting& waiting : waiting_) {
    unclaimed.emplace(waiting.sent.frame, &waiting.sent);
    copies[&waiting.sent] = 0;
  }

  std::vector<std::string> problems;
  std::vector<Delivery> deliveries;
  std::set<std::pair<const Sent*, Place>> seen;
  for (Place to = 0; to < received.size(); ++to) {
    for (const Bytes& frame : received[to]) {
      const auto [begin, end] = unclaimed.equal_range(frame);
      const auto match = std::find_if(begin, end, [&](const auto& entry) {
        return entry.second->from != to && !seen.contains({entry.second, to});
      });
      if (match == end) {
        problems.push_back(fmt::format(
            "{} got a frame that nobody sent there, or once too often:\n{}", Name(to), Hex(frame)));
        continue;
      }
      seen.insert({match->second, to});
      ++copies[match->second];
      deliveries.push_back({match->second, to, Decode(frame)});
    }
  }
  passed_ += deliveries.size();
  for (const Sent& sent : batch) Remember(sent);
  for (const Sent& sent : batch) RememberLaterFragment(sent);
  for (const Delivery& delivery : deliveries) {
    const std::string problem = Judge(delivery);
    if (problem.empty()) continue;
    problems.push_back(Describe(
        *delivery.sent, fmt::format("was delivered to {}: {}", Name(delivery.to), problem)));
  }
  for (const Sent& sent : batch) {
    must_pass_ += sent.claim == Claim::kMustPass;
    must_not_pass_ += sent.claim == Claim::kMustNotPass;
    if (sent.claim == Claim::kMustPass && copies[&sent] != 1) {
      problems.push_back(Describe(sent, "is allowed, and was not delivered"));
    }
    if (sent.claim == Claim::kMustNotPass && copies[&sent] != 0) {
      problems.push_back(Describe(sent, "must not pass, and was delivered"));
    }
  }
  ForgetDenied(batch);
  KeepWaiting(batch, copies);
  return problems;
}

void Oracle::KeepWaiting(const std::vector<Sent>& batch,
                         const std::map<const Sent*, unsigned>& copies) {
  const auto now = std::chrono::steady_clock::now();
  waiting_.remove_if([&](const Waiting& waiting) {
    return copies.at(&waiting.sent) != 0 || now - waiting.since > kFragmentsWait;
  });
  for (const Sent& sent : batch) {
    if (copies.at(&sent) == 0 && Decode(sent.frame).later_fragment) waiting_.push_back({sent, now});
  }
}

// What a receiver puts fragments together by; for IPv6 without the protocol (RFC 8200, 4.5).
Oracle::Fragments Oracle::FragmentsOf(Place from, Place to, const Decoded& packet) const {
  const Tuple& tuple = packet.tuple;
  const uint8_t protocol = tuple.src.family == acl::Family::kIpv4 ? tuple.protocol : uint8_t{0};
  return {from, to, tuple.src, tuple.dst, protocol, packet.fragment_id};
}

// Where the switch takes it for a packet of IP; kPlaces: nowhere.
Place Oracle::Destination(const Sent& sent, const Decoded& packet) const {
  const Place from = sent.from, to = world_.Receiver(from, packet.dst_mac);
  const bool arrives = packet.kind == Kind::kIp && to < kPlaces && world_.IsOpen(from) &&
                       world_.IsOpen(to) && JudgeSource(sent, packet).empty();
  return arrives ? to : kPlaces;
}

void Oracle::Remember(const Sent& sent) {
  const Decoded packet = Decode(sent.frame);
  const Place to = Destination(sent, packet);
  if (to >= kPlaces || packet.later_fragment) return;
  const bool opens = MayOpen(packet);
  if (packet.is_fragment) {
    first_fragments_[FragmentsOf(sent.from, to, packet)][packet.tuple] |= opens;
  }
  if (opens) Open(sent.from, to, packet.tuple);
}

// Judged as the first one of its datagram, which may have come before a change.
void Oracle::RememberLaterFragment(const Sent& sent) {
  const Decoded packet = Decode(sent.frame);
  const Place to = Destination(sent, packet);
  if (to >= kPlaces || !packet.later_fragment) return;
  const auto found = first_fragments_.find(FragmentsOf(sent.from, to, packet));
  if (found == first_fragments_.end()) return;
  for (const auto& [first, opens] : found->second) {
    if (opens) Open(sent.from, to, first);
  }
}

// What policy lets through opens its connection, even if the packet itself then dies on the way out
// (too large for the receiver, whose queue is full).
void Oracle::Open(Place from, Place to, const Tuple& tuple) {
  if (!world_.Allows(from, to, tuple)) return;
  // A live conversation is never forgotten, which began less than an age ago.
  if (opened_.size() >= kRemembered) opened_before_ = std::exchange(opened_, {});
  opened_.insert(WayOf(from, to, tuple));
}

// A connection that a packet found denied is gone, and does not come back by itself.
void Oracle::ForgetDenied(const std::vector<Sent>& batch) {
  for (const Sent& sent : batch) {
    if (!sent.honest || !world_.IsOpen(sent.from)) continue;
    const Decoded packet = Decode(sent.frame);
    const Place to = world_.Receiver(sent.from, packet.dst_mac);
    if (packet.kind != Kind::kIp || to >= kPlaces || !world_.IsOpen(to)) continue;
    if (!world_.Allows(sent.from, to, packet.tuple)) {
      Forget(WayOf(sent.from, to, packet.tuple));
    }
    if (!world_.Allows(to, sent.from, packet.tuple.Reversed())) {
      Forget(WayOf(to, sent.from, packet.tuple.Reversed()));
    }
  }
}

void Oracle::Forget(const Way& way) {
  opened_.erase(way);
  opened_before_.erase(way);
}

bool Oracle::Opened(Place from, Place to, const Tuple& tuple) const {
  const Way way = WayOf(from, to, tuple);
  return (opened_.contains(way) || opened_before_.contains(way)) && world_.Allows(from, to, tuple);
}

std::string Oracle::Judge(const Delivery& delivery) const {
  const Sent& sent = *delivery.sent;
  const Decoded& packet = delivery.packet;
  if (packet.kind == Kind::kMalformed) return "it is malformed";
  if (packet.kind == Kind::kNeighbour && packet.is_fragment) return "it is discovery cut up";
  if (!world_.IsOpen(sent.from)) return "its sender's port is shut";
  if (!world_.IsOpen(delivery.to)) return "the receiver's port is shut";
  if (packet.src_mac.IsMulticast() || packet.src_mac.IsZero())
    return "no station has its source MAC";
  if (!packet.dst_mac.IsMulticast() && world_.Receiver(sent.from, packet.dst_mac) != delivery.to) {
    return "its MAC leads elsewhere";
  }
  const std::string source = JudgeSource(sent, packet);
  if (!source.empty() || packet.kind != Kind::kIp) return source;
  if (packet.dst_mac.IsMulticast()) {
    if (!packet.tuple.dst.IsMulticast() && !packet.tuple.dst.IsLimitedBroadcast()) {
      return "its address is not a group's";
    }
  } else if (delivery.to == kUplink) {
    if (world_.IsLocal(packet.tuple.dst)) return "its destination is not out there";
  } else if (const Pod& pod = world_.pods[delivery.to]; pod.guard && !pod.Owns(packet.tuple.dst)) {
    return "its destination is not the receiver's";
  }
  return JudgePolicy(delivery);
}

std::string Oracle::JudgeSource(const Sent& sent, const Decoded& packet) const {
  if (sent.from == kUplink) {
    return world_.IsLocal(packet.tuple.src) ? "the uplink speaks for a local pod" : "";
  }
  const Pod& pod = world_.pods[sent.from];
  if (packet.kind == Kind::kNeighbour && (packet.icmp_type == 134 || packet.icmp_type == 137)) {
    return "a router's message from a pod";
  }
  if (!pod.guard) return "";
  if (packet.src_mac != pod.mac) return "its source MAC is not the pod's";
  const bool probe = packet.tuple.src.IsUnspecified() && packet.kind != Kind::kIp;
  if (!probe && !pod.Owns(packet.tuple.src)) return "its source address is not the pod's";
  return "";
}

std::string Oracle::JudgePolicy(const Delivery& delivery) const {
  const Decoded& packet = delivery.packet;
  const Place from = delivery.sent->from, to = delivery.to;
  if (packet.later_fragment) {
    return BelongsToAFirstFragment(delivery) ? "" : "no first fragment of it was allowed";
  }
  const Tuple reverse = packet.tuple.Reversed();
  const bool as_first = world_.Allows(from, to, packet.tuple);
  const bool as_reply = Opened(to, from, reverse);
  if (!as_first && !as_reply && !IsRelated(delivery)) return "policy denies it";
  if (packet.dst_mac.IsMulticast()) return as_first ? "" : "policy denies it";
  if (packet.tuple.protocol == IPPROTO_TCP && !IsOpeningSyn(packet) && !as_reply &&
      !Opened(from, to, packet.tuple)) {
    return "no SYN was let through before it";
  }
  if (packet.EchoReply() && !as_reply) return "nobody asked for this reply";
  return "";
}

// An ICMP error about a connection of its receiver, whoever sends it.
bool Oracle::IsRelated(const Delivery& delivery) const {
  if (!delivery.packet.quoted) return false;
  const Tuple& quoted = *delivery.packet.quoted;
  for (Place peer = 0; peer < kPlaces; ++peer) {
    if (Opened(delivery.to, peer, quoted) || Opened(peer, delivery.to, quoted.Reversed()))
      return true;
  }
  return false;
}

bool Oracle::BelongsToAFirstFragment(const Delivery& delivery) const {
  const auto found =
      first_fragments_.find(FragmentsOf(delivery.sent->from, delivery.to, delivery.packet));
  if (found == first_fragments_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const auto& known) {
    const Tuple& first = known.first;
    return world_.Allows(delivery.sent->from, delivery.to, first) ||
           Opened(delivery.to, delivery.sent->from, first.Reversed());
  });
}

std::string Oracle::Describe(const Sent& sent, const std::string& problem) const {
  const Decoded packet = Decode(sent.frame);
  return fmt::format(
      "a frame of {} ({}) {}\n{} -> {} [{}] flags {:#x} type {}\n{}", Name(sent.from), sent.what,
      problem, packet.src_mac.ToString(), packet.dst_mac.ToString(), packet.tuple.ToString(),
      packet.tcp_flags, packet.icmp_type,
      Hex({sent.frame.begin(), sent.frame.begin() + std::min(sent.frame.size(), kShownBytes)}));
}

}  // namespace sluice::soak
