#include "control/ctl/client.h"

#include <fmt/format.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

namespace sluice::ctl {

std::shared_ptr<grpc::Channel> Connect(const std::string& server) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // lists of a large cluster
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status ToStatus(const std::string& server, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());  // one numbering
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return absl::Status(
        code, fmt::format("sluiced is not reachable at {}: {}", server, status.error_message()));
  }
  return absl::Status(code, status.error_message());
}

}  // namespace sluice::ctl
