// The tracker again, plainly: a std::map of connections, one function a rule, written from RFC 9293
// and the promises in dataplane/tcp_window.h. What tracker_test holds the real one against.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace sluice::test {

// One packet between two pods, by letter.
struct ModelPacket {
  char from = 'a', to = 'b';
  std::string protocol;  // "TCP", "UDP", "ECHO" (ports: identifier and 0), "GRE" (ports 0)
  uint16_t source = 0, destination = 0;
  std::string flags;  // TCP: of "SAFR", in this order. ECHO: "Q" asks, "R" replies
  uint32_t seq = 0, ack = 0, length = 0, window = 0;
  std::optional<unsigned> scale;
};

// What a policy admits: rules for one pod and direction. No rule: nothing.
struct ModelPolicy {
  char pod = 'a';
  bool ingress = true;
  struct Rule {
    char peer = 'a';
    std::string protocol;  // "TCP" or "UDP"
    uint16_t port = 0;
  };
  std::vector<Rule> rules;
};

struct ModelOptions {
  bool be_liberal = false, tcp_pick_up = false;
};

class TrackerModel {
 public:
  explicit TrackerModel(const ModelOptions& options) : options_(options) {}

  void SetPolicies(std::vector<ModelPolicy> policies);
  void Advance(uint32_t ms) { now_ms_ += ms; }
  void Age();  // forgets what is past its timeout

  // The name of the drop reason, or "none".
  std::string Take(const ModelPacket& packet);
  // An ICMP error about `quoted`, from its receiver to its sender.
  std::string TakeError(const ModelPacket& quoted) const;
  // The name of the state of the packet's connection, or "none".
  std::string StateOf(const ModelPacket& packet) const;
  size_t size() const { return connections_.size(); }

  // For who makes up packets: what the sender would say next.
  struct Hint {
    uint32_t seq = 0, ack = 0;
  };
  Hint HintFor(const ModelPacket& packet) const;

 private:
  struct Side {
    std::string phase = "silent";  // silent, syn, synack, open, fin, rst
    bool numbered = false;
    uint32_t next = 0, biggest_window = 0;
    std::optional<uint32_t> acked, edge;
    std::optional<unsigned> scale, new_scale;
    bool joined_late = false;
    uint32_t after_syn = 0;
    bool syn_waits = false;
    uint32_t seen_ms = 0;
  };
  struct Connection {
    char opener = 'a';
    std::string protocol;
    uint16_t port = 0;  // that the opener asked for
    bool judged = true;
    std::map<char, Side> sides;
  };
  using Key = std::tuple<std::string, char, uint16_t, char, uint16_t>;

  static Key KeyOf(const ModelPacket& packet);
  std::string Verdict(char from, char to, const std::string& protocol, uint16_t port) const;
  std::string Step(Connection& connection, const ModelPacket& packet);
  std::string StepTcp(Connection& connection, const ModelPacket& packet);
  std::string Syn(Side& own, const Side& peer, const ModelPacket& packet, bool opener);
  std::string SynAck(Side& own, const Side& peer, const ModelPacket& packet, bool opener);
  std::string Segment(Side& own, const Side& peer, const ModelPacket& packet);
  std::string Reset(Side& own, const Side& peer, const ModelPacket& packet);
  bool InWindow(const Side& own, const Side& peer, const ModelPacket& packet) const;
  static std::string NameOf(const Connection& connection, char other);
  std::string NameOf(const Connection& connection) const;
  uint32_t TimeoutOf(const std::string& state) const;

  const ModelOptions options_;
  std::vector<ModelPolicy> policies_;
  std::map<Key, Connection> connections_;
  uint32_t now_ms_ = 0;
};

}  // namespace sluice::test
