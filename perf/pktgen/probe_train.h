// Some UDP requests or echo requests to one address, and how many were answered.
//
// They leave one every kIntervalNs, so that a switch's queue takes them; the time-out runs from the
// last one.
#pragma once

#include <optional>
#include <string>

#include "perf/pktgen/host_stack.h"
#include "perf/pktgen/operation.h"

namespace sluice::pktgen {

class ProbeTrain final : public Operation {
 public:
  static constexpr uint64_t kIntervalNs = 100'000;

  enum class Kind : uint8_t { kUdp, kEcho };
  struct Config {
    HostStack* stack = nullptr;
    Kind kind = Kind::kUdp;
    IpAddress to;
    uint16_t port = 0;  // kUdp
    std::string send;   // kUdp
    uint64_t count = 1;
    uint64_t timeout_ns = 0;
  };

  explicit ProbeTrain(Config config);
  ~ProbeTrain() override;
  ProbeTrain(const ProbeTrain&) = delete;
  ProbeTrain& operator=(const ProbeTrain&) = delete;

  bool Step(uint64_t now_ns) override;
  Json Answer() const override;
  bool reached() const override { return received() > 0; }

 private:
  bool Open(uint64_t now_ns);
  void Send(uint64_t now_ns);
  uint64_t sent() const;
  uint64_t received() const;

  Config config_;
  UdpFlow* udp_ = nullptr;
  EchoFlow* echo_ = nullptr;
  std::optional<uint64_t> deadline_ns_;
  uint64_t next_send_ns_ = 0;
};

}  // namespace sluice::pktgen
