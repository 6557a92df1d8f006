#include "dataplane/poll_claims.h"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>

namespace sluice::dataplane {

void PollClaims::TwoReaders(PortId port, unsigned worker) {
  fmt::print(stderr, "port slot {} is read by worker {} and another one at once\n", port, worker);
  std::abort();
}

}  // namespace sluice::dataplane
