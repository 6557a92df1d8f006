#include "control/cni/cni_args.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <net/if.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "control/cni/cni_error.h"

namespace sluice::cni {
namespace {

struct CommandRow {
  const char* name;
  std::vector<const char*> required;
};
const CommandRow kCommands[] = {
    {"ADD", {"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"}},
    {"CHECK", {"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"}},
    {"DEL", {"CNI_CONTAINERID", "CNI_IFNAME"}},
    {"GC", {"CNI_PATH"}},
    {"STATUS", {}},
    {"VERSION", {}},
};

std::string Get(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsInterfaceName(const std::string& text) {
  return !text.empty() && text.size() < IFNAMSIZ && text != "." && text != ".." &&
         text.find_first_of("/: \t\r\n\v\f") == std::string::npos;
}

absl::Status CheckRequired(const Environment& environment, const CommandRow& row) {
  std::vector<std::string> missing;
  for (const char* name : row.required) {
    if (Get(environment, name).empty()) missing.emplace_back(name);
  }
  if (missing.empty()) return absl::OkStatus();
  return Fail(kEnvironment, fmt::format("environment: {} needs {}, which the runtime sets",
                                        row.name, fmt::join(missing, ", ")));
}

absl::Status CheckNames(const Args& args) {
  if (!args.container_id.empty() && !IsCniName(args.container_id)) {
    return Fail(kEnvironment,
                fmt::format("environment: CNI_CONTAINERID: \"{}\" may hold only letters, digits, "
                            "'_', '.' and '-', and begins with one of the former two",
                            args.container_id));
  }
  if (!args.ifname.empty() && !IsInterfaceName(args.ifname)) {
    return Fail(kEnvironment,
                fmt::format("environment: CNI_IFNAME: \"{}\" is not an interface name (at most {} "
                            "characters, without '/', ':' and blanks)",
                            args.ifname, IFNAMSIZ - 1));
  }
  return absl::OkStatus();
}

// "KEY=VALUE;KEY=VALUE"
absl::StatusOr<Environment> ReadPairs(const std::string& text) {
  Environment pairs;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(';', begin), text.size());
    const std::string pair = text.substr(begin, end - begin);
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Fail(kEnvironment,
                  fmt::format("environment: CNI_ARGS: \"{}\" is not KEY=VALUE", pair));
    }
    pairs[pair.substr(0, equals)] = pair.substr(equals + 1);
    begin = end + 1;
  }
  return pairs;
}

absl::Status ReadPod(const Environment& pairs, Args* args) {
  args->pod_namespace = Get(pairs, "K8S_POD_NAMESPACE");
  args->pod_name = Get(pairs, "K8S_POD_NAME");
  args->pod_uid = Get(pairs, "K8S_POD_UID");
  if (args->command == "ADD" && (args->pod_namespace.empty() || args->pod_name.empty())) {
    return Fail(
        kEnvironment,
        "environment: CNI_ARGS: needs K8S_POD_NAMESPACE and K8S_POD_NAME: policy is a pod's");
  }
  if (!args->pod_uid.empty() && !IsCniName(args->pod_uid)) {
    return Fail(kEnvironment, fmt::format("environment: CNI_ARGS: K8S_POD_UID: \"{}\" is not a UID",
                                          args->pod_uid));
  }
  return absl::OkStatus();
}

absl::Status ReadAttachment(const Environment& environment, Args* args) {
  args->container_id = Get(environment, "CNI_CONTAINERID");
  args->netns = Get(environment, "CNI_NETNS");
  args->ifname = Get(environment, "CNI_IFNAME");
  const absl::Status names = CheckNames(*args);
  if (!names.ok()) return names;
  const auto pairs = ReadPairs(Get(environment, "CNI_ARGS"));
  if (!pairs.ok()) return pairs.status();
  const absl::Status pod = ReadPod(*pairs, args);
  if (!pod.ok()) return pod;
  std::error_code error;
  if (args->command != "ADD" || std::filesystem::exists(args->netns, error)) {
    return absl::OkStatus();
  }
  return Fail(kUnknownContainer,
              fmt::format("environment: CNI_NETNS: {} does not exist", args->netns));
}

}  // namespace

bool IsCniName(const std::string& text) {
  return !text.empty() && IsAlphanumeric(text[0]) && std::ranges::all_of(text, [](char c) {
    return IsAlphanumeric(c) || c == '_' || c == '.' || c == '-';
  });
}

absl::StatusOr<Args> ReadArgs(const Environment& environment) {
  Args args;
  args.command = Get(environment, "CNI_COMMAND");
  const auto row = std::ranges::find(kCommands, args.command, &CommandRow::name);
  if (row == std::end(kCommands)) {
    return Fail(
        kEnvironment,
        fmt::format("environment: CNI_COMMAND: \"{}\" is not ADD, DEL, CHECK, STATUS, GC or "
                    "VERSION",
                    args.command));
  }
  args.environment = environment;
  absl::Status status = CheckRequired(environment, *row);
  if (!status.ok()) return status;
  if (std::ranges::find(row->required, std::string("CNI_IFNAME")) != row->required.end()) {
    status = ReadAttachment(environment, &args);
  }
  if (!status.ok()) return status;
  return args;
}

}  // namespace sluice::cni
