// Where sluiced is told, while it does not run, that a port is not to come back.
#pragma once

#include <string>

namespace sluice::control {

// A file in here has the name of such a port. sluiced makes the directory, and removes the files
// when it has heeded them; who deletes ports makes the files.
inline std::string DeletedPortsIn(const std::string& state_directory) {
  return state_directory + "/deleted";
}

}  // namespace sluice::control
