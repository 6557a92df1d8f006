// What a dry run writes down after each stage of the pipeline.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/trace.h"

namespace sluice::dataplane {

// What is known of the traced packet, the only one of `burst`, after `stage`.
void NoteStage(Stage stage, const Burst& burst, TraceReport* report);

}  // namespace sluice::dataplane
