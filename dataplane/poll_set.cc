#include "dataplane/poll_set.h"

namespace sluice::dataplane {

void PollSet::Follow(const Snapshot& snapshot, unsigned worker) {
  // A snapshot may lie where an older one did, but not with its epoch.
  if (followed_ == &snapshot && epoch_ == snapshot.epoch) return;
  followed_ = &snapshot;
  epoch_ = snapshot.epoch;
  busy_.clear();
  quiet_.clear();
  for (const PortId port : snapshot.polled[worker]) {
    may_be_quiet_[port] = snapshot.ports[port].io.HoldsBack();
    const bool quiet = may_be_quiet_[port] && empty_looks_[port] == kQuietAfter;
    if (!quiet) empty_looks_[port] = 0;
    (quiet ? quiet_ : busy_).push_back(port);
  }
}

}  // namespace sluice::dataplane
