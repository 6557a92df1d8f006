// Reports of sources <-> protobuf, for sluiced and for a source that reports.
#pragma once

#include "control/source_reports.h"
#include "sluice/v1/source.pb.h"

namespace sluice::control {

void WriteReport(const SourceReport& report, v1::SourceReport* out);
SourceReport ToReport(const v1::SourceReport& proto);

}  // namespace sluice::control
