// Whether anybody listens on a unix socket.
#pragma once

#include <string>

namespace sluice::control {

// 0: somebody accepted, and was hung up on; else the errno of socket(2) or connect(2), which does
// not wait: ECONNREFUSED if nobody listens. `path` is as short as a unix socket's has to be.
int TryConnect(const std::string& path);

}  // namespace sluice::control
