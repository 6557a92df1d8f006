#include "control/grpc/source_convert.h"

#include <optional>

#include "control/grpc/candidates.h"

namespace sluice::control {
namespace {

void WriteKind(const SourceReport::Kind& kind, v1::SourceKind* out) {
  out->set_name(kind.name);
  out->set_state(kind.state);
  out->set_known(kind.known);
  out->set_objects(kind.objects);
  if (kind.heard_seconds) out->set_heard_seconds(*kind.heard_seconds);
  out->set_problem(kind.problem);
}

SourceReport::Kind ToKind(const v1::SourceKind& proto) {
  SourceReport::Kind kind{proto.name(), proto.state(), proto.known(), proto.objects(), {}, {}};
  if (proto.has_heard_seconds()) kind.heard_seconds = proto.heard_seconds();
  kind.problem = proto.problem();
  return kind;
}

}  // namespace

void WriteReport(const SourceReport& report, v1::SourceReport* out) {
  for (const std::string& reason : report.not_ready) out->add_not_ready(reason);
  for (const SourceReport::Kind& kind : report.kinds) WriteKind(kind, out->add_kinds());
  out->set_version(report.version);
  out->set_epoch(report.epoch);
  if (report.acknowledged_seconds) out->set_acknowledged_seconds(*report.acknowledged_seconds);
  if (report.in_force_seconds) out->set_in_force_seconds(*report.in_force_seconds);
  out->set_pending_changes(report.pending_changes);
  for (const Refusal& refusal : report.refused) WriteRefusal(refusal, out->add_refused());
  out->set_refused_objects(report.refused_objects);
}

SourceReport ToReport(const v1::SourceReport& proto) {
  SourceReport report;
  report.not_ready.assign(proto.not_ready().begin(), proto.not_ready().end());
  for (const v1::SourceKind& kind : proto.kinds()) report.kinds.push_back(ToKind(kind));
  report.version = proto.version();
  report.epoch = proto.epoch();
  if (proto.has_acknowledged_seconds()) report.acknowledged_seconds = proto.acknowledged_seconds();
  if (proto.has_in_force_seconds()) report.in_force_seconds = proto.in_force_seconds();
  report.pending_changes = proto.pending_changes();
  for (const v1::Refusal& refusal : proto.refused()) report.refused.push_back(ToRefusal(refusal));
  report.refused_objects = proto.refused_objects();
  return report;
}

}  // namespace sluice::control
