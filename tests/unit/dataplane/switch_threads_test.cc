// A whole switch with two workers, and everything at once: traffic whose every packet is checked,
// policies that flip, ports that move between workers, a worker that comes and goes, and a slot
// that two pods take turns in.
//
// One thread plays all pods in rounds: it sends a burst, waits until each packet came out or was
// counted as dropped, and holds each against the policies that were in force meanwhile. The main
// thread is control. Rings have one reader and one writer: a port that is polled twice loses,
// doubles or reorders packets, which is checked too.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "acl/compiler.h"
#include "acl/content_matcher.h"
#include "acl/rule_ids.h"
#include "dataplane/eal.h"
#include "dataplane/learned_macs.h"
#include "dataplane/port_device.h"
#include "dataplane/switch.h"
#include "dataplane/tsan.h"
#include "tests/support/frame.h"
#include "tests/support/hello.h"
#include "tests/support/seed.h"

namespace sluice::dataplane {
namespace {

using test::Frame;

// Read before the EAL pins this thread.
const std::vector<int>& Cpus() {
  static const std::vector<int> cpus = AllowedCpus();
  return cpus;
}

class EalEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    EalConfig config;
    config.file_prefix = fmt::format("switch-threads-{}", getpid());
    config.huge_pages = HugePages::kOff;
    config.memory_mb = 256;
    config.worker_cores = {Cpus().begin(), Cpus().begin() + std::min<size_t>(Cpus().size(), 2)};
    auto eal = Eal::Start(config);
    ASSERT_TRUE(eal.ok()) << eal.status();
    eal_ = *std::move(eal);
    cpu_set_t all;
    CPU_ZERO(&all);
    for (const int cpu : Cpus()) CPU_SET(cpu, &all);
    sched_setaffinity(0, sizeof(all), &all);  // control and pods share what is there
  }
  void TearDown() override { eal_.reset(); }

 private:
  std::unique_ptr<Eal> eal_;
};

[[maybe_unused]] const auto* const kEnvironment =
    testing::AddGlobalTestEnvironment(new EalEnvironment);

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    ADD_FAILURE() << value.status();
    std::abort();
  }
  return *std::move(value);
}

SwitchConfig TwoWorkers(uint32_t idle_sleep_us) {
  return {.worker_cores = {Cpus()[0], Cpus()[1]},
          .connection_capacity = 4096,
          .packet_buffers = 8192,
          .idle_sleep_us = idle_sleep_us};
}

// Pods a, c ask; b, d answer; e and f take turns in one slot, with one address.
constexpr char kPods[] = "abcdef";
unsigned Number(char pod) {
  return pod == 'f' ? Number('e') : static_cast<unsigned>(pod - 'a') + 1;
}
MacAddress Mac(char pod) { return {{2, 0, 0, 0, 0, static_cast<uint8_t>(Number(pod))}}; }
std::string Address(char pod) { return fmt::format("10.0.0.{}", Number(pod)); }

// Destination ports, by what policy says of them; of the kAsk ones, by the name that is asked for.
enum Kind : uint16_t {
  kAlways = 1000,
  kFlipping = 2000,
  kNever = 3000,
  kGuest = 4000,
  kAskAlways = 5001,
  kAskFlipping = 5002,
  kAskNever = 5003,
};
bool Flips(Kind kind) { return kind == kFlipping || kind == kAskFlipping; }

acl::NetworkPolicy Ingress(const std::string& pod, const std::vector<int64_t>& ports) {
  acl::NetworkPolicy policy;
  policy.namespace_name = "default";
  policy.name = pod;
  policy.pod_selector.match_labels = {{"name", pod}};
  policy.policy_types = {"Ingress"};
  if (ports.empty()) return policy;
  acl::NetworkPolicyRule rule;
  for (const int64_t port : ports) {
    acl::NetworkPolicyPort entry;
    entry.protocol = "UDP";
    entry.port = port;
    rule.ports.push_back(entry);
  }
  policy.ingress = {rule};
  return policy;
}

// Who may ask the pod for names.
acl::SluicePolicy Questions(const std::string& pod, const std::vector<std::string>& names) {
  acl::SluicePolicy policy{.namespace_name = "default", .name = pod};
  policy.pod_selector.match_labels = {{"name", pod}};
  policy.policy_types = {"Ingress"};
  for (const std::string& name : names) {
    acl::SluiceRule& rule = policy.ingress.emplace_back();
    rule.match.ports = {{.protocol = "UDP", .port = int64_t{kAskAlways}, .end_port = kAskNever}};
    rule.content.dns = acl::DnsMatch{{name}};
  }
  return policy;
}

// Nobody may open anything towards a, c and f.
acl::CompiledPolicy Compile(bool open) {
  acl::PolicyInput input;
  input.all_local = true;
  const std::vector<int64_t> ports =
      open ? std::vector<int64_t>{kAlways, kFlipping} : std::vector<int64_t>{kAlways};
  input.policies = {Ingress("a", {}), Ingress("c", {}), Ingress("b", ports), Ingress("d", ports),
                    Ingress("f", {})};
  const std::vector<std::string> names = open
                                             ? std::vector<std::string>{"always.test", "flips.test"}
                                             : std::vector<std::string>{"always.test"};
  input.sluice_policies = {Questions("b", names), Questions("d", names)};
  for (const char pod : std::string(kPods)) {
    acl::Endpoint endpoint;
    endpoint.namespace_name = "default";
    endpoint.name = std::string(1, pod);
    endpoint.labels = {{"name", endpoint.name}};
    // Of f policies know another address than its port has: its class is asked of as a subject.
    endpoint.addresses = {Must(acl::IpAddress::Parse(pod == 'f' ? "10.0.0.99" : Address(pod)))};
    input.endpoints.push_back(endpoint);
  }
  return Must(acl::Compile(input));
}

// What a policy variant gives every snapshot.
struct Rules {
  std::map<char, acl::ClassId> classes;
  std::shared_ptr<const acl::RuleTable> table;
  std::shared_ptr<const acl::RuleIds> ids;
  std::shared_ptr<const acl::TrieClassifier> trie;
  std::shared_ptr<const acl::ContentMatcher> content;
  std::shared_ptr<const acl::AddressMap> addresses;

  explicit Rules(bool open) {
    acl::CompiledPolicy compiled = Compile(open);
    for (const char pod : std::string(kPods)) {
      classes[pod] = compiled.subjects.at({"default", std::string(1, pod)}).v4;
    }
    trie = Must(acl::TrieClassifier::Build(compiled.table));
    ids = acl::RuleIds::Next(nullptr, compiled.table);
    table = std::make_shared<acl::RuleTable>(std::move(compiled.table));
    content = Must(acl::ContentMatcher::Build(*table));
    addresses = std::make_shared<acl::AddressMap>(std::move(compiled.addresses));
  }
};

struct Pod {
  PortSpec spec;
  AttachedPort attached;
  rte_ring* in = nullptr;   // towards the switch
  rte_ring* out = nullptr;  // from it
  unsigned worker = 0;
};

// Control's side: what is attached, published, and which policy each epoch had.
class Control {
 public:
  explicit Control(Switch& target) : switch_(target) {
    for (const char pod : std::string("abcd")) Attach(pod, Number(pod) % 2);
    Publish();
  }
  ~Control() {
    std::map<char, Pod> pods = std::exchange(pods_, {});
    Publish();
    for (const auto& [name, pod] : pods) Close(pod);
  }

  void Attach(char name, unsigned worker) {
    Pod pod;
    pod.spec.name = fmt::format("{}{}", name, next_name_++);
    pod.spec.kind = PortKind::kRing;
    pod.spec.pod_namespace = "default";
    pod.spec.pod_name = std::string(1, name);
    pod.spec.mac = Mac(name);
    pod.spec.addresses = {Must(acl::IpAddress::Parse(Address(name)))};
    pod.attached = Must(switch_.AttachPort(pod.spec));
    pod.in = rte_ring_lookup(RingName(pod.spec, true).c_str());
    pod.out = rte_ring_lookup(RingName(pod.spec, false).c_str());
    pod.worker = worker;
    pods_[name] = pod;
  }
  void Detach(char name) {
    const Pod pod = pods_.at(name);
    pods_.erase(name);
    Publish();
    Close(pod);
  }
  void Move(char name) {
    pods_.at(name).worker ^= 1;
    Publish();
  }
  // Worker 1 goes to rest, or takes up half of the ports.
  void ChangeWorkers() {
    at_rest_ = !at_rest_;
    unsigned next = 0;
    for (auto& [name, pod] : pods_) pod.worker = at_rest_ ? 0 : next++ % 2;
    Publish();
  }
  void Flip() {
    open_ = !open_;
    Publish();
  }
  const Pod& pod(char name) const { return pods_.at(name); }

  // Epochs: the last that every worker ran, the last that any may run, and whether one was open.
  uint64_t completed() const { return completed_.load(std::memory_order_acquire); }
  uint64_t started() const { return started_.load(std::memory_order_acquire); }
  bool WasOpen(uint64_t epoch) const { return was_open_.at(epoch); }
  static constexpr uint64_t kMaxEpochs = 100'000;

 private:
  void Publish() {
    const Rules& rules = open_ ? rules_open_ : rules_shut_;
    auto snapshot = std::make_unique<Snapshot>();
    snapshot->epoch = snapshot->verdict_epoch = static_cast<uint32_t>(started_ + 1);
    snapshot->everything_epoch = snapshot->verdict_epoch;
    snapshot->ports.resize(16);
    snapshot->polled.resize(2);
    NetworkView network;
    network.layers[dataplane::kBase] = {
        rules.addresses, {rules.table, rules.ids, rules.trie, rules.content}, {}};
    network.rule_ids = rules.ids;
    network.stamps = stamps_;
    network.learned = learned_;
    for (const auto& [name, pod] : pods_) {
      const PortId id = pod.attached.id;
      PortView& view = snapshot->ports.at(id);
      view.in_use = true;
      view.io = pod.attached.io;
      view.generation = pod.attached.generation;
      view.subject = SubjectState::kKnown;
      view.classes[dataplane::kBase] = {rules.classes.at(name), rules.classes.at(name)};
      view.mac = pod.spec.mac;
      view.addresses = pod.spec.addresses;
      for (const acl::IpAddress& address : view.addresses) network.local_addresses[address] = id;
      network.macs[view.mac] = id;
      network.members.push_back(id);
      snapshot->polled[pod.worker].push_back(id);
    }
    snapshot->networks.push_back(std::move(network));
    const uint64_t epoch = snapshot->epoch;
    was_open_.at(epoch) = open_;
    started_.store(epoch, std::memory_order_release);
    switch_.Publish(std::move(snapshot));
    completed_.store(epoch, std::memory_order_release);
  }
  void Close(const Pod& pod) {
    const absl::Status closed = switch_.DetachPort(pod.attached.id);
    EXPECT_TRUE(closed.ok()) << closed;
    for (rte_ring* ring : {pod.in, pod.out}) {
      void* mbuf = nullptr;
      while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
      rte_ring_free(ring);
    }
  }

  Switch& switch_;
  const Rules rules_open_{true}, rules_shut_{false};
  const std::shared_ptr<const AddressStamps> stamps_ = std::make_shared<AddressStamps>();
  const std::shared_ptr<LearnedMacs> learned_ = std::make_shared<LearnedMacs>(64, 60'000);
  std::map<char, Pod> pods_;
  bool open_ = true, at_rest_ = false;
  unsigned next_name_ = 0;
  std::vector<char> was_open_ = std::vector<char>(kMaxEpochs + 1);
  std::atomic<uint64_t> started_{0}, completed_{0};
};

// A guest slot, handed to and fro between control and the traffic thread: 0, or the pod in it.
struct Guest {
  std::atomic<char> present{0};
  std::atomic<bool> leave{false};  // control asks; traffic answers by clearing `present`
  Pod pod;                         // valid while present
};

class Traffic {
 public:
  Traffic(const Switch& target, const Control& control, Guest& guest, uint32_t seed)
      : switch_(target), control_(control), guest_(guest), random_(seed) {
    for (const char pod : std::string("abcd")) pods_[pod] = control.pod(pod);
    pool_ = rte_mempool_lookup("sluice_packets");
  }

  void Run(const std::atomic<bool>& running) {
    while (running.load(std::memory_order_relaxed) && !testing::Test::HasFailure()) {
      TakeGuest();
      AskAndAnswer();
      ++rounds;
    }
    guest_present_ = 0;
    guest_.present = 0;
  }

  uint64_t rounds = 0, delivered = 0, denied = 0, undecided = 0, guests_served = 0,
           guests_refused = 0, names_allowed = 0, names_refused = 0;

 private:
  struct Sent {
    char from, to;
    uint16_t from_port, to_port;
    Kind kind;
    uint32_t number;  // in the order of sending
    uint64_t since;   // the oldest epoch that may decide it
    bool answer;
    bool arrived = false;
  };

  void TakeGuest() {
    const char present = guest_.present.load(std::memory_order_acquire);
    if (present != 0 && guest_.leave.load(std::memory_order_acquire)) {
      guest_present_ = 0;
      guest_.present.store(0, std::memory_order_release);
      return;
    }
    guest_present_ = present;
    if (present != 0) pods_[present] = guest_.pod;
  }

  void AskAndAnswer() {
    std::vector<Sent> questions;
    const uint64_t since = control_.completed();
    for (int i = 0; i < 48; ++i) {
      const char from = random_() % 2 == 0 ? 'a' : 'c';
      char to = random_() % 2 == 0 ? 'b' : 'd';
      Kind kind = std::array{kAlways,    kFlipping,    kNever,   kGuest,
                             kAskAlways, kAskFlipping, kAskNever}[random_() % 7];
      if (kind == kGuest && guest_present_ == 0) kind = kAlways;
      if (kind == kGuest) to = guest_present_;
      const auto flow = static_cast<uint16_t>(5000 + random_() % 8);
      questions.push_back({from, to, flow, static_cast<uint16_t>(kind), kind, 0, since, false});
    }
    Exchange(questions);
    std::vector<Sent> answers;
    for (const Sent& asked : questions) {
      if (!asked.arrived || asked.kind == kGuest) continue;
      answers.push_back(
          {asked.to, asked.from, asked.to_port, asked.from_port, asked.kind, 0, asked.since, true});
    }
    Exchange(answers);
  }

  // Sends all, waits until each is accounted for, checks each.
  void Exchange(std::vector<Sent>& batch) {
    const uint64_t drops_before = Drops();
    const uint64_t sent_since = control_.completed();
    for (Sent& sent : batch) {
      sent.number = next_number_++;
      Send(sent);
    }
    size_t arrived = 0;
    const uint64_t deadline = rte_get_tsc_cycles() + 20 * rte_get_tsc_hz();
    while (arrived + (Drops() - drops_before) < batch.size()) {
      for (const auto& [name, pod] : pods_) {
        if (name < 'e' || name == guest_present_) arrived += Drain(name, pod, batch);
      }
      if (rte_get_tsc_cycles() > deadline) {
        ADD_FAILURE() << batch.size() << " sent, " << arrived << " arrived, "
                      << Drops() - drops_before << " dropped: some are lost";
        return;
      }
    }
    for (const auto& [name, pod] : pods_) {
      if (name < 'e' || name == guest_present_) arrived += Drain(name, pod, batch);
    }
    EXPECT_EQ(arrived + (Drops() - drops_before), batch.size());
    const uint64_t until = control_.started();
    for (const Sent& sent : batch) Check(sent, sent_since, until);
  }

  void Check(const Sent& sent, uint64_t sent_since, uint64_t until) {
    // A question may be decided by what was in force since it was sent. An answer passes for sure
    // only if its connection was allowed all the time since the question.
    const bool never =
        sent.kind == kNever || sent.kind == kAskNever || (sent.kind == kGuest && sent.to == 'f');
    bool always_allowed = !never, ever_allowed = !never;
    if (Flips(sent.kind)) {
      always_allowed = true;
      ever_allowed = false;
      for (uint64_t epoch = sent.since; epoch <= until; ++epoch) {
        const bool open = control_.WasOpen(epoch);
        always_allowed = always_allowed && open;
        ever_allowed = ever_allowed || (open && epoch >= sent_since);
      }
    }
    if (sent.kind > kGuest && !sent.answer) ++(sent.arrived ? names_allowed : names_refused);
    if (sent.kind == kGuest) ++(sent.to == 'e' ? guests_served : guests_refused);
    if (sent.arrived) {
      EXPECT_TRUE(ever_allowed) << Describe(sent) << " arrived";
      ++delivered;
    } else {
      EXPECT_FALSE(always_allowed) << Describe(sent) << " was dropped";
      ++denied;
    }
    if (always_allowed != ever_allowed) ++undecided;
  }

  static std::string Describe(const Sent& sent) {
    return fmt::format("{} {} -> {}, ports {} -> {}", sent.answer ? "answer" : "question",
                       sent.from, sent.to, sent.from_port, sent.to_port);
  }

  static std::string Says(const Sent& sent) {
    switch (sent.kind) {
      case kAskAlways:
        return test::Query("always.test");
      case kAskFlipping:
        return test::Query("flips.test");
      case kAskNever:
        return test::Query("never.test");
      default:
        return "";
    }
  }

  void Send(const Sent& sent) {
    // The number is the last that a frame holds.
    const std::string payload =
        Says(sent) + std::string(reinterpret_cast<const char*>(&sent.number), sizeof(sent.number));
    Frame frame;
    frame.Ether(Mac(sent.from), Mac(sent.to)).Ip(Address(sent.from), Address(sent.to));
    const std::vector<uint8_t>& bytes = frame.Udp(sent.from_port, sent.to_port, payload).bytes();
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    ASSERT_NE(mbuf, nullptr);
    BufferTaken(mbuf);
    std::copy(
        bytes.begin(), bytes.end(),
        reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(bytes.size()))));
    BufferGiven(mbuf);
    ASSERT_EQ(rte_ring_enqueue(pods_.at(sent.from).in, mbuf), 0);
  }

  // Returns how many came out of the pod's port.
  size_t Drain(char name, const Pod& pod, std::vector<Sent>& batch) {
    size_t count = 0;
    void* object = nullptr;
    while (rte_ring_dequeue(pod.out, &object) == 0) {
      auto* mbuf = static_cast<rte_mbuf*>(object);
      BufferTaken(mbuf);
      uint32_t number = 0;
      std::memcpy(&number,
                  rte_pktmbuf_mtod_offset(mbuf, const char*, mbuf->pkt_len - sizeof(number)),
                  sizeof(number));
      BufferGiven(mbuf);
      rte_pktmbuf_free(mbuf);
      Arrived(name, number, batch);
      ++count;
    }
    return count;
  }

  void Arrived(char name, uint32_t number, std::vector<Sent>& batch) {
    ASSERT_FALSE(batch.empty());
    const uint32_t first = batch.front().number;
    ASSERT_TRUE(number >= first && number - first < batch.size())
        << "from another time: " << number;
    Sent& sent = batch[number - first];
    EXPECT_EQ(sent.to, name) << Describe(sent);
    EXPECT_FALSE(sent.arrived) << Describe(sent) << " arrived twice";
    sent.arrived = true;
    uint32_t& last = last_of_pair_[{sent.from, sent.to}];
    EXPECT_GT(number, last) << Describe(sent) << " was overtaken";
    last = number;
  }

  uint64_t Drops() const {
    uint64_t sum = 0;
    for (const char pod : std::string("abcd")) {
      for (const uint64_t count : switch_.ReadPortCounters(pods_.at(pod).attached.id).drops) {
        sum += count;
      }
    }
    return sum;
  }

  const Switch& switch_;
  const Control& control_;
  Guest& guest_;
  std::mt19937 random_;
  std::map<char, Pod> pods_;
  char guest_present_ = 0;
  rte_mempool* pool_ = nullptr;
  uint32_t next_number_ = 1;
  std::map<std::pair<char, char>, uint32_t> last_of_pair_;
};

// e and f take turns in the guest's slot; each is gone from the switch before the other comes.
void ChangeGuest(Control& control, Guest& guest, char* next) {
  if (guest.present.load(std::memory_order_acquire) != 0) {
    guest.leave.store(true, std::memory_order_release);
    return;
  }
  static constexpr char kNobody = 0;
  static char attached = kNobody;
  if (attached != kNobody) control.Detach(attached);
  guest.leave = false;
  control.Attach(*next, *next == 'e' ? 0 : 1);
  control.Flip();  // publishes the guest, too
  guest.pod = control.pod(*next);
  guest.present.store(*next, std::memory_order_release);
  attached = *next;
  *next = *next == 'e' ? 'f' : 'e';
}

TEST(SwitchThreads, EveryPacketIsDecidedByAPolicyOfItsTime) {
  if (Cpus().size() < 2) GTEST_SKIP() << "one CPU: no place for two workers";
  auto created = Switch::Create(TwoWorkers(/*idle_sleep_us=*/20));
  ASSERT_TRUE(created.ok()) << created.status();
  Switch& target = **created;
  const rte_mempool* pool = rte_mempool_lookup("sluice_packets");
  uint32_t moves = 0, flips = 0, changes = 0;
  {
    Control control(target);
    Guest guest;
    Traffic traffic(target, control, guest, test::Seed());
    std::atomic<bool> running{true};
    std::thread pods([&] { traffic.Run(running); });
    std::mt19937 random(test::Seed());
    char next_guest = 'e';
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(8);
    while (std::chrono::steady_clock::now() < end && control.started() + 10 < Control::kMaxEpochs &&
           !testing::Test::HasFailure()) {
      switch (random() % 9) {
        case 0:
        case 1:
          control.Move("abcd"[random() % 4]);
          ++moves;
          break;
        case 2:
          ChangeGuest(control, guest, &next_guest);
          break;
        case 3:
          target.VisitConnections([](const ConnectionInfo& info) { return !info.state.empty(); });
          break;
        case 4:
        case 5:
          control.Flip();
          ++flips;
          break;
        case 6:
          control.ChangeWorkers();
          ++changes;
          break;
        default:  // leaves some epochs long enough to hold a round
          for (const uint64_t until = rte_get_tsc_cycles() + rte_get_tsc_hz() / 500;
               rte_get_tsc_cycles() < until;) {
            std::this_thread::yield();
          }
      }
    }
    running = false;
    pods.join();
    fmt::print(
        "{} rounds: {} delivered, {} denied, {} of them between two policies; {} flips, "
        "{} moves, {} packets to the guest, {} to the one that takes none\n",
        traffic.rounds, traffic.delivered, traffic.denied, traffic.undecided, flips, moves,
        traffic.guests_served, traffic.guests_refused);
    EXPECT_GT(traffic.delivered, 1000u);
    EXPECT_GT(traffic.denied, 1000u);
    EXPECT_GT(traffic.names_allowed, 1000u);
    EXPECT_GT(traffic.names_refused, 1000u);
    EXPECT_GT(traffic.guests_served, 10u);
    EXPECT_GT(traffic.guests_refused, 10u);
    EXPECT_GT(moves, 10u);
    EXPECT_GT(flips, 10u);
    EXPECT_GT(changes, 10u);
  }
  for (unsigned worker = 0; worker < 2; ++worker) {
    EXPECT_GT(target.ReadWorkerCounters(worker).packets, 0u);
  }
  EXPECT_EQ(target.connection_count(), 0u) << "of ports that are gone";
  created->reset();
  EXPECT_EQ(rte_mempool_lookup("sluice_packets"), nullptr) << pool;
}

PortSpec PodPort(const std::string& name, const std::string& uid) {
  PortSpec spec;
  spec.name = name;
  spec.kind = PortKind::kRing;
  spec.pod_namespace = "default";
  spec.pod_name = name;
  spec.pod_uid = uid;
  spec.mac = Mac('a');
  return spec;
}

void FreeRings(const PortSpec& spec) {
  rte_ring_free(rte_ring_lookup(RingName(spec, true).c_str()));
  rte_ring_free(rte_ring_lookup(RingName(spec, false).c_str()));
}

// Who comes back, by name and UID, is the same subject; nobody else is.
TEST(SwitchRestart, APodsPortIsTheSameSubjectAgain) {
  if (Cpus().size() < 2) GTEST_SKIP() << "one CPU: no place for two workers";
  const auto file = std::filesystem::temp_directory_path() / fmt::format("restart-{}", getpid());
  SwitchConfig config = TwoWorkers(/*idle_sleep_us=*/50);
  config.connection_file = file;
  const PortSpec one = PodPort("one", "uid-1"), two = PodPort("two", "uid-2");
  const PortSpec nameless = PodPort("three", ""), another = PodPort("two", "uid-9");
  std::map<std::string, AttachedPort> before;
  {
    const auto first = Must(Switch::Create(config));
    for (const PortSpec& spec : {nameless, one, two}) {
      before[spec.name] = Must(first->AttachPort(spec));
    }
  }
  for (const PortSpec& spec : {nameless, one, two}) FreeRings(spec);
  {
    const auto second = Must(Switch::Create(config));
    const auto same = [&](const PortSpec& spec) {
      const AttachedPort now = Must(second->AttachPort(spec));
      return now.id == before[spec.name].id && now.generation == before[spec.name].generation;
    };
    EXPECT_FALSE(same(another)) << "another pod of that name";
    EXPECT_TRUE(same(one));
    EXPECT_FALSE(same(nameless)) << "without a UID it may be anybody";
  }
  for (const PortSpec& spec : {another, one, nameless}) FreeRings(spec);
  std::filesystem::remove(file);
}

TEST(SwitchThreads, APublicationDoesNotWaitForASleeper) {
  if (Cpus().size() < 2) GTEST_SKIP() << "one CPU: no place for two workers";
  constexpr uint32_t kSleepUs = 500'000;
  auto created = Switch::Create(TwoWorkers(kSleepUs));
  ASSERT_TRUE(created.ok()) << created.status();
  // 2^19 us and more: after so many sleeps, each is of the longest kind.
  for (unsigned worker = 0; worker < 2; ++worker) {
    while ((*created)->ReadWorkerCounters(worker).sleeps < 19) std::this_thread::yield();
  }
  auto snapshot = std::make_unique<Snapshot>();
  snapshot->epoch = 1;
  snapshot->ports.resize(1);
  snapshot->polled.resize(2);
  const auto start = std::chrono::steady_clock::now();
  (*created)->Publish(std::move(snapshot));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::microseconds(kSleepUs / 4));
}

}  // namespace
}  // namespace sluice::dataplane
