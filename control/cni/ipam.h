// Addresses by delegation: another plugin, found in CNI_PATH, is asked.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

#include "control/cni/attachment.h"
#include "control/cni/cni_args.h"
#include "control/cni/net_config.h"
#include "control/cni/result.h"

namespace sluice::cni {

// The plugin that the configuration names. It gets the configuration and the environment as they
// came, but for the version, which is the newest that both sides know, and the command; each call
// may take NetConfig::timeout. Errors, all "ipam TYPE: REASON": what the plugin answered, with its
// code; kIpam for what is no answer; RunProgram's; kConfig if it is not in CNI_PATH.
class Ipam {
 public:
  // Both outlive it. A configuration without IPAM: every call succeeds, and nothing is run.
  Ipam(const NetConfig& config, const Args& args) : config_(config), args_(args) {}

  bool IsConfigured() const { return !config_.ipam.empty(); }

  // Whether there is such a plugin.
  absl::Status IsThere() const { return IsConfigured() ? Find().status() : absl::OkStatus(); }

  // The addresses of the attachment that the environment names. At least one, or it is an error.
  absl::StatusOr<Result> Add() const;
  // Frees those of `id`, whatever the environment says.
  absl::Status Delete(const AttachmentId& id, const std::string& netns) const;
  absl::Status Check() const;
  // A plugin that is older than CNI 1.1 is not asked.
  absl::Status Status() const;
  absl::Status Gc() const;

 private:
  absl::StatusOr<std::string> Find() const;
  absl::StatusOr<std::string> AgreeOnVersion(const std::string& path) const;
  absl::StatusOr<std::string> Run(const std::string& command, const Environment& environment) const;

  const NetConfig& config_;
  const Args& args_;
};

}  // namespace sluice::cni
