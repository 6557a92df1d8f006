// One TCP command: open, send, wait for a reply, close; or any part of it on a kept connection.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "perf/pktgen/host_stack.h"
#include "perf/pktgen/operation.h"

namespace sluice::pktgen {

// The open connections that commands may name. One that a command works on is not in here.
class KeptConnections {
 public:
  struct Kept {
    HostStack* stack = nullptr;
    TcpConnection* connection = nullptr;
  };
  uint64_t NewHandle() { return ++last_; }
  void Put(uint64_t handle, const Kept& kept) { kept_[handle] = kept; }
  std::optional<Kept> Take(uint64_t handle);

 private:
  uint64_t last_ = 0;
  std::map<uint64_t, Kept> kept_;
};

class TcpExchange final : public Operation {
 public:
  struct Config {
    HostStack* stack = nullptr;
    TcpConnection* connection = nullptr;  // one already open, or null: open one
    IpAddress to;                         // to open
    uint16_t port = 0;
    std::string send;           // empty: no reply is waited for
    uint64_t expect_bytes = 1;  // this much is a reply
    uint64_t timeout_ns = 0;    // for all of it
    bool close = true;          // when the reply is there; false: keep it open
    KeptConnections* kept = nullptr;
    uint64_t handle = 0;  // under which it is kept
  };
  static constexpr size_t kMaxText = 4096;  // of what is received, in the answer

  explicit TcpExchange(Config config);

  bool Step(uint64_t now_ns) override;
  Json Answer() const override;
  bool reached() const override { return stage_ >= Stage::kEstablished; }

 private:
  // How far it came, in order.
  enum class Stage : uint8_t { kResolving, kSynSent, kEstablished, kReplied, kClosed };

  void Open(uint64_t now_ns);
  bool Advance(uint64_t now_ns);  // true when done
  bool answered() const;          // a reply is there, or none is wanted
  void Finish();

  Config config_;
  std::optional<uint64_t> deadline_ns_;
  bool sent_ = false, closing_ = false, ok_ = false, kept_ = false;
  Stage stage_ = Stage::kResolving;
  std::string text_;
  uint64_t received_bytes_ = 0;
  TcpStats stats_;
  bool reset_ = false;
};

}  // namespace sluice::pktgen
