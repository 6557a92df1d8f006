#include "tests/unit/control/raw_call.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include "tests/support/byte_buffer.h"

namespace sluice::control {
namespace {

bool Finished(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

}  // namespace

std::string RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& request) {
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  auto call = grpc::GenericStub(channel).PrepareCall(&context, method, &queue);
  const grpc::Slice slice(request);
  grpc::ByteBuffer message(&slice, 1), response;
  call->StartCall(nullptr);
  bool ok = Finished(queue);
  if (ok) call->WriteLast(message, grpc::WriteOptions(), nullptr), ok = Finished(queue);
  if (ok) call->Read(&response, nullptr), ok = Finished(queue);
  grpc::Status status;
  call->Finish(&status, nullptr);
  Finished(queue);
  return ok && status.ok() ? test::TextOf(response) : "";
}

}  // namespace sluice::control
