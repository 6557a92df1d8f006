#include "tests/soak/hostile.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

namespace sluice::soak {
namespace {

using acl::Family;

// Few values, so that packets meet each other's connections, and the table does not fill.
constexpr uint16_t kServices[] = {0, 53, 80, 443, 1000, 8080, 65535};
constexpr uint16_t kSources = 16;
constexpr uint8_t kProtocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP,
                                  47,          50,          89,          255};
constexpr unsigned kFloodSize = 64;
const MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

}  // namespace

void Hostile::AddTo(std::vector<Sent>& batch, unsigned count) {
  using Mischief = void (Hostile::*)(std::vector<Sent>&);
  constexpr Mischief kKinds[] = {
      &Hostile::Noise,     &Hostile::FlippedBits,     &Hostile::CutShort,
      &Hostile::Tagged,    &Hostile::SpoofedSource,   &Hostile::WrongMac,
      &Hostile::First,     &Hostile::OfNoConnection,  &Hostile::IcmpError,
      &Hostile::Fragments, &Hostile::ArpAndNeighbour, &Hostile::ToGroups,
      &Hostile::Large,     &Hostile::Extensions,      &Hostile::SpoiledConversation,
  };
  for (unsigned i = 0; i < count; ++i) (this->*kKinds[Below(std::size(kKinds))])(batch);
  if (Chance(5)) Flood(batch);
}

Place Hostile::AnyOpen() {
  Place place = static_cast<Place>(Below(kPlaces));
  while (place != kUplink && !world_.pods[place].has_port)
    place = static_cast<Place>(Below(kPlaces));
  return place;
}

IpAddress Hostile::AnyAddress(Family family) {
  constexpr const char* kV4[] = {"203.0.113.9", "10.9.0.1",  "10.5.0.200",     "127.0.0.1",
                                 "0.0.0.0",     "224.0.0.1", "255.255.255.255"};
  constexpr const char* kV6[] = {"2001:db8::9", "fd00:9::1", "fd00:5::200", "::1",
                                 "::",          "ff02::1",   "fe80::1"};
  if (Chance(60)) return world_.pods[Below(kPods)].Address(family);
  return *IpAddress::Parse(family == Family::kIpv4 ? kV4[Below(7)] : kV6[Below(7)]);
}

// What `from` may well send to `to`, of a small choice of tuples.
PacketSpec Hostile::FirstPacket(Place from, Place to) {
  const Family family = Chance(50) ? Family::kIpv4 : Family::kIpv6;
  PacketSpec spec;
  spec.src_mac = world_.Mac(from);
  spec.dst_mac = world_.Mac(to);
  const auto address = [&](Place place) {
    const size_t index = family == Family::kIpv4 ? 0 : 1;
    return place == kUplink ? world_.remote[Below(2)].addresses[index]
                            : world_.pods[place].Address(family);
  };
  Tuple& tuple = spec.tuple;
  tuple.src = address(from);
  tuple.dst = address(to);
  tuple.protocol = kProtocols[Below(std::size(kProtocols))];
  if (tuple.protocol == IPPROTO_ICMP) tuple.protocol = IcmpOf(family);
  tuple.src_port = static_cast<uint16_t>(1 + Below(kSources));
  tuple.dst_port = kServices[Below(std::size(kServices))];
  if (tuple.protocol == IcmpOf(family)) {
    tuple.dst_port = tuple.src_port;
    spec.icmp_type = family == Family::kIpv4 ? 8 : 128;
  }
  spec.seq = static_cast<uint32_t>(random_());
  spec.payload.assign(Below(40), static_cast<uint8_t>(random_()));
  return spec;
}

void Hostile::Add(std::vector<Sent>& batch, Place from, Bytes frame, const char* what, Claim claim,
                  bool honest) {
  if (from != kUplink && !world_.pods[from].has_port) return;
  batch.push_back({from, std::move(frame), claim, honest, what});
}

void Hostile::Noise(std::vector<Sent>& batch) {
  Bytes frame(Below(200));
  for (uint8_t& byte : frame) byte = static_cast<uint8_t>(random_());
  const Place from = AnyOpen();
  if (frame.size() >= 14 && Chance(70)) {
    const PacketSpec spec = FirstPacket(from, AnyOpen());
    const Bytes real = Encode(spec);
    std::copy_n(real.begin(), std::min({frame.size(), real.size(), 14 + Below(40)}), frame.begin());
  }
  Add(batch, from, std::move(frame), "noise");
}

void Hostile::FlippedBits(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  Bytes frame = Encode(FirstPacket(from, AnyOpen()));
  for (size_t i = 1 + Below(6); i > 0; --i) {
    frame[Below(std::min<size_t>(frame.size(), 80))] ^= static_cast<uint8_t>(1u << Below(8));
  }
  Add(batch, from, std::move(frame), "flipped bits");
}

void Hostile::CutShort(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  PacketSpec spec = FirstPacket(from, AnyOpen());
  spec.payload.resize(8);
  Bytes frame = Encode(spec);
  frame.resize(frame.size() - 1 - Below(frame.size() - 1));
  Add(batch, from, std::move(frame), "cut short", Claim::kMustNotPass);
}

void Hostile::SpoofedSource(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  PacketSpec spec = FirstPacket(from, AnyOpen());
  Flows::Line line;
  if (Chance(50) && flows_.AnyLine(&line) && line.from != from && line.to != from) {
    spec.tuple = Chance(50) ? line.tuple : line.tuple.Reversed();  // into somebody's conversation
    spec.tcp_flags = kRst | kAck;
    spec.dst_mac = world_.Mac(Chance(50) ? line.from : line.to);
  } else if (Chance(50)) {
    spec.tuple.src = AnyAddress(spec.tuple.src.family);
  } else {
    spec.src_mac = Chance(50) ? world_.Mac(AnyOpen()) : MacAddress{{2, 7, 7, 7, 7, 7}};
  }
  if (from == kUplink) {
    // Addresses out there are anyone's, but for those of local pods.
    Add(batch, from, Encode(spec), "spoofed source",
        world_.IsLocal(spec.tuple.src) ? Claim::kMustNotPass : Claim::kNone);
    return;
  }
  const Pod& pod = world_.pods[from];
  const bool own = spec.src_mac == pod.mac && pod.Owns(spec.tuple.src);
  Add(batch, from, Encode(spec), "spoofed source",
      pod.guard && !own ? Claim::kMustNotPass : Claim::kNone);
}

// A conversation's next packet, from whom it is, to somebody else.
void Hostile::WrongMac(std::vector<Sent>& batch) {
  Sent sent = flows_.Imitate();
  if (sent.frame.empty()) return;
  const MacAddress mac = Chance(80) ? world_.Mac(AnyOpen()) : kBroadcast;
  const Decoded packet = Decode(sent.frame);
  if (packet.dst_mac == mac) return;
  std::copy(mac.bytes.begin(), mac.bytes.end(), sent.frame.begin());
  Add(batch, sent.from, std::move(sent.frame), "wrong MAC");
}

void Hostile::OfNoConnection(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  PacketSpec spec = FirstPacket(from, AnyOpen());
  constexpr uint8_t kFlags[] = {kAck,        kPsh | kAck, kFin | kAck, kRst,        kRst | kAck,
                                kSyn | kAck, 0,           kFin,        kSyn | kFin, kSyn | kRst};
  spec.tuple.protocol = IPPROTO_TCP;
  spec.tcp_flags = kFlags[Below(std::size(kFlags))];
  spec.tuple.src_port = static_cast<uint16_t>(61'000 + Below(4000));  // nobody else's
  Add(batch, from, Encode(spec), "of no connection", Claim::kMustNotPass);
}

void Hostile::First(std::vector<Sent>& batch) {
  const Place from = AnyOpen(), to = AnyOpen();
  const PacketSpec spec = FirstPacket(from, to);
  const bool impossible = from == to || !world_.IsOpen(from) || !world_.IsOpen(to);
  Add(batch, from, Encode(spec), "first packet", impossible ? Claim::kMustNotPass : Claim::kNone,
      true);
}

void Hostile::Flood(std::vector<Sent>& batch) {
  const Place from = AnyOpen(), to = AnyOpen();
  for (unsigned i = 0; i < kFloodSize; ++i) {
    PacketSpec spec = FirstPacket(from, to);
    spec.tuple.protocol = IPPROTO_TCP;
    spec.tuple.src_port = static_cast<uint16_t>(1000 + i);
    Add(batch, from, Encode(spec), "SYN flood", Claim::kNone, true);
  }
}

void Hostile::Tagged(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  Bytes frame = Encode(FirstPacket(from, AnyOpen()));
  const uint8_t tag[] = {static_cast<uint8_t>(Chance(50) ? 0x81 : 0x88),
                         static_cast<uint8_t>(Chance(50) ? 0x00 : 0xa8),
                         static_cast<uint8_t>(Below(16)),
                         static_cast<uint8_t>(1 + Below(255))};  // id 0 is no network's
  for (size_t i = 1 + Below(2); i > 0; --i) frame.insert(frame.begin() + 12, tag, tag + 4);
  Add(batch, from, std::move(frame), "VLAN tag", Claim::kMustNotPass);
}

// About a conversation, real or made up, from anybody to anybody.
void Hostile::IcmpError(std::vector<Sent>& batch) {
  const Place from = AnyOpen(), to = AnyOpen();
  PacketSpec spec = FirstPacket(from, to), about = FirstPacket(to, from);
  Flows::Line line;
  if (Chance(60) && flows_.AnyLine(&line) && line.tuple.src.family == spec.tuple.src.family) {
    about.tuple = Chance(50) ? line.tuple : line.tuple.Reversed();
  } else if (about.tuple.src.family != spec.tuple.src.family) {
    return;
  }
  const bool v4 = spec.tuple.src.family == Family::kIpv4;
  constexpr uint8_t kTypes4[] = {3, 4, 5, 11, 12, 13}, kTypes6[] = {1, 2, 3, 4, 5, 100};
  spec.tuple.protocol = IcmpOf(spec.tuple.src.family);
  spec.tuple.src_port = spec.tuple.dst_port = 0;
  spec.icmp_type = v4 ? kTypes4[Below(6)] : kTypes6[Below(6)];
  spec.icmp_code = static_cast<uint8_t>(Below(4));
  about.payload.clear();
  spec.payload = EncodeIp(about);
  if (Chance(20)) spec.payload.resize(Below(spec.payload.size()));
  Add(batch, from, Encode(spec), "ICMP error");
}

void Hostile::Fragments(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  PacketSpec spec = FirstPacket(from, AnyOpen());
  spec.fragment_id = static_cast<uint32_t>(Below(8));
  for (size_t i = 1 + Below(3); i > 0; --i) {
    const uint16_t offset = static_cast<uint16_t>(Chance(40) ? 0 : Below(20));
    spec.fragment_field = static_cast<uint16_t>(offset | (Chance(70) ? 0x2000 : 0));
    spec.payload.assign(8 * Below(6), static_cast<uint8_t>(random_()));
    Add(batch, from, Encode(spec), "fragment");
  }
}

void Hostile::ArpAndNeighbour(std::vector<Sent>& batch) {
  const Place from = AnyOpen(), to = AnyOpen();
  const MacAddress claimed = Chance(60) ? world_.Mac(from) : world_.Mac(AnyOpen());
  const MacAddress dst = Chance(50) ? kBroadcast : world_.Mac(to);
  if (Chance(50)) {
    Add(batch, from,
        EncodeArp(world_.Mac(from), dst, static_cast<uint16_t>(1 + Below(3)), claimed,
                  AnyAddress(Family::kIpv4), AnyAddress(Family::kIpv4)),
        "ARP");
    return;
  }
  PacketSpec spec = FirstPacket(from, to);
  constexpr uint8_t kTypes[] = {130, 131, 133, 134, 135, 136, 137, 143};
  spec.tuple = {IPPROTO_ICMPV6, AnyAddress(Family::kIpv6), AnyAddress(Family::kIpv6), 0, 0};
  spec.icmp_type = kTypes[Below(std::size(kTypes))];
  spec.hop_limit = Chance(80) ? 255 : 64;
  const IpAddress target = AnyAddress(Family::kIpv6);
  spec.payload.assign(target.bytes.begin(), target.bytes.end());
  if (Chance(70)) {
    spec.payload.insert(spec.payload.end(), {2, 1});
    spec.payload.insert(spec.payload.end(), claimed.bytes.begin(), claimed.bytes.end());
  }
  if (Chance(10)) spec.payload.resize(Below(300), 0x41);
  Add(batch, from, Encode(spec), "neighbour discovery");
}

void Hostile::ToGroups(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  PacketSpec spec = FirstPacket(from, AnyOpen());
  const bool v4 = spec.tuple.src.family == Family::kIpv4;
  spec.dst_mac = Chance(50) ? kBroadcast : MacAddress{{0x33, 0x33, 0, 0, 0, 1}};
  if (Chance(80)) {
    constexpr const char* kGroups[] = {"224.0.0.5", "255.255.255.255", "ff02::1", "ff05::2"};
    spec.tuple.dst = *IpAddress::Parse(kGroups[Below(2) + (v4 ? 0 : 2)]);
  }
  Add(batch, from, Encode(spec), "to a group");
}

void Hostile::Extensions(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  PacketSpec spec = FirstPacket(from, AnyOpen());
  constexpr uint8_t kTypes[] = {0, 43, 44, 51, 60, 135, 59};
  for (size_t i = 1 + Below(12); i > 0; --i) {
    spec.extensions.push_back(kTypes[Below(std::size(kTypes))]);
  }
  Add(batch, from, Encode(spec), "extension headers");
}

void Hostile::Large(std::vector<Sent>& batch) {
  const Place from = AnyOpen();
  PacketSpec spec = FirstPacket(from, AnyOpen());
  spec.payload.assign(1400 + Below(7600), 0x5a);
  Add(batch, from, Encode(spec), "large");
}

void Hostile::SpoiledConversation(std::vector<Sent>& batch) {
  Sent sent = flows_.TakeOne();
  if (sent.frame.empty()) return;
  const size_t header = sent.frame.size() > 54 ? 54 : sent.frame.size();
  sent.frame[14 + Below(header - 14)] ^= static_cast<uint8_t>(1u << Below(8));
  Add(batch, sent.from, std::move(sent.frame), "spoiled conversation");
}

}  // namespace sluice::soak
