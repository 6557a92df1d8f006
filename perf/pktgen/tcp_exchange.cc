#include "perf/pktgen/tcp_exchange.h"

#include <algorithm>
#include <utility>

namespace sluice::pktgen {

std::optional<KeptConnections::Kept> KeptConnections::Take(uint64_t handle) {
  const auto node = kept_.extract(handle);
  if (node.empty()) return std::nullopt;
  return node.mapped();
}

TcpExchange::TcpExchange(Config config) : config_(std::move(config)) {}

bool TcpExchange::Step(uint64_t now_ns) {
  if (!deadline_ns_) deadline_ns_ = now_ns + config_.timeout_ns;
  if (config_.connection == nullptr && config_.stack->Resolve(config_.to, now_ns)) Open(now_ns);
  const bool done = config_.connection != nullptr && Advance(now_ns);
  if (!done && now_ns < *deadline_ns_) return false;
  if (config_.connection != nullptr) Finish();
  return true;
}

void TcpExchange::Open(uint64_t now_ns) {
  absl::StatusOr<TcpConnection*> connection =
      config_.stack->Connect(config_.to, config_.port, now_ns);
  if (connection.ok()) config_.connection = *connection;
}

bool TcpExchange::answered() const {
  return config_.send.empty() || received_bytes_ >= config_.expect_bytes;
}

bool TcpExchange::Advance(uint64_t now_ns) {
  TcpConnection& connection = *config_.connection;
  if (!sent_) {
    stage_ = Stage::kSynSent;
    connection.Send(config_.send, now_ns);
    sent_ = true;
  }
  const std::string received = connection.TakeReceived();
  received_bytes_ += received.size();
  text_ += received.substr(0, kMaxText - text_.size());

  if (connection.established()) stage_ = std::max(stage_, Stage::kEstablished);
  if (received_bytes_ > 0 && answered()) stage_ = std::max(stage_, Stage::kReplied);
  if (connection.finished()) stage_ = Stage::kClosed;
  if (connection.finished() || connection.state() == TcpState::kClosed) return true;
  if (!connection.established()) return false;
  const bool over = answered() || connection.peer_closed();
  if (over && config_.close && !closing_) {
    closing_ = true;
    connection.Close(now_ns);
  }
  return over && !config_.close;
}

void TcpExchange::Finish() {
  TcpConnection& connection = *config_.connection;
  reset_ = connection.reset();
  const bool alive = connection.established() && connection.state() != TcpState::kClosed &&
                     !connection.finished() && !closing_;
  kept_ = !config_.close && alive;
  ok_ = !reset_ && answered() && (config_.close ? connection.finished() : kept_);
  if (!kept_ && !connection.finished()) connection.Abort();
  stats_ = connection.stats();
  if (kept_) {
    config_.kept->Put(config_.handle, {config_.stack, config_.connection});
  } else {
    config_.stack->Release(&connection);
  }
}

Json TcpExchange::Answer() const {
  static constexpr const char* kStageNames[] = {"resolving", "syn_sent", "established", "replied",
                                                "closed"};
  Json answer = {{"ok", ok_},
                 {"stage", kStageNames[static_cast<size_t>(stage_)]},
                 {"received", text_},
                 {"received_bytes", received_bytes_},
                 {"sent_packets", stats_.sent_packets},
                 {"received_packets", stats_.received_packets},
                 {"retransmits", stats_.retransmits},
                 {"lost_packets", stats_.lost_packets},
                 {"reset", reset_}};
  if (kept_) answer["connection"] = config_.handle;
  return answer;
}

}  // namespace sluice::pktgen
