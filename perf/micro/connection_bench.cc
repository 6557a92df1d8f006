// The connection table beside rte_hash (lock-free reads, as DESIGN 6 wants it compared): look-ups
// in bulk that hit and that miss, and churn, at 1k, 100k and 1M connections.
//
// Both hold the same 48-byte keys and find a connection for them; rte_hash looks bursts up with the
// hashes that both have computed (rte_hash_lookup_with_hash_bulk_data), and keeps the entry numbers
// as data. Churn takes the oldest connection out and puts a new one in; ours also gets a grace
// period, rte_hash frees at once what its readers may still see (it has no QSBR attached). "cycles"
// are TSC cycles a key, the median over bursts; hashing is in for both. Peers take turns by case,
// so that a slow spell of the machine hits both.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <rte_cycles.h>
#include <rte_hash.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/connection_table.h"
#include "dataplane/eal.h"

namespace sluice::dataplane {
namespace {

constexpr size_t kMaxSamples = 200'000;

std::vector<ConnectionKey> Keys(uint32_t count, uint32_t salt) {
  std::vector<ConnectionKey> keys(count);
  for (uint32_t i = 0; i < count; ++i) {
    ConnectionKey& key = keys[i];
    key.a.address[0] = 10;
    std::memcpy(&key.b.address, &i, sizeof(i));
    key.a.port = static_cast<uint16_t>(i >> 16 ^ salt);
    key.b.port = 80;
    key.a.subject = {static_cast<uint16_t>(1 + i % 30), 1};
    key.protocol = IPPROTO_UDP;
    key.family = 4;
  }
  return keys;
}

// Keys in an order that no cache foresees.
template <typename T>
std::vector<T> Shuffled(std::vector<T> values) {
  std::shuffle(values.begin(), values.end(), std::mt19937(1));
  return values;
}

class Ours {
 public:
  static constexpr const char* kName = "ours";

  explicit Ours(uint32_t capacity)
      : quiescence_(2),
        table_(*ConnectionTable::Create({.capacity = capacity, .port_share = 100}, &quiescence_)) {}

  bool Insert(const ConnectionKey& key) {
    const auto inserted = table_->FindOrInsert(0, key, table_->Hash(key), false, 1, 0);
    if (inserted.connection == nullptr) return false;
    for (Half& half : inserted.connection->halves) half.state = HalfState::kOpen;
    return inserted.created;
  }
  void Erase(const ConnectionKey& key) {
    table_->Remove(0, table_->Lookup(key, table_->Hash(key)));
  }
  void EndOfBurst() { table_->Age(0, 0, 0); }
  unsigned Find(const ConnectionKey* keys, unsigned count) {
    std::array<Packet*, kBurstSize * 2> wanted;
    for (unsigned i = 0; i < count; ++i) {
      packets_[i].key = keys[i];
      packets_[i].hash = table_->Hash(keys[i]);
      wanted[i] = &packets_[i];
    }
    table_->LookupBurst({wanted.data(), count});
    unsigned hits = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (packets_[i].connection == nullptr) continue;
      // What track does next: the connection's own half.
      hits += packets_[i].connection->Sent(false).state.load(std::memory_order_relaxed) !=
              HalfState::kIdle;
    }
    return hits;
  }

 private:
  Quiescence quiescence_;
  std::unique_ptr<ConnectionTable> table_;
  std::array<Packet, kBurstSize * 2> packets_;
};

class Peer {
 public:
  static constexpr const char* kName = "rte_hash";

  explicit Peer(uint32_t capacity)
      : hasher_(*ConnectionTable::Create({.capacity = 16}, &quiescence_)), entries_(capacity) {
    static unsigned next = 0;
    const std::string name = fmt::format("peer{}", next++);
    rte_hash_parameters parameters = {};
    parameters.name = name.c_str();
    parameters.entries = capacity;
    parameters.key_len = sizeof(ConnectionKey);
    parameters.socket_id = SOCKET_ID_ANY;
    parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
    hash_ = rte_hash_create(&parameters);
    for (uint32_t i = capacity; i > 0; --i) free_.push_back(i - 1);
  }
  ~Peer() { rte_hash_free(hash_); }

  bool ok() const { return hash_ != nullptr; }
  bool Insert(const ConnectionKey& key) {
    if (free_.empty()) return false;
    const uint32_t entry = free_.back();
    const int result =
        rte_hash_add_key_with_hash_data(hash_, &key, Signature(key), &entries_[entry]);
    if (result != 0) return false;
    free_.pop_back();
    entries_[entry].key = key;
    entries_[entry].halves[0].state = HalfState::kOpen;
    return true;
  }
  void Erase(const ConnectionKey& key) {
    void* entry = nullptr;
    const uint32_t signature = Signature(key);
    if (rte_hash_lookup_with_hash_data(hash_, &key, signature, &entry) < 0) return;
    const int32_t position = rte_hash_del_key_with_hash(hash_, &key, signature);
    rte_hash_free_key_with_position(hash_, position);
    free_.push_back(static_cast<uint32_t>(static_cast<Connection*>(entry) - entries_.data()));
  }
  void EndOfBurst() {}
  unsigned Find(const ConnectionKey* keys, unsigned count) {
    std::array<const void*, kBurstSize * 2> wanted;
    std::array<hash_sig_t, kBurstSize * 2> signatures;
    std::array<void*, kBurstSize * 2> found;
    for (unsigned i = 0; i < count; ++i) {
      wanted[i] = &keys[i];
      signatures[i] = Signature(keys[i]);
    }
    uint64_t mask = 0;
    rte_hash_lookup_with_hash_bulk_data(hash_, wanted.data(), signatures.data(), count, &mask,
                                        found.data());
    unsigned hits = 0;
    for (; mask != 0; mask &= mask - 1) {
      const auto* entry = static_cast<const Connection*>(found[__builtin_ctzll(mask)]);
      hits += entry->Sent(false).state.load(std::memory_order_relaxed) != HalfState::kIdle;
    }
    return hits;
  }

 private:
  hash_sig_t Signature(const ConnectionKey& key) const {
    return static_cast<hash_sig_t>(hasher_->Hash(key));
  }

  Quiescence quiescence_{2};
  std::unique_ptr<ConnectionTable> hasher_;  // the same hash function for both
  rte_hash* hash_ = nullptr;
  std::vector<Connection> entries_;
  std::vector<uint32_t> free_;
};

class Samples {
 public:
  Samples() { samples_.reserve(kMaxSamples); }
  void Add(uint64_t cycles) {
    if (samples_.size() < kMaxSamples) samples_.push_back(cycles);
  }
  void Report(benchmark::State& state, unsigned burst) {
    if (samples_.empty()) return;
    const auto median = samples_.begin() + static_cast<ptrdiff_t>(samples_.size() / 2);
    std::nth_element(samples_.begin(), median, samples_.end());
    state.counters["cycles"] = static_cast<double>(*median) / burst;
  }

 private:
  std::vector<uint64_t> samples_;
};

// A full table, made once for all runs of its size: filling a million takes longer than they do.
template <typename Table>
struct Filled {
  const uint32_t entries;
  const std::vector<ConnectionKey> keys;  // twice as many as fit: the first half is in
  Table table;
  size_t oldest = 0;  // churn's

  explicit Filled(uint32_t count)
      : entries(count), keys(Shuffled(Keys(2 * count, 0))), table(count + count / 4) {
    for (uint32_t i = 0; i < count; ++i) {
      if (!table.Insert(keys[i])) std::abort();
    }
  }
  static Filled& Of(const char* purpose, uint32_t entries) {
    static std::map<std::pair<std::string, uint32_t>, std::unique_ptr<Filled>> made;
    std::unique_ptr<Filled>& one = made[{purpose, entries}];
    if (one == nullptr) one = std::make_unique<Filled>(entries);
    return *one;
  }
};

template <typename Table>
void Lookup(benchmark::State& state, bool hit) {
  const auto burst = static_cast<unsigned>(state.range(1));
  auto& filled = Filled<Table>::Of("look-ups", static_cast<uint32_t>(state.range(0)));
  Samples samples;
  size_t at = 0;
  for (auto _ : state) {
    const uint64_t start = rte_rdtsc();
    const unsigned hits = filled.table.Find(&filled.keys[at + (hit ? 0 : filled.entries)], burst);
    samples.Add(rte_rdtsc() - start);
    if (hits != (hit ? burst : 0)) return state.SkipWithError("wrong answer");
    at = at + 2 * burst <= filled.entries ? at + burst : 0;
  }
  samples.Report(state, burst);
}

template <typename Table>
void Churn(benchmark::State& state) {
  const auto burst = static_cast<unsigned>(state.range(1));
  auto& filled = Filled<Table>::Of("churn", static_cast<uint32_t>(state.range(0)));
  Samples samples;
  for (auto _ : state) {
    const uint64_t start = rte_rdtsc();
    for (unsigned i = 0; i < burst; ++i) {
      filled.table.Erase(filled.keys[filled.oldest]);
      const size_t newest = (filled.oldest + filled.entries) % filled.keys.size();
      if (!filled.table.Insert(filled.keys[newest])) return state.SkipWithError("no room");
      filled.oldest = (filled.oldest + 1) % filled.keys.size();
    }
    filled.table.EndOfBurst();
    samples.Add(rte_rdtsc() - start);
  }
  samples.Report(state, burst);
}

template <typename Table>
void Register() {
  const auto add = [](const char* what, auto run) {
    for (const int64_t entries : {1'000, 100'000, 1'000'000}) {
      for (const int64_t burst : {32, 64}) {
        const std::string name = fmt::format("{}/{}", what, Table::kName);
        benchmark::RegisterBenchmark(name.c_str(), run)
            ->ArgNames({"entries", "burst"})
            ->Args({entries, burst});
      }
    }
  };
  add("hit", [](benchmark::State& state) { Lookup<Table>(state, true); });
  add("miss", [](benchmark::State& state) { Lookup<Table>(state, false); });
  add("churn", [](benchmark::State& state) { Churn<Table>(state); });
}

}  // namespace
}  // namespace sluice::dataplane

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  sluice::dataplane::EalConfig config;
  config.file_prefix = fmt::format("sluice-bench-{}", getpid());
  config.memory_mb = 1024;
  const auto eal = sluice::dataplane::Eal::Start(config);
  if (!eal.ok()) {
    fmt::print(stderr, "{}\n", std::string(eal.status().message()));
    return 1;
  }
  sluice::dataplane::Register<sluice::dataplane::Ours>();
  sluice::dataplane::Register<sluice::dataplane::Peer>();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
