// sluicectl verdict: manifests and probes in, verdicts out, without a daemon.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "control/ctl/command.h"
#include "control/ctl/offline.h"
#include "control/ctl/output.h"
#include "control/ctl/probe_file.h"
#include "control/kube/file.h"
#include "control/kube/manifest.h"
#include "control/kube/tree_builder.h"

namespace sluice::ctl {
namespace {

using control::Side;
using control::Verdict;
using Json = nlohmann::ordered_json;

struct VerdictArguments {
  std::vector<std::string> manifests;
  std::string probes;
};

const char* Word(bool allow) { return allow ? "allow" : "deny"; }

// null for no policy, text for one, a list for several.
Json PolicyJson(const std::vector<std::string>& policies) {
  if (policies.empty()) return nullptr;
  return policies.size() == 1 ? Json(policies[0]) : Json(policies);
}

Json SideJson(const std::optional<Side>& side) {
  if (!side) return nullptr;
  return {{"verdict", Word(side->allow)},
          {"tier", acl::TierName(side->tier)},
          {"policy", PolicyJson(side->policies)},
          {"rule", side->rule.empty() ? Json() : Json(side->rule)}};
}

Json VerdictJson(const Verdict& verdict) {
  return {{"verdict", Word(verdict.allow)},
          {"egress", SideJson(verdict.egress)},
          {"ingress", SideJson(verdict.ingress)}};
}

// "deny by NetworkPolicy default/web, ..."; "" if the end is not a pod.
std::string SideText(const std::optional<Side>& side) {
  if (!side) return "";
  std::string text = Word(side->allow);
  if (!side->policies.empty()) text += fmt::format(" by {}", fmt::join(side->policies, ", "));
  if (!side->rule.empty()) text += " " + side->rule;
  return text;
}

void PrintJsonLines(const std::vector<Verdict>& verdicts) {
  for (const Verdict& verdict : verdicts) fmt::print("{}\n", VerdictJson(verdict).dump());
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

absl::StatusOr<control::Manifest> ReadManifests(const std::vector<std::string>& paths) {
  control::Manifest all;
  for (const std::string& path : paths) {
    absl::StatusOr<control::Manifest> manifest = control::ReadManifest(path);
    if (!manifest.ok()) return manifest.status();
    std::ranges::move(manifest->objects, std::back_inserter(all.objects));
    std::ranges::move(manifest->warnings, std::back_inserter(all.warnings));
  }
  return all;
}

absl::StatusOr<std::vector<control::Probe>> ReadProbes(const std::string& path) {
  absl::StatusOr<std::string> text = control::ReadFile(path, control::TreeLimits().max_bytes);
  if (!text.ok()) return text.status();
  return ParseProbes(path == "-" ? "stdin" : path, *text);
}

absl::StatusOr<std::vector<control::Flow>> ResolveAll(const OfflineCluster& cluster,
                                                      const std::string& file,
                                                      const std::vector<control::Probe>& probes) {
  std::vector<control::Flow> flows;
  for (const control::Probe& probe : probes) {
    absl::StatusOr<control::Flow> flow = cluster.Resolve(probe);
    if (!flow.ok()) {
      return absl::InvalidArgumentError(fmt::format("{}: probe[{}]: {}", file, flows.size(),
                                                    std::string(flow.status().message())));
    }
    flows.push_back(*flow);
  }
  return flows;
}

// All input is read and found good before anything is printed.
ExitCode RunVerdict(const GlobalOptions& options, const VerdictArguments& arguments) {
  const auto manifest = ReadManifests(arguments.manifests);
  if (!manifest.ok()) return Report(manifest.status(), kBadInput);
  const auto probes = ReadProbes(arguments.probes);
  if (!probes.ok()) return Report(probes.status(), kBadInput);
  OfflineCluster cluster(manifest->objects);
  const auto flows = ResolveAll(cluster, arguments.probes, *probes);
  if (!flows.ok()) return Report(flows.status(), kBadInput);
  const absl::Status built = cluster.Build();
  if (!built.ok()) return Report(built, kRefused);

  for (const std::string& warning : manifest->warnings) fmt::print(stderr, "{}\n", warning);
  std::vector<Verdict> verdicts;
  for (const control::Flow& flow : *flows) verdicts.push_back(cluster.Judge(flow));
  if (options.json()) {
    PrintJsonLines(verdicts);
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
  command->add_option("--probes", arguments->probes, "JSON list of {from, to, protocol, port}")
      ->required();
  command->callback([=, &options] { *exit_code = RunVerdict(options, *arguments); });
}

}  // namespace sluice::ctl
