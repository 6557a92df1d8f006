// Who reaches whom: many probes at once, one answer.
#pragma once

#include <memory>
#include <vector>

#include "perf/pktgen/operation.h"

namespace sluice::pktgen {

class Reach final : public Operation {
 public:
  struct Pair {
    Json fields;                       // "from", "to", "port", "protocol", and perhaps "error"
    std::unique_ptr<Operation> probe;  // null: `reached` is known already
    bool reached = false;
  };

  explicit Reach(std::vector<Pair> pairs) : pairs_(std::move(pairs)) {}

  bool Step(uint64_t now_ns) override;
  // {"ok":true,"results":[{from,to,port,protocol,reached,sent_packets,lost_packets}...]}
  Json Answer() const override;
  bool reached() const override;

 private:
  std::vector<Pair> pairs_;
};

}  // namespace sluice::pktgen
