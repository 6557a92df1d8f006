// A connection table in a file, left by one process and found by the next: whole, torn, cut short,
// garbled, by another program, still in use.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "dataplane/connection_table.h"
#include "tests/support/seed.h"

namespace sluice::dataplane {
namespace {

constexpr uint32_t kCapacity = 4096;
constexpr uint32_t kFlows = 1000;
constexpr uint32_t kLivedMs = 400;
const SubjectRef kPod{5, 3};

ConnectionKey FlowOf(uint32_t number) {
  ConnectionKey key;
  std::memcpy(key.a.address, &number, sizeof(number));
  key.b.address[0] = 10;
  key.b.port = 80;
  key.b.subject = kPod;
  key.protocol = IPPROTO_UDP;
  key.family = 4;
  if (std::memcmp(&key.a, &key.b, sizeof(key.a)) > 0) std::swap(key.a, key.b);
  return key;
}

// One process' life with the table. Dropping it unmaps and unlocks, and does nothing else: what is
// in the file is what a kill -9 leaves.
struct Process {
  Quiescence quiescence{2};
  absl::StatusOr<std::unique_ptr<ConnectionTable>> table;

  Process(const std::string& file, uint32_t now_ms, uint64_t wall_ms, uint32_t capacity = kCapacity)
      : table(ConnectionTable::Create(
            {.capacity = capacity, .file = file, .now_ms = now_ms, .wall_ms = wall_ms},
            &quiescence)) {}
  ConnectionTable* operator->() { return table->get(); }
  Connection* Open(uint32_t number, uint32_t now_ms) {
    const ConnectionKey key = FlowOf(number);
    const bool initiator_is_b = number % 2 == 0;
    return (*table)
        ->FindOrInsert(0, key, (*table)->Hash(key), initiator_is_b, 9, now_ms)
        .connection;
  }
  Connection* Find(uint32_t number) {
    const ConnectionKey key = FlowOf(number);
    return (*table)->Lookup(key, (*table)->Hash(key));
  }
};

class TakeOver : public testing::Test {
 protected:
  TakeOver() {
    std::string directory = (std::filesystem::temp_directory_path() / "takeover-XXXXXX").string();
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
    file_ = directory + "/connections";
  }
  ~TakeOver() override { std::filesystem::remove_all(directory_); }

  // Fills a file with kFlows established flows of kPod and abandons it.
  void Leave(uint32_t now_ms = 1000, uint64_t wall_ms = 1'000'000) {
    Process first(file_, now_ms, wall_ms);
    ASSERT_TRUE(first.table.ok()) << first.table.status();
    first->NameSubject(kPod, "default/web/uid-1");
    for (uint32_t number = 0; number < kFlows; ++number) {
      Connection* connection = first.Open(number, now_ms);
      ASSERT_NE(connection, nullptr);
      for (Half& half : connection->halves) half.state = HalfState::kOpen;
      connection->halves[0].opened_ms = now_ms - kLivedMs;
      connection->halves[1].opened_ms = now_ms - kLivedMs;
      connection->halves[0].bytes = 60;
    }
  }
  // The file's bytes, to be damaged. Not at the same time as a Process.
  void Edit(const std::function<void(std::byte* bytes, size_t size)>& edit) {
    const int file = open(file_.c_str(), O_RDWR);
    ASSERT_GE(file, 0);
    const size_t size = std::filesystem::file_size(file_);
    void* bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ASSERT_NE(bytes, MAP_FAILED);
    edit(static_cast<std::byte*>(bytes), size);
    munmap(bytes, size);
    close(file);
  }
  // Where the flow lies in the file.
  size_t OffsetOf(uint32_t number) {
    const ConnectionKey key = FlowOf(number);
    size_t offset = 0;
    Edit([&](const std::byte* bytes, size_t size) {
      const auto* found = static_cast<const std::byte*>(memmem(bytes, size, &key, sizeof(key)));
      ASSERT_NE(found, nullptr);
      offset = static_cast<size_t>(found - bytes);
    });
    return offset;
  }

  std::string directory_, file_;
};

TEST_F(TakeOver, TheNextProcessHasEveryConnectionAndJudgesItAgain) {
  Leave();
  Process next(file_, 77, 1'000'500);
  ASSERT_TRUE(next.table.ok()) << next.table.status();
  EXPECT_EQ(next->size(), kFlows);
  EXPECT_EQ(next->FindSubject("default/web/uid-1"), kPod);
  EXPECT_EQ(next->FindSubject("default/web/uid-2"), std::nullopt);
  for (uint32_t number = 0; number < kFlows; ++number) {
    const Connection* connection = next.Find(number);
    ASSERT_NE(connection, nullptr) << number;
    EXPECT_EQ(connection->verdict_epoch, 0u);
    EXPECT_EQ(connection->initiator_is_b, number % 2 == 0);
    EXPECT_EQ(StateOf(*connection), ConnectionState::kReplied);
  }
  EXPECT_EQ(next->ChargedTo(kPod.port), kFlows);
  EXPECT_EQ(DurationMs(*next.Find(0)), kLivedMs);
  EXPECT_EQ(BytesOf(*next.Find(0)), 60u);

  // It is a table like any other.
  for (uint32_t number = kFlows; number < 2 * kFlows; ++number) {
    ASSERT_NE(next.Open(number, 100), nullptr);
  }
  EXPECT_EQ(next->RemoveSubject(kPod), 2 * kFlows);
  EXPECT_EQ(next->size(), 0u);
}

TEST_F(TakeOver, FreeEntriesAreFreeAgain) {
  Leave();
  for (uint32_t round = 0; round < 3; ++round) {
    Process next(file_, 0, 1'000'000);
    ASSERT_TRUE(next.table.ok());
    for (uint32_t number = 0; number < kFlows; number += 2) {
      ASSERT_TRUE(next->Remove(0, next.Find(number)));
    }
    if (round == 2) break;
    next->Age(0, 0, 0);
    next->Age(0, 0, 0);
    for (uint32_t number = 0; number < kFlows; number += 2) next.Open(number, 0);
  }
  Process last(file_, 0, 1'000'000);
  EXPECT_EQ(last->size(), kFlows / 2);
  uint32_t opened = 0;
  while (last.Open(100'000 + opened, 0) != nullptr && opened < 2 * kCapacity) ++opened;
  EXPECT_EQ(opened, 2 * kCapacity) << "unanswered ones make room without end";
  EXPECT_EQ(last->ChargedTo(kPod.port), last->size());
}

TEST_F(TakeOver, ConnectionsAgeOnWhileNobodyRuns) {
  const uint32_t timeout = TimeoutMs(ConnectionState::kReplied);
  Leave(/*now_ms=*/5'000, /*wall_ms=*/1'000'000);
  {
    Process next(file_, 3'000'000'000, 1'000'000 + timeout - 1000);  // another clock altogether
    EXPECT_EQ(next->size(), kFlows);
    EXPECT_EQ(next->Age(0, 3'000'000'999, kCapacity), 0u) << "not all expired";
    EXPECT_EQ(next->Age(0, 3'000'001'000, kCapacity), kFlows) << "nor immortal";
  }
  std::filesystem::remove(file_);
  Leave(5'000, 1'000'000);
  Process late(file_, 0, 1'000'000 + timeout);
  EXPECT_EQ(late->size(), 0u);
}

TEST_F(TakeOver, TheClocksGoOnTogetherWhileItRuns) {
  const uint32_t timeout = TimeoutMs(ConnectionState::kReplied);
  {
    Process first(file_, UINT32_MAX - 10'000, 1'000'000);
    first->NameSubject(kPod, "default/web/uid-1");
    const uint32_t later = UINT32_MAX - 10'000 + 60'000;  // past the wrap
    Connection* connection = first.Open(1, later);
    for (Half& half : connection->halves) half.state = HalfState::kOpen;
    first->Age(0, later, 1);
  }
  Process next(file_, 500, 1'000'000 + 60'000 + timeout / 2);
  ASSERT_NE(next.Find(1), nullptr);
  EXPECT_EQ(IdleMs(*next.Find(1), 500), timeout / 2);
}

TEST_F(TakeOver, AWallClockThatWasSetBackExpiresNobody) {
  Leave(1000, 1'000'000);
  Process next(file_, 9, 10);
  EXPECT_EQ(next->size(), kFlows);
}

TEST_F(TakeOver, TornEntriesAreLeftOut) {
  Leave();
  const size_t torn = OffsetOf(7) + offsetof(Connection, sequence);
  Edit([&](std::byte* bytes, size_t) {
    ++*reinterpret_cast<uint32_t*>(bytes + torn);  // as if killed while it was written
  });
  Process next(file_, 0, 1'000'000);
  EXPECT_EQ(next->size(), kFlows - 1);
  EXPECT_EQ(next.Find(7), nullptr);
}

TEST_F(TakeOver, DamagedEntriesAreLeftOut) {
  struct Damage {
    const char* what;
    size_t offset;
    uint8_t value;
  };
  const Damage cases[] = {
      {"an address that its check was not made of", 0, 0xaa},
      {"family", offsetof(ConnectionKey, family), 5},
      {"a port beyond all", offsetof(ConnectionKey, b) + offsetof(ConnectionEnd, subject) + 1,
       0xff},
      {"network", offsetof(ConnectionKey, network), 1},
      {"half state", offsetof(Connection, halves) + offsetof(Half, state), kHalfStates},
      {"initiator", offsetof(Connection, initiator_is_b), 2},
      {"check", offsetof(Connection, link), 0x5a},
  };
  for (const Damage& damage : cases) {
    std::filesystem::remove(file_);
    Leave();
    const size_t at = OffsetOf(7) + damage.offset;
    Edit([&](std::byte* bytes, size_t) {
      ASSERT_NE(bytes[at], std::byte{damage.value}) << damage.what;
      bytes[at] = std::byte{damage.value};
    });
    Process next(file_, 0, 1'000'000);
    ASSERT_TRUE(next.table.ok()) << damage.what;
    EXPECT_EQ(next->size(), kFlows - 1) << damage.what;
    EXPECT_EQ(next.Find(7), nullptr) << damage.what;
  }
}

TEST_F(TakeOver, TheSameConnectionTwiceIsOne) {
  Leave();
  const size_t from = OffsetOf(7), to = OffsetOf(8);
  Edit(
      [&](std::byte* bytes, size_t) { std::memcpy(bytes + to, bytes + from, sizeof(Connection)); });
  Process next(file_, 0, 1'000'000);
  EXPECT_EQ(next->size(), kFlows - 1);
  EXPECT_NE(next.Find(7), nullptr);
}

TEST_F(TakeOver, ConnectionsOfPortsThatCannotComeBackAreLeftOut) {
  Leave();
  {
    Process other(file_, 0, 1'000'000);
    other->NameSubject({kPod.port, 4}, "default/db/uid-7");  // the slot went to another pod
  }
  Process next(file_, 0, 1'000'000);
  EXPECT_EQ(next->size(), 0u);
  EXPECT_EQ(next->subject(kPod.port).generation(), 4u) << "the slot's next generation is the fifth";
}

TEST_F(TakeOver, AnIdentityTooLongToKeepIsNobodys) {
  Process first(file_, 0, 0);
  first->NameSubject(kPod, std::string(125, 'x'));
  EXPECT_EQ(first->subject(kPod.port).identity(), "");
  EXPECT_EQ(first->subject(kPod.port).generation(), kPod.generation);
  EXPECT_EQ(first->FindSubject(""), std::nullopt);
}

TEST_F(TakeOver, RandomDamageIsSurvivedAndNothingForeignIsFound) {
  std::mt19937 random(test::Seed());
  for (int round = 0; round < 20; ++round) {
    std::filesystem::remove(file_);
    Leave();
    Edit([&](std::byte* bytes, size_t size) {
      // Behind the header, which has tests of its own.
      for (int i = 0; i < 2000; ++i) {
        bytes[4096 + random() % (size - 4096)] = static_cast<std::byte>(random());
      }
    });
    Process next(file_, 0, 1'000'000);
    ASSERT_TRUE(next.table.ok());
    EXPECT_LE(next->size(), kFlows);
    uint32_t found = 0;
    for (uint32_t number = 0; number < kFlows; ++number) found += next.Find(number) != nullptr;
    EXPECT_EQ(found, next->size()) << "a connection that nobody opened";
    for (uint32_t number = 0; number < 3 * kCapacity; ++number) next.Open(50'000 + number, 0);
    next->Age(0, 1u << 30, kCapacity);
    next->Age(0, 1u << 30, kCapacity);
    EXPECT_EQ(next->size(), 0u);
    EXPECT_EQ(next->ChargedTo(kPod.port), 0u);
  }
}

TEST_F(TakeOver, AnotherHeaderStartsAfresh) {
  struct Change {
    const char* what;
    size_t offset;
  };
  for (const Change& change : {Change{"version", offsetof(RegionHeader, version)},
                               Change{"layout", offsetof(RegionHeader, layout)},
                               Change{"capacity", offsetof(RegionHeader, capacity)},
                               Change{"buckets", offsetof(RegionHeader, bucket_count)}}) {
    std::filesystem::remove(file_);
    Leave();
    Edit([&](std::byte* bytes, size_t) { bytes[change.offset] ^= std::byte{1}; });
    Process next(file_, 0, 1'000'000);
    ASSERT_TRUE(next.table.ok()) << change.what;
    EXPECT_EQ(next->size(), 0u) << change.what;
    EXPECT_NE(next.Open(1, 0), nullptr) << change.what;
  }
}

TEST_F(TakeOver, AGarbledSeedOrClockLetsNothingThroughThatWasNotThere) {
  Leave();
  Edit([&](std::byte* bytes, size_t) { bytes[offsetof(RegionHeader, seed)] ^= std::byte{1}; });
  Process next(file_, 0, 1'000'000);
  EXPECT_EQ(next->size(), 0u) << "no check fits another seed";
}

TEST_F(TakeOver, AnotherCapacityStartsAfresh) {
  Leave();
  Process next(file_, 0, 1'000'000, 2 * kCapacity);
  ASSERT_TRUE(next.table.ok());
  EXPECT_EQ(next->size(), 0u);
  EXPECT_EQ(next->capacity(), 2 * kCapacity);
}

TEST_F(TakeOver, AFileCutShortStartsAfresh) {
  for (const size_t size : {4096ul, 100'000ul}) {
    std::filesystem::remove(file_);
    Leave();
    std::filesystem::resize_file(file_, size);
    Process next(file_, 0, 1'000'000);
    ASSERT_TRUE(next.table.ok()) << next.table.status();
    EXPECT_EQ(next->size(), 0u);
    EXPECT_NE(next.Open(1, 0), nullptr);
  }
}

TEST_F(TakeOver, AFileThatWasNeverFinishedStartsAfresh) {
  Leave();
  const size_t size = std::filesystem::file_size(file_);
  std::filesystem::resize_file(file_, 0);
  std::filesystem::resize_file(file_, size);
  Process next(file_, 0, 1'000'000);
  ASSERT_TRUE(next.table.ok()) << next.table.status();
  EXPECT_EQ(next->size(), 0u);
}

TEST_F(TakeOver, SomebodysOtherFileIsRefusedAndLeftAlone) {
  const std::string text = "dear diary, this is not a connection table but it is long enough";
  std::ofstream(file_) << text;
  Process next(file_, 0, 0);
  EXPECT_EQ(next.table.status().message(),
            "connection file " + file_ + ": is not a connection table; remove it or name another");
  std::ifstream in(file_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
}

TEST_F(TakeOver, ASecondProcessIsRefused) {
  Leave();
  Process first(file_, 0, 1'000'000);
  ASSERT_TRUE(first.table.ok());
  Process second(file_, 0, 1'000'000);
  EXPECT_EQ(second.table.status().message(),
            "connection file " + file_ + ": is in use by another process");
  EXPECT_EQ(first->size(), kFlows) << "and the first is not disturbed";
}

TEST_F(TakeOver, FilesThatOthersCouldWriteAreRefused) {
  Leave();
  ASSERT_EQ(chmod(file_.c_str(), 0666), 0);
  EXPECT_EQ(Process(file_, 0, 0).table.status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(chmod(file_.c_str(), 0600), 0);
  const std::string link = directory_ + "/link";
  ASSERT_EQ(symlink(file_.c_str(), link.c_str()), 0);
  EXPECT_EQ(Process(link, 0, 0).table.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Process(directory_, 0, 0).table.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Process("/dev/null", 0, 0).table.status().message(),
            "connection file /dev/null: is not a regular file");
  EXPECT_EQ(Process(directory_ + "/no/such", 0, 0).table.status().message(),
            "connection file " + directory_ + "/no/such: No such file or directory");
}

}  // namespace
}  // namespace sluice::dataplane
