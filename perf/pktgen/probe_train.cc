#include "perf/pktgen/probe_train.h"

#include <algorithm>
#include <utility>

namespace sluice::pktgen {

ProbeTrain::ProbeTrain(Config config) : config_(std::move(config)) {}

ProbeTrain::~ProbeTrain() {
  if (udp_ != nullptr) config_.stack->Close(udp_);
  if (echo_ != nullptr) config_.stack->Close(echo_);
}

uint64_t ProbeTrain::sent() const {
  if (udp_ != nullptr) return udp_->sent;
  return echo_ != nullptr ? echo_->sent : 0;
}

uint64_t ProbeTrain::received() const {
  if (udp_ != nullptr) return udp_->received;
  return echo_ != nullptr ? echo_->received : 0;
}

bool ProbeTrain::Step(uint64_t now_ns) {
  if (!deadline_ns_) deadline_ns_ = now_ns + config_.timeout_ns;
  if (Open(now_ns)) Send(now_ns);
  return received() >= config_.count || now_ns >= *deadline_ns_;
}

// False until the address is resolved and the flow open.
bool ProbeTrain::Open(uint64_t now_ns) {
  if (udp_ != nullptr || echo_ != nullptr) return true;
  if (!config_.stack->Resolve(config_.to, now_ns)) return false;
  next_send_ns_ = now_ns;
  if (config_.kind == Kind::kUdp) {
    udp_ = config_.stack->OpenUdp(config_.to, config_.port).value_or(nullptr);
  } else {
    echo_ = config_.stack->OpenEcho(config_.to).value_or(nullptr);
  }
  return udp_ != nullptr || echo_ != nullptr;
}

void ProbeTrain::Send(uint64_t now_ns) {
  const Bytes payload(reinterpret_cast<const uint8_t*>(config_.send.data()), config_.send.size());
  while (sent() < config_.count && next_send_ns_ <= now_ns) {
    if (udp_ != nullptr) {
      config_.stack->SendUdp(*udp_, payload, now_ns);
    } else {
      config_.stack->SendEcho(*echo_, now_ns);
    }
    next_send_ns_ += kIntervalNs;
    deadline_ns_ = now_ns + config_.timeout_ns;
  }
}

Json ProbeTrain::Answer() const {
  Json answer = {{"ok", received() >= config_.count},
                 {"sent_packets", sent()},
                 {"received_packets", received()},
                 {"lost_packets", sent() - std::min(sent(), received())}};
  if (udp_ != nullptr) answer["received"] = udp_->last;
  return answer;
}

}  // namespace sluice::pktgen
