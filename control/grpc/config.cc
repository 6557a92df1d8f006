#include "control/grpc/config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <set>

#include "control/config_file.h"
#include "control/event_kind.h"
#include "control/listen_socket.h"
#include "control/mode.h"
#include "control/version.h"
#include "dataplane/timeout_setting.h"

namespace sluice::control {
namespace {

constexpr size_t kLeastBufferBytes = 2048;  // what a buffer has room for

const std::map<std::string, dataplane::HugePages> kHugePages = {
    {"auto", dataplane::HugePages::kAuto},
    {"on", dataplane::HugePages::kOn},
    {"off", dataplane::HugePages::kOff}};
const std::map<std::string, UnlistedPods> kUnlistedPods = {
    {"deny", UnlistedPods::kDeny}, {"default_class", UnlistedPods::kDefaultClass}};
const std::map<std::string, OwnNode> kOwnNode = {{"allow", OwnNode::kAllow},
                                                 {"judge", OwnNode::kJudge}};
const std::map<std::string, OnPolicyChange> kOnPolicyChange = {{"strict", OnPolicyChange::kStrict},
                                                               {"keep", OnPolicyChange::kKeep}};
const std::map<std::string, acl::LegacyPolicy> kLegacyPolicy = {
    {"annotation", acl::LegacyPolicy::kAnnotation}, {"v1", acl::LegacyPolicy::kV1}};
const std::vector<std::string> kLogLevels = {"trace", "debug",    "info", "warning",
                                             "error", "critical", "off"};

// Flags whose text still has to be turned into values.
struct Texts {
  std::string huge_pages = "auto";
  std::string unlisted_pods = "deny";
  std::string own_node = "allow";
  std::string legacy_policy = "annotation";
  std::string mode = "enforce";
  std::string on_policy_change = "strict";
  std::vector<std::string> cluster_cidrs;
  std::vector<std::string> event_log_kinds;
  unsigned event_log_mb = 64;
};

// CLI11's validators answer with a complaint, or with nothing.
std::string CheckCidr(const std::string& text) {
  auto cidr = acl::Cidr::Parse(text);
  return cidr.ok() ? "" : std::string(cidr.status().message());
}

std::string CheckTimeout(const std::string& text) {
  dataplane::Tracking scratch;
  return std::string(dataplane::SetTimeout(text, &scratch).message());
}

std::string CheckEventKind(const std::string& text) {
  return std::string(ParseEventKind(text).status().message());
}

std::string CheckListen(const std::string& text) {
  auto path = ParseListenAddress(text);
  return path.ok() ? "" : std::string(path.status().message());
}

void AddEalFlags(CLI::App& app, Config& config, Texts& texts) {
  app.add_option("--worker-cores", config.data_plane.worker_cores, "CPUs of the workers, one each")
      ->delimiter(',')
      ->check(CLI::Range(0, 4095));
  app.add_option("--spare-cores", config.spare_cores,
                 "CPUs of workers that rest until they are added (sluicectl worker add)")
      ->delimiter(',')
      ->check(CLI::Range(0, 4095));
  app.add_option("--main-core", config.eal.main_core,
                 "CPU of everything else; -1: the first that the process may use")
      ->check(CLI::Range(-1, 4095));
  app.add_option("--huge", texts.huge_pages, "huge pages")->check(CLI::IsMember(&kHugePages));
  app.add_option("--memory", config.eal.memory_mb, "packet and table memory in MB")
      ->check(CLI::Range(64, 1 << 20));
  app.add_option("--pci", config.eal.pci,
                 "PCI device that may be used, ADDRESS[,DEVARGS]; no others are touched")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--file-prefix", config.eal.file_prefix, "sets apart the files of each process");
}

void AddSwitchFlags(CLI::App& app, Config& config) {
  dataplane::SwitchConfig& data_plane = config.data_plane;
  app.add_option("--connections", data_plane.connection_capacity, "connections tracked at most")
      ->check(CLI::Range(1u, 1u << 28));
  app.add_option("--connection-share", data_plane.connection_share,
                 "percent of the connections that one port may have; 100: no limit")
      ->check(CLI::Range(1u, 100u));
  app.add_option("--connection-file", data_plane.connection_file,
                 "file that keeps the connections for the next process");
  app.add_option("--packet-buffers", data_plane.packet_buffers, "packet buffers in the pool")
      ->check(CLI::Range(1u, 1u << 24));
  app.add_option("--fragment-timeout-ms", data_plane.fragment_timeout_ms,
                 "a datagram whose fragments do not all come is forgotten after this time")
      ->check(CLI::Range(1u, 600'000u));
  app.add_flag("--tcp-liberal", data_plane.tracking.be_liberal,
               "TCP data outside the window passes; RST does not");
  app.add_flag("--tcp-pick-up", data_plane.tracking.tcp_pick_up,
               "an ACK may open a connection that is older than the switch");
  app.add_option_function<std::vector<std::string>>(
         "--timeout",
         [&data_plane](const std::vector<std::string>& timeouts) {
           for (const std::string& text : timeouts) {
             SetTimeout(text, &data_plane.tracking).IgnoreError();  // checked
           }
         },
         "how long a connection may be idle in a state")
      ->check(CLI::Validator(CheckTimeout, "STATE=SECONDS"));
  app.add_option("--idle-sleep-us", data_plane.idle_sleep_us,
                 "an idle worker sleeps this long; 0: it polls on")
      ->check(CLI::Range(0u, 1'000'000u));
}

void AddEventLogFlags(CLI::App& app, EventLogConfig& log, Texts& texts) {
  app.add_option("--event-log", log.file,
                 "file that connections are logged to, a JSON object a line; empty: none");
  app.add_option("--event-log-mb", texts.event_log_mb, "size at which the file is rotated, in MB")
      ->check(CLI::Range(1u, 1u << 20));
  app.add_option("--event-log-files", log.files, "rotated files that are kept")
      ->check(CLI::Range(1u, 1000u));
  app.add_option(
         "--event-log-kinds", texts.event_log_kinds,
         "what is logged: new, closed, denied, rejected, observed, audited, judged, alerted; "
         "empty: all")
      ->delimiter(',')
      ->check(CLI::Validator(CheckEventKind, "KIND"));
  app.add_option("--event-log-namespace", log.filter.name_space,
                 "namespace of the pod at either end; empty: all");
}

void AddControlFlags(CLI::App& app, Config& config, Texts& texts) {
  app.add_option("--listen", config.listen, "gRPC address")
      ->check(CLI::Validator(CheckListen, "unix:///PATH"));
  app.add_option("--state-directory", config.state_directory,
                 "directory that keeps objects, networks and ports for the next process");
  app.add_option("--metrics", config.metrics, "HOST:PORT where /metrics is served; empty: nowhere");
  app.add_option("--cluster-cidr", texts.cluster_cidrs,
                 "addresses of pods; one in here without a known endpoint is admitted by no rule")
      ->check(CLI::Validator(CheckCidr, "CIDR"));
  app.add_option("--unlisted-pods", texts.unlisted_pods,
                 "what becomes of pods without an API object")
      ->check(CLI::IsMember(&kUnlistedPods));
  app.add_option(
         "--own-node", texts.own_node,
         "what this node sends to its pods by a host port passes their ingress policies, or "
         "is judged")
      ->check(CLI::IsMember(&kOwnNode));
  app.add_option(
         "--legacy-policy", texts.legacy_policy,
         "what extensions/v1beta1 NetworkPolicies mean: as before Kubernetes 1.7, where the "
         "namespace's annotation isolates, or as networking.k8s.io/v1")
      ->check(CLI::IsMember(&kLegacyPolicy));
  app.add_option("--namespace-terms", config.publisher.state.terms_a_namespace,
                 "terms (each peer with each port of a rule) that the policies of a namespace have "
                 "at most")
      ->check(CLI::Range(size_t{1}, size_t{1} << 24));
  app.add_option("--namespace-rules", config.publisher.state.rules.a_namespace,
                 "flat rules that the policies of a namespace become at most, on each network")
      ->check(CLI::Range(size_t{1}, size_t{1} << 24));
  app.add_option("--cluster-rules", config.publisher.state.rules.cluster_wide,
                 "flat rules that cluster-wide policies become at most, on each network")
      ->check(CLI::Range(size_t{1}, size_t{1} << 24));
  app.add_option("--namespace-classes", config.publisher.state.classes.a_namespace,
                 "classes that the policies of a namespace make at most, on each network")
      ->check(CLI::Range(size_t{1}, size_t{1} << 24));
  app.add_option("--cluster-classes", config.publisher.state.classes.cluster_wide,
                 "classes that cluster-wide policies make at most, on each network")
      ->check(CLI::Range(size_t{1}, size_t{1} << 24));
  app.add_option("--learned-macs", config.publisher.learned_macs.capacity,
                 "MAC addresses that each network learns at most")
      ->check(CLI::Range(1u, 1u << 20));
  app.add_option("--learned-mac-age", config.publisher.learned_macs.max_age_s,
                 "seconds that a learned MAC address counts without being seen")
      ->check(CLI::Range(1u, 86400u));
  app.add_option("--mode", texts.mode,
                 "observe: what policy would drop is counted, and let through")
      ->check(CLI::IsMember({"enforce", "observe"}));
  app.add_option("--on-policy-change", texts.on_policy_change,
                 "established connections are judged again, or kept")
      ->check(CLI::IsMember(&kOnPolicyChange));
  app.add_option("--node", config.node, "name of this node");
  app.add_option("--log-level", config.log_level, "what is logged")
      ->check(CLI::IsMember(kLogLevels));
}

// The options with the variables that they fill.
struct Options {
  CLI::App app{"sluiced: virtual switch that holds pods to their NetworkPolicies", "sluiced"};
  Config config;
  Texts texts;

  Options() {
    app.set_version_flag("--version", kVersion);
    app.option_defaults()->always_capture_default();
    config.eal.file_prefix = "sluiced";
    AddEalFlags(app, config, texts);
    AddSwitchFlags(app, config);
    AddControlFlags(app, config, texts);
    AddEventLogFlags(app, config.event_log, texts);
  }
  ProgramOptions ForParsing() {
    return {app, [this] { return Contradictions(); }};
  }

 private:
  std::vector<std::string> Contradictions() const {
    std::vector<std::string> faults;
    std::set<int> seen;
    for (const int core : config.data_plane.worker_cores) {
      if (seen.insert(core).second) continue;
      faults.push_back(fmt::format("worker-cores: CPU {} is listed twice", core));
    }
    for (const int core : config.spare_cores) {
      if (seen.insert(core).second) continue;
      faults.push_back(fmt::format("spare-cores: CPU {} is listed twice", core));
    }
    const size_t buffers_mb = config.data_plane.packet_buffers * kLeastBufferBytes >> 20;
    if (buffers_mb > config.eal.memory_mb) {
      faults.push_back(fmt::format("packet-buffers: {} take {} MB and more, memory is {} MB",
                                   config.data_plane.packet_buffers, buffers_mb,
                                   config.eal.memory_mb));
    }
    return faults;
  }
};

// Workers like the others, but for their rest.
void AddSpareWorkers(Config& config) {
  for (const int core : config.spare_cores) {
    config.publisher.at_rest.insert(static_cast<unsigned>(config.data_plane.worker_cores.size()));
    config.data_plane.worker_cores.push_back(core);
  }
}

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  Options options, scratch;
  const auto exit_code = ParseOptions(argc, argv, options.ForParsing(), scratch.ForParsing());
  if (exit_code) return {std::nullopt, *exit_code};
  Config& config = options.config;
  const Texts& texts = options.texts;
  AddSpareWorkers(config);
  config.eal.worker_cores = config.data_plane.worker_cores;
  config.data_plane.pci = config.eal.pci;
  config.eal.huge_pages = kHugePages.at(texts.huge_pages);
  config.publisher.mode = *ParseMode(texts.mode);
  config.publisher.policy.unlisted_pods = kUnlistedPods.at(texts.unlisted_pods);
  config.publisher.policy.own_node = kOwnNode.at(texts.own_node);
  config.publisher.policy.legacy_policy = kLegacyPolicy.at(texts.legacy_policy);
  config.publisher.on_policy_change = kOnPolicyChange.at(texts.on_policy_change);
  config.event_log.file_bytes = uint64_t{texts.event_log_mb} << 20;
  for (const std::string& name : texts.event_log_kinds) {
    config.event_log.filter.kinds.insert(*ParseEventKind(name));
  }
  for (const std::string& text : texts.cluster_cidrs) {
    config.publisher.policy.cluster_cidrs.push_back(*acl::Cidr::Parse(text));
  }
  return {config, 0};
}

}  // namespace sluice::control
