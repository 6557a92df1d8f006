// One end of one TCP connection: enough of RFC 9293 to talk to a Linux stack, and to count losses.
//
// Has: handshake from either end, MSS, in-order receive, acknowledgements, retransmission by timer,
// FIN both ways, RST. Leaves out: window scaling, SACK, out-of-order receive (such segments are
// acknowledged again and dropped), congestion control, simultaneous open. Knows no addresses and no
// clock: segments go out through `Emit`, time comes in with each call.
//
//   Connect -> kSynSent ---> kEstablished --Close--> kFinWait1 -> kFinWait2 -> kTimeWait -> kClosed
//   Accept  -> kSynReceived ----^   `--peer's FIN--> kCloseWait --Close--> kLastAck -----> kClosed
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "perf/pktgen/tcp_segment.h"

namespace sluice::pktgen {

enum class TcpState : uint8_t {
  kIdle,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kClosing,
  kTimeWait,
  kCloseWait,
  kLastAck,
  kClosed,
};

struct TcpStats {
  uint64_t sent_packets = 0;  // all of the connection's segments
  uint64_t received_packets = 0;
  uint64_t retransmits = 0;
  // Segments that carry SYN, data or FIN and were not acknowledged; each retransmission of one that
  // was acknowledged later counts too.
  uint64_t lost_packets = 0;
};

class TcpConnection {
 public:
  static constexpr uint64_t kFirstTimeoutNs = 200'000'000;  // then doubled for each retransmission
  static constexpr uint64_t kMaxTimeoutNs = 1'600'000'000;
  static constexpr uint64_t kGiveUpNs = 60'000'000'000;  // without an acknowledgement: kClosed
  static constexpr uint64_t kTimeWaitNs = 1'000'000'000;
  static constexpr uint16_t kWindow = 65535;  // what we offer, always

  struct Config {
    uint16_t local_port = 0, remote_port = 0;
    uint32_t initial_sequence = 0;
    uint16_t mss = 0;  // the largest payload we take
  };
  using Emit = std::function<void(const TcpSegment&)>;

  TcpConnection(const Config& config, Emit emit);

  void Connect(uint64_t now_ns);                        // active open
  void Accept(const TcpSegment& syn, uint64_t now_ns);  // passive open
  void Receive(const TcpSegment& segment, uint64_t now_ns);
  void Tick(uint64_t now_ns);  // timers

  // Queued until the connection is established; ignored after Close.
  void Send(std::string_view data, uint64_t now_ns);
  void Close(uint64_t now_ns);  // FIN follows what is queued
  void Abort();                 // RST if the peer knows of us; kClosed

  TcpState state() const { return state_; }
  bool established() const { return established_; }  // was, at some time
  bool finished() const { return finished_; }        // FIN and its acknowledgement both ways
  bool reset() const { return reset_; }              // by the peer
  bool peer_closed() const { return peer_closed_; }  // its FIN has arrived
  uint16_t local_port() const { return config_.local_port; }
  TcpStats stats() const;
  std::string TakeReceived();  // what has arrived in order since the last call

 private:
  // A segment that takes sequence numbers, kept until acknowledged.
  struct Outstanding {
    uint32_t seq;
    uint8_t flags;
    Frame payload;
    uint32_t end() const;
  };

  void ReceiveInSynSent(const TcpSegment& segment, uint64_t now_ns);
  bool Acceptable(const TcpSegment& segment) const;
  void ReceiveReset(const TcpSegment& segment);
  bool ReceiveAck(const TcpSegment& segment, uint64_t now_ns);
  void ReceiveData(const TcpSegment& segment, uint64_t now_ns);
  void ReceiveFin(uint64_t now_ns);
  void OwnFinAcknowledged(uint64_t now_ns);
  void Acknowledge(uint32_t ack, uint64_t now_ns);

  void SendQueued(uint64_t now_ns);
  void SendNew(uint8_t flags, Frame payload, uint64_t now_ns);
  void Transmit(const Outstanding& segment);
  void RetransmitFirst();
  void SendAck();
  void EmitSegment(TcpSegment segment);
  void StartTimer(uint64_t now_ns);
  void EnterTimeWait(uint64_t now_ns);
  void Finish(TcpState state);

  Config config_;
  Emit emit_;
  TcpState state_ = TcpState::kIdle;
  bool established_ = false, finished_ = false, reset_ = false, peer_closed_ = false;
  bool close_wanted_ = false, fin_sent_ = false;
  uint32_t send_unacked_, send_next_, receive_next_ = 0;
  uint32_t recover_;  // send_next_ when the timer last fired: holes below it are sent again at once
  uint32_t peer_window_ = 0;
  uint16_t peer_mss_;
  Frame queued_;                         // not yet sent
  std::deque<Outstanding> outstanding_;  // sent, not yet acknowledged, by sequence
  std::string received_;
  uint64_t timeout_ns_ = kFirstTimeoutNs;
  uint64_t timer_ns_ = 0;     // when it fires; 0: off
  uint64_t progress_ns_ = 0;  // when the peer last acknowledged something, or the timer started
  TcpStats stats_;
  uint64_t transmissions_ = 0, acknowledged_ = 0;  // of Outstanding segments
};

}  // namespace sluice::pktgen
