#include "tests/differential/tracker_model.h"

#include <algorithm>

namespace sluice::test {
namespace {

// How far `a` lies ahead of `b`.
int64_t Ahead(uint32_t a, uint32_t b) {
  const uint32_t distance = a - b;
  return distance < 0x8000'0000u ? int64_t{distance} : int64_t{distance} - 0x1'0000'0000;
}

bool Has(const ModelPacket& packet, char flag) {
  return packet.flags.find(flag) != std::string::npos;
}

uint32_t Consumed(const ModelPacket& packet) {
  return packet.length + (Has(packet, 'S') ? 1 : 0) + (Has(packet, 'F') ? 1 : 0);
}

const std::map<std::string, uint32_t> kTimeouts = {
    {"syn_sent", 30'000},  {"syn_received", 60'000}, {"established", 7'440'000},
    {"closing", 120'000},  {"time_wait", 120'000},   {"reset", 10'000},
    {"unreplied", 30'000}, {"replied", 120'000}};

}  // namespace

TrackerModel::Key TrackerModel::KeyOf(const ModelPacket& packet) {
  const auto one = std::pair(packet.from, packet.source);
  const auto two = std::pair(packet.to, packet.destination);
  const auto& [low, high] = std::minmax(one, two);
  return {packet.protocol, low.first, low.second, high.first, high.second};
}

void TrackerModel::SetPolicies(std::vector<ModelPolicy> policies) {
  policies_ = std::move(policies);
  for (auto& [key, connection] : connections_) connection.judged = false;
}

std::string TrackerModel::Verdict(char from, char to, const std::string& protocol,
                                  uint16_t port) const {
  const auto admitted = [&](char pod, char peer, bool ingress) {
    bool isolated = false;
    for (const ModelPolicy& policy : policies_) {
      if (policy.pod != pod || policy.ingress != ingress) continue;
      isolated = true;
      for (const ModelPolicy::Rule& rule : policy.rules) {
        if (rule.peer == peer && rule.protocol == protocol && rule.port == port) return true;
      }
    }
    return !isolated;
  };
  if (!admitted(from, to, false)) return "policy_egress";
  return admitted(to, from, true) ? "none" : "policy_ingress";
}

std::string TrackerModel::NameOf(const Connection& connection) const {
  for (const auto& [pod, side] : connection.sides) {
    if (pod != connection.opener) return NameOf(connection, pod);
  }
  return "?";
}

std::string TrackerModel::NameOf(const Connection& connection, char other) {
  const std::string& mine = connection.sides.at(connection.opener).phase;
  const std::string& theirs = connection.sides.at(other).phase;
  if (connection.protocol != "TCP") return theirs == "silent" ? "unreplied" : "replied";
  if (mine == "rst" || theirs == "rst") return "reset";
  if (mine == "fin" && theirs == "fin") return "time_wait";
  if (mine == "fin" || theirs == "fin") return "closing";
  if (theirs == "silent") return "syn_sent";
  return mine == "open" ? "established" : "syn_received";
}

std::string TrackerModel::StateOf(const ModelPacket& packet) const {
  const auto found = connections_.find(KeyOf(packet));
  return found == connections_.end() ? "none" : NameOf(found->second);
}

uint32_t TrackerModel::TimeoutOf(const std::string& state) const { return kTimeouts.at(state); }

void TrackerModel::Age() {
  std::erase_if(connections_, [this](const auto& entry) {
    uint32_t seen = 0;
    for (const auto& [pod, side] : entry.second.sides) seen = std::max(seen, side.seen_ms);
    return now_ms_ - seen >= TimeoutOf(NameOf(entry.second));
  });
}

TrackerModel::Hint TrackerModel::HintFor(const ModelPacket& packet) const {
  const auto found = connections_.find(KeyOf(packet));
  if (found == connections_.end()) return {};
  return {found->second.sides.at(packet.from).next, found->second.sides.at(packet.to).next};
}

std::string TrackerModel::Take(const ModelPacket& packet) {
  const bool tcp = packet.protocol == "TCP";
  if (tcp && ((Has(packet, 'S') && (Has(packet, 'F') || Has(packet, 'R'))) ||
              (!Has(packet, 'S') && !Has(packet, 'R') && !Has(packet, 'A')))) {
    return "tcp_malformed";
  }
  auto found = connections_.find(KeyOf(packet));
  if (found != connections_.end() && tcp && packet.flags == "S") {
    const std::string state = NameOf(found->second);
    const bool newer = packet.from != found->second.opener ||
                       Ahead(packet.seq, found->second.sides.at(packet.from).next) >= 0;
    if (state == "reset" || (state == "time_wait" && newer)) {
      connections_.erase(found);
      found = connections_.end();
    }
  }
  if (found == connections_.end()) {
    if (tcp && packet.flags != "S" && !(options_.tcp_pick_up && packet.flags == "A")) {
      return "tcp_not_syn";
    }
    if (packet.protocol == "ECHO" && packet.flags != "Q") return "icmp_no_request";
    const std::string verdict =
        Verdict(packet.from, packet.to, packet.protocol, packet.destination);
    if (verdict != "none") return verdict;
    Connection connection;
    connection.opener = packet.from;
    connection.protocol = packet.protocol;
    connection.port = packet.destination;
    connection.sides[packet.from].seen_ms = connection.sides[packet.to].seen_ms = now_ms_;
    found = connections_.emplace(KeyOf(packet), connection).first;
  } else if (!found->second.judged) {
    Connection& connection = found->second;
    const char other = packet.from == connection.opener ? packet.to : packet.from;
    const std::string verdict = Verdict(connection.opener, other, packet.protocol, connection.port);
    if (verdict != "none") {
      connections_.erase(found);
      return verdict;
    }
    connection.judged = true;
  }
  const std::string outcome = Step(found->second, packet);
  if (outcome == "none") found->second.sides.at(packet.from).seen_ms = now_ms_;
  return outcome;
}

std::string TrackerModel::TakeError(const ModelPacket& quoted) const {
  const auto found = connections_.find(KeyOf(quoted));
  if (found == connections_.end() || !found->second.judged) return "icmp_unrelated";
  if (quoted.protocol != "TCP") return "none";
  const Side& own = found->second.sides.at(quoted.from);
  const Side& peer = found->second.sides.at(quoted.to);
  if (own.syn_waits && quoted.seq + 1 == own.after_syn) return "none";
  if (!own.numbered) return "icmp_unrelated";
  if (own.joined_late || peer.joined_late) return "none";
  const uint32_t taken = peer.acked.value_or(own.after_syn);
  const bool in_flight = Ahead(quoted.seq, taken - 1) >= 0 && Ahead(own.next, quoted.seq) >= 0;
  return in_flight ? "none" : "icmp_unrelated";
}

std::string TrackerModel::Step(Connection& connection, const ModelPacket& packet) {
  if (packet.protocol == "TCP") return StepTcp(connection, packet);
  if (packet.protocol == "ECHO" && (packet.flags == "Q") != (packet.from == connection.opener)) {
    return "icmp_no_request";
  }
  connection.sides.at(packet.from).phase = "open";
  return "none";
}

std::string TrackerModel::StepTcp(Connection& connection, const ModelPacket& packet) {
  Side own = connection.sides.at(packet.from);  // kept only if the packet lives
  const Side& peer = connection.sides.at(packet.to);
  const bool opener = packet.from == connection.opener;
  if (own.syn_waits && peer.phase == "synack" && peer.acked == own.after_syn) {
    Side fresh;  // the peer took our new SYN
    fresh.phase = "syn";
    fresh.numbered = true;
    fresh.scale = own.new_scale;
    fresh.next = fresh.after_syn = own.after_syn;
    fresh.biggest_window = own.biggest_window;
    fresh.seen_ms = own.seen_ms;
    own = fresh;
  }
  std::string outcome;
  if (Has(packet, 'R')) {
    outcome = Reset(own, peer, packet);
  } else if (packet.flags == "S") {
    outcome = Syn(own, peer, packet, opener);
  } else if (Has(packet, 'S')) {
    outcome = SynAck(own, peer, packet, opener);
  } else {
    outcome = Segment(own, peer, packet);
  }
  if (outcome == "none") connection.sides.at(packet.from) = own;
  return outcome;
}

std::string TrackerModel::Syn(Side& own, const Side& peer, const ModelPacket& packet, bool opener) {
  const bool handshake = peer.phase == "syn" || peer.phase == "synack";
  const bool late = own.joined_late || peer.joined_late;
  if (!opener && (!handshake || !(own.phase == "silent" || own.phase == "syn") || late)) {
    return "tcp_state";
  }
  if (own.phase == "rst") return "tcp_state";
  if (own.phase == "silent" || (own.phase == "syn" && peer.phase == "silent")) {
    const uint32_t seen = own.seen_ms;
    own = Side{};
    own.seen_ms = seen;
    own.phase = "syn";
    own.numbered = true;
    own.next = packet.seq + Consumed(packet);
    own.after_syn = packet.seq + 1;
    own.biggest_window = std::max(packet.window, 1u);
    own.scale = packet.scale;
    return "none";
  }
  if (packet.seq + 1 == own.after_syn) return "none";
  if (!opener) return "tcp_window";
  own.after_syn = packet.seq + 1;
  own.new_scale = packet.scale;
  own.syn_waits = true;
  return "none";
}

std::string TrackerModel::SynAck(Side& own, const Side& peer, const ModelPacket& packet,
                                 bool opener) {
  const bool late = own.joined_late || peer.joined_late;
  if (own.phase == "rst" || (peer.phase == "silent" && !late)) return "tcp_state";
  const bool first = (own.phase == "silent" && !late) || own.phase == "syn";
  const bool takes_new_syn = !first && !opener && peer.syn_waits && packet.ack == peer.after_syn;
  if (first || takes_new_syn) {
    const bool answers = peer.numbered && !peer.joined_late &&
                         Ahead(packet.ack, peer.after_syn) >= 0 &&
                         Ahead(peer.next, packet.ack) >= 0;
    if (first && !answers) return "tcp_window";
    if (own.phase == "syn" && packet.seq + 1 != own.after_syn) return "tcp_window";
    const uint32_t seen = own.seen_ms;
    own = Side{};
    own.seen_ms = seen;
    own.phase = "synack";
    own.numbered = true;
    own.next = packet.seq + Consumed(packet);
    own.after_syn = packet.seq + 1;
    own.biggest_window = std::max(packet.window, 1u);
    own.scale = packet.scale;
    own.acked = packet.ack;
    own.edge = packet.ack + packet.window;
    return "none";
  }
  if (own.phase == "silent") return "tcp_window";  // there was no SYN to answer
  return Segment(own, peer, packet);
}

bool TrackerModel::InWindow(const Side& own, const Side& peer, const ModelPacket& packet) const {
  if (Ahead(packet.seq, peer.edge.value_or(own.next)) > 0) return false;
  const uint32_t end = packet.seq + Consumed(packet);
  if (Ahead(own.next, end) > int64_t{peer.biggest_window} + 1) return false;
  const int64_t behind = Ahead(peer.next, packet.ack);
  return behind >= 0 && behind <= int64_t{std::max(own.biggest_window, 66'000u)};
}

// ACK, FIN, and SYN+ACK sent again.
std::string TrackerModel::Segment(Side& own, const Side& peer, const ModelPacket& packet) {
  const bool synack = Has(packet, 'S'), fin = Has(packet, 'F');
  const bool first_late = own.phase == "silent" && peer.phase == "silent" && options_.tcp_pick_up &&
                          packet.flags == "A";
  if (first_late) own.joined_late = true;
  const bool late = own.joined_late || peer.joined_late;
  if (peer.phase == "silent" && !late) return "tcp_state";
  if (own.phase == "silent" && !late) {
    if (fin) return "tcp_state";
    if (packet.length != 0) return "tcp_window";
    const bool further = own.acked.has_value() && Ahead(packet.ack, *own.acked) < 0;
    if (!further) own.acked = packet.ack;
    if (!own.edge.has_value() || Ahead(packet.ack, *own.edge) > 0) own.edge = packet.ack;
    return "none";
  }
  const bool fits = InWindow(own, peer, packet);
  const bool learns = late && !synack;
  if (!fits && !learns && (synack || !options_.be_liberal)) return "tcp_window";
  if (fits || learns) {
    const uint32_t end = packet.seq + Consumed(packet);
    if (!own.numbered || Ahead(end, own.next) > 0) own.next = end;
    own.numbered = true;
    const bool scaled = !synack && own.scale.has_value() && peer.scale.has_value();
    const uint32_t window = packet.window << (scaled ? *own.scale : 0);
    own.biggest_window = std::max({own.biggest_window, window, 1u});
    if (!own.acked.has_value() || Ahead(packet.ack, *own.acked) > 0) own.acked = packet.ack;
    const uint32_t edge = packet.ack + window;
    if (!own.edge.has_value() || Ahead(edge, *own.edge) > 0) own.edge = edge;
  }
  if (synack) return "none";
  if (fin) {
    own.phase = "fin";
  } else if (own.phase != "fin") {
    own.phase = "open";
  }
  return "none";
}

std::string TrackerModel::Reset(Side& own, const Side& peer, const ModelPacket& packet) {
  const bool acks = Has(packet, 'A');
  if (acks && peer.syn_waits && packet.ack == peer.after_syn) {
    own.phase = "rst";
    return "none";
  }
  if (!own.numbered && !peer.joined_late) {
    const bool refuses = acks && peer.numbered && Ahead(packet.ack, peer.after_syn) >= 0 &&
                         Ahead(peer.next, packet.ack) >= 0;
    if (!refuses) return "tcp_window";
    own.phase = "rst";
    return "none";
  }
  const bool exact = (own.numbered && packet.seq == own.next) ||
                     (peer.acked.has_value() && packet.seq == *peer.acked);
  if (exact) {
    own.phase = "rst";
    return "none";
  }
  const bool inside = peer.acked.has_value() && Ahead(packet.seq, *peer.acked) >= 0 &&
                      Ahead(*peer.edge, packet.seq) >= 0;
  return inside ? "none" : "tcp_window";
}

}  // namespace sluice::test
