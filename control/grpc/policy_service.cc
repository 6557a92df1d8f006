#include <fmt/core.h>

#include <string>
#include <utility>
#include <vector>

#include "control/grpc/candidates.h"
#include "control/grpc/convert.h"
#include "control/grpc/grpc_status.h"
#include "control/grpc/services.h"
#include "sluice/v1/policy.grpc.pb.h"

namespace sluice::control {
namespace {

constexpr char kAnyPolicy[] = "Policy";  // in a ListRequest

// What the objects of one Sync may take together: they are held until the stream ends.
constexpr size_t kMaxSyncBytes = size_t{512} << 20;

template <typename Response>
void WriteRefusals(const Outcome& outcome, Response* response) {
  for (const Refusal& refusal : outcome.refusals) {
    WriteRefusal(refusal, response->add_refusals());
  }
}

// A Namespace object is listed under its own name; other cluster-scoped ones are in no namespace.
bool IsListed(const ObjectKey& key, const v1::ListRequest& request) {
  const bool any_policy = request.kind() == kAnyPolicy && IsPolicyKind(key.kind);
  if (!request.kind().empty() && !any_policy && request.kind() != key.kind) return false;
  const std::string& in = key.kind == "Namespace" ? key.name.second : key.name.first;
  return request.namespace_().empty() || request.namespace_() == in;
}

// `kind` is what the keys of the table leave out.
ObjectKey KeyIn(const char* kind, const ObjectName& name) { return {kind, name}; }
ObjectKey KeyIn(const char*, const ObjectKey& key) { return key; }

template <typename Table>
void ListTable(const Table& table, const v1::ListRequest& request, const char* kind,
               v1::ListResponse* response) {
  for (const auto& [name, owned] : table) {
    if (!IsListed(KeyIn(kind, name), request)) continue;
    v1::ListedObject* listed = response->add_objects();
    ToProto(owned.object, listed->mutable_object());
    listed->set_source(owned.source);
    listed->set_stand_in(owned.stand_in);
  }
}

// Reads a Sync stream to its end. Errors: InvalidArgument, ResourceExhausted.
absl::StatusOr<SyncCommand> ReadSync(grpc::ServerReader<v1::SyncRequest>* reader) {
  SyncCommand command;
  size_t bytes = 0;
  bool first = true;
  bool committed = false;
  for (v1::SyncRequest message; reader->Read(&message); first = false) {
    if (committed) return absl::InvalidArgumentError("commit: is not in the last message");
    if (first) command.source = message.source();
    if (!message.source().empty() && message.source() != command.source) {
      return absl::InvalidArgumentError(
          fmt::format("source: is \"{}\" after \"{}\"", message.source(), command.source));
    }
    bytes += message.ByteSizeLong();
    if (bytes > kMaxSyncBytes) {
      return absl::ResourceExhaustedError(
          fmt::format("objects: more than {} MiB in one Sync", kMaxSyncBytes >> 20));
    }
    AppendCandidates(message.objects(), &command.objects);
    committed = message.commit();
    if (committed) command.version = message.version();
  }
  if (!committed) {
    return absl::InvalidArgumentError("commit: the stream ended without it; nothing was changed");
  }
  return command;
}

class PolicyService final : public v1::PolicyService::Service {
 public:
  explicit PolicyService(Controller& controller) : controller_(controller) {}

  grpc::Status Apply(grpc::ServerContext*, const v1::ApplyRequest* request,
                     v1::ApplyResponse* response) override {
    ApplyCommand command;
    command.source = request->source();
    command.on_refusal =
        request->on_refusal() == v1::ApplyRequest::SKIP ? OnRefusal::kSkip : OnRefusal::kRefuseAll;
    AppendCandidates(request->objects(), &command.objects);
    for (const v1::ObjectKey& key : request->removed()) command.removed.push_back(ToKey(key));
    command.after = request->after();
    Result result = controller_.Execute(std::move(command));
    if (!result.ok()) return ToGrpcStatus(result.status());
    response->set_epoch(result->epoch);
    WriteRefusals(*result, response);
    return grpc::Status::OK;
  }

  grpc::Status Delete(grpc::ServerContext*, const v1::DeleteRequest* request,
                      v1::DeleteResponse* response) override {
    DeleteCommand command{request->source(), {}};
    for (const v1::ObjectKey& key : request->objects()) {
      command.objects.push_back(ToKey(key));
    }
    Result result = controller_.Execute(std::move(command));
    if (!result.ok()) return ToGrpcStatus(result.status());
    response->set_epoch(result->epoch);
    response->set_deleted(result->deleted);
    return grpc::Status::OK;
  }

  grpc::Status List(grpc::ServerContext*, const v1::ListRequest* request,
                    v1::ListResponse* response) override {
    const std::string& kind = request->kind();
    if (!kind.empty() && kind != kAnyPolicy && !IsObjectKind(kind)) {
      return {grpc::StatusCode::INVALID_ARGUMENT,
              fmt::format("kind: \"{}\" is not {}", kind, kObjectKinds)};
    }
    const std::shared_ptr<const View> view = controller_.view();
    ListTable(view->state->namespaces(), *request, "Namespace", response);
    ListTable(view->state->endpoints(), *request, "Endpoint", response);
    ListTable(view->state->nodes(), *request, "Node", response);
    ListTable(view->state->policies(), *request, "NetworkPolicy", response);
    ListTable(view->state->multi_policies(), *request, "MultiNetworkPolicy", response);
    ListTable(view->state->sluice_policies(), *request, "SluicePolicy", response);
    ListTable(view->state->cluster_policies(), *request, "", response);
    response->set_epoch(view->snapshot->epoch);
    return grpc::Status::OK;
  }

  grpc::Status Sync(grpc::ServerContext* context, grpc::ServerReader<v1::SyncRequest>* reader,
                    v1::SyncResponse* response) override {
    absl::StatusOr<SyncCommand> command = ReadSync(reader);
    if (!command.ok()) return ToGrpcStatus(command.status());
    // A client that went away may not have sent all it wanted to.
    if (context->IsCancelled()) return grpc::Status::CANCELLED;
    response->set_version(command->version);
    Result result = controller_.Execute(*std::move(command));
    if (!result.ok()) return ToGrpcStatus(result.status());
    response->set_epoch(result->epoch);
    WriteRefusals(*result, response);
    return grpc::Status::OK;
  }

 private:
  Controller& controller_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePolicyService(Controller& controller) {
  return std::make_unique<PolicyService>(controller);
}

}  // namespace sluice::control
