// Calls of services whose protos Debian does not ship (health, reflection): bytes in, bytes out.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace sluice::control {

// Sends one message on `method` ("/package.Service/Method"), unary or streaming, and returns the
// first one that comes back; empty if the call fails.
std::string RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& request);

}  // namespace sluice::control
