// Who is told of each new view before its callers are answered: what they hear of may rest on it.
#pragma once

#include <memory>

#include "control/view.h"

namespace sluice::control {

class StateListener {
 public:
  virtual ~StateListener() = default;
  // Control thread. Should be quick: every caller waits.
  virtual void Changed(const std::shared_ptr<const View>& view) = 0;
};

}  // namespace sluice::control
