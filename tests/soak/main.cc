// The hostile soak: random hostile packets and random control changes together, against an oracle.
//
//   hostile_soak [--seconds N] [--seed S] [--workers 1|2] [--plant FAULT]
//
// A round: perhaps a change (policies, labels, objects, ports), then a batch of frames into the
// ports, then everything that came out is held against the oracle, and all packet buffers must be
// back (but for fragments that wait; at the end they too). The same seed makes the same rounds, as
// far as they get. FAULT is a lie that the soak must notice: lost-buffer, deaf-model (the switch
// hears of a policy that the model does not), deaf-switch (the other way round). The last line is
// `N passed, N failed`, counted in rounds.
#include <fmt/format.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <random>

#include "tests/soak/bed.h"
#include "tests/soak/changes.h"
#include "tests/soak/flows.h"
#include "tests/soak/hostile.h"
#include "tests/soak/oracle.h"
#include "tests/soak/world.h"

namespace sluice::soak {
namespace {

constexpr unsigned kRoundsBeforeFault = 50;
constexpr unsigned kMischief = 40;  // hostile frames a round, roughly
constexpr size_t kShownProblems = 5;
constexpr unsigned kMaxSegments = 8;  // of one frame, at most

struct Options {
  unsigned seconds = 60;
  uint64_t seed = 0;
  unsigned workers = 2;
  std::string plant;
};

class Soak {
 public:
  Soak(const Options& options, Bed& bed, World& world)
      : options_(options),
        random_(options.seed),
        bed_(bed),
        world_(world),
        oracle_(world),
        changes_(bed, world, random_),
        flows_(world, random_),
        hostile_(world, flows_, random_) {}

  absl::Status Begin() { return changes_.Begin(); }

  // Empty if all was right.
  std::vector<std::string> Round() {
    ++rounds_;
    std::vector<std::string> problems;
    const auto note = [&](const absl::Status& status) {
      if (!status.ok()) problems.push_back(status.ToString());
    };
    if (random_() % 4 == 0) note(changes_.Next());
    if (rounds_ == kRoundsBeforeFault) note(Plant());
    if (!problems.empty()) return problems;  // the model is not what is in force
    const std::vector<Sent> batch = MakeBatch();
    note(bed_.Settle());
    std::vector<std::vector<Bytes>> received(kPlaces);
    for (Place place = 0; place < kPlaces; ++place) {
      if (HasPort(place)) received[place] = bed_.Receive(PortName(place));
    }
    for (std::string& problem : oracle_.Check(batch, received))
      problems.push_back(std::move(problem));
    if (const unsigned used = bed_.BuffersInUse(); used > kMaxSegments * oracle_.waiting()) {
      problems.push_back(fmt::format("{} packet buffers are not back", used));
    }
    return problems;
  }

  // After the last round. Fragments whose first never came have timed out by then.
  std::vector<std::string> End() {
    if (bed_.AllBuffersComeBack()) return {};
    return {fmt::format("{} packet buffers are not back at the end", bed_.BuffersInUse())};
  }

  uint64_t rounds() const { return rounds_; }
  std::string Sum() const {
    return fmt::format(
        "{} rounds, {} changes, {} frames in, {} out; {} had to pass, {} had not to; dropped:{}",
        rounds_, changes_.made(), frames_, oracle_.passed(), oracle_.must_pass(),
        oracle_.must_not_pass(), bed_.Drops());
  }

 private:
  bool HasPort(Place place) const { return place == kUplink || world_.pods[place].has_port; }
  std::string PortName(Place place) const {
    return place == kUplink ? "uplink" : world_.pods[place].port_name;
  }

  absl::Status Plant() {
    if (options_.plant == "lost-buffer") bed_.LeakOneBuffer();
    if (options_.plant == "deaf-model") return changes_.TellTheSwitchAlone();
    if (options_.plant == "deaf-switch") changes_.TellTheModelAlone();
    return absl::OkStatus();
  }

  // Conversations and mischief, shuffled, sent.
  std::vector<Sent> MakeBatch() {
    std::vector<Sent> wanted, batch;
    flows_.AddTo(wanted);
    hostile_.AddTo(wanted, kMischief);
    std::shuffle(wanted.begin(), wanted.end(), random_);
    for (Sent& sent : wanted) {
      const std::vector<size_t> cuts = Cuts(sent);
      if (!cuts.empty() && sent.claim != Claim::kMustPass)
        sent.honest = false;  // headers are split
      if (!bed_.Send(PortName(sent.from), sent.frame, cuts)) continue;
      ++frames_;
      batch.push_back(std::move(sent));
    }
    return batch;
  }

  // Some frames come in several segments; those that must pass with their headers in the first.
  std::vector<size_t> Cuts(const Sent& sent) {
    std::vector<size_t> cuts;
    if (random_() % 4 != 0 || sent.frame.empty()) return cuts;
    const size_t first = sent.claim == Claim::kMustPass ? 80 : 0;
    if (first >= sent.frame.size()) return cuts;
    for (size_t i = 1 + random_() % 3; i > 0; --i) {
      cuts.push_back(first + random_() % (sent.frame.size() - first));
    }
    std::sort(cuts.begin(), cuts.end());
    return cuts;
  }

  const Options& options_;
  std::mt19937_64 random_;
  Bed& bed_;
  World& world_;
  Oracle oracle_;
  Changes changes_;
  Flows flows_;
  Hostile hostile_;
  uint64_t rounds_ = 0, frames_ = 0;
};

std::vector<int> Cores(unsigned workers) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  std::vector<int> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE && cores.size() < workers; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cores.push_back(cpu);
  }
  return cores;
}

void Show(const std::vector<std::string>& problems, const Soak& soak, const World& world) {
  std::cout << fmt::format("round {}: {} problems\n", soak.rounds(), problems.size());
  for (size_t i = 0; i < problems.size() && i < kShownProblems; ++i) {
    std::cout << fmt::format("!! {}\n", problems[i]);
  }
  std::cout << "in force:\n" << world.ToString();
}

int Run(const Options& options) {
  World world;
  auto bed = Bed::Create(Cores(options.workers), world);
  if (!bed.ok()) {
    std::cerr << bed.status() << "\n";
    return 1;
  }
  Soak soak(options, **bed, world);
  if (absl::Status begun = soak.Begin(); !begun.ok()) {
    std::cerr << begun << "\n";
    return 1;
  }
  std::cout << fmt::format("seed {}, {} workers, {} seconds\n", options.seed,
                           (*bed)->data_plane().worker_count(), options.seconds)
            << std::flush;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  uint64_t failed = 0;
  for (bool over = false; failed == 0 && !over;) {
    over = std::chrono::steady_clock::now() >= end;
    const std::vector<std::string> problems = over ? soak.End() : soak.Round();
    if (problems.empty()) continue;
    ++failed;
    Show(problems, soak, world);
    std::cout << fmt::format("again with: --seed {} --workers {}\n", options.seed, options.workers);
  }
  std::cout << soak.Sum()
            << fmt::format("\n{} passed, {} failed\n", soak.rounds() - failed, failed);
  return failed == 0 && soak.rounds() > 0 ? 0 : 1;
}

}  // namespace
}  // namespace sluice::soak

int main(int argc, char** argv) {
  sluice::soak::Options options;
  options.seed = std::random_device()();
  CLI::App app("Hostile packets and control changes together, against an oracle");
  app.add_option("--seconds", options.seconds, "how long");
  app.add_option("--seed", options.seed, "of the random numbers; printed");
  app.add_option("--workers", options.workers, "1 or 2")->check(CLI::Range(1, 2));
  app.add_option("--plant", options.plant, "a lie to notice")
      ->check(CLI::IsMember({"lost-buffer", "deaf-model", "deaf-switch"}));
  CLI11_PARSE(app, argc, argv);
  return sluice::soak::Run(options);
}
