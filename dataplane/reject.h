// After judge: who is refused by a policy that says so is told, instead of left to time out.
//
// The refused packet becomes the answer (answer.h) and goes back out of the port that it came in
// by, past every other stage: no connection, no policy. Each port gets so many answers a second and
// no more, by the clock of the worker that polls it; what cannot or may not be answered is dropped
// in silence, as it would be without this stage. A burst without such packets pays for one branch.
#pragma once

#include <memory>

#include "dataplane/packet.h"
#include "dataplane/tally.h"
#include "dataplane/token_bucket.h"
#include "dataplane/transmit.h"

namespace sluice::dataplane {

struct RejectConfig {
  TokenRate answers{.per_second = 100, .burst = 100};  // of each port
};

class Rejecter {
 public:
  Rejecter(const RejectConfig& config, Tally* tally);

  // The packets that judge marked `reject`. Those that are answered stay dead, under their reason,
  // but have no buffer any more. A dry run is told what would be.
  void Answer(Burst& burst, Transmitter& transmitter);

 private:
  void AnswerOne(const Burst& burst, Transmitter& transmitter, Packet& packet);

  const RejectConfig config_;
  Tally* const tally_;
  std::unique_ptr<TokenBucket[]> buckets_;  // by PortId
};

}  // namespace sluice::dataplane
