#include "dataplane/vhost_library.h"

#include <fmt/core.h>
#include <rte_version.h>
#include <rte_vhost.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/peer_memory.h"
#include "dataplane/peer_sockets.h"
#include "dataplane/vhost_port.h"

namespace sluice::dataplane {
namespace {

class OpenPorts {
 public:
  void Add(VhostPort* port) {
    const std::scoped_lock lock(mutex_);
    ports_[port->config().path] = port;
  }
  void Remove(const VhostPort* port) {
    const std::scoped_lock lock(mutex_);
    ports_.erase(port->config().path);
  }
  // The port that the peer is connected to. It stays for the length of a callback: to close it
  // waits for those that run. Null: none that is ours.
  VhostPort* Of(int peer) {
    std::array<char, PATH_MAX> path{};
    if (rte_vhost_get_ifname(peer, path.data(), path.size()) != 0) return nullptr;
    const std::scoped_lock lock(mutex_);
    const auto found = ports_.find(path.data());
    return found == ports_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, VhostPort*> ports_;  // by path
};

OpenPorts& Ports() {
  static OpenPorts ports;
  return ports;
}

// The connection of each peer, by the library's number; below 0: not known. Written before its
// first message.
std::array<std::atomic<int>, RTE_MAX_VHOST_DEVICE> connections;

#if RTE_VERSION >= RTE_VERSION_NUM(23, 0, 0, 0)
#error "what the library gives a message's handlers was read in DPDK 22.11: look at vhu_msg_context"
#endif
// What the library gives a message's handlers: the message as it comes over the socket (vhost-user
// protocol, "Message specification"), and the files that came with it. That is
// lib/vhost/vhost_user.h's vhu_msg_context, which is not public.
struct Message {
  uint32_t request;
  uint32_t flags;
  uint32_t size;    // of the payload
  uint64_t number;  // its beginning
  uint8_t more[624];
  std::array<int, 8> files;  // below 0: none
  int file_count;
} __attribute__((packed));
static_assert(offsetof(Message, files) == 644 && sizeof(Message) == 680);
constexpr uint32_t kNeedsReply = 1u << 3;

enum Request : uint32_t {
  kSetMemoryTable = 5,
  kSetLogBase = 6,
  kSetRingSize = 8,
  kGetRingBase = 11,
  kSetRingKick = 12,
  kSetRingError = 14,
  kGetQueueNumber = 17,
  kSetRingEnable = 18,
  kPostcopyAdvise = 28,
  kSetInflight = 32,
};

// Who claims a message has its files, too.
void CloseFiles(Message& message) {
  for (unsigned i = 0; i < message.files.size(); ++i) {
    const int file = std::exchange(message.files[i], -1);
    if (file >= 0) close(file);
  }
  message.file_count = 0;
}

// The library hangs up; an answer would keep it from that.
rte_vhost_msg_result Refuse(Message& message) {
  CloseFiles(message);
  message.flags &= ~kNeedsReply;
  return RTE_VHOST_MSG_RESULT_ERR;
}

// Memory that only the peer could map, and take away, beside what it shares for its rings; nobody
// needs it who was not offered it.
bool SharesMore(uint32_t request) {
  return request == kSetLogBase || (kPostcopyAdvise <= request && request <= kSetInflight);
}

// Rings that are never read would take the library's memory, which is all ports'.
bool IsOfOtherRing(const Message& message, unsigned queues) {
  const uint32_t request = message.request;
  const bool by_file = kSetRingKick <= request && request <= kSetRingError;
  const bool by_index =
      (kSetRingSize <= request && request <= kGetRingBase) || request == kSetRingEnable;
  if (by_file) return (message.number & 0xff) >= 2 * queues;
  return by_index && static_cast<uint32_t>(message.number) >= 2 * queues;
}

rte_vhost_msg_result BeforeMessage(int peer, void* context) {
  auto& message = *static_cast<Message*>(context);
  EndMemoryChange();  // of a message that the library refused
  VhostPort* port = Ports().Of(peer);
  if (port == nullptr || SharesMore(message.request) || ReadsNoAnswers(connections[peer]) ||
      IsOfOtherRing(message, port->config().queues)) {
    return Refuse(message);
  }
  if (message.request == kSetMemoryTable) {
    SetPeerMemory(peer, port, {});
    BeginMemoryChange();
  }
  if (message.request != kGetQueueNumber) return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
  // The library would offer 128 pairs, of which the rest would never be read.
  CloseFiles(message);
  message.number = port->config().queues;
  message.size = sizeof(message.number);
  return RTE_VHOST_MSG_RESULT_REPLY;
}

void WatchMemory(int peer) {
  rte_vhost_memory* table = nullptr;
  VhostPort* port = Ports().Of(peer);
  if (port == nullptr || rte_vhost_get_mem_table(peer, &table) != 0) return;
  std::vector<PeerRegion> regions;
  for (const auto& region : std::span(table->regions, table->nregions)) {
    regions.push_back({region.mmap_addr, region.mmap_size});
  }
  std::free(table);  // NOLINT(cppcoreguidelines-no-malloc): the library's malloc
  SetPeerMemory(peer, port, regions);
}

rte_vhost_msg_result AfterMessage(int peer, void* context) {
  auto& message = *static_cast<Message*>(context);
  if (message.request != kSetMemoryTable) return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
  WatchMemory(peer);
  return EndMemoryChange() ? Refuse(message) : RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

constexpr rte_vhost_user_extern_ops kMessages = {.pre_msg_handle = BeforeMessage,
                                                 .post_msg_handle = AfterMessage};

int OnConnection(int peer) {
  VhostPort* port = Ports().Of(peer);
  if (port == nullptr || !port->PeerConnected(peer)) return -1;
  const bool server = port->config().role == VhostRole::kServer;
  connections[peer] = BoundWaits(server ? port->config().path : "");
  return rte_vhost_extern_callback_register(peer, &kMessages, nullptr);
}

int OnNewDevice(int peer) {
  VhostPort* port = Ports().Of(peer);
  if (port == nullptr) return -1;
  port->PeerReady(peer);
  return 0;
}

void OnDestroyDevice(int peer) {
  if (VhostPort* port = Ports().Of(peer)) port->PeerStopped(peer);
}

void OnConnectionClosed(int peer) {
  if (VhostPort* port = Ports().Of(peer)) port->PeerGone(peer);
}

int OnRingState(int peer, uint16_t ring, int on) {
  VhostPort* port = Ports().Of(peer);
  if (port == nullptr) return -1;
  port->RingSwitched(peer, ring, on != 0);
  return 0;
}

constexpr rte_vhost_device_ops kCallbacks = {.new_device = OnNewDevice,
                                             .destroy_device = OnDestroyDevice,
                                             .vring_state_changed = OnRingState,
                                             .features_changed = nullptr,
                                             .new_connection = OnConnection,
                                             .destroy_connection = OnConnectionClosed,
                                             .guest_notified = nullptr,
                                             .reserved = {}};

// A log of what we write into a guest's memory, for its migration, is memory that the peer could
// take away: <linux/vhost.h> VHOST_F_LOG_ALL.
constexpr uint64_t kRefusedFeatures = uint64_t{1} << 26;

}  // namespace

absl::Status RegisterVhostPort(VhostPort* port) {
  WatchPeerMemory();
  const char* path = port->config().path.c_str();
  // The flags of a buffer say what the peer left undone, not what has been verified.
  uint64_t flags = RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS;
  if (port->config().role == VhostRole::kClient) flags |= RTE_VHOST_USER_CLIENT;
  if (rte_vhost_driver_register(path, flags) != 0) {
    return absl::InternalError(fmt::format("the vhost library does not take {}", path));
  }
  Ports().Add(port);
  if (rte_vhost_driver_disable_features(path, kRefusedFeatures) == 0 &&
      rte_vhost_driver_callback_register(path, &kCallbacks) == 0 &&
      rte_vhost_driver_start(path) == 0) {
    return absl::OkStatus();
  }
  UnregisterVhostPort(port);
  return absl::InternalError(fmt::format("the vhost library does not start {}", path));
}

void UnregisterVhostPort(VhostPort* port) {
  rte_vhost_driver_unregister(port->config().path.c_str());
  Ports().Remove(port);
}

}  // namespace sluice::dataplane
