#include "perf/pktgen/tcp_connection.h"

#include <algorithm>
#include <utility>

namespace sluice::pktgen {
namespace {

constexpr uint16_t kDefaultPeerMss = 536;  // RFC 9293, 3.7.1

// Sequence numbers wrap: a is before b if the way from a to b is the shorter one.
bool Before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }
bool AtOrBefore(uint32_t a, uint32_t b) { return !Before(b, a); }

}  // namespace

uint32_t TcpConnection::Outstanding::end() const {
  const uint32_t phantom = ((flags & kSyn) != 0 ? 1 : 0) + ((flags & kFin) != 0 ? 1 : 0);
  return seq + static_cast<uint32_t>(payload.size()) + phantom;
}

TcpConnection::TcpConnection(const Config& config, Emit emit)
    : config_(config),
      emit_(std::move(emit)),
      send_unacked_(config.initial_sequence),
      send_next_(config.initial_sequence),
      recover_(config.initial_sequence),
      peer_mss_(kDefaultPeerMss) {}

TcpStats TcpConnection::stats() const {
  TcpStats stats = stats_;
  stats.lost_packets = transmissions_ - acknowledged_;
  return stats;
}

std::string TcpConnection::TakeReceived() { return std::exchange(received_, {}); }

void TcpConnection::Connect(uint64_t now_ns) {
  state_ = TcpState::kSynSent;
  SendNew(kSyn, {}, now_ns);
}

void TcpConnection::Accept(const TcpSegment& syn, uint64_t now_ns) {
  state_ = TcpState::kSynReceived;
  ++stats_.received_packets;
  receive_next_ = syn.seq + 1;
  peer_window_ = syn.window;
  if (syn.mss != 0) peer_mss_ = syn.mss;
  SendNew(kSyn, {}, now_ns);
}

void TcpConnection::Send(std::string_view data, uint64_t now_ns) {
  if (close_wanted_) return;
  queued_.insert(queued_.end(), data.begin(), data.end());
  SendQueued(now_ns);
}

void TcpConnection::Close(uint64_t now_ns) {
  close_wanted_ = true;
  SendQueued(now_ns);
}

void TcpConnection::Abort() {
  const bool peer_knows = state_ != TcpState::kIdle && state_ != TcpState::kSynSent &&
                          state_ != TcpState::kTimeWait && state_ != TcpState::kClosed;
  if (peer_knows) EmitSegment({.seq = send_next_, .flags = kRst | kAck});
  Finish(TcpState::kClosed);
}

void TcpConnection::Receive(const TcpSegment& segment, uint64_t now_ns) {
  if (state_ == TcpState::kIdle || state_ == TcpState::kClosed) return;
  ++stats_.received_packets;
  if (state_ == TcpState::kSynSent) return ReceiveInSynSent(segment, now_ns);
  if (!Acceptable(segment)) {
    if (!segment.Has(kRst)) SendAck();
    return;
  }
  if (segment.Has(kRst)) return ReceiveReset(segment);
  if (segment.Has(kSyn)) return SendAck();  // RFC 5961, 4
  if (!segment.Has(kAck) || !ReceiveAck(segment, now_ns)) return;
  if (state_ != TcpState::kClosed && segment.length() > 0) ReceiveData(segment, now_ns);
  SendQueued(now_ns);
}

void TcpConnection::ReceiveInSynSent(const TcpSegment& segment, uint64_t now_ns) {
  const bool acks_syn = segment.Has(kAck) && segment.ack == send_next_;
  if (segment.Has(kAck) && !acks_syn) {
    if (!segment.Has(kRst)) EmitSegment({.seq = segment.ack, .flags = kRst});
    return;
  }
  if (segment.Has(kRst)) {
    if (!acks_syn) return;
    Acknowledge(segment.ack, now_ns);  // refused, but not lost
    reset_ = true;
    return Finish(TcpState::kClosed);
  }
  if (!segment.Has(kSyn) || !acks_syn) return;
  receive_next_ = segment.seq + 1;
  if (segment.mss != 0) peer_mss_ = segment.mss;
  peer_window_ = segment.window;
  state_ = TcpState::kEstablished;
  established_ = true;
  Acknowledge(segment.ack, now_ns);
  SendAck();
  SendQueued(now_ns);
}

// RFC 9293, 3.10.7.4, first check.
bool TcpConnection::Acceptable(const TcpSegment& segment) const {
  const uint32_t window_end = receive_next_ + kWindow;
  const auto in_window = [&](uint32_t seq) {
    return AtOrBefore(receive_next_, seq) && Before(seq, window_end);
  };
  if (segment.length() == 0) return in_window(segment.seq);
  return in_window(segment.seq) || in_window(segment.seq + segment.length() - 1);
}

// RFC 5961, 3: only the exact sequence number resets; another one in the window is challenged.
void TcpConnection::ReceiveReset(const TcpSegment& segment) {
  if (segment.seq != receive_next_) return SendAck();
  reset_ = true;
  Finish(TcpState::kClosed);
}

// False if the segment goes no further.
bool TcpConnection::ReceiveAck(const TcpSegment& segment, uint64_t now_ns) {
  if (Before(send_next_, segment.ack)) {
    if (state_ == TcpState::kSynReceived) {
      EmitSegment({.seq = segment.ack, .flags = kRst});
    } else {
      SendAck();
    }
    return false;
  }
  if (!Before(segment.ack, send_unacked_)) peer_window_ = segment.window;
  if (!Before(send_unacked_, segment.ack)) return state_ != TcpState::kSynReceived;
  if (state_ == TcpState::kSynReceived) {
    state_ = TcpState::kEstablished;
    established_ = true;
  }
  Acknowledge(segment.ack, now_ns);
  if (fin_sent_ && send_unacked_ == send_next_) OwnFinAcknowledged(now_ns);
  return true;
}

void TcpConnection::ReceiveData(const TcpSegment& segment, uint64_t now_ns) {
  const bool in_order = AtOrBefore(segment.seq, receive_next_);
  if (in_order && !peer_closed_) {
    const uint32_t seen = receive_next_ - segment.seq;
    const Bytes fresh = segment.payload.subspan(std::min<size_t>(seen, segment.payload.size()));
    received_.append(fresh.begin(), fresh.end());
    receive_next_ += static_cast<uint32_t>(fresh.size());
    if (segment.Has(kFin)) ReceiveFin(now_ns);
  }
  SendAck();
}

void TcpConnection::ReceiveFin(uint64_t now_ns) {
  ++receive_next_;
  peer_closed_ = true;
  if (state_ == TcpState::kEstablished) {
    state_ = TcpState::kCloseWait;
  } else if (state_ == TcpState::kFinWait1) {
    state_ = TcpState::kClosing;
  } else if (state_ == TcpState::kFinWait2) {
    EnterTimeWait(now_ns);
  }
}

void TcpConnection::OwnFinAcknowledged(uint64_t now_ns) {
  if (state_ == TcpState::kFinWait1) {
    state_ = TcpState::kFinWait2;
  } else if (state_ == TcpState::kClosing) {
    EnterTimeWait(now_ns);
  } else if (state_ == TcpState::kLastAck) {
    finished_ = true;
    Finish(TcpState::kClosed);
  }
}

void TcpConnection::Acknowledge(uint32_t ack, uint64_t now_ns) {
  send_unacked_ = ack;
  while (!outstanding_.empty() && AtOrBefore(outstanding_.front().end(), ack)) {
    outstanding_.pop_front();
    ++acknowledged_;
  }
  progress_ns_ = now_ns;
  timeout_ns_ = kFirstTimeoutNs;
  timer_ns_ = 0;
  if (outstanding_.empty()) return;
  StartTimer(now_ns);
  if (Before(ack, recover_)) RetransmitFirst();
}

void TcpConnection::SendQueued(uint64_t now_ns) {
  if (state_ != TcpState::kEstablished && state_ != TcpState::kCloseWait) return;
  const uint32_t limit = send_unacked_ + peer_window_;
  size_t taken = 0;
  while (taken < queued_.size() && Before(send_next_, limit)) {
    const size_t mss = std::min(peer_mss_, config_.mss);
    const size_t room = limit - send_next_;
    const size_t size = std::min({mss, room, queued_.size() - taken});
    const auto first = queued_.begin() + static_cast<ptrdiff_t>(taken);
    SendNew(kPsh, Frame(first, first + static_cast<ptrdiff_t>(size)), now_ns);
    taken += size;
  }
  queued_.erase(queued_.begin(), queued_.begin() + static_cast<ptrdiff_t>(taken));
  if (!queued_.empty() && timer_ns_ == 0) StartTimer(now_ns);  // to probe a closed window
  if (!queued_.empty() || !close_wanted_ || fin_sent_) return;
  fin_sent_ = true;
  state_ = state_ == TcpState::kEstablished ? TcpState::kFinWait1 : TcpState::kLastAck;
  SendNew(kFin, {}, now_ns);
}

void TcpConnection::SendNew(uint8_t flags, Frame payload, uint64_t now_ns) {
  outstanding_.push_back({send_next_, flags, std::move(payload)});
  send_next_ = outstanding_.back().end();
  if (outstanding_.size() == 1) progress_ns_ = now_ns;
  if (timer_ns_ == 0) StartTimer(now_ns);
  Transmit(outstanding_.back());
}

void TcpConnection::Transmit(const Outstanding& segment) {
  ++transmissions_;
  uint8_t flags = segment.flags;
  if (state_ != TcpState::kSynSent) flags |= kAck;
  const uint16_t mss = (flags & kSyn) != 0 ? config_.mss : 0;
  EmitSegment({.seq = segment.seq, .flags = flags, .mss = mss, .payload = segment.payload});
}

void TcpConnection::RetransmitFirst() {
  ++stats_.retransmits;
  Transmit(outstanding_.front());
}

void TcpConnection::SendAck() { EmitSegment({.seq = send_next_, .flags = kAck}); }

void TcpConnection::EmitSegment(TcpSegment segment) {
  ++stats_.sent_packets;
  segment.src_port = config_.local_port;
  segment.dst_port = config_.remote_port;
  if (segment.Has(kAck)) segment.ack = receive_next_;
  segment.window = kWindow;
  emit_(segment);
}

void TcpConnection::StartTimer(uint64_t now_ns) { timer_ns_ = now_ns + timeout_ns_; }

void TcpConnection::Tick(uint64_t now_ns) {
  if (timer_ns_ == 0 || now_ns < timer_ns_) return;
  if (state_ == TcpState::kTimeWait || now_ns - progress_ns_ >= kGiveUpNs) {
    return Finish(TcpState::kClosed);
  }
  timer_ns_ = 0;
  timeout_ns_ = std::min(timeout_ns_ * 2, kMaxTimeoutNs);
  if (!outstanding_.empty()) {
    recover_ = send_next_;
    RetransmitFirst();
    StartTimer(now_ns);
  } else if (!queued_.empty()) {
    const Frame probe(queued_.begin(), queued_.begin() + 1);
    queued_.erase(queued_.begin());
    SendNew(kPsh, probe, now_ns);
  }
}

void TcpConnection::EnterTimeWait(uint64_t now_ns) {
  finished_ = true;
  state_ = TcpState::kTimeWait;
  timer_ns_ = now_ns + kTimeWaitNs;
}

void TcpConnection::Finish(TcpState state) {
  state_ = state;
  timer_ns_ = 0;
  queued_.clear();
  outstanding_.clear();
}

}  // namespace sluice::pktgen
