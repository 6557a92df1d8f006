-- Pktgen-DPDK: `flows` UDP flows from port 0 to port 1 at rising rates, loss printed for each.
-- pktgen -l 0-4 -n 4 -- -P -m "[1:2].0,[3:4].1" -f perf/nic/flows.lua
-- Set the MACs and addresses of the two ends first; see perf/nic/README.md.
package.path = package.path .. ";?.lua;test/?.lua;app/?.lua;"
require "Pktgen"

local send, receive = "0", "1"
local source, destination = "10.20.0.1", "10.20.0.2"
local destination_mac = "02:00:00:00:01:02"
local size = 64          -- with FCS
local flows = 10000      -- source ports
local seconds = 10

pktgen.set_mac(send, "dst", destination_mac)
pktgen.set_proto(send, "udp")
pktgen.set(send, "size", size)
pktgen.range.dst_mac(send, "start", destination_mac)
pktgen.range.src_ip(send, "start", source)
pktgen.range.src_ip(send, "inc", "0.0.0.0")
pktgen.range.dst_ip(send, "start", destination)
pktgen.range.dst_ip(send, "inc", "0.0.0.0")
pktgen.range.ip_proto(send, "udp")
pktgen.range.src_port(send, "start", 1024)
pktgen.range.src_port(send, "inc", 1)
pktgen.range.src_port(send, "min", 1024)
pktgen.range.src_port(send, "max", 1023 + flows)
pktgen.range.dst_port(send, "start", 2000)
pktgen.range.dst_port(send, "inc", 0)
pktgen.range.pkt_size(send, "start", size)
pktgen.range.pkt_size(send, "inc", 0)
pktgen.set_range(send, "on")

printf("rate %%   sent   received   loss\n")
for rate = 10, 100, 10 do
  pktgen.clr()
  pktgen.set(send, "rate", rate)
  pktgen.start(send)
  pktgen.delay(seconds * 1000)
  pktgen.stop(send)
  pktgen.delay(500)
  local sent = pktgen.portStats(send, "port")[tonumber(send)].opackets
  local received = pktgen.portStats(receive, "port")[tonumber(receive)].ipackets
  printf("%d   %d   %d   %.6f\n", rate, sent, received, (sent - received) / sent)
end
