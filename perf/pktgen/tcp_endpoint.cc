#include "perf/pktgen/tcp_endpoint.h"

#include <algorithm>

namespace sluice::pktgen {
namespace {

// What fits a 1,500-byte packet.
constexpr uint16_t MssFor(Family family) { return family == Family::kIpv4 ? 1460 : 1440; }

void SendBack(TcpConnection& connection, uint64_t now_ns) {
  connection.Send(connection.TakeReceived(), now_ns);
  if (connection.peer_closed()) connection.Close(now_ns);
}

}  // namespace

TcpConnection* TcpEndpoint::Connect(const IpAddress& local, uint16_t local_port,
                                    const IpAddress& remote, uint16_t remote_port,
                                    uint64_t now_ns) {
  Entry& entry = Add({local, remote, local_port, remote_port});
  entry.held = true;
  TcpConnection* connection = entry.connection.get();
  connection->Connect(now_ns);
  return connection;
}

void TcpEndpoint::Release(const TcpConnection* connection) {
  for (auto& [key, entry] : connections_) {
    if (entry.connection.get() == connection) entry.held = false;
  }
}

bool TcpEndpoint::UsesPort(uint16_t local_port) const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [=](const auto& item) { return item.first.local_port == local_port; });
}

TcpEndpoint::Entry& TcpEndpoint::Add(const Key& key) {
  const TcpConnection::Config config{.local_port = key.local_port,
                                     .remote_port = key.remote_port,
                                     .initial_sequence = static_cast<uint32_t>(random_()),
                                     .mss = MssFor(key.local.family)};
  Entry entry;
  entry.connection = std::make_unique<TcpConnection>(
      config, [this, key](const TcpSegment& segment) { send_(key.local, key.remote, segment); });
  return connections_[key] = std::move(entry);
}

void TcpEndpoint::Receive(const ParsedFrame& frame, uint64_t now_ns) {
  const TcpSegment segment = ReadTcpSegment(frame.payload);
  const Key key{frame.dst, frame.src, segment.dst_port, segment.src_port};
  const auto it = connections_.find(key);
  if (it != connections_.end() && it->second.connection->state() != TcpState::kClosed) {
    TcpConnection& connection = *it->second.connection;
    connection.Receive(segment, now_ns);
    if (it->second.serves) SendBack(connection, now_ns);
    return;
  }
  const bool held = it != connections_.end() && it->second.held;
  if (frame.kind != FrameKind::kTcpSyn || held || !listeners_.contains(segment.dst_port)) {
    return Refuse(key, segment);
  }
  Entry& entry = Add(key);
  entry.serves = true;
  entry.connection->Accept(segment, now_ns);
}

// RFC 9293, 3.10.7.1: a reset that the sender will believe.
void TcpEndpoint::Refuse(const Key& key, const TcpSegment& segment) {
  if (segment.Has(kRst)) return;
  TcpSegment reset{.src_port = segment.dst_port, .dst_port = segment.src_port, .flags = kRst};
  if (segment.Has(kAck)) {
    reset.seq = segment.ack;
  } else {
    reset.flags |= kAck;
    reset.ack = segment.seq + segment.length();
  }
  send_(key.local, key.remote, reset);
}

void TcpEndpoint::Tick(uint64_t now_ns) {
  for (auto& [key, entry] : connections_) entry.connection->Tick(now_ns);
  absl::erase_if(connections_, [](const auto& item) {
    return !item.second.held && item.second.connection->state() == TcpState::kClosed;
  });
}

}  // namespace sluice::pktgen
