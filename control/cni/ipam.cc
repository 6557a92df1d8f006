#include "control/cni/ipam.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "control/cni/cni_error.h"
#include "control/cni/cni_version.h"
#include "control/cni/parse_json.h"
#include "control/cni/run_program.h"

namespace sluice::cni {
namespace {

using nlohmann::json;

std::string Get(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

// What a plugin said when it failed.
absl::Status ErrorOf(const std::string& who, const ProgramOutput& output) {
  const json error = ParseJson(output.text);
  const bool is_error = error.is_object() && error.contains("code") && error.contains("msg") &&
                        error["code"].is_number_integer() && error["msg"].is_string();
  if (!is_error) {
    return Fail(kIpam,
                fmt::format("{}: exit code {} without an error result on its standard output", who,
                            output.exit_code));
  }
  std::string text = error["msg"].get<std::string>();
  if (error.contains("details") && error["details"].is_string() && !error["details"].empty()) {
    text += "; " + error["details"].get<std::string>();
  }
  const int code = error["code"].get<int>();
  return Fail(code > 0 ? code : kIpam, fmt::format("{}: {}", who, text));
}

// The newest of `supported` that we speak and that is not newer than `wanted`; empty: there is
// none.
std::string NewestOf(const json& supported, const std::string& wanted) {
  int best = -1;
  for (const json& version : supported) {
    if (!version.is_string()) continue;
    const int rank = RankOf(version.get<std::string>());
    if (rank <= RankOf(wanted)) best = std::max(best, rank);
  }
  return best < 0 ? "" : std::string(kVersions[static_cast<size_t>(best)]);
}

}  // namespace

absl::StatusOr<std::string> Ipam::Find() const {
  const std::string path = Get(args_.environment, "CNI_PATH");
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    std::string file = path.substr(begin, end - begin) + "/" + config_.ipam;
    if (end > begin && access(file.c_str(), X_OK) == 0) return file;
    begin = end + 1;
  }
  return Fail(kConfig,
              fmt::format("ipam {}: no such plugin in CNI_PATH, \"{}\"", config_.ipam, path));
}

absl::StatusOr<std::string> Ipam::AgreeOnVersion(const std::string& path) const {
  const std::string who = fmt::format("ipam {}: VERSION", config_.ipam);
  Environment environment = args_.environment;
  environment["CNI_COMMAND"] = "VERSION";
  const json question = {{"cniVersion", config_.version}};
  const auto output = RunProgram(path, question.dump(), environment, config_.timeout);
  if (!output.ok()) return output.status();
  if (output->exit_code != 0) return ErrorOf(who, *output);
  const json answer = ParseJson(output->text);
  const bool lists = answer.is_object() && answer.contains("supportedVersions") &&
                     answer["supportedVersions"].is_array();
  if (!lists) return Fail(kIpam, fmt::format("{}: answered no list of versions", who));
  std::string version = NewestOf(answer["supportedVersions"], config_.version);
  if (version.empty()) {
    return Fail(kIncompatibleVersion,
                fmt::format("{}: it speaks {}, none of them is {} or older", who,
                            answer["supportedVersions"].dump(), config_.version));
  }
  return version;
}

absl::StatusOr<std::string> Ipam::Run(const std::string& command,
                                      const Environment& environment) const {
  const auto path = Find();
  if (!path.ok()) return path.status();
  const auto version = AgreeOnVersion(*path);
  if (!version.ok()) return version.status();
  const bool has_command = command == "GC"       ? HasGc(*version)
                           : command == "STATUS" ? HasStatus(*version)
                           : command == "CHECK"  ? HasCheck(*version)
                                                 : true;
  if (!has_command) return std::string();
  json config = config_.json;
  config["cniVersion"] = *version;
  if (config_.previous) config["prevResult"] = ToJson(*config_.previous, *version);
  Environment variables = environment;
  variables["CNI_COMMAND"] = command;
  const auto output = RunProgram(*path, config.dump(), variables, config_.timeout);
  if (!output.ok()) return output.status();
  if (output->exit_code != 0) {
    return ErrorOf(fmt::format("ipam {}: {}", config_.ipam, command), *output);
  }
  return output->text;
}

absl::StatusOr<Result> Ipam::Add() const {
  if (!IsConfigured()) return Result();
  const auto text = Run("ADD", args_.environment);
  if (!text.ok()) return text.status();
  const std::string who = fmt::format("ipam {}: ADD", config_.ipam);
  const json answer = ParseJson(*text);
  if (answer.is_discarded()) return Fail(kIpam, who + ": printed what is not JSON");
  auto result = ParseResult(answer, who);
  if (!result.ok()) return Fail(kIpam, std::string(result.status().message()));
  if (result->ips.empty()) return Fail(kIpam, who + ": gave no address");
  return result;
}

absl::Status Ipam::Delete(const AttachmentId& id, const std::string& netns) const {
  if (!IsConfigured()) return absl::OkStatus();
  Environment environment = args_.environment;
  environment["CNI_CONTAINERID"] = id.container;
  environment["CNI_IFNAME"] = id.ifname;
  environment["CNI_NETNS"] = netns;
  return Run("DEL", environment).status();
}

absl::Status Ipam::Check() const {
  return IsConfigured() ? Run("CHECK", args_.environment).status() : absl::OkStatus();
}

absl::Status Ipam::Status() const {
  return IsConfigured() ? Run("STATUS", args_.environment).status() : absl::OkStatus();
}

absl::Status Ipam::Gc() const {
  return IsConfigured() ? Run("GC", args_.environment).status() : absl::OkStatus();
}

}  // namespace sluice::cni
