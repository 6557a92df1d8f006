// The JSON commands of sluice-pktgen: reads them, runs them side by side, writes their answers.
//
// Every command has exactly one answer, with its "id". A command that cannot be carried out as
// written is answered with {"id","ok":false,"error"}; one whose packets did not arrive is not such
// an error. The interface, command by command, is in perf/pktgen/README.md.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "perf/pktgen/command_fields.h"
#include "perf/pktgen/host_stack.h"
#include "perf/pktgen/operation.h"
#include "perf/pktgen/pods.h"
#include "perf/pktgen/tcp_exchange.h"

namespace sluice::pktgen {

// UDP load from a pod of this process to another one.
struct BlastRequest {
  HostStack* from = nullptr;
  HostStack* to = nullptr;
  IpAddress address;  // of `to`
  uint16_t port = 0;
  uint64_t size = 0;  // of the Ethernet frame, FCS counted
  double seconds = 0;
  uint64_t rate_pps = 0;  // 0: unlimited
  uint64_t flows = 1;     // source ports
  bool latency = false;   // is measured
};

class Commands {
 public:
  using BlastFactory =
      std::function<absl::StatusOr<std::unique_ptr<Operation>>(const BlastRequest&)>;
  using Output = std::function<void(const Json& answer)>;

  // The stacks outlive this.
  Commands(Pods pods, BlastFactory blast, Output output);

  // `line` is one command, untrusted.
  void Start(std::string_view line, uint64_t now_ns);
  // Advances what runs; writes the answers of what is done.
  void Step(uint64_t now_ns);
  bool idle() const { return running_.empty(); }
  bool quit() const { return quit_; }  // asked for

 private:
  // What a command comes to: its answer, or what will have it.
  using Outcome = absl::StatusOr<std::variant<Json, std::unique_ptr<Operation>>>;
  struct Running {
    Json id;
    std::unique_ptr<Operation> operation;
  };

  Outcome Run(const Json& command);
  Outcome Listen(CommandFields& fields);
  Outcome Connect(CommandFields& fields);
  Outcome Send(CommandFields& fields);
  Outcome Close(CommandFields& fields);
  Outcome Request(CommandFields& fields);
  Outcome Ping(CommandFields& fields);
  Outcome Counters(CommandFields& fields);
  Outcome Blast(CommandFields& fields);
  Outcome ReachAll(CommandFields& fields);
  Outcome Quit(CommandFields& fields);

  Outcome Probe(CommandFields& fields, bool echo);
  void Write(const Json& id, const Json& fields) const;

  Pods pods_;
  BlastFactory blast_;
  Output output_;
  KeptConnections kept_;
  std::vector<Running> running_;
  bool quit_ = false;
};

}  // namespace sluice::pktgen
