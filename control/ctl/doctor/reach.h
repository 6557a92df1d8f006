// Whether somebody listens at an address.
#pragma once

#include <chrono>
#include <string>

namespace sluice::ctl {

// Connects by TCP to "https://HOST[:PORT][/PATH]" (or http) and hangs up. Empty: somebody accepted;
// else why not. Waits at most `patience` for each address of the host.
std::string TryReach(const std::string& url, std::chrono::milliseconds patience);

}  // namespace sluice::ctl
