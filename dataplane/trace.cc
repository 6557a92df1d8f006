#include "dataplane/trace.h"

namespace sluice::dataplane {

const char* StageName(Stage stage) {
  static constexpr const char* kNames[] = {
#define SLUICE_X(constant, name) name,
      SLUICE_STAGES(SLUICE_X)
#undef SLUICE_X
  };
  return kNames[static_cast<size_t>(stage)];
}

}  // namespace sluice::dataplane
