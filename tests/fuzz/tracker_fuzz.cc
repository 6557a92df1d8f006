// What pods send, one packet after another, through parse and the connection table: any bytes, any
// order, split over two buffers anywhere. Policy allows everything.
//
// The input is a row of packets: a byte that names the ports (in: bits 0-1, out: bits 2-3), a byte
// that says how much lies in the first buffer (255: all), two bytes of length, and the frame.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "dataplane/connection_table.h"
#include "dataplane/parse.h"
#include "dataplane/quiescence.h"
#include "dataplane/track.h"

namespace {

using namespace sluice::dataplane;

constexpr size_t kRecord = 4;
constexpr uint32_t kCapacity = 64;

void Require(bool holds) {
  if (!holds) std::abort();
}

// A frame in one or two heap blocks of exactly its size: ASan sees a read beyond.
class TwoBuffers {
 public:
  TwoBuffers(const uint8_t* frame, size_t size, size_t first)
      : head_(new uint8_t[first]), tail_(new uint8_t[size - first]) {
    std::copy(frame, frame + first, head_.get());
    std::copy(frame + first, frame + size, tail_.get());
    Fill(mbufs_[0], head_.get(), first);
    Fill(mbufs_[1], tail_.get(), size - first);
    mbufs_[0].pkt_len = static_cast<uint32_t>(size);
    mbufs_[0].nb_segs = first < size ? 2 : 1;
    mbufs_[0].next = first < size ? &mbufs_[1] : nullptr;
  }
  rte_mbuf* get() { return &mbufs_[0]; }

 private:
  static void Fill(rte_mbuf& mbuf, uint8_t* data, size_t size) {
    mbuf.buf_addr = data;
    mbuf.data_len = static_cast<uint16_t>(size);
    mbuf.nb_segs = 1;
  }
  std::unique_ptr<uint8_t[]> head_, tail_;
  rte_mbuf mbufs_[2] = {};
};

// Two pods and an uplink, ports 1, 2 and 3.
Snapshot MakeSnapshot() {
  Snapshot snapshot;
  snapshot.ports.resize(4);
  for (PortId id = 1; id <= 3; ++id) {
    PortView& port = snapshot.ports[id];
    port.in_use = true;
    port.generation = 1;
    port.subject = id == 3 ? SubjectState::kNone : SubjectState::kKnown;
    port.role = id == 3 ? PortRole::kUplink : PortRole::kPod;
  }
  snapshot.networks.resize(1);
  return snapshot;
}

// As judge would for an allowed packet.
void Commit(Packet& packet, ConnectionTable& table, uint32_t now_ms) {
  if (!packet.alive() || packet.kind != PacketKind::kTracked) return;
  if (packet.connection != nullptr) return;
  packet.connection =
      table.FindOrInsert(0, packet.key, packet.hash, packet.from_b, 0, now_ms).connection;
  if (packet.connection == nullptr) return;
  packet.drop = Advance(packet, *packet.connection, now_ms, table.tracking());
}

void Run(ConnectionTable& table, const Snapshot& snapshot, uint8_t ports, rte_mbuf* mbuf,
         uint32_t now_ms) {
  Burst burst;
  burst.snapshot = &snapshot;
  burst.in_port = static_cast<PortId>(1 + (ports & 3) % 3);
  burst.in = &snapshot.ports[burst.in_port];
  burst.now_ms = now_ms;
  burst.count = 1;
  Packet& packet = burst.packets[0];
  packet.mbuf = mbuf;
  ParsePacket(packet);
  packet.out_port = static_cast<PortId>(1 + (ports >> 2 & 3) % 3);
  Track(burst, table, 0);
  Commit(packet, table, now_ms);
  if (packet.connection == nullptr) return;
  for (const Half& half : packet.connection->halves) {
    Require(static_cast<unsigned>(half.state.load()) < kHalfStates);
  }
  Require(static_cast<size_t>(StateOf(*packet.connection)) < kConnectionStates);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Snapshot snapshot = MakeSnapshot();
  Quiescence quiescence(2);
  ConnectionTableConfig config;
  config.capacity = kCapacity;
  config.port_share = 100;
  config.tracking.tcp_pick_up = size % 2 == 0;
  auto created = ConnectionTable::Create(config, &quiescence);
  Require(created.ok());
  ConnectionTable& table = **created;
  uint32_t now_ms = 0;
  while (size >= kRecord) {
    const size_t length = std::min<size_t>(data[2] << 8 | data[3], size - kRecord);
    const size_t first = data[1] == 255 ? length : std::min<size_t>(data[1], length);
    TwoBuffers frame(data + kRecord, length, first);
    Run(table, snapshot, data[0], frame.get(), now_ms);
    now_ms += 100;
    data += kRecord + length;
    size -= kRecord + length;
  }
  // Whatever state they are in, they age out.
  for (unsigned i = 0; i < 2; ++i) table.Age(0, now_ms + (1u << 30), 2 * kCapacity);
  Require(table.size() == 0);
  return 0;
}
