// sluicectl policy cost: what the policies in force cost.
#include <fmt/format.h>

#include <string>

#include "control/ctl/client.h"
#include "control/ctl/output.h"
#include "control/ctl/policy.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

std::string TriesText(const v1::RuleSetCost& cost) {
  std::string text;
  for (const v1::TrieCost& trie : cost.tries()) {
    text += fmt::format("{}{} {} rules in {:.1f} KiB", text.empty() ? "" : ", ", trie.direction(),
                        trie.flat_rules(), static_cast<double>(trie.bytes()) / 1024);
  }
  return text;
}

void PrintRuleSet(const char* name, const v1::RuleSetCost& cost) {
  fmt::print("  {}: {}, made in {:.3f} s\n", name, TriesText(cost), cost.build_seconds());
  fmt::print("    proven on {} of {} atoms with {} keys in {:.3f} s\n",
             cost.proof_exhaustive() ? "every one" : "a sample", cost.proof_atoms(),
             cost.proof_keys(), cost.proof_seconds());
}

void PrintNetwork(const v1::NetworkPolicyCost& cost) {
  fmt::print("network {}: {} policies, {} rules -> {} flat rules ({} default denies), {} classes\n",
             cost.network(), cost.policies(), cost.rules(), cost.flat_rules(),
             cost.in_force().default_denies(), cost.classes());
  fmt::print("  compiled in {:.3f} s, held against its objects by {} probes in {:.3f} s\n",
             cost.compile_seconds(), cost.meaning_probes(), cost.meaning_seconds());
  PrintRuleSet("tries", cost.in_force());
  if (cost.has_audit()) PrintRuleSet("tries with policies under audit", cost.audit());
  if (cost.has_overlay()) {
    const v1::OverlayCost& overlay = cost.overlay();
    fmt::print("  overlay: {} pods, {} edited policies, {} classes\n", overlay.pods(),
               overlay.edited_policies(), overlay.classes());
    PrintRuleSet("tries of the overlay", overlay.in_force());
  }
  if (cost.most().empty()) return;
  Table table({"POLICY", "RULES", "FLAT RULES"});
  for (const v1::PolicyShare& share : cost.most()) {
    table.Add({share.policy(), fmt::to_string(share.rules()), fmt::to_string(share.flat_rules())});
  }
  table.Print();
}

ExitCode Cost(const GlobalOptions& options) {
  v1::GetPolicyCostResponse response;
  const absl::Status status =
      Call<v1::DiagnosticsService>(options.server, &v1::DiagnosticsService::Stub::GetPolicyCost,
                                   v1::GetPolicyCostRequest(), &response);
  if (!status.ok()) return Report(status, kRefused);
  if (options.json()) {
    PrintJson(response);
  } else {
    for (const v1::NetworkPolicyCost& network : response.networks()) PrintNetwork(network);
  }
  return kOk;
}

}  // namespace

void AddPolicyCost(CLI::App& policy, const GlobalOptions& options, ExitCode* exit_code) {
  CLI::App* command =
      policy.add_subcommand("cost", "rules, classes, tries, proofs, and the costliest policies");
  command->callback([=, &options] { *exit_code = Cost(options); });
}

}  // namespace sluice::ctl
