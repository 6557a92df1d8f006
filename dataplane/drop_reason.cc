#include "dataplane/drop_reason.h"

namespace sluice::dataplane {
namespace {

constexpr const char* kNames[] = {
#define SLUICE_X(constant, name, text) name,
    SLUICE_DROP_REASONS(SLUICE_X)
#undef SLUICE_X
};

constexpr const char* kTexts[] = {
#define SLUICE_X(constant, name, text) text,
    SLUICE_DROP_REASONS(SLUICE_X)
#undef SLUICE_X
};

}  // namespace

const char* DropReasonName(DropReason reason) { return kNames[static_cast<size_t>(reason)]; }
const char* DropReasonText(DropReason reason) { return kTexts[static_cast<size_t>(reason)]; }

}  // namespace sluice::dataplane
