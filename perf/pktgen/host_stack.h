// The network stack of one pod: frames in, frames out, and the sockets in between.
//
// Owns neighbours, UDP and echo flows and counters; TCP is TcpEndpoint's. Answers ARP,
// neighbour discovery and echo requests; TCP and UDP listeners send back what they receive. Every
// destination is on-link. Knows no port, thread or clock: frames leave through `Sink`, time comes
// in with each call and never goes backwards. One thread.
//
//   Receive -> ParseFrame -> count -> neighbour | TcpEndpoint | UDP | echo -> Sink
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "perf/pktgen/neighbor_table.h"
#include "perf/pktgen/tcp_endpoint.h"
#include "perf/pktgen/traffic_counters.h"

namespace sluice::pktgen {

struct HostConfig {
  std::string name;  // for errors
  MacAddress mac;
  std::vector<IpAddress> addresses;  // the IPv6 link-local one is added
};

// Datagrams to one address and port, and what came back from there.
struct UdpFlow {
  IpAddress remote;
  uint16_t remote_port = 0, local_port = 0;
  uint64_t sent = 0, received = 0;
  std::string last;  // the latest datagram received
};

// Echo requests to one address. Each answered one is counted once.
struct EchoFlow {
  IpAddress remote;
  uint16_t identifier = 0, next_sequence = 0;
  uint64_t sent = 0, received = 0;
  absl::flat_hash_set<uint16_t> unanswered;
};

enum class Transport : uint8_t { kTcp, kUdp };

class HostStack {
 public:
  using Sink = std::function<void(Bytes frame)>;

  // `seed` decides initial sequence numbers, local ports and identifiers.
  HostStack(HostConfig config, Sink sink, uint64_t seed);

  // `frame` is untrusted.
  void Receive(Bytes frame, uint64_t now_ns);
  void Tick(uint64_t now_ns);  // timers; call it often

  const HostConfig& config() const { return config_; }
  const TrafficCounters& counters() const { return counters_; }
  // Frames that bypass Receive and Sink (blast) are counted by who handles them.
  TrafficCounters& counters() { return counters_; }

  bool IsOwn(const IpAddress& address) const;

  // An echo server. Errors: AlreadyExists.
  absl::Status Listen(Transport transport, uint16_t port);

  // The address that packets to `to` come from. Errors: FailedPrecondition if the pod has none of
  // that family.
  absl::StatusOr<IpAddress> SourceFor(const IpAddress& to) const;
  // The MAC of `to`, asking for it (at most every kQueryIntervalNs) while it is unknown.
  std::optional<MacAddress> Resolve(const IpAddress& to, uint64_t now_ns);

  // Sends a SYN; resolve `to` first, or it waits for that. The connection lives until released and
  // closed. Errors: SourceFor's.
  absl::StatusOr<TcpConnection*> Connect(const IpAddress& to, uint16_t port, uint64_t now_ns);
  void Release(const TcpConnection* connection);

  // Flows live until closed. Errors: SourceFor's.
  absl::StatusOr<UdpFlow*> OpenUdp(const IpAddress& to, uint16_t port);
  void SendUdp(UdpFlow& flow, Bytes payload, uint64_t now_ns);
  void Close(const UdpFlow* flow);
  absl::StatusOr<EchoFlow*> OpenEcho(const IpAddress& to);
  void SendEcho(EchoFlow& flow, uint64_t now_ns);
  void Close(const EchoFlow* flow);

 private:
  void ReceiveNeighbor(const ParsedFrame& frame);
  void ReceiveUdp(const ParsedFrame& frame);
  void ReceiveEcho(const ParsedFrame& frame);
  void SendTcp(const IpAddress& src, const IpAddress& dst, const TcpSegment& segment);
  void Query(const IpAddress& target);
  Path PathTo(const IpAddress& src, const IpAddress& dst) const;
  void SendIp(Frame frame, const IpAddress& dst);
  void Send(Bytes frame);
  uint16_t NextLocalPort();

  HostConfig config_;
  Sink sink_;
  uint64_t now_ns_ = 0;  // of the call in progress
  uint16_t next_port_;
  uint16_t next_identifier_;
  NeighborTable neighbors_;
  TrafficCounters counters_;
  TcpEndpoint tcp_;
  absl::flat_hash_set<uint16_t> udp_listeners_;
  absl::flat_hash_map<uint16_t, std::unique_ptr<UdpFlow>> udp_flows_;    // by local port
  absl::flat_hash_map<uint16_t, std::unique_ptr<EchoFlow>> echo_flows_;  // by identifier
};

}  // namespace sluice::pktgen
