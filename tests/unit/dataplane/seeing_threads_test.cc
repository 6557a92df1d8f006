// What watching shares between threads: the event ring, the trace mailbox, the tally of denials.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "dataplane/denial_tally.h"
#include "dataplane/event_ring.h"
#include "dataplane/trace_mailbox.h"

namespace sluice::dataplane {
namespace {

TEST(SeeingThreads, TheRingKeepsOrderAndCountsWhatItLost) {
  auto ring = std::make_unique<EventRing>();
  constexpr uint64_t kEvents = 200'000;
  std::thread writer([&] {
    ConnectionEvent event;
    for (uint64_t number = 1; number <= kEvents; ++number) {
      event.packets = event.epoch = number;
      ring->Push(event);
    }
  });
  uint64_t got = 0, last = 0, wrong = 0;
  while (got + ring->lost() < kEvents) {
    got += ring->Drain([&](const ConnectionEvent& event) {
      if (event.packets <= last || event.packets != event.epoch) ++wrong;
      last = event.packets;
    });
  }
  writer.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(got + ring->lost(), kEvents);
}

// Every asker gets the answer to its own request or an error; the mailbox serves on afterwards.
TEST(SeeingThreads, ManyAskersGetTheirOwnAnswers) {
  auto mailbox = std::make_unique<TraceMailbox>();
  std::atomic<bool> running{true};
  std::thread worker([&] {
    while (running) {
      if (!mailbox->Waiting()) {
        std::this_thread::yield();
        continue;
      }
      mailbox->Serve([](const TraceRequest& request, TraceReport& report) {
        report.epoch = request.frame[0];
        report.protocol = static_cast<uint8_t>(request.length);
        return request.port != 9;
      });
    }
  });
  std::atomic<unsigned> answered{0}, wrong{0};
  std::vector<std::thread> askers;
  for (uint8_t number = 1; number <= 4; ++number) {
    askers.emplace_back([&, number] {
      const std::vector<uint8_t> frame(number, number);
      while (answered < 200) {
        // Some give up at once: their answer must not reach anybody else.
        const auto report = mailbox->Ask(1, 1, frame, number == 4 ? 0 : 10'000);
        if (!report.ok()) continue;
        ++answered;
        if (report->epoch != number || report->protocol != number) ++wrong;
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  const std::vector<uint8_t> frame(1);
  auto moved = mailbox->Ask(9, 1, frame, 10'000);
  while (absl::IsResourceExhausted(moved.status())) moved = mailbox->Ask(9, 1, frame, 10'000);
  EXPECT_TRUE(absl::IsFailedPrecondition(moved.status())) << moved.status();
  running = false;
  worker.join();
  EXPECT_EQ(wrong.load(), 0u);
}

TEST(SeeingThreads, AnAskerOfADeadWorkerGetsAnErrorInTime) {
  auto mailbox = std::make_unique<TraceMailbox>();
  const std::vector<uint8_t> frame(60);
  EXPECT_TRUE(absl::IsDeadlineExceeded(mailbox->Ask(1, 1, frame, 1).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(mailbox->Ask(1, 1, frame, 1).status())) << "not busy";
  EXPECT_TRUE(absl::IsInvalidArgument(mailbox->Ask(1, 1, {}, 1).status()));
  const std::vector<uint8_t> huge(TraceRequest::kMaxFrame + 1);
  EXPECT_TRUE(absl::IsInvalidArgument(mailbox->Ask(1, 1, huge, 1).status()));
}

TEST(SeeingThreads, TheTallyIsReadWhileItIsWritten) {
  auto tally = std::make_unique<DenialTally>();
  std::vector<PortView> ports(4);
  for (PortView& port : ports) port.in_use = true;
  constexpr uint64_t kPackets = 100'000;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (uint64_t i = 0; i < kPackets; ++i) {
      const auto port = static_cast<PortId>(1 + i % 3);
      tally->Add({port, 0, DropReason::kPolicyIngress, dataplane::Outcome::kDropped, 0, 1}, ports);
    }
    done = true;
  });
  const auto sum = [&] {
    uint64_t packets = 0;
    tally->ForEach([&](const Denial& denial, uint64_t count) {
      EXPECT_EQ(denial.rule, 1u);
      packets += count;
    });
    return packets;
  };
  while (!done) EXPECT_LE(sum(), kPackets);
  writer.join();
  EXPECT_EQ(sum(), kPackets);
}

}  // namespace
}  // namespace sluice::dataplane
