// What backing off saves and costs: the CPU time of an idle worker, and how long a packet waits
// that comes in while it rests, by --idle-sleep-us. Prints one line a limit.
//
// One worker, two ring ports; a packet is sent after a pause of 2 to 30 ms (all limits sleep at
// full length by then, but for the longest) and seen by this thread, which spins. Needs two CPUs to
// itself to say something.
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dataplane/eal.h"
#include "dataplane/learned_macs.h"
#include "dataplane/port_device.h"
#include "dataplane/switch.h"

namespace sluice::dataplane {
namespace {

constexpr int kPackets = 300;
constexpr uint32_t kLimits[] = {0, 20, 50, 200, 1000, 5000};
const MacAddress kFrom{{2, 0, 0, 0, 0, 1}}, kTo{{2, 0, 0, 0, 0, 2}};

double Seconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

PortSpec Ring(const std::string& name, const MacAddress& mac) {
  PortSpec spec;
  spec.name = name;
  spec.kind = PortKind::kRing;
  spec.pod_namespace = "default";
  spec.pod_name = name;
  spec.mac = mac;
  spec.addresses = {*acl::IpAddress::Parse("10.0.0.1")};
  return spec;
}

// A switch that forwards neighbour discovery and ARP only: nothing is judged, all is waiting.
class Bench {
 public:
  bool Start(int worker_core, uint32_t limit_us, unsigned round) {
    auto created = Switch::Create({.worker_cores = {worker_core},
                                   .connection_capacity = 1u << 20,
                                   .packet_buffers = 4096,
                                   .idle_sleep_us = limit_us});
    if (!created.ok()) return false;
    switch_ = *std::move(created);
    auto snapshot = std::make_unique<Snapshot>();
    snapshot->epoch = 1;
    snapshot->ports.resize(4);
    snapshot->polled.resize(1);
    NetworkView network;
    network.stamps = std::make_shared<AddressStamps>();
    network.learned = std::make_shared<LearnedMacs>(64, 60'000);
    for (const auto& [name, mac] : {std::pair{"a", kFrom}, std::pair{"b", kTo}}) {
      specs_.push_back(Ring(fmt::format("{}{}", name, round), mac));
      auto attached = switch_->AttachPort(specs_.back());
      if (!attached.ok()) return false;
      PortView& view = snapshot->ports.at(attached->id);
      view.in_use = true;
      view.io = attached->io;
      view.generation = attached->generation;
      view.subject = SubjectState::kKnown;
      view.mac = mac;
      view.addresses = specs_.back().addresses;
      network.macs[mac] = attached->id;
      network.members.push_back(attached->id);
      snapshot->polled[0].push_back(attached->id);
    }
    snapshot->networks.push_back(std::move(network));
    switch_->Publish(std::move(snapshot));
    return true;
  }

  // Share of one CPU that the process uses while nothing comes in and this thread sleeps.
  static double IdleCpu() {
    usleep(200'000);
    const double cpu = Seconds(CLOCK_PROCESS_CPUTIME_ID), wall = Seconds(CLOCK_MONOTONIC);
    usleep(1'000'000);
    return (Seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (Seconds(CLOCK_MONOTONIC) - wall);
  }

  std::vector<double> Latencies() {
    rte_mempool* pool = rte_mempool_lookup("sluice_packets");
    rte_ring* in = rte_ring_lookup(RingName(specs_[0], true).c_str());
    rte_ring* out = rte_ring_lookup(RingName(specs_[1], false).c_str());
    const double ticks_per_us = static_cast<double>(rte_get_tsc_hz()) / 1e6;
    std::mt19937 random(1);
    std::vector<double> latencies;
    for (int i = 0; i < kPackets; ++i) {
      rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
      WriteArp(mbuf);
      usleep(2000 + random() % 28'000);
      const uint64_t sent = rte_rdtsc();
      rte_ring_enqueue(in, mbuf);
      void* got = nullptr;
      while (rte_ring_dequeue(out, &got) != 0) {
      }
      latencies.push_back(static_cast<double>(rte_rdtsc() - sent) / ticks_per_us);
      rte_pktmbuf_free(static_cast<rte_mbuf*>(got));
    }
    std::sort(latencies.begin(), latencies.end());
    return latencies;
  }

 private:
  static void WriteArp(rte_mbuf* mbuf) {
    auto* bytes = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, 42));
    const uint8_t request[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    std::copy(kTo.bytes.begin(), kTo.bytes.end(), bytes);
    std::copy(kFrom.bytes.begin(), kFrom.bytes.end(), bytes + 6);
    std::copy(std::begin(request), std::end(request), bytes + 12);
    std::copy(kFrom.bytes.begin(), kFrom.bytes.end(), bytes + 22);
    const uint8_t addresses[] = {10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};
    std::copy(std::begin(addresses), std::end(addresses), bytes + 28);
  }

  std::vector<PortSpec> specs_;
  std::unique_ptr<Switch> switch_;
};

int Run(int worker_core) {
  fmt::print("{:>10} {:>9} {:>9} {:>9} {:>9}\n", "limit us", "idle CPU", "median us", "p99 us",
             "max us");
  unsigned round = 0;
  for (const uint32_t limit : kLimits) {
    Bench bench;
    if (!bench.Start(worker_core, limit, round++)) return 1;
    const double cpu = Bench::IdleCpu();
    const std::vector<double> latencies = bench.Latencies();
    fmt::print("{:>10} {:>8.1f}% {:>9.1f} {:>9.1f} {:>9.1f}\n", limit, cpu * 100,
               latencies[latencies.size() / 2], latencies[latencies.size() * 99 / 100],
               latencies.back());
  }
  return 0;
}

}  // namespace
}  // namespace sluice::dataplane

int main() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE && cpus.size() < 2; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  sluice::dataplane::EalConfig config;
  config.file_prefix = fmt::format("sluice-idle-{}", getpid());
  config.worker_cores = {cpus.back()};
  const auto eal = sluice::dataplane::Eal::Start(config);
  if (!eal.ok()) {
    fmt::print(stderr, "{}\n", std::string(eal.status().message()));
    return 1;
  }
  return sluice::dataplane::Run(cpus.back());
}
