#include "control/grpc/add_port_call.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "control/grpc/grpc_status.h"
#include "control/grpc/port_convert.h"

namespace sluice::control {
namespace {

constexpr std::chrono::milliseconds kMostPatience = std::chrono::hours(1);

// Lives until gRPC and the controller are both through with it.
class AddPortCall final : public grpc::ServerUnaryReactor {
 public:
  explicit AddPortCall(v1::AddPortResponse& response) : response_(response) {}

  static AddPortCall* Start(Controller& controller, const v1::AddPortRequest& request,
                            v1::AddPortResponse& response) {
    auto call = std::make_shared<AddPortCall>(response);
    call->self_ = call;
    auto spec = PortFromProto(request.spec());
    const std::chrono::milliseconds timeout(request.policy_timeout_ms());
    if (!spec.ok()) {
      call->End(spec.status());
    } else {
      controller.Start(AddPortCommand{*std::move(spec), std::min(timeout, kMostPatience)},
                       [call](const Result& result) { call->End(result); });
    }
    return call.get();
  }

  void OnCancel() override { End(absl::CancelledError("the call was cancelled")); }
  void OnDone() override { self_.reset(); }

 private:
  // The first one counts. Until it called Finish, the response is there.
  void End(const Result& result) {
    if (ended_.exchange(true)) return;
    if (result.ok()) {
      response_.set_id(result->port);
      response_.set_epoch(result->epoch);
    }
    Finish(ToGrpcStatus(result.status()));
  }

  v1::AddPortResponse& response_;
  std::atomic<bool> ended_ = false;
  std::shared_ptr<AddPortCall> self_;
};

}  // namespace

grpc::ServerUnaryReactor* StartAddPort(Controller& controller, const v1::AddPortRequest& request,
                                       v1::AddPortResponse& response) {
  return AddPortCall::Start(controller, request, response);
}

}  // namespace sluice::control
