// A connection file between two lives of a switch: what the second one does with the packets of
// connections that the first one let in.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::DropReason;

class Restart : public testing::Test {
 protected:
  Restart() {
    std::string directory = (std::filesystem::temp_directory_path() / "restart-XXXXXX").string();
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    config_.connection_file = directory + "/connections";
  }
  ~Restart() override {
    std::filesystem::remove_all(std::filesystem::path(config_.connection_file).parent_path());
  }
  // a has asked b, and b answered. Nobody may open anything towards a.
  void FirstLife() {
    Testbed bed(config_);
    bed.table().NameSubject({1, 1}, "default/a/uid-a");
    bed.table().NameSubject({2, 1}, "default/b/uid-b");
    bed.Apply({Isolate("a-in", "a", {"Ingress"})});
    ASSERT_EQ(bed.Deliver('a', question_), "b");
    ASSERT_EQ(bed.Deliver('b', answer_), "a");
  }

  TestbedConfig config_;
  const Bytes question_ = Testbed::From('a', 'b').Udp(1000, 53).bytes();
  const Bytes answer_ = Testbed::From('b', 'a').Udp(53, 1000).bytes();
};

TEST_F(Restart, AnswersPassOnAConnectionThatWasTakenOver) {
  FirstLife();
  Testbed bed(config_);
  bed.Apply({Isolate("a-in", "a", {"Ingress"})});
  EXPECT_EQ(bed.connections(), 1u);
  EXPECT_EQ(bed.Deliver('b', answer_), "a");
  EXPECT_EQ(bed.Deliver('a', question_), "b");
}

TEST_F(Restart, WhatPolicyNoLongerAllowsIsCutAtItsFirstPacket) {
  for (const bool by_answer : {true, false}) {
    FirstLife();
    Testbed bed(config_);
    bed.Apply({Isolate("a-in", "a", {"Ingress"}), Isolate("b-in", "b", {"Ingress"})});
    EXPECT_EQ(bed.LastDrop(by_answer ? 'b' : 'a', by_answer ? answer_ : question_),
              DropReason::kPolicyIngress);
    EXPECT_EQ(bed.connections(), 0u);
  }
}

TEST_F(Restart, TheVeryFirstSnapshotJudgesToo) {
  FirstLife();
  Testbed bed(config_);  // without policies: epoch 1
  EXPECT_EQ(bed.Deliver('b', answer_), "a");
  EXPECT_GT(bed.tally(0).classified.Read(), 0u) << "the verdict was taken for granted";
}

TEST_F(Restart, AnotherPodInTheSlotInheritsNothing) {
  FirstLife();
  Testbed bed(config_);
  bed.Replace('b');
  bed.Apply({Isolate("a-in", "a", {"Ingress"})});
  EXPECT_EQ(bed.LastDrop('b', answer_), DropReason::kPolicyIngress);
}

}  // namespace
}  // namespace sluice::test
