// Manifests that commands are given as files, and how they are read.
#pragma once

#include <absl/status/statusor.h>

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "acl/policy_input.h"
#include "control/kube/manifest.h"

namespace sluice::ctl {

// All of `paths` as one, "-" is standard input. Errors: control::ReadManifest's.
absl::StatusOr<control::Manifest> ReadManifests(const std::vector<std::string>& paths);

// ReadManifests; prints the warnings on stderr.
absl::StatusOr<std::vector<control::Object>> ReadObjects(const std::vector<std::string>& paths);

// Adds --legacy-policy to `command`. `legacy_policy` outlives the parse.
CLI::Option* AddLegacyPolicy(CLI::App& command, acl::LegacyPolicy* legacy_policy);

}  // namespace sluice::ctl
