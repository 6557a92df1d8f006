// Where the socket of a vhost-user port is.
//
// socketDirectory/POD/IFNAME.sock, POD being the pod's UID, or the container ID if the runtime does
// not say it: a pod mounts its directory with subPathExpr, and sees no other's sockets.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

#include "control/cni/cni_args.h"
#include "control/cni/net_config.h"

namespace sluice::cni {

// Errors: kConfig "socketDirectory: ..." if a unix socket cannot have so long a path.
absl::StatusOr<std::string> SocketPathOf(const PortConfig& port, const Args& args);

// The same as the pod sees it; as the node does, if nobody says how the pod does.
std::string PathInPod(const PortConfig& port, const std::string& path);

// A socket that nobody listens on goes. Errors: kIo; kRefused if something else is there.
absl::Status MakeWay(const std::string& path);

// Makes its directory, for the group if there is one. Errors: kIo; kConfig (no such group).
absl::Status MakeSocketDirectory(const std::string& path, const PortConfig& port);

// Gives a socket that the switch made its mode and group. Errors: kIo, kConfig.
absl::Status ShareSocket(const std::string& path, const PortConfig& port);

// The socket, whoever made it, and its directory if it was the last one there. What is no socket
// stays. Errors: kIo.
absl::Status RemoveSocket(const std::string& path);

}  // namespace sluice::cni
