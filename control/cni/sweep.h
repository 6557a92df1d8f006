// What no call for it took away: ports of which DEL could not tell the daemon, and attachments of
// pods that ended without a DEL.
//
// A pod is gone when the file of its network namespace is: the runtime gave its path to ADD, and
// removes it with the sandbox, after the last DEL. Nobody else's word counts. The API's may be old,
// or of another sandbox of the same pod, or of a static pod under another UID; and no clock says
// more than the node itself.
#pragma once

#include <chrono>
#include <string>

#include "control/cni/call.h"

namespace sluice::cni {

// Of this daemon, which is there. Of every network: deletes the ports of kGone records, with what
// came back with them. Of this network: detaches (detach.h) the attachments of pods that are gone,
// addresses included. What fails stays for the next call, and so does what another call is at, and
// what there is no time for: a quarter of NetConfig::timeout.
void Sweep(const Call& call);

// The same; begins with nothing more from `deadline` on.
void SweepUntil(std::chrono::steady_clock::time_point deadline, const Call& call);

// Whether the network namespace that the runtime had at `path` is none any more. No, if its
// directory shows no network namespace at all: who asks may not see what the runtime sees, and
// /proc/PID/ns goes with a process, which is not the pod.
bool IsNamespaceGone(const std::string& path);

}  // namespace sluice::cni
