// A real Switch with two workers (one where there is one CPU) for the tests of one program:
// --no-huge, ring ports, no root.
#pragma once

#include <memory>

#include "dataplane/switch.h"

namespace sluice::control {

// The EAL starts with the first user and stays until the program ends; each test has its own
// Switch.
class SwitchFixture {
 public:
  SwitchFixture();

  dataplane::Switch& data_plane() { return *switch_; }

 private:
  std::unique_ptr<dataplane::Switch> switch_;
};

}  // namespace sluice::control
