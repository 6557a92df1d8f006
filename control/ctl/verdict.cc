// sluicectl verdict: manifests and probes in, verdicts out, without a daemon.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "control/ctl/command.h"
#include "control/ctl/manifests.h"
#include "control/ctl/offline.h"
#include "control/ctl/output.h"
#include "control/ctl/probe_file.h"
#include "control/kube/file.h"
#include "control/kube/tree_builder.h"

namespace sluice::ctl {
namespace {

using control::Side;
using control::Verdict;
using Json = nlohmann::ordered_json;

struct VerdictArguments {
  std::vector<std::string> manifests;
  std::string probes;
  bool why = false;
  acl::LegacyPolicy legacy_policy = acl::LegacyPolicy::kAnnotation;
};

// A flow, and the network that judges it.
struct Question {
  OfflineCluster* cluster = nullptr;
  control::Flow flow;
};

const char* Word(bool allow) { return allow ? "allow" : "deny"; }

// null for no policy, text for one, a list for several.
Json PolicyJson(const std::vector<std::string>& policies) {
  if (policies.empty()) return nullptr;
  return policies.size() == 1 ? Json(policies[0]) : Json(policies);
}

Json NearestJson(const std::optional<control::Nearest>& nearest) {
  if (!nearest) return nullptr;
  return {{"policy", nearest->policy},
          {"rule", nearest->rule},
          {"admits", nearest->admits},
          {"differs", nearest->differs},
          {"text", nearest->text}};
}

Json SideJson(const std::optional<Side>& side, bool why) {
  if (!side) return nullptr;
  Json json = {{"verdict", Word(side->allow)},
               {"tier", acl::TierName(side->tier)},
               {"policy", PolicyJson(side->policies)},
               {"rule", side->rule.empty() ? Json() : Json(side->rule)}};
  if (side->conditional) json["decides"] = "content";
  if (why) json["nearest"] = NearestJson(side->nearest);
  return json;
}

Json VerdictJson(const Verdict& verdict, bool why) {
  return {{"verdict", Word(verdict.allow)},
          {"egress", SideJson(verdict.egress, why)},
          {"ingress", SideJson(verdict.ingress, why)}};
}

// "deny by NetworkPolicy default/web, ... (NetworkPolicy default/db ingress[0] admits ...)"; "" if
// the end is not a pod.
std::string SideText(const std::optional<Side>& side) {
  if (!side) return "";
  std::string text = side->reject        ? "reject"
                     : side->conditional ? "content decides,"
                                         : Word(side->allow);
  if (!side->policies.empty()) text += fmt::format(" by {}", fmt::join(side->policies, ", "));
  if (!side->rule.empty()) text += " " + side->rule;
  if (side->nearest) text += fmt::format(" ({})", side->nearest->text);
  return text;
}

void PrintJsonLines(const std::vector<Verdict>& verdicts, bool why) {
  for (const Verdict& verdict : verdicts) fmt::print("{}\n", VerdictJson(verdict, why).dump());
}

void PrintTable(const std::vector<control::Probe>& probes, const std::vector<Verdict>& verdicts) {
  Table table({"FROM", "TO", "SERVICE", "VERDICT", "EGRESS", "INGRESS"});
  for (size_t i = 0; i < probes.size(); ++i) {
    const control::Probe& probe = probes[i];
    const std::string service =
        probe.port ? fmt::format("{}/{}", probe.protocol, *probe.port) : probe.protocol;
    table.Add({probe.from, probe.to, service, Word(verdicts[i].allow), SideText(verdicts[i].egress),
               SideText(verdicts[i].ingress)});
  }
  table.Print();
}

absl::StatusOr<std::vector<control::Probe>> ReadProbes(const std::string& path) {
  absl::StatusOr<std::string> text = control::ReadFile(path, control::TreeLimits().max_bytes);
  if (!text.ok()) return text.status();
  return ParseProbes(path == "-" ? "stdin" : path, *text);
}

absl::StatusOr<Question> Resolve(OfflineNetworks& networks, const control::Probe& probe) {
  const absl::StatusOr<OfflineCluster*> cluster = networks.Find(probe.network);
  if (!cluster.ok()) return cluster.status();
  absl::StatusOr<control::Flow> flow = (*cluster)->Resolve(probe);
  if (!flow.ok()) return flow.status();
  return Question{*cluster, *flow};
}

absl::StatusOr<std::vector<Question>> ResolveAll(OfflineNetworks& networks, const std::string& file,
                                                 const std::vector<control::Probe>& probes) {
  std::vector<Question> questions;
  for (const control::Probe& probe : probes) {
    absl::StatusOr<Question> question = Resolve(networks, probe);
    if (!question.ok()) {
      return absl::InvalidArgumentError(fmt::format("{}: probe[{}]: {}", file, questions.size(),
                                                    std::string(question.status().message())));
    }
    questions.push_back(*question);
  }
  return questions;
}

// All input is read and found good before anything is printed.
ExitCode RunVerdict(const GlobalOptions& options, const VerdictArguments& arguments) {
  const auto manifest = ReadManifests(arguments.manifests);
  if (!manifest.ok()) return Report(manifest.status(), kBadInput);
  const auto probes = ReadProbes(arguments.probes);
  if (!probes.ok()) return Report(probes.status(), kBadInput);
  OfflineNetworks networks(manifest->objects, arguments.legacy_policy);
  const auto questions = ResolveAll(networks, arguments.probes, *probes);
  if (!questions.ok()) return Report(questions.status(), kBadInput);
  const std::vector<std::string> warnings = networks.Warnings();
  const absl::Status built = networks.Build();
  if (!built.ok()) return Report(built, kRefused);

  for (const std::string& warning : manifest->warnings) fmt::print(stderr, "{}\n", warning);
  for (const std::string& warning : warnings) fmt::print(stderr, "{}\n", warning);
  const Why why = arguments.why || !options.json() ? Why::kToldToo : Why::kLeftOut;
  std::vector<Verdict> verdicts;
  for (const Question& question : *questions) {
    verdicts.push_back(question.cluster->Judge(question.flow, why));
  }
  if (options.json()) {
    PrintJsonLines(verdicts, arguments.why);
  } else {
    PrintTable(*probes, verdicts);
  }
  return kOk;
}

}  // namespace

void AddVerdict(CLI::App& app, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<VerdictArguments>();
  CLI::App* command =
      app.add_subcommand("verdict", "what manifests say of probes, without a daemon");
  command->add_option("-f,--filename", arguments->manifests, "manifests, - is standard input")
      ->required();
  command
      ->add_option("--probes", arguments->probes,
                   "JSON list of {from, to, protocol, port, network, serverName, dnsName, http}")
      ->required();
  command->add_flag("--why", arguments->why,
                    "in JSON too: \"nearest\", the rule that comes nearest to admitting what is "
                    "denied by default");
  AddLegacyPolicy(*command, &arguments->legacy_policy);
  command->callback([=, &options] { *exit_code = RunVerdict(options, *arguments); });
}

}  // namespace sluice::ctl
