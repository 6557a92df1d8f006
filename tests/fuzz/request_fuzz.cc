// What gRPC clients send: objects, port and network specs out of arbitrary protobuf bytes. An
// object that is taken is valid, and means the same after a way there and back. So do candidates,
// those that were refused by their sender among them.
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "acl/validate.h"
#include "control/grpc/candidates.h"
#include "control/grpc/convert.h"
#include "control/grpc/port_convert.h"
#include "control/grpc/source_convert.h"
#include "sluice/v1/policy.pb.h"
#include "sluice/v1/port.pb.h"
#include "sluice/v1/source.pb.h"

namespace {

void CheckObject(const sluice::v1::Object& proto) {
  const auto object = sluice::control::FromProto(proto);
  if (!object.ok()) return;
  const bool valid =
      std::visit([](const auto& value) { return sluice::acl::Validate(value).ok(); }, *object);
  if (!valid) std::abort();
  sluice::v1::Object again;
  sluice::control::ToProto(*object, &again);
  const auto back = sluice::control::FromProto(again);
  if (!back.ok() || !(*back == *object)) std::abort();
}

void CheckCandidate(const sluice::v1::Object& proto) {
  const sluice::control::Candidate candidate = sluice::control::ToCandidate(proto);
  if (!candidate.object.ok() && candidate.object.status().message().empty()) std::abort();
  sluice::v1::Object again;
  sluice::control::WriteCandidate(candidate, &again);
  const sluice::control::Candidate back = sluice::control::ToCandidate(again);
  if (back.key != candidate.key || back.uid != candidate.uid) std::abort();
  if (back.object.ok() != candidate.object.ok()) std::abort();
}

void CheckPort(const sluice::v1::PortSpec& proto) {
  const auto spec = sluice::control::PortFromProto(proto);
  if (!spec.ok()) return;
  sluice::v1::PortSpec again;
  sluice::control::PortToProto(*spec, &again);
  const auto back = sluice::control::PortFromProto(again);
  if (!back.ok() || !(*back == *spec)) std::abort();
}

void CheckNetwork(const sluice::v1::NetworkSpec& proto) {
  const auto spec = sluice::control::NetworkFromProto(proto);
  if (!spec.ok()) return;
  sluice::v1::NetworkSpec again;
  sluice::control::NetworkToProto(*spec, &again);
  const auto back = sluice::control::NetworkFromProto(again);
  if (!back.ok() || !(*back == *spec)) std::abort();
}

void CheckReport(const sluice::v1::SourceReport& proto) {
  sluice::v1::SourceReport kept, again;
  sluice::control::WriteReport(sluice::control::ToReport(proto), &kept);
  sluice::control::WriteReport(sluice::control::ToReport(kept), &again);
  if (kept.SerializeAsString() != again.SerializeAsString()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::v1::ApplyRequest apply;
  if (apply.ParseFromArray(data, static_cast<int>(size))) {
    for (const sluice::v1::Object& object : apply.objects()) {
      CheckObject(object);
      CheckCandidate(object);
    }
  }
  sluice::v1::AddPortRequest add;
  if (add.ParseFromArray(data, static_cast<int>(size))) CheckPort(add.spec());
  sluice::v1::AddNetworkRequest network;
  if (network.ParseFromArray(data, static_cast<int>(size))) CheckNetwork(network.spec());
  sluice::v1::ReportSourceRequest report;
  if (report.ParseFromArray(data, static_cast<int>(size))) CheckReport(report.report());
  return 0;
}
