#include "control/ctl/manifests.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::ctl {

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

absl::StatusOr<std::vector<control::Object>> ReadObjects(const std::vector<std::string>& paths) {
  absl::StatusOr<control::Manifest> manifest = ReadManifests(paths);
  if (!manifest.ok()) return manifest.status();
  for (const std::string& warning : manifest->warnings) fmt::print(stderr, "{}\n", warning);
  return std::move(manifest->objects);
}

CLI::Option* AddLegacyPolicy(CLI::App& command, acl::LegacyPolicy* legacy_policy) {
  return command
      .add_option_function<std::string>(
          "--legacy-policy",
          [legacy_policy](const std::string& text) {
            *legacy_policy = text == "v1" ? acl::LegacyPolicy::kV1 : acl::LegacyPolicy::kAnnotation;
          },
          "what extensions/v1beta1 NetworkPolicies mean: annotation, as before Kubernetes "
          "1.7; v1, as networking.k8s.io/v1")
      ->check(CLI::IsMember({"annotation", "v1"}))
      ->default_str("annotation");
}

}  // namespace sluice::ctl
