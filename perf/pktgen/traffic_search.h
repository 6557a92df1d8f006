// The highest rate at which a switch loses less than a given share of the packets, by bisection.
#pragma once

#include <atomic>
#include <functional>

#include "perf/pktgen/operation.h"

namespace sluice::pktgen {

struct TrafficTrial {
  double rate_pps = 0;  // that was sent
  double loss = 0;      // share of it
};

struct TrafficSearch {
  double most_pps = 0;      // where it begins: the rate of an unlimited run
  double loss = 1e-4;       // a trial below it is good
  double precision = 0.01;  // of the answer, relative to most_pps
  // Sends at a rate, at most `most_pps`; the trial is what was achieved.
  std::function<TrafficTrial(double rate_pps)> trial;

  // The best good trial (all zero if none was), and how many there were. A trial that could not
  // send at the rate asked for is judged by the rate at which it sent.
  struct Found {
    TrafficTrial best;
    int trials = 0;
  };
  Found Run() const;
};

}  // namespace sluice::pktgen
