#include "tests/soak/bed.h"

#include <fmt/format.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "dataplane/drop_reason.h"
#include "dataplane/port_device.h"

namespace sluice::soak {
namespace {

constexpr unsigned kBuffers = 16384;
constexpr auto kPatience = std::chrono::seconds(10);
constexpr uint32_t kFragmentTimeoutMs = 1000;

rte_ring* RingOf(const std::string& port, bool into_switch) {
  dataplane::PortSpec spec;
  spec.name = port;
  return rte_ring_lookup(dataplane::RingName(spec, into_switch).c_str());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Bed>> Bed::Create(const std::vector<int>& cores,
                                                 const World& world) {
  std::unique_ptr<Bed> bed(new Bed);
  dataplane::EalConfig eal;
  eal.file_prefix = fmt::format("sluice-soak-{}", getpid());
  eal.huge_pages = dataplane::HugePages::kOff;
  eal.memory_mb = 512;
  eal.worker_cores = cores;
  auto started = dataplane::Eal::Start(eal);
  if (!started.ok()) return started.status();
  bed->eal_ = *std::move(started);

  dataplane::SwitchConfig config;
  config.worker_cores = cores;
  config.connection_capacity = 1u << 18;
  config.packet_buffers = kBuffers;
  config.idle_sleep_us = 20;
  config.fragment_timeout_ms = kFragmentTimeoutMs;
  auto created = dataplane::Switch::Create(config);
  if (!created.ok()) return created.status();
  bed->switch_ = *std::move(created);

  control::PublisherConfig publisher;
  publisher.policy.cluster_cidrs = world.cluster_cidrs;
  auto published = control::Publisher::Create(*bed->switch_, publisher);
  if (!published.ok()) return published.status();
  bed->publisher_ = *std::move(published);
  bed->pool_ = rte_mempool_lookup("sluice_packets");
  return bed;
}

Bed::~Bed() {
  publisher_.reset();
  switch_.reset();
}

absl::Status Bed::Execute(control::Command command) {
  const auto results = publisher_->Process({&command, 1});
  if (!results[0].ok()) return results[0].status();
  if (const auto* added = std::get_if<control::AddPortCommand>(&command)) {
    sent_[added->spec.name] = 0;
  } else if (const auto* deleted = std::get_if<control::DeletePortCommand>(&command)) {
    Receive(deleted->name);
    sent_.erase(deleted->name);
    rte_ring_free(RingOf(deleted->name, true));
    rte_ring_free(RingOf(deleted->name, false));
  }
  return absl::OkStatus();
}

bool Bed::Send(const std::string& name, const Bytes& frame, const std::vector<size_t>& cuts) {
  rte_mbuf* packet = nullptr;
  size_t begin = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    size_t end = i < cuts.size() ? cuts[i] : frame.size();
    do {  // a buffer holds about 2 kB
      rte_mbuf* segment = rte_pktmbuf_alloc(pool_);
      if (segment == nullptr) {
        rte_pktmbuf_free(packet);
        return false;
      }
      const auto size =
          static_cast<uint16_t>(std::min<size_t>(end - begin, rte_pktmbuf_tailroom(segment)));
      std::copy_n(frame.begin() + static_cast<ptrdiff_t>(begin), size,
                  reinterpret_cast<uint8_t*>(rte_pktmbuf_append(segment, size)));
      begin += size;
      if (packet == nullptr) {
        packet = segment;
      } else {
        rte_pktmbuf_chain(packet, segment);
      }
    } while (begin < end);
  }
  if (rte_ring_enqueue(RingOf(name, true), packet) != 0) {
    rte_pktmbuf_free(packet);
    return false;
  }
  ++sent_[name];
  return true;
}

bool Bed::AllRead() const {
  const auto view = publisher_->view();
  return std::all_of(sent_.begin(), sent_.end(), [&](const auto& entry) {
    const auto place = view->places.find(entry.first);
    return switch_->ReadPortCounters(place->second.attached.id).rx_packets == entry.second;
  });
}

absl::Status Bed::Settle() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto wait_until = [&](auto condition) {
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  };
  if (!wait_until([this] { return AllRead(); })) {
    return absl::DeadlineExceededError("the workers do not read their ports");
  }
  // What was read may still be on its way: a whole turn of each worker ends that.
  for (unsigned worker = 0; worker < switch_->worker_count(); ++worker) {
    const uint64_t then = switch_->ReadWorkerCounters(worker).loops;
    if (!wait_until([&] { return switch_->ReadWorkerCounters(worker).loops >= then + 2; })) {
      return absl::DeadlineExceededError(fmt::format("worker {} has stopped", worker));
    }
  }
  return absl::OkStatus();
}

std::vector<Bytes> Bed::Receive(const std::string& name) {
  std::vector<Bytes> frames;
  void* object = nullptr;
  rte_ring* ring = RingOf(name, false);
  while (rte_ring_dequeue(ring, &object) == 0) {
    auto* packet = static_cast<rte_mbuf*>(object);
    Bytes frame;
    for (const rte_mbuf* segment = packet; segment != nullptr; segment = segment->next) {
      const auto* data = rte_pktmbuf_mtod(segment, const uint8_t*);
      frame.insert(frame.end(), data, data + segment->data_len);
    }
    frames.push_back(std::move(frame));
    rte_pktmbuf_free(packet);
  }
  return frames;
}

unsigned Bed::BuffersInUse() const {
  unsigned sum = 0;
  rte_mempool_walk(
      [](rte_mempool* pool, void* argument) {
        *static_cast<unsigned*>(argument) += rte_mempool_in_use_count(pool);
      },
      &sum);
  return sum;
}

bool Bed::AllBuffersComeBack() const {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(2 * kFragmentTimeoutMs + 3000);
  while (BuffersInUse() != 0) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

void Bed::LeakOneBuffer() { rte_pktmbuf_alloc(pool_); }

std::string Bed::Drops() const {
  std::string text;
  const auto view = publisher_->view();
  for (size_t reason = 0; reason < dataplane::kDropReasonCount; ++reason) {
    uint64_t sum = 0;
    for (const auto& [name, place] : view->places) {
      sum += switch_->ReadPortCounters(place.attached.id).drops[reason];
    }
    const char* name = dataplane::DropReasonName(static_cast<dataplane::DropReason>(reason));
    if (sum != 0) text += fmt::format(" {} {}", name, sum);
  }
  return text;
}

}  // namespace sluice::soak
