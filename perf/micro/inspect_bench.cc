// What rules that look into connections cost: those that they look into, and the others.
//
//   idle     10,000 UDP flows between pods that no such rule selects, beside 10,000 names and 1,000
//            patterns of another pod, and beside none
//   tls      connections (SYN, SYN+ACK, ACK, a ClientHello, its acknowledgement with data, the
//            client's next flight and its acknowledgement) that one of 1,000 names lets pass, and
//            the same without a rule about content
//   http     the same with a request that one of 1,000 rules by host and path lets pass
//   compile  rules and matcher of 10,000 names, of 1,000 patterns, and these once more from a store
//   micro    which rule decides, by ContentMatcher and by trying one after the other; reading a
//            hello and a request
//
// One thread turns the workers of two switches on ring ports by hand, one with and one without, in
// turns A B A B, and counts only the turns (TSC). Every packet has to arrive. The output is one
// JSON object a line: {name, unit, value, samples, params}.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_cycles.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "acl/compiler.h"
#include "acl/content_match.h"
#include "acl/content_matcher.h"
#include "acl/linear_classifier.h"
#include "dataplane/eal.h"
#include "dataplane/inspect/head_reader.h"
#include "tests/support/hello.h"
#include "tests/support/testbed.h"

namespace sluice {
namespace {

using dataplane::kBurstSize;
using dataplane::kTcpAck;
using dataplane::kTcpSyn;
using test::Bytes;
using test::Testbed;

constexpr unsigned kRounds = 9;
constexpr unsigned kFlows = 10'000;
constexpr unsigned kGroups = 200;  // of 32 connections, a round
constexpr unsigned kManyNames = 10'000, kNames = 1'000, kPatterns = 1'000;

[[noreturn]] void Fail(const std::string& why) {
  fmt::print(stderr, "inspect_bench: {}\n", why);
  std::exit(1);
}
template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(std::string(value.status().message()));
  return *std::move(value);
}

void Print(const std::string& name, const char* unit, const std::vector<double>& samples,
           const std::string& params) {
  std::vector<double> sorted = samples;
  std::ranges::sort(sorted);
  fmt::print(
      "{{\"name\": \"inspect.{}\", \"unit\": \"{}\", \"value\": {:.4g}, \"samples\": [{:.4g}], "
      "\"params\": {{{}}}}}\n",
      name, unit, sorted[sorted.size() / 2], fmt::join(samples, ", "), params);
}

double SecondsOf(uint64_t cycles) {
  return static_cast<double>(cycles) / static_cast<double>(rte_get_tsc_hz());
}

std::string Name(unsigned number) { return fmt::format("host-{}.example.org", number); }

acl::SluicePolicy PolicyOf(const std::string& pod, std::vector<acl::SluiceRule> rules) {
  acl::SluicePolicy policy{.namespace_name = "default", .name = "look"};
  policy.pod_selector.match_labels = {{"name", pod}};
  policy.policy_types = {"Egress"};
  policy.egress = std::move(rules);
  return policy;
}

acl::SluiceRule RuleForNames(unsigned count) {
  acl::SluiceRule rule{.action = "allow"};
  rule.content.tls.emplace();
  for (unsigned i = 0; i < count; ++i) rule.content.tls->server_names.push_back(Name(i));
  return rule;
}

acl::SluiceRule RuleForPatterns(unsigned count) {
  acl::SluiceRule rule{.action = "allow"};
  for (unsigned i = 0; i < count; ++i) {
    rule.content.patterns.push_back({fmt::format("word{}\\s+[a-z]{{1,8}}{}", i, i * 7)});
  }
  return rule;
}

std::vector<acl::SluiceRule> RulesForRequests(unsigned count) {
  std::vector<acl::SluiceRule> rules(count);
  for (unsigned i = 0; i < count; ++i) {
    rules[i].content.http = {{.method = "GET", .host = Name(i), .path = fmt::format("/v{}/*", i)}};
  }
  return rules;
}

// A switch with pods a, b and c, and how many cycles its worker took.
class Side {
 public:
  explicit Side(std::vector<acl::SluicePolicy> policies)
      : bed_({.pods = "abc", .connections = 1u << 17, .port_share = 100}) {
    bed_.ApplySluice(std::move(policies));
  }

  // A turn with these packets of `from`, all of which must come out of `to`.
  uint64_t Turn(char from, char to, std::span<const Bytes> frames) {
    for (const Bytes& frame : frames) bed_.Send(from, frame);
    const uint64_t start = rte_rdtsc_precise();
    bed_.Turn();
    const uint64_t cycles = rte_rdtsc_precise() - start;
    if (bed_.Received(to).size() != frames.size()) Fail("packets were lost");
    return cycles;
  }

  void Forget() {
    bed_.table().RemoveSubject({bed_.id('a'), 1});
    for (int i = 0; i < 8; ++i) bed_.Turn();
  }

 private:
  Testbed bed_;
};

Bytes Tcp(char from, uint16_t client, uint32_t seq, uint32_t ack, uint8_t flags,
          std::string_view text = "") {
  constexpr uint16_t kServer = 443;
  const bool a = from == 'a';
  return Testbed::From(from, a ? 'b' : 'a')
      .Seq(seq, ack)
      .Tcp(a ? client : kServer, a ? kServer : client, flags, text)
      .bytes();
}

// The frames of 32 connections, a step after the other.
struct Step {
  char from;
  std::vector<Bytes> frames;
};
std::vector<Step> Conversation(unsigned group, const std::vector<std::string>& heads) {
  const bool tls = heads[0][0] == 0x16;
  std::vector<Step> steps = {{'a', {}}, {'b', {}}, {'a', {}}, {'a', {}},
                             {'b', {}}, {'a', {}}, {'b', {}}};
  // What a client of TLS 1.3 says next.
  const std::string more(tls ? "\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x01x" : "", tls ? 12 : 0);
  for (unsigned i = 0; i < kBurstSize; ++i) {
    const auto client = static_cast<uint16_t>(1024 + group * kBurstSize + i);
    const std::string& head = heads[(group * kBurstSize + i) % heads.size()];
    const auto end = static_cast<uint32_t>(1 + head.size());
    steps[0].frames.push_back(Tcp('a', client, 0, 0, kTcpSyn));
    steps[1].frames.push_back(Tcp('b', client, 0, 1, kTcpSyn | kTcpAck));
    steps[2].frames.push_back(Tcp('a', client, 1, 1, kTcpAck));
    steps[3].frames.push_back(Tcp('a', client, 1, 1, kTcpAck, head));
    steps[4].frames.push_back(Tcp('b', client, 1, end, kTcpAck, "an answer"));
    steps[5].frames.push_back(Tcp('a', client, end, 10, kTcpAck, more));
    steps[6].frames.push_back(
        Tcp('b', client, 10, end + static_cast<uint32_t>(more.size()), kTcpAck));
  }
  return steps;
}

// Cycles a connection.
double Connect(Side& side, const std::vector<std::vector<Step>>& groups) {
  uint64_t cycles = 0;
  for (const std::vector<Step>& steps : groups) {
    for (const Step& step : steps) {
      cycles += side.Turn(step.from, step.from == 'a' ? 'b' : 'a', step.frames);
    }
  }
  side.Forget();
  return static_cast<double>(cycles) / static_cast<double>(groups.size() * kBurstSize);
}

void RunConnections(const std::string& name, std::vector<acl::SluiceRule> rules,
                    const std::vector<std::string>& heads) {
  const std::string params =
      fmt::format("\"rules\": {}, \"names\": {}, \"head_bytes\": {}, \"packets\": 7", rules.size(),
                  kNames, heads[0].size());
  Side judged({PolicyOf("a", std::move(rules))}), plain({PolicyOf("a", {{.action = "allow"}})});
  std::vector<std::vector<Step>> groups;
  for (unsigned group = 0; group < kGroups; ++group) groups.push_back(Conversation(group, heads));
  std::vector<double> with, without, ratios, rates;
  for (unsigned round = 0; round < kRounds; ++round) {
    with.push_back(Connect(judged, groups));
    without.push_back(Connect(plain, groups));
    ratios.push_back(with.back() / without.back());
    rates.push_back(static_cast<double>(rte_get_tsc_hz()) / with.back());
  }
  Print(name + ".cycles", "cycles/connection", with, params);
  Print(name + ".plain.cycles", "cycles/connection", without, params);
  Print(name + ".ratio", "ratio", ratios, params);
  Print(name + ".rate", "connections/s", rates, params);
}

void RunIdle() {
  const std::string params =
      fmt::format("\"names\": {}, \"patterns\": {}, \"flows\": {}", kManyNames, kPatterns, kFlows);
  Side loaded({PolicyOf("c", {RuleForNames(kManyNames), RuleForPatterns(kPatterns)})});
  Side none({PolicyOf("c", {{.action = "allow"}, {.action = "allow"}})});
  std::vector<std::vector<Bytes>> bursts;
  for (unsigned flow = 0; flow < kFlows; ++flow) {
    if (flow % kBurstSize == 0) bursts.emplace_back();
    bursts.back().push_back(
        Testbed::From('a', 'b').Udp(static_cast<uint16_t>(1024 + flow), 9).bytes());
  }
  const auto pass = [&](Side& side) {  // cycles a packet
    uint64_t cycles = 0;
    for (const std::vector<Bytes>& burst : bursts) cycles += side.Turn('a', 'b', burst);
    return static_cast<double>(cycles) / kFlows;
  };
  std::map<std::string, std::vector<double>> samples;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (Side* side : {&loaded, &none}) {
      const std::string which = side == &loaded ? "loaded" : "none";
      samples["new." + which].push_back(pass(*side));
      samples["established." + which].push_back((pass(*side) + pass(*side)) / 2);
      side->Forget();
    }
    for (const std::string what : {"new.", "established."}) {
      samples[what + "ratio"].push_back(samples[what + "loaded"].back() /
                                        samples[what + "none"].back());
    }
  }
  for (const auto& [what, values] : samples) {
    const bool ratio = what.ends_with("ratio");
    Print("idle." + what, ratio ? "ratio" : "cycles/packet", values, params);
  }
}

class MapStore : public acl::DatabaseStore {
 public:
  std::optional<std::string> Load(const std::string& name) override {
    const auto found = kept_.find(name);
    return found == kept_.end() ? std::nullopt : std::optional(found->second);
  }
  void Save(const std::string& name, const std::string& bytes) override { kept_[name] = bytes; }

 private:
  std::map<std::string, std::string> kept_;
};

acl::PolicyInput InputOf(std::vector<acl::SluiceRule> rules) {
  acl::PolicyInput input;
  for (const char pod : {'a', 'b'}) {
    acl::Endpoint endpoint{.namespace_name = "default", .name = std::string(1, pod)};
    endpoint.labels = {{"name", endpoint.name}};
    endpoint.addresses = {Must(acl::IpAddress::Parse(Testbed::V4(pod)))};
    input.endpoints.push_back(endpoint);
  }
  input.all_local = true;
  input.sluice_policies = {PolicyOf("a", std::move(rules))};
  return input;
}

double CompileSeconds(const acl::PolicyInput& input, acl::DatabaseStore* store) {
  const uint64_t start = rte_rdtsc_precise();
  const acl::CompiledPolicy compiled = Must(acl::Compile(input));
  Must(acl::TrieClassifier::Build(compiled.table));
  Must(acl::ContentMatcher::Build(compiled.table, store));
  return SecondsOf(rte_rdtsc_precise() - start);
}

void RunCompile() {
  const acl::PolicyInput names = InputOf({RuleForNames(kManyNames)});
  const acl::PolicyInput patterns = InputOf({RuleForPatterns(kPatterns)});
  std::vector<double> of_names, of_patterns, again;
  MapStore store;
  CompileSeconds(patterns, &store);
  for (unsigned round = 0; round < 5; ++round) {
    of_names.push_back(CompileSeconds(names, nullptr));
    of_patterns.push_back(CompileSeconds(patterns, nullptr));
    again.push_back(CompileSeconds(patterns, &store));
  }
  Print("compile.names", "s", of_names, fmt::format("\"names\": {}", kManyNames));
  Print("compile.patterns", "s", of_patterns, fmt::format("\"patterns\": {}", kPatterns));
  Print("compile.patterns.stored", "s", again, fmt::format("\"patterns\": {}", kPatterns));
}

template <typename Act>
double Nanoseconds(unsigned times, Act&& act) {
  const uint64_t start = rte_rdtsc_precise();
  for (unsigned i = 0; i < times; ++i) act(i);
  return SecondsOf(rte_rdtsc_precise() - start) * 1e9 / times;
}

void RunResolve(unsigned rules) {
  const acl::CompiledPolicy compiled = Must(acl::Compile(InputOf(RulesForRequests(rules))));
  const acl::RuleTable& table = compiled.table;
  const auto matcher = Must(acl::ContentMatcher::Build(table));
  const acl::ClassId subject = compiled.subjects.at({"default", "a"}).v4;
  const acl::ClassifyKey key = acl::ClassifyKey::Make(
      6, subject, compiled.addresses.Lookup(Must(acl::IpAddress::Parse(Testbed::V4('b')))), 80);
  const acl::LinearClassifier oracle(table);
  std::array<uint32_t, acl::kMaxCategories> hits{};
  oracle.Classify({&key, 1}, hits);
  const auto open = acl::Decide(table, std::span<const uint32_t>(hits).first(oracle.categories()),
                                acl::Direction::kEgress);
  std::vector<std::string> hosts, paths;
  for (unsigned i = 0; i < rules; ++i) {
    hosts.push_back(Name(i));
    paths.push_back(fmt::format("/v{}/items", i));
  }
  const auto facts = [&](unsigned i) {
    const unsigned one = i * 7919 % rules;
    return acl::StreamFacts{.kind = acl::StreamFacts::Kind::kHttp,
                            .method = "GET",
                            .host = hosts[one],
                            .path = paths[one]};
  };
  uint64_t found = 0;
  std::vector<double> fast, slow, ratios;
  for (unsigned round = 0; round < kRounds; ++round) {
    fast.push_back(Nanoseconds(20'000, [&](unsigned i) {
      found += matcher->Resolve(key, acl::Direction::kEgress, open, facts(i)).allow ? 1 : 0;
    }));
    slow.push_back(Nanoseconds(200, [&](unsigned i) {
      found +=
          acl::ResolveLinear(table, key, acl::Direction::kEgress, open, facts(i)).allow ? 1 : 0;
    }));
    ratios.push_back(slow.back() / fast.back());
  }
  if (found != kRounds * (20'000 + 200)) Fail("a request was not allowed");
  const std::string params = fmt::format("\"rules\": {}", rules);
  Print(fmt::format("resolve.{}", rules), "ns", fast, params);
  Print(fmt::format("resolve.{}.linear", rules), "ns", slow, params);
  Print(fmt::format("resolve.{}.ratio", rules), "ratio", ratios, params);
}

void RunRead(const char* name, const std::string& head) {
  dataplane::HeadReader reader;
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(head.data()), head.size());
  std::vector<double> samples;
  for (unsigned round = 0; round < kRounds; ++round) {
    samples.push_back(Nanoseconds(20'000, [&](unsigned) {
      if (reader.Read(bytes).state != dataplane::HeadReading::State::kKnown) Fail("not read");
    }));
  }
  Print(name, "ns", samples, fmt::format("\"bytes\": {}", head.size()));
}

void Run() {
  constexpr size_t kHelloBytes = 517;  // what browsers pad to
  std::vector<std::string> hellos, requests;
  for (unsigned i = 0; i < kNames; ++i) {
    const size_t bare = test::UsualHello(Name(i), 0).bytes().size();
    hellos.push_back(test::UsualHello(Name(i), kHelloBytes - bare).bytes());
    requests.push_back(test::Request(Name(i), fmt::format("/v{}/{}", i, std::string(190, 'x'))));
  }
  RunIdle();
  RunConnections("tls", {RuleForNames(kNames)}, hellos);
  RunConnections("http", RulesForRequests(kNames), requests);
  RunCompile();
  for (const unsigned rules : {1'000u, 10'000u}) RunResolve(rules);
  RunRead("read.hello", hellos[0]);
  RunRead("read.request", requests[0]);
}

}  // namespace
}  // namespace sluice

int main() {
  sluice::dataplane::EalConfig config;
  config.file_prefix = fmt::format("sluice-inspect-bench-{}", getpid());
  auto eal = sluice::dataplane::Eal::Start(config);
  if (!eal.ok()) {
    fmt::print(stderr, "{}\n", std::string(eal.status().message()));
    return 1;
  }
  sluice::Run();
}
