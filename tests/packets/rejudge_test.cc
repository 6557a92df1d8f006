// What a change makes the switch judge again: what it touched, and nothing else.
#include <gtest/gtest.h>

#include "tests/support/testbed.h"

namespace sluice::test {
namespace {

using dataplane::AddressStamps;
using dataplane::DropReason;

class RejudgeTest : public ::testing::Test {
 protected:
  RejudgeTest() : bed_({.pods = "abc"}) {
    for (const char peer : {'b', 'c'}) {
      EXPECT_EQ(bed_.Deliver('a', Request(peer)), std::string(1, peer));
      EXPECT_EQ(bed_.Deliver(peer, Reply(peer)), "a");
    }
  }

  static Bytes Request(char peer) { return Testbed::From('a', peer).Udp(1000, 53).bytes(); }
  static Bytes Reply(char peer) { return Testbed::From(peer, 'a').Udp(53, 1000).bytes(); }

  // Publishes the staged snapshot with a new verdict epoch that touches only what the caller
  // stamped.
  uint32_t NextEpoch() {
    auto& next = bed_.next();
    ++next.epoch;
    return ++next.verdict_epoch;
  }
  void StampAddress(char pod, uint32_t epoch) {
    auto stamps = std::make_shared<AddressStamps>(*bed_.next().networks[0].stamps);
    const acl::IpAddress address = *acl::IpAddress::Parse(Testbed::V4(pod));
    stamps->epochs[AddressStamps::SlotOf(address.bytes.data())] = epoch;
    bed_.next().networks[0].stamps = stamps;
  }
  // How many keys the tries were asked while a's packet went to `peer`.
  uint64_t AskedFor(char peer) {
    const uint64_t before = bed_.tally(0).classified.Read();
    EXPECT_EQ(bed_.Deliver('a', Request(peer)), std::string(1, peer));
    return bed_.tally(0).classified.Read() - before;
  }

  Testbed bed_;
};

TEST_F(RejudgeTest, AnEstablishedConnectionIsNotJudgedAgainWhileNothingChanges) {
  EXPECT_EQ(AskedFor('b'), 0u);
}

TEST_F(RejudgeTest, AChangeThatTouchedNeitherEndIsNotFelt) {
  NextEpoch();
  bed_.Publish();
  EXPECT_EQ(AskedFor('b'), 0u);
  EXPECT_EQ(AskedFor('c'), 0u);
}

TEST_F(RejudgeTest, AnAddressThatChangedHandsIsJudgedAgainOnce) {
  StampAddress('b', NextEpoch());
  bed_.Publish();
  EXPECT_EQ(AskedFor('c'), 0u);
  EXPECT_GT(AskedFor('b'), 0u);
  EXPECT_EQ(AskedFor('b'), 0u);
}

TEST_F(RejudgeTest, AStampIsStillSeenAfterLaterChangesThatTouchedOthers) {
  StampAddress('b', NextEpoch());
  bed_.Publish();
  NextEpoch();
  bed_.Publish();
  NextEpoch();
  bed_.Publish();
  EXPECT_EQ(AskedFor('c'), 0u);
  EXPECT_GT(AskedFor('b'), 0u);
}

TEST_F(RejudgeTest, ASubjectWhosePoliciesChangedIsJudgedAgainInAllItsConnections) {
  const uint32_t epoch = NextEpoch();
  for (auto& port : bed_.next().ports) {
    if (port.mac == Testbed::Mac('a')) port.verdict_epoch = epoch;
  }
  bed_.Publish();
  EXPECT_GT(AskedFor('b'), 0u);
  EXPECT_GT(AskedFor('c'), 0u);
  EXPECT_EQ(AskedFor('c'), 0u);
}

TEST_F(RejudgeTest, ASubjectWhosePoliciesChangedIsJudgedAgainAsReceiverToo) {
  const uint32_t epoch = NextEpoch();
  for (auto& port : bed_.next().ports) {
    if (port.mac == Testbed::Mac('b')) port.verdict_epoch = epoch;
  }
  bed_.Publish();
  EXPECT_EQ(AskedFor('c'), 0u);
  EXPECT_GT(AskedFor('b'), 0u);
  EXPECT_EQ(AskedFor('b'), 0u);
}

// The stamp decides, not the snapshot's rules: this is what makes a missing stamp visible.
TEST_F(RejudgeTest, KeepLetsEstablishedConnectionsLiveAndCutsTheOthers) {
  EXPECT_EQ(bed_.Deliver('c', Testbed::From('c', 'b').Udp(7, 7).bytes()), "b");  // no reply
  bed_.Apply({Isolate("b", "b", {"Ingress"})});
  // As control stages it with --on-policy-change keep: a new epoch, nothing stamped.
  bed_.next().keep_established = true;
  bed_.next().everything_epoch = 1;
  NextEpoch();
  bed_.Publish();
  EXPECT_EQ(bed_.Deliver('a', Request('b')), "b");
  EXPECT_EQ(bed_.LastDrop('c', Testbed::From('c', 'b').Udp(7, 7).bytes()),
            DropReason::kPolicyIngress);
  EXPECT_EQ(bed_.LastDrop('a', Testbed::From('a', 'b').Udp(1001, 53).bytes()),
            DropReason::kPolicyIngress);
}

TEST_F(RejudgeTest, KeepEndsAConnectionWhoseAddressHasANewOwner) {
  bed_.Apply({Isolate("b", "b", {"Ingress"})});
  bed_.next().keep_established = true;
  bed_.next().everything_epoch = 1;
  StampAddress('a', NextEpoch());
  bed_.Publish();
  EXPECT_EQ(bed_.LastDrop('a', Request('b')), DropReason::kPolicyIngress);
}

}  // namespace
}  // namespace sluice::test
