// What a vhost port makes of what the library tells it: whom it serves, and what a peer that goes
// waits for. No peer is connected.
#include "dataplane/vhost_port.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/temporary_directory.h"

namespace sluice::dataplane {
namespace {

class VhostPortTest : public testing::Test {
 protected:
  void SetUp() override {
    auto port = VhostPort::Open(
        {.path = (directory_ / "s").string(), .queues = 2, .tx = &tx_, .readers = &readers_});
    ASSERT_TRUE(port.ok()) << port.status();
    port_ = *std::move(port);
  }

  test::TemporaryDirectory directory_;
  TxPort tx_;
  Quiescence readers_{1};
  std::unique_ptr<VhostPort> port_;
};

TEST_F(VhostPortTest, ARingOfAPeerThatIsNotReadyIsNobodys) {
  ASSERT_TRUE(port_->PeerConnected(1));
  port_->RingSwitched(1, 0, true);
  EXPECT_FALSE(port_->LinkUp());
  EXPECT_EQ(port_->Receive(0, nullptr, 32), 0);
  port_->PeerReady(1);
  EXPECT_TRUE(port_->LinkUp());
  port_->RingSwitched(1, 2, true);
  EXPECT_EQ(tx_.queues, 2);
}

TEST_F(VhostPortTest, AReaderThatIsAtTheRingsIsWaitedForBeforeTheyGo) {
  ASSERT_TRUE(port_->PeerConnected(1));
  port_->PeerReady(1);
  for (const auto leave : {&VhostPort::PeerStopped, &VhostPort::PeerGone}) {
    port_->PeerReady(1);
    readers_.GoOnline(0);
    std::atomic<bool> gone{false};
    std::thread library([&] {
      (*port_.*leave)(1);
      gone = true;
    });
    while (port_->LinkUp()) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    EXPECT_FALSE(gone);
    readers_.Report(0);
    library.join();
    readers_.GoOffline(0);
  }
}

TEST_F(VhostPortTest, AThirdPeerIsRefusedUntilOneIsGone) {
  EXPECT_TRUE(port_->PeerConnected(1));
  EXPECT_TRUE(port_->PeerConnected(2));
  EXPECT_FALSE(port_->PeerConnected(3));
  port_->PeerGone(1);
  EXPECT_TRUE(port_->PeerConnected(3));
}

TEST_F(VhostPortTest, WhoIsCutOffIsNotServedUntilItComesAgain) {
  ASSERT_TRUE(port_->PeerConnected(1));
  port_->PeerReady(1);
  port_->CutOff(1);
  EXPECT_FALSE(port_->LinkUp());
  port_->RingSwitched(1, 0, true);
  port_->PeerReady(1);
  EXPECT_FALSE(port_->LinkUp());
  port_->PeerGone(1);
  ASSERT_TRUE(port_->PeerConnected(1));
  port_->PeerReady(1);
  EXPECT_TRUE(port_->LinkUp());
}

}  // namespace
}  // namespace sluice::dataplane
