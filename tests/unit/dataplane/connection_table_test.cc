// The connection table against a std::map, its limits, and its ageing.
#include "dataplane/connection_table.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <map>
#include <random>
#include <unordered_map>
#include <vector>

#include "dataplane/flow_key.h"
#include "tests/support/seed.h"

namespace sluice::dataplane {
namespace {

ConnectionKey KeyOf(uint32_t number) {
  ConnectionKey key;
  std::memcpy(key.a.address, &number, sizeof(number));
  key.protocol = IPPROTO_UDP;
  key.family = 4;
  return key;
}

class ConnectionTableTest : public testing::Test {
 protected:
  void Make(uint32_t capacity, unsigned workers = 1) {
    quiescence_ = std::make_unique<Quiescence>(workers + 1);
    auto table = ConnectionTable::Create(
        {.capacity = capacity, .workers = workers, .port_share = 100}, quiescence_.get());
    ASSERT_TRUE(table.ok()) << table.status();
    table_ = *std::move(table);
  }
  Connection* Insert(uint32_t number, uint32_t now_ms = 0) {
    const ConnectionKey key = KeyOf(number);
    return table_->FindOrInsert(0, key, table_->Hash(key), false, 1, now_ms).connection;
  }
  Connection* Find(uint32_t number) {
    const ConnectionKey key = KeyOf(number);
    return table_->Lookup(key, table_->Hash(key));
  }

  std::unique_ptr<Quiescence> quiescence_;
  std::unique_ptr<ConnectionTable> table_;
};

TEST_F(ConnectionTableTest, BehavesLikeAMap) {
  Make(4096);
  std::mt19937 random(test::Seed());
  std::map<uint32_t, Connection*> model;
  for (int step = 0; step < 200'000; ++step) {
    const uint32_t number = random() % 6000;
    if (random() % 3 == 0) {
      const auto found = model.find(number);
      if (found == model.end()) continue;
      EXPECT_TRUE(table_->Remove(0, found->second));
      model.erase(found);
    } else if (model.size() < 4000) {
      Connection* connection = Insert(number);
      ASSERT_NE(connection, nullptr) << "full at " << model.size();
      const auto [entry, fresh] = model.emplace(number, connection);
      EXPECT_EQ(entry->second, connection) << "one key, one entry";
    }
    const uint32_t other = random() % 6000;
    const auto expected = model.find(other);
    ASSERT_EQ(Find(other), expected == model.end() ? nullptr : expected->second);
    ASSERT_EQ(table_->size(), model.size());
    if (step % 64 == 0) table_->Age(0, 0, 0);  // gives removed entries back
  }
}

TEST_F(ConnectionTableTest, HoldsItsWholeCapacity) {
  Make(65536);
  for (uint32_t number = 0; number < 65536; ++number) {
    Connection* const connection = Insert(number);
    ASSERT_NE(connection, nullptr) << "no room at " << number;
    for (Half& half : connection->halves) half.state = HalfState::kOpen;  // not to be evicted
  }
  EXPECT_EQ(Insert(65536), nullptr);
  for (uint32_t number = 0; number < 65536; ++number) ASSERT_NE(Find(number), nullptr);
}

// Whole bursts, some keys twice, against a map: hits, misses and what was just removed.
TEST_F(ConnectionTableTest, ABurstFindsWhatSingleLookUpsFind) {
  Make(4096);
  std::mt19937 random(test::Seed());
  std::unordered_map<uint32_t, Connection*> model;
  std::array<Packet, kBurstSize> packets;
  std::array<uint32_t, kBurstSize> numbers;
  std::array<Packet*, kBurstSize> wanted;
  for (int step = 0; step < 5000; ++step) {
    for (int change = 0; change < 8; ++change) {
      const uint32_t number = random() % 6000;
      const auto found = model.find(number);
      if (found != model.end()) {
        EXPECT_TRUE(table_->Remove(0, found->second));
        model.erase(found);
      } else if (model.size() < 4000) {
        model[number] = Insert(number);
        ASSERT_NE(model[number], nullptr);
      }
    }
    table_->Age(0, 0, 0);
    for (unsigned i = 0; i < kBurstSize; ++i) {
      numbers[i] = i % 4 == 3 ? numbers[i - 1] : static_cast<uint32_t>(random() % 6000);
      packets[i].key = KeyOf(numbers[i]);
      packets[i].hash = table_->Hash(packets[i].key);
      wanted[i] = &packets[i];
    }
    table_->LookupBurst(wanted);
    for (unsigned i = 0; i < kBurstSize; ++i) {
      const auto expected = model.find(numbers[i]);
      ASSERT_EQ(packets[i].connection, expected == model.end() ? nullptr : expected->second);
    }
  }
}

// Both buckets of these keys are the same one.
TEST_F(ConnectionTableTest, AFullBucketRefusesAndTakesAgainWhatIsLeftFree) {
  Make(16);
  std::vector<uint32_t> numbers;
  for (uint32_t number = 0; numbers.size() < 9; ++number) {
    const uint64_t hash = table_->Hash(KeyOf(number));
    if ((hash & 3) == 0 && (hash >> 24 & 3) == 0) numbers.push_back(number);
  }
  for (int i = 0; i < 8; ++i) ASSERT_NE(Insert(numbers[i]), nullptr);
  EXPECT_EQ(Insert(numbers[8]), nullptr);
  EXPECT_EQ(table_->size(), 8u);
  for (int i = 0; i < 8; ++i) EXPECT_NE(Find(numbers[i]), nullptr);
  ASSERT_TRUE(table_->Remove(0, Find(numbers[3])));
  EXPECT_NE(Insert(numbers[8]), nullptr);
  EXPECT_NE(Find(numbers[8]), nullptr);
  EXPECT_EQ(Find(numbers[3]), nullptr);
}

TEST_F(ConnectionTableTest, ARemovedEntryWaitsForEveryReader) {
  Make(16, 2);
  quiescence_->GoOnline(1);  // the other worker may hold a pointer
  for (uint32_t number = 0; number < 16; ++number) ASSERT_NE(Insert(number), nullptr);
  ASSERT_TRUE(table_->Remove(0, Find(3)));
  EXPECT_EQ(Find(3), nullptr);
  table_->Age(0, 0, 0);
  table_->Age(0, 0, 0);
  EXPECT_EQ(Insert(100), nullptr) << "the entry was used again under a reader's eyes";
  quiescence_->Report(1);
  table_->Age(0, 0, 0);
  EXPECT_NE(Insert(100), nullptr);
}

TEST_F(ConnectionTableTest, RemovesOnce) {
  Make(16);
  Connection* connection = Insert(1);
  EXPECT_TRUE(table_->Remove(0, connection));
  EXPECT_FALSE(table_->Remove(0, connection));
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(ConnectionTableTest, AgesOutWhatWasNotSeen) {
  Make(64);
  const uint32_t timeout = TimeoutMs(ConnectionState::kUnreplied);
  const uint32_t start = UINT32_MAX - timeout / 2;  // the clock wraps on the way
  Insert(1, start);
  Connection* busy = Insert(2, start);
  busy->halves[0].last_seen_ms = start + 10;
  EXPECT_EQ(table_->Age(0, start + timeout - 1, 64), 0u);
  EXPECT_EQ(table_->Age(0, start + timeout, 64), 1u);
  EXPECT_EQ(Find(1), nullptr);
  EXPECT_EQ(Find(2), busy);
  EXPECT_EQ(table_->Age(0, start + timeout + 10, 64), 1u);
}

TEST_F(ConnectionTableTest, AgeingLooksAtBoundedPiecesAndGetsRound) {
  Make(1024);
  for (uint32_t number = 0; number < 1000; ++number) Insert(number, 0);
  unsigned removed = 0;
  for (int piece = 0; piece < 130; ++piece) {
    const unsigned now = table_->Age(0, 1'000'000, 8);
    EXPECT_LE(now, 8u);
    removed += now;
  }
  EXPECT_EQ(removed, 1000u);
}

TEST_F(ConnectionTableTest, AHalfTouchedAfterOurClockWasReadIsNotOld) {
  Make(16);
  Connection* connection = Insert(1, 1000);
  connection->halves[1].last_seen_ms = 2000;  // by another worker, whose clock is ahead
  EXPECT_EQ(table_->Age(0, 1990, 16), 0u);
}

TEST_F(ConnectionTableTest, ForgetsASubjectsConnections) {
  Make(64);
  for (uint16_t port = 1; port <= 4; ++port) {
    ConnectionKey key = KeyOf(port);
    key.a.subject = {port, 1};
    key.b.subject = {9, 7};
    ASSERT_TRUE(table_->FindOrInsert(0, key, table_->Hash(key), false, 1, 0).created);
  }
  EXPECT_EQ(table_->RemoveSubject({3, 2}), 0u) << "another generation";
  EXPECT_EQ(table_->RemoveSubject({3, 1}), 1u);
  EXPECT_EQ(table_->RemoveSubject({9, 7}), 3u);
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(ConnectionTableTest, VisitSeesTheLiving) {
  Make(64);
  for (uint32_t number = 0; number < 10; ++number) Insert(number);
  table_->Remove(0, Find(4));
  unsigned seen = 0;
  table_->Visit([&seen](const Connection&) { return ++seen < 100; });
  EXPECT_EQ(seen, 9u);
  seen = 0;
  table_->Visit([&seen](const Connection&) { return ++seen < 3; });
  EXPECT_EQ(seen, 3u);
}

TEST(ConnectionKey, EveryByteCountsAndEndsSortAsBytes) {
  std::mt19937_64 random(1);
  ConnectionKey one;
  auto* bytes = reinterpret_cast<uint8_t*>(&one);
  for (size_t i = 0; i < sizeof(one); ++i) bytes[i] = static_cast<uint8_t>(random());
  for (size_t i = 0; i < sizeof(one); ++i) {
    ConnectionKey other = one;
    ASSERT_TRUE(one == other);
    reinterpret_cast<uint8_t*>(&other)[i] ^= static_cast<uint8_t>(1u << random() % 8);
    EXPECT_FALSE(one == other) << i;
    EXPECT_EQ(EndWords::Of(one.a).SortsBefore(EndWords::Of(other.a)),
              std::memcmp(&one.a, &other.a, sizeof(one.a)) < 0)
        << i;
    EXPECT_EQ(EndWords::Of(other.b).SortsBefore(EndWords::Of(one.b)),
              std::memcmp(&other.b, &one.b, sizeof(one.b)) < 0)
        << i;
  }
  EXPECT_FALSE(EndWords::Of(one.a).SortsBefore(EndWords::Of(one.a)));
}

// From fields, as connection.h has them.
TEST(ConnectionKey, IsWrittenAsItsFieldsLie) {
  std::mt19937_64 random(2);
  const auto make_end = [&](ConnectionEnd like) {
    ConnectionEnd end = like;  // many ends differ in their last fields alone
    switch (random() % 4) {
      case 0:
        end.address[random() % 16] = static_cast<uint8_t>(random());
        break;
      case 1:
        end.port = static_cast<uint16_t>(random());
        break;
      case 2:
        end.subject.port = static_cast<uint16_t>(random());
        break;
      default:
        end.subject.generation = static_cast<uint16_t>(random());
    }
    return end;
  };
  const auto words = [](const ConnectionEnd& end) {
    return EndWords::Of(acl::IpAddress::FromBytes(acl::Family::kIpv6, end.address), end.port,
                        end.subject);
  };
  ConnectionEnd source, destination;
  unsigned turned = 0;
  for (unsigned i = 0; i < 10'000; ++i) {
    source = make_end(i % 100 == 0 ? ConnectionEnd{} : destination);
    destination = make_end(source);
    ConnectionKey expected;
    const bool from_b = std::memcmp(&destination, &source, sizeof(source)) < 0;
    expected.a = from_b ? destination : source;
    expected.b = from_b ? source : destination;
    expected.network = static_cast<uint16_t>(random());
    expected.protocol = static_cast<uint8_t>(random());
    expected.family = 6;
    ConnectionKey written;
    EXPECT_EQ(WriteKey(words(source), words(destination),
                       {expected.network, expected.protocol, acl::Family::kIpv6}, written),
              from_b);
    ASSERT_EQ(std::memcmp(&written, &expected, sizeof(written)), 0) << i;
    turned += from_b ? 1 : 0;
  }
  EXPECT_GT(turned, 1'000u);
  EXPECT_LT(turned, 9'000u);
}

TEST(ConnectionTable, RefusesSillyCapacities) {
  Quiescence quiescence(2);
  EXPECT_EQ(ConnectionTable::Create({.capacity = 15}, &quiescence).status().message(),
            "connections: capacity 15 is not between 16 and 67108864");
}

}  // namespace
}  // namespace sluice::dataplane
