// Where open ports are, and how workers share them. Pure.
//
// A port stays where it is unless its worker goes, or one comes that has less than its share: then
// as few move as make it even.
#pragma once

#include <map>
#include <set>
#include <string>

#include "dataplane/switch.h"

namespace sluice::control {

// Where an open port is: its slot and the worker that polls it, for as long as it is open.
struct PortPlace {
  dataplane::AttachedPort attached;
  unsigned worker = 0;
};
using PortPlaces = std::map<std::string, PortPlace>;  // by port name

// Workers 0 to count-1. Those at rest poll no port and get none; at least one is not.
struct Workers {
  unsigned count = 1;
  std::set<unsigned> at_rest = {};

  size_t at_work() const { return count - at_rest.size(); }
};

// The one at work with the fewest ports, the lowest among equals.
unsigned LeastLoadedWorker(const PortPlaces& places, const Workers& workers);

// `worker`, which is no longer at rest, gets its share of the ports, from those that have most.
void GiveShare(unsigned worker, const Workers& workers, PortPlaces& places);

// The ports of `worker`, which is at rest by now, go to the others.
void GiveAway(unsigned worker, const Workers& workers, PortPlaces& places);

}  // namespace sluice::control
