// What threads share, for ThreadSanitizer: the connection table between two workers, a visitor and
// a control thread; and a whole testbed's snapshot swap under traffic is in tests/system.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <random>
#include <thread>

#include "dataplane/connection_table.h"
#include "dataplane/track.h"

namespace sluice::dataplane {
namespace {

constexpr unsigned kKeys = 500;

ConnectionKey KeyOf(uint16_t number) {
  ConnectionKey key;
  key.a.port = number;
  key.a.subject = {1, 1};
  key.b.subject = {2, 1};
  key.protocol = IPPROTO_UDP;
  key.family = 4;
  return key;
}

// One worker: looks up, inserts, moves its own half on, removes, ages; reports like a real one.
void Work(ConnectionTable& table, Quiescence& quiescence, unsigned worker, uint32_t seed,
          const std::atomic<bool>& running, std::atomic<uint64_t>& wrong) {
  std::mt19937 random(seed);
  quiescence.GoOnline(worker);
  uint32_t now_ms = 0;
  rte_mbuf mbuf{};
  while (running.load(std::memory_order_relaxed)) {
    for (int i = 0; i < 32; ++i) {
      Packet packet;
      packet.mbuf = &mbuf;
      packet.key = KeyOf(static_cast<uint16_t>(random() % kKeys));
      packet.hash = table.Hash(packet.key);
      packet.protocol = IPPROTO_UDP;
      packet.from_b = worker == 1;
      packet.connection = table.Lookup(packet.key, packet.hash);
      if (packet.connection == nullptr) {
        packet.connection =
            table.FindOrInsert(worker, packet.key, packet.hash, packet.from_b, 1, now_ms)
                .connection;
        if (packet.connection == nullptr) continue;  // all retired entries wait for the other
      }
      if (!(packet.connection->key == packet.key)) wrong.fetch_add(1);
      Advance(packet, *packet.connection, now_ms, table.tracking());
      if (random() % 8 == 0) table.Remove(worker, packet.connection);
    }
    table.Age(worker, now_ms, 16);
    ++now_ms;
    quiescence.Report(worker);
  }
  quiescence.GoOffline(worker);
}

TEST(Threads, TwoWorkersAVisitorAndControlShareTheTable) {
  Quiescence quiescence(3);
  auto table =
      ConnectionTable::Create({.capacity = 1024, .workers = 2, .port_share = 100}, &quiescence);
  ASSERT_TRUE(table.ok());
  std::atomic<bool> running{true};
  std::atomic<uint64_t> wrong{0};
  std::thread first([&] { Work(**table, quiescence, 0, 1, running, wrong); });
  std::thread second([&] { Work(**table, quiescence, 1, 2, running, wrong); });
  uint64_t visited = 0;
  for (int round = 1; visited < 100'000; ++round) {
    (*table)->Visit([&](const Connection& connection) {
      if (connection.key.family != 4) wrong.fetch_add(1);
      StateOf(connection);
      return ++visited != 0;
    });
    if (round % 50 == 0) (*table)->RemoveSubject({1, 1});
  }
  running = false;
  first.join();
  second.join();
  EXPECT_EQ(wrong.load(), 0u);

  // Nothing was lost on the way: once everybody is gone, the whole capacity is there again.
  (*table)->RemoveSubject({1, 1});
  for (unsigned worker = 0; worker < 2; ++worker) {
    for (int i = 0; i < 3; ++i) (*table)->Age(worker, 0, 0);
  }
  EXPECT_EQ((*table)->size(), 0u);
  for (uint16_t number = 0; number < 1024; ++number) {
    const ConnectionKey key = KeyOf(number);
    ASSERT_TRUE((*table)->FindOrInsert(0, key, (*table)->Hash(key), false, 1, 0).created)
        << "entry " << number;
  }
}

}  // namespace
}  // namespace sluice::dataplane
