// A hub of DPDK ports: what enters one leaves at every other. The plain switch side that the tests
// of sluice-pktgen run against; ends when its standard input does.
//
//   vhost_bridge FILE_PREFIX vhost:SOCKET | vhost-client:SOCKET | tap:INTERFACE ...
//
// Writes "ready" to standard error when all ports are open.
#include <poll.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/eal.h"

namespace {

constexpr uint16_t kBurst = 64;
constexpr int kIdleWaitMs = 1;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "vhost_bridge: %s\n", what.c_str());
  std::exit(1);
}

// "vhost:/path" -> a started device with one queue pair.
uint16_t OpenPort(const std::string& text, rte_mempool* pool, unsigned number) {
  const size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon), where = text.substr(colon + 1);
  std::string name = "net_vhost" + std::to_string(number), arguments = "iface=" + where;
  if (kind == "vhost-client") arguments += ",client=1";
  if (kind == "tap") name = "net_tap" + std::to_string(number);
  if (rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str()) != 0) Die("no " + text);
  uint16_t port = 0;
  const rte_eth_conf conf{};
  if (rte_eth_dev_get_port_by_name(name.c_str(), &port) != 0 ||
      rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
      rte_eth_rx_queue_setup(port, 0, 256, SOCKET_ID_ANY, nullptr, pool) != 0 ||
      rte_eth_tx_queue_setup(port, 0, 256, SOCKET_ID_ANY, nullptr) != 0 ||
      rte_eth_dev_start(port) != 0) {
    Die("cannot start " + text);
  }
  return port;
}

// A full queue loses the packet.
void SendBurst(uint16_t port, rte_mbuf** packets, uint16_t count) {
  const uint16_t sent = rte_eth_tx_burst(port, 0, packets, count);
  rte_pktmbuf_free_bulk(packets + sent, count - sent);
}

uint16_t Forward(uint16_t from, const std::vector<uint16_t>& ports, rte_mempool* pool) {
  rte_mbuf* packets[kBurst];
  const uint16_t count = rte_eth_rx_burst(from, 0, packets, kBurst);
  if (ports.size() == 2) {
    SendBurst(from == ports[0] ? ports[1] : ports[0], packets, count);
    return count;
  }
  for (const uint16_t to : ports) {
    rte_mbuf* copies[kBurst];
    uint16_t copied = 0;
    for (uint16_t i = 0; to != from && i < count; ++i) {
      rte_mbuf* copy = rte_pktmbuf_copy(packets[i], pool, 0, UINT32_MAX);
      if (copy != nullptr) copies[copied++] = copy;
    }
    SendBurst(to, copies, copied);
  }
  rte_pktmbuf_free_bulk(packets, count);
  return count;
}

// Waits for the input's end, at most `wait_ms`.
bool InputEnded(int wait_ms) {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  char ignored[64];
  return poll(&input, 1, wait_ms) > 0 && read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) Die("needs a file prefix and two ports");
  const auto eal = sluice::dataplane::Eal::Start(
      {.file_prefix = argv[1], .huge_pages = sluice::dataplane::HugePages::kOff, .memory_mb = 256});
  if (!eal.ok()) Die(std::string(eal.status().message()));
  rte_mempool* pool =
      rte_pktmbuf_pool_create("bridge", 16'384, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool == nullptr) Die("no memory");
  std::vector<uint16_t> ports;
  for (int i = 2; i < argc; ++i) {
    ports.push_back(OpenPort(argv[i], pool, static_cast<unsigned>(i)));
  }
  std::fputs("ready\n", stderr);
  for (unsigned idle = 0, loops = 0;; ++loops) {
    uint16_t moved = 0;
    for (const uint16_t port : ports) moved += Forward(port, ports, pool);
    idle = moved > 0 ? 0 : idle + 1;
    if (idle < 1'000 && loops % 1'024 != 0) continue;
    if (InputEnded(idle < 1'000 ? 0 : kIdleWaitMs)) break;
  }
  for (const uint16_t port : ports) {
    rte_eth_dev_stop(port);
    rte_eth_dev_close(port);
  }
  return 0;
}
