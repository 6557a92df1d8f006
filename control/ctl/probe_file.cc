#include "control/ctl/probe_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "control/kube/json_documents.h"
#include "control/kube/object_reader.h"

namespace sluice::ctl {
namespace {

using nlohmann::json;

void RefuseTwo(control::ObjectReader& probe, const char* one, const char* other) {
  if (!probe.Has(one) || !probe.Has(other)) return;
  probe.Fail(other, fmt::format("does not go together with {}", one));
}

// {"serverName": NAME}, {"dnsName": NAME} or {"http": {method, host, path}}: as they are after
// normalisation.
std::optional<control::Said> ReadSaid(control::ObjectReader& probe) {
  using Kind = acl::StreamFacts::Kind;
  RefuseTwo(probe, "serverName", "http");
  RefuseTwo(probe, "serverName", "dnsName");
  RefuseTwo(probe, "dnsName", "http");
  if (probe.Has("serverName")) {
    return control::Said{.kind = Kind::kTls, .server_name = probe.Text("serverName")};
  }
  if (probe.Has("dnsName")) {
    return control::Said{.kind = Kind::kDns, .question = probe.Text("dnsName")};
  }
  if (!probe.Has("http")) return std::nullopt;
  control::ObjectReader request = probe.Object("http");
  control::Said said{.kind = Kind::kHttp,
                     .method = request.Text("method"),
                     .host = request.Text("host"),
                     .path = request.Text("path")};
  request.RefuseOtherFields();
  return said;
}

control::Probe ReadProbe(control::ObjectReader probe) {
  control::Probe result{.from = probe.Text("from"),
                        .to = probe.Text("to"),
                        .protocol = probe.Text("protocol"),
                        .port = probe.Integer("port")};
  for (const char* field : {"from", "to", "protocol"}) {
    if (!probe.Has(field)) probe.Fail(field, "is missing");
  }
  if (const std::optional<int64_t> family = probe.Integer("family")) {
    if (*family != 4 && *family != 6)
      probe.Fail("family", fmt::format("{} is neither 4 nor 6", *family));
    result.family = static_cast<int>(*family);
  }
  result.network = probe.Text("network");
  result.said = ReadSaid(probe);
  probe.RefuseOtherFields();
  return result;
}

}  // namespace

absl::StatusOr<std::vector<control::Probe>> ParseProbes(std::string_view file,
                                                        std::string_view text) {
  auto documents = control::ReadJsonDocuments(text, {});
  if (!documents.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {}", file, std::string(documents.status().message())));
  }
  if (documents->size() != 1 || !documents->front().is_array()) {
    return absl::InvalidArgumentError(fmt::format("{}: must be one JSON list of probes", file));
  }
  std::vector<control::Probe> probes;
  for (const json& element : documents->front()) {
    absl::Status error;
    const std::string path = fmt::format("probe[{}]", probes.size());
    probes.push_back(ReadProbe(control::ObjectReader(element, "", &error)));
    if (!error.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {}: {}", file, path, std::string(error.message())));
    }
  }
  return probes;
}

}  // namespace sluice::ctl
