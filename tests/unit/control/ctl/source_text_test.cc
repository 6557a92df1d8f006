// What people read of a source.
#include "control/ctl/source_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

v1::SourceStatus Watcher() {
  v1::SourceStatus status;
  status.set_source("watcher");
  status.set_age_seconds(0.3);
  v1::SourceReport& report = *status.mutable_report();
  report.set_version("w-1");
  report.set_epoch(7);
  report.set_acknowledged_seconds(12);
  report.set_in_force_seconds(0.004);
  for (const char* name : {"pods", "nodes"}) {
    v1::SourceKind& kind = *report.add_kinds();
    kind.set_name(name);
    kind.set_state("synced");
    kind.set_objects(3);
    kind.set_heard_seconds(name[0] == 'p' ? 2 : 40);
  }
  return status;
}

TEST(SourceText, OneThatIsReadySaysWhatIsInForceAndHowOldItsNewsAre) {
  EXPECT_EQ(SourceText(Watcher()),
            "source watcher: ready\n"
            "  version w-1 in force in epoch 7, acknowledged 12.0 s ago, newest change in force "
            "after 0.004 s\n"
            "  last told anything 2.0 s ago\n"
            "  synced: 3 pods, 3 nodes\n");
}

TEST(SourceText, OneThatIsNotReadySaysWhatIsMissing) {
  v1::SourceStatus status = Watcher();
  v1::SourceReport& report = *status.mutable_report();
  report.clear_acknowledged_seconds();
  report.mutable_kinds(0)->set_state("forbidden");
  report.mutable_kinds(0)->clear_heard_seconds();
  report.add_not_ready("pods: forbidden: may not watch pods");
  const std::string text = SourceText(status);
  EXPECT_THAT(text, StartsWith("source watcher: NOT READY\n  nothing of it was acknowledged\n"));
  EXPECT_THAT(text, HasSubstr("  last told anything 40.0 s ago\n"));
  EXPECT_THAT(text, HasSubstr("  forbidden: 3 pods\n  synced: 3 nodes\n"));
  EXPECT_THAT(text, HasSubstr("  pods: forbidden: may not watch pods\n"));
}

TEST(SourceText, OneThatIsSilentIsNotCalledReady) {
  v1::SourceStatus status = Watcher();
  status.set_age_seconds(61);
  EXPECT_THAT(SourceText(status),
              StartsWith("source watcher: SILENT FOR 61 s (dead, or cut off), was ready then\n"));
}

TEST(SourceText, RefusedObjectsAreNamedAndThoseBeyondTheListCounted) {
  v1::SourceStatus status = Watcher();
  EXPECT_THAT(SourceText(status), Not(HasSubstr("refused")));
  v1::Refusal& refusal = *status.mutable_report()->add_refused();
  refusal.mutable_object()->set_kind("NetworkPolicy");
  refusal.mutable_object()->set_namespace_("default");
  refusal.mutable_object()->set_name("p");
  refusal.set_field("spec.ingress");
  refusal.set_reason("must be a list");
  status.mutable_report()->set_refused_objects(3);
  EXPECT_THAT(SourceText(status),
              HasSubstr("  refused: NetworkPolicy default/p: spec.ingress: must be a list\n"
                        "  refused: 2 more\n"));
}

}  // namespace
}  // namespace sluice::ctl
