#include "control/watcher/grpc_daemon_client.h"

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <mutex>
#include <utility>

#include "control/grpc/candidates.h"
#include "control/grpc/source_convert.h"
#include "sluice/v1/policy.grpc.pb.h"
#include "sluice/v1/source.grpc.pb.h"

namespace sluice::control {
namespace {

constexpr std::chrono::minutes kCallLimit{1};
// gRPC connects only while somebody waits in it: a call fails at once while there is no connection.
constexpr std::chrono::milliseconds kConnectWait{250};
constexpr size_t kSyncMessageBytes = size_t{1} << 20;
constexpr size_t kMaxApplyBytes = size_t{8} << 20;  // sluiced takes 16 MiB

// A restarted sluiced is found within a fraction of a second, not after gRPC's minutes. The minimum
// is what an attempt may take: one that has just started lets it wait.
grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  arguments.SetMaxReceiveMessageSize(-1);
  return arguments;
}

template <typename Response>
InForce ToInForce(const Response& response) {
  InForce answer;
  answer.epoch = response.epoch();
  for (const v1::Refusal& refusal : response.refusals()) {
    answer.refusals.push_back(ToRefusal(refusal));
  }
  return answer;
}

class GrpcDaemonClient : public DaemonClient {
 public:
  GrpcDaemonClient(std::string server, std::string source)
      : server_(std::move(server)),
        source_(std::move(source)),
        channel_(
            grpc::CreateCustomChannel(server_, grpc::InsecureChannelCredentials(), Arguments())),
        policy_(v1::PolicyService::NewStub(channel_)),
        sources_(v1::SourceService::NewStub(channel_)) {}

  absl::StatusOr<InForce> Sync(const std::string& version,
                               std::span<const ClusterSet::Item> objects) override {
    const Call call(*this);
    v1::SyncResponse response;
    const auto stream = policy_->Sync(call.context(), &response);
    v1::SyncRequest message;
    message.set_source(source_);
    size_t bytes = 0;
    for (const ClusterSet::Item& item : objects) {
      WriteCandidate(*item.candidate, message.add_objects());
      bytes += message.objects().rbegin()->ByteSizeLong();
      if (bytes < kSyncMessageBytes) continue;
      if (!stream->Write(message)) break;  // Finish says why
      message.clear_objects();
      bytes = 0;
    }
    message.set_commit(true);
    message.set_version(version);
    stream->Write(message);
    stream->WritesDone();
    const absl::Status status = ToStatus(stream->Finish());
    if (!status.ok()) return status;
    return ToInForce(response);
  }

  absl::StatusOr<InForce> Apply(const std::string& after,
                                const ClusterSet::Batch& changes) override {
    v1::ApplyRequest request;
    request.set_source(source_);
    request.set_on_refusal(v1::ApplyRequest::SKIP);
    request.set_after(after);
    for (const ClusterSet::Item& item : changes.objects) {
      WriteCandidate(*item.candidate, request.add_objects());
    }
    for (const ObjectKey& key : changes.removed) WriteKey(key, request.add_removed());
    if (request.ByteSizeLong() > kMaxApplyBytes) {
      return absl::ResourceExhaustedError("the changes are too much for one message");
    }
    const Call call(*this);
    v1::ApplyResponse response;
    const absl::Status status = ToStatus(policy_->Apply(call.context(), request, &response));
    if (!status.ok()) return status;
    return ToInForce(response);
  }

  absl::StatusOr<std::string> Report(const SourceReport& report) override {
    v1::ReportSourceRequest request;
    request.set_source(source_);
    WriteReport(report, request.mutable_report());
    const Call call(*this);
    v1::ReportSourceResponse response;
    const absl::Status status =
        ToStatus(sources_->ReportSource(call.context(), request, &response));
    if (!status.ok()) return status;
    return response.synced_version();
  }

  void Cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (running_ != nullptr) running_->TryCancel();
  }

 private:
  // One call, which Cancel reaches.
  class Call {
   public:
    explicit Call(GrpcDaemonClient& client) : client_(client) {
      client_.channel_->WaitForConnected(std::chrono::system_clock::now() + kConnectWait);
      context_.set_deadline(std::chrono::system_clock::now() + kCallLimit);
      const std::lock_guard lock(client_.mutex_);
      client_.running_ = &context_;
      if (client_.cancelled_) context_.TryCancel();
    }
    ~Call() {
      const std::lock_guard lock(client_.mutex_);
      client_.running_ = nullptr;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    grpc::ClientContext* context() const { return &context_; }

   private:
    GrpcDaemonClient& client_;
    mutable grpc::ClientContext context_;
  };

  absl::Status ToStatus(const grpc::Status& status) const {
    if (status.ok()) return absl::OkStatus();
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),  // one numbering
                        fmt::format("sluiced at {}: {}", server_, status.error_message()));
  }

  const std::string server_, source_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::PolicyService::Stub> policy_;
  const std::unique_ptr<v1::SourceService::Stub> sources_;
  std::mutex mutex_;
  grpc::ClientContext* running_ = nullptr;  // guarded by mutex_, as is cancelled_
  bool cancelled_ = false;
};

}  // namespace

std::unique_ptr<DaemonClient> MakeGrpcDaemonClient(const std::string& server,
                                                   const std::string& source) {
  return std::make_unique<GrpcDaemonClient>(server, source);
}

}  // namespace sluice::control
