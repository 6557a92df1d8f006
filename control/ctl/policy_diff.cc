// sluicectl policy diff: which verdicts a change would flip, before it is made.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/ctl/client.h"
#include "control/ctl/manifests.h"
#include "control/ctl/offline.h"
#include "control/ctl/output.h"
#include "control/ctl/policy.h"
#include "control/grpc/answer_convert.h"
#include "control/grpc/convert.h"
#include "control/network_diff.h"
#include "sluice/v1/diagnostics.grpc.pb.h"

namespace sluice::ctl {
namespace {

using control::Object;
using control::ObjectKey;

constexpr uint32_t kMostFlips = 10'000;

struct DiffArguments {
  std::vector<std::string> old_manifests;  // none: the daemon's state
  std::vector<std::string> manifests;
  std::vector<std::string> removed;
  uint32_t limit = 100;
  bool exit_code = false;
  acl::LegacyPolicy legacy_policy = acl::LegacyPolicy::kAnnotation;
};

struct Change {
  std::vector<Object> objects;
  std::vector<ObjectKey> removed;
};

// "KIND/NAMESPACE/NAME", "KIND NAMESPACE/NAME" as answers have it, or without the namespace, which
// is "default" for kinds that have one.
absl::StatusOr<ObjectKey> ParseKey(const std::string& text) {
  const size_t kind_end = text.find_first_of("/ ");
  const std::string kind = text.substr(0, kind_end);
  if (kind_end == std::string::npos || !control::IsObjectKind(kind)) {
    return absl::InvalidArgumentError(
        fmt::format("--delete: \"{}\" is not KIND/NAMESPACE/NAME or KIND/NAME of {}", text,
                    control::kObjectKinds));
  }
  const std::string name = text.substr(kind_end + 1);
  const size_t slash = name.find('/');
  if (slash == std::string::npos) {
    return ObjectKey{kind, {control::IsNamespacedKind(kind) ? "default" : "", name}};
  }
  return ObjectKey{kind, {name.substr(0, slash), name.substr(slash + 1)}};
}

absl::StatusOr<Change> ReadChange(const DiffArguments& arguments) {
  Change change;
  for (const std::string& text : arguments.removed) {
    absl::StatusOr<ObjectKey> key = ParseKey(text);
    if (!key.ok()) return key.status();
    change.removed.push_back(*std::move(key));
  }
  absl::StatusOr<std::vector<Object>> objects = ReadObjects(arguments.manifests);
  if (!objects.ok()) return objects.status();
  change.objects = *std::move(objects);
  if (change.objects.empty() && change.removed.empty()) {
    return absl::InvalidArgumentError("no objects passed to diff");
  }
  return change;
}

absl::StatusOr<v1::DiffPoliciesResponse> AskDaemon(const GlobalOptions& options,
                                                   const Change& change, uint32_t limit) {
  v1::DiffPoliciesRequest request;
  for (const Object& object : change.objects) control::ToProto(object, request.add_objects());
  for (const ObjectKey& key : change.removed) {
    v1::ObjectKey* added = request.add_removed();
    added->set_kind(key.kind);
    added->set_namespace_(key.name.first);
    added->set_name(key.name.second);
  }
  request.set_limit(limit);
  v1::DiffPoliciesResponse response;
  const absl::Status status = Call<v1::DiagnosticsService>(
      options.server, &v1::DiagnosticsService::Stub::DiffPolicies, request, &response);
  if (!status.ok()) return status;
  return response;
}

// `old` without what is removed, and then the new objects. Errors: NotFound.
absl::StatusOr<std::vector<Object>> Changed(std::vector<Object> objects, const Change& change) {
  for (const ObjectKey& key : change.removed) {
    const size_t gone =
        std::erase_if(objects, [&](const Object& object) { return ObjectKey::Of(object) == key; });
    if (gone == 0) return absl::NotFoundError(fmt::format("{}: is not there", key.ToString()));
  }
  objects.insert(objects.end(), change.objects.begin(), change.objects.end());
  return objects;
}

absl::StatusOr<v1::DiffPoliciesResponse> DiffOffline(const DiffArguments& arguments,
                                                     const Change& change) {
  const auto before = ReadObjects(arguments.old_manifests);
  if (!before.ok()) return before.status();
  const auto after = Changed(*before, change);
  if (!after.ok()) return after.status();
  std::set<std::string> networks = NetworksOf(*before);
  networks.merge(NetworksOf(*after));
  v1::DiffPoliciesResponse response;
  size_t most = arguments.limit;
  for (const std::string& network : networks) {
    const auto diff =
        control::DiffNetwork(network, InputOf(*before, arguments.legacy_policy, network),
                             InputOf(*after, arguments.legacy_policy, network), most);
    if (!diff.ok()) return diff.status();
    most -= diff->flips.size();
    control::AddDiff(*diff, &response);
  }
  return response;
}

// "#7 default/web (10.0.0.1, fd00::1) and 2 more"; what matches it where it has no example.
std::string ClassText(const v1::DiffClass& of) {
  if (of.examples().empty()) {
    return fmt::format("#{} {}", of.id(), fmt::join(of.selectors(), "; "));
  }
  const std::string more =
      of.members() > 1 ? fmt::format(" and {} more", of.members() - 1) : std::string();
  return fmt::format("#{} {}{}", of.id(), of.examples(0), more);
}

std::string PortsText(const v1::PolicyFlip& flip) {
  if (flip.port_first() == 0 && flip.port_last() == 0xffff) return "any";
  if (flip.port_first() == flip.port_last()) return fmt::to_string(flip.port_first());
  return fmt::format("{}-{}", flip.port_first(), flip.port_last());
}

// What decided: of a denial, the sides that deny; else all that a policy decided.
void AddSide(const char* direction, const v1::SideVerdict& side, const std::string& verdict,
             std::vector<std::string>& texts) {
  if (side.policies().empty() || side.verdict() != verdict) return;
  const std::string policies = fmt::format("{}", fmt::join(side.policies(), ", "));
  texts.push_back(fmt::format("{} by {}{}{} (tier {})", direction, policies,
                              side.rule().empty() ? "" : " ", side.rule(), side.tier()));
}

std::string VerdictText(const v1::FlowVerdict& verdict) {
  std::vector<std::string> sides;
  if (verdict.has_egress()) AddSide("egress", verdict.egress(), verdict.verdict(), sides);
  if (verdict.has_ingress()) AddSide("ingress", verdict.ingress(), verdict.verdict(), sides);
  if (sides.empty()) return verdict.verdict() + ", no policy";
  return fmt::format("{}, {}", verdict.verdict(), fmt::join(sides, "; "));
}

void PrintClasses(const v1::DiffPoliciesResponse& response) {
  std::map<std::pair<std::string, uint32_t>, const v1::DiffClass*> classes;
  for (const v1::PolicyFlip& flip : response.flips()) {
    classes[{flip.network(), flip.from().id()}] = &flip.from();
    classes[{flip.network(), flip.to().id()}] = &flip.to();
  }
  Table table({"NETWORK", "CLASS", "MEMBERS", "EXAMPLES", "MATCHES"});
  for (const auto& [key, of] : classes) {
    table.Add({key.first, fmt::format("#{}", of->id()), fmt::to_string(of->members()),
               fmt::format("{}", fmt::join(of->examples(), ", ")),
               fmt::format("{}", fmt::join(of->selectors(), "; "))});
  }
  table.Print();
}

void PrintFlips(const v1::DiffPoliciesResponse& response) {
  Table table({"NETWORK", "FROM", "TO", "PROTOCOL", "PORTS", "BEFORE", "AFTER"});
  for (const v1::PolicyFlip& flip : response.flips()) {
    table.Add({flip.network(), ClassText(flip.from()), ClassText(flip.to()), flip.protocol(),
               PortsText(flip), VerdictText(flip.before()), VerdictText(flip.after())});
  }
  table.Print();
  fmt::print("\n");
  PrintClasses(response);
  fmt::print("\n");
}

void PrintDiff(const v1::DiffPoliciesResponse& response) {
  if (!response.flips().empty()) PrintFlips(response);
  for (const v1::NetworkFlips& network : response.networks()) {
    fmt::print("network {}: {} verdicts flip, between {} pairs of classes\n", network.network(),
               network.count(), network.pairs());
  }
  if (static_cast<uint64_t>(response.flips_size()) < response.count()) {
    fmt::print("{} of {} are listed (--limit)\n", response.flips_size(), response.count());
  }
}

ExitCode Diff(const GlobalOptions& options, const DiffArguments& arguments) {
  const auto change = ReadChange(arguments);
  if (!change.ok()) return Report(change.status(), kBadInput);
  const bool offline = !arguments.old_manifests.empty();
  const auto response =
      offline ? DiffOffline(arguments, *change) : AskDaemon(options, *change, arguments.limit);
  if (!response.ok()) {
    return Report(response.status(), offline || arguments.exit_code ? kBadInput : kRefused);
  }
  if (options.json()) {
    PrintJson(*response);
  } else {
    PrintDiff(*response);
  }
  return arguments.exit_code && response->count() > 0 ? kDiffers : kOk;
}

}  // namespace

void AddPolicyDiff(CLI::App& policy, const GlobalOptions& options, ExitCode* exit_code) {
  auto arguments = std::make_shared<DiffArguments>();
  CLI::App* command =
      policy.add_subcommand("diff", "which verdicts a change would flip, before it is made");
  command->add_option("-f,--filename", arguments->manifests,
                      "manifests that would be applied, - is standard input");
  command->add_option("--delete", arguments->removed,
                      "KIND/NAMESPACE/NAME or KIND/NAME that would be deleted, before");
  CLI::Option* old =
      command->add_option("--old", arguments->old_manifests,
                          "manifests of the whole cluster instead of a daemon: all pods are local");
  command->add_option("--limit", arguments->limit, "list at most so many; the count is exact")
      ->check(CLI::Range(uint32_t{1}, kMostFlips))
      ->capture_default_str();
  command->add_flag("--exit-code", arguments->exit_code,
                    "1 if something flips, 2 if that cannot be said");
  AddLegacyPolicy(*command, &arguments->legacy_policy)->needs(old);
  command->callback([=, &options] { *exit_code = Diff(options, *arguments); });
}

}  // namespace sluice::ctl
