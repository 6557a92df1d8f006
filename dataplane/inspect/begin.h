// Where a connection's inspection begins, and whether it still holds after a change of policy.
//
// For track and judge; what happens to the packets is inspector.h's.
#pragma once

#include "dataplane/judge.h"
#include "dataplane/packet.h"

namespace sluice::dataplane {

// The stage `inspect` has to see the packet, and moves its connection on.
inline void MarkForInspection(Burst& burst, Packet& packet) {
  packet.inspect = true;
  burst.has_content = true;
}

// The packet, an initiator's, opened its connection, whose content policy asks for. kNone, or why
// its beginning cannot be seen.
DropReason BeginInspection(const PolicyAnswer& answer, Packet& packet);

// Policy was asked about a connection again, and what it says hangs on the content (Inspects()).
// kNone if that was judged before by rules that say the same today, or is yet to come.
DropReason Reinspect(const PolicyAnswer& answer, Packet& packet);

// Policy was asked again: a direction that asks for no content now has not judged what comes next.
void ForgetJudges(const PolicyAnswer& answer, Connection& connection);

}  // namespace sluice::dataplane
