// How far a reader of a head got.
#pragma once

#include <cstdint>

namespace sluice::dataplane {

enum class Reading : uint8_t {
  kMore,  // what is here may begin one: more of it will tell
  kComplete,
  kOther,      // it is of another protocol
  kMalformed,  // it is of this one, and not as its RFC says: servers may read it otherwise
};

}  // namespace sluice::dataplane
