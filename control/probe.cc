#include "control/probe.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace sluice::control {
namespace {

constexpr std::array kFamilies = {acl::Family::kIpv4, acl::Family::kIpv6};

// What an end may stand for: one address of these has to be chosen.
struct Candidate {
  std::string_view field;  // "from" or "to"
  std::string text;        // "pod default/web" or "10.0.0.1", for messages
  std::vector<acl::IpAddress> addresses;

  const acl::IpAddress* Address(acl::Family family) const {
    auto found = std::ranges::find(addresses, family, &acl::IpAddress::family);
    return found == addresses.end() ? nullptr : &*found;
  }
};

absl::Status FieldError(std::string_view field, const std::string& reason) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", field, reason));
}

absl::StatusOr<Candidate> ReadEnd(std::string_view field, const std::string& text,
                                  const EndpointIndex& endpoints) {
  if (const size_t slash = text.find('/'); slash != std::string::npos) {
    const acl::Endpoint* pod = endpoints.Find(text.substr(0, slash), text.substr(slash + 1));
    if (pod == nullptr) return FieldError(field, fmt::format("there is no pod {}", text));
    return Candidate{field, "pod " + text,
                     pod->host_network ? pod->node_addresses : pod->addresses};
  }
  absl::StatusOr<acl::IpAddress> address = acl::IpAddress::Parse(text);
  if (!address.ok()) {
    return FieldError(field,
                      fmt::format("\"{}\" is neither NAMESPACE/POD nor an IP address", text));
  }
  return Candidate{field, text, {*address}};
}

absl::StatusOr<acl::Family> ChooseFamily(const Probe& probe, const Candidate& from,
                                         const Candidate& to) {
  if (probe.family != 0 && probe.family != 4 && probe.family != 6) {
    return FieldError("family", fmt::format("{} is neither 4 nor 6", probe.family));
  }
  for (const Candidate* end : {&from, &to}) {
    if (end->addresses.empty()) return FieldError(end->field, end->text + " has no address");
  }
  for (acl::Family family : kFamilies) {
    const int number = static_cast<int>(family);
    if (probe.family != 0 && probe.family != number) continue;
    const Candidate* lacking = nullptr;
    for (const Candidate* end : {&to, &from}) {
      if (end->Address(family) == nullptr) lacking = end;
    }
    if (lacking == nullptr) return family;
    if (probe.family == number) {
      return FieldError(lacking->field,
                        fmt::format("{} has no IPv{} address", lacking->text, number));
    }
  }
  return FieldError("to",
                    fmt::format("{} has no address family in common with {}", to.text, from.text));
}

absl::StatusOr<End> MakeEnd(const Candidate& candidate, acl::Family family,
                            const EndpointIndex& endpoints) {
  End end{.address = *candidate.Address(family)};
  const auto owners = endpoints.Owners(end.address);
  if (owners.size() > 1) {
    return FieldError(candidate.field,
                      fmt::format("{} belongs to pods {}/{} and {}/{}", end.address.ToString(),
                                  owners[0]->namespace_name, owners[0]->name,
                                  owners[1]->namespace_name, owners[1]->name));
  }
  if (!owners.empty()) end.endpoint = owners[0];
  return end;
}

// Sets protocol and port.
absl::Status ReadService(const Probe& probe, acl::Family family, Flow* flow) {
  std::string name = probe.protocol;
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name == "icmp") {
    if (probe.port) return FieldError("port", "icmp has none");
    flow->protocol = family == acl::Family::kIpv4 ? uint8_t{IPPROTO_ICMP} : uint8_t{IPPROTO_ICMPV6};
    return absl::OkStatus();
  }
  if (name == "tcp") flow->protocol = IPPROTO_TCP;
  if (name == "udp") flow->protocol = IPPROTO_UDP;
  if (name == "sctp") flow->protocol = IPPROTO_SCTP;
  if (flow->protocol == 0) {
    return FieldError("protocol",
                      fmt::format("\"{}\" is none of tcp, udp, sctp, icmp", probe.protocol));
  }
  if (!probe.port) return FieldError("port", fmt::format("is missing, {} needs one", name));
  if (*probe.port < 1 || *probe.port > 65535) {
    return FieldError("port", fmt::format("{} is not between 1 and 65535", *probe.port));
  }
  flow->port = static_cast<uint16_t>(*probe.port);
  return absl::OkStatus();
}

void SetSubject(const acl::Population& population, End* end) {
  if (end->endpoint == nullptr) return;
  const acl::Member* member = population.Find({end->endpoint->namespace_name, end->endpoint->name});
  if (member == nullptr) return;
  const bool v4 = end->address.family == acl::Family::kIpv4;
  end->subject = v4 ? member->subject.v4 : member->subject.v6;
}

}  // namespace

EndpointIndex::EndpointIndex(const acl::EndpointList& endpoints) {
  for (const acl::Endpoint& endpoint : endpoints) {
    by_name_[{endpoint.namespace_name, endpoint.name}] = &endpoint;
    if (endpoint.host_network) continue;
    for (const acl::IpAddress& address : endpoint.addresses) {
      std::vector<const acl::Endpoint*>& owners = by_address_[address];
      if (owners.empty() || owners.back() != &endpoint) owners.push_back(&endpoint);
    }
  }
}

const acl::Endpoint* EndpointIndex::Find(const std::string& namespace_name,
                                         const std::string& name) const {
  auto found = by_name_.find({namespace_name, name});
  return found == by_name_.end() ? nullptr : found->second;
}

std::span<const acl::Endpoint* const> EndpointIndex::Owners(const acl::IpAddress& address) const {
  auto found = by_address_.find(address);
  if (found == by_address_.end()) return {};
  return found->second;
}

absl::StatusOr<Flow> Resolve(const Probe& probe, const EndpointIndex& endpoints) {
  absl::StatusOr<Candidate> from = ReadEnd("from", probe.from, endpoints);
  if (!from.ok()) return from.status();
  absl::StatusOr<Candidate> to = ReadEnd("to", probe.to, endpoints);
  if (!to.ok()) return to.status();
  absl::StatusOr<acl::Family> family = ChooseFamily(probe, *from, *to);
  if (!family.ok()) return family.status();
  absl::StatusOr<End> source = MakeEnd(*from, *family, endpoints);
  if (!source.ok()) return source.status();
  absl::StatusOr<End> destination = MakeEnd(*to, *family, endpoints);
  if (!destination.ok()) return destination.status();
  Flow flow{.source = *source, .destination = *destination};
  absl::Status service = ReadService(probe, *family, &flow);
  if (!service.ok()) return service;
  if (probe.said && flow.protocol != probe.said->Protocol()) {
    return absl::InvalidArgumentError(
        "protocol: a server name and a request are said in TCP, a DNS query in UDP");
  }
  flow.said = probe.said;
  return flow;
}

void SetSubjects(const acl::Population& population, Flow* flow) {
  SetSubject(population, &flow->source);
  SetSubject(population, &flow->destination);
}

}  // namespace sluice::control
