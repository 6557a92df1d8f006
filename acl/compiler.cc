#include "acl/compiler.h"

namespace sluice::acl {

absl::StatusOr<CompiledPolicy> Compile(const PolicyInput&) {
  return absl::UnimplementedError("the policy compiler lands in the next commit");
}

}  // namespace sluice::acl
