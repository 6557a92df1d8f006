// What a port's path says, kind by kind: plain text, no DPDK.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/port_spec.h"

namespace sluice::dataplane {

// "/run/vpp/memif.sock#3": interface 3 of those that share the socket. Without "#", interface 0.
struct MemifPath {
  std::string socket;
  uint32_t id = 0;
  // Nothing if there is a "#" and no number after it.
  static std::optional<MemifPath> Parse(std::string_view path);
};

// The devargs of a representor's path: "0000:03:00.0/vf2" is "0000:03:00.0,representor=vf2".
// Nothing for what is no such path.
std::optional<std::string> RepresentorArgs(std::string_view path);

// Why `path` is none for a port of that kind; nothing: it is one.
std::optional<std::string> PathFault(PortKind kind, std::string_view path);

// Whether the text has what the comma-separated devargs, in which paths end up, cannot carry.
bool HasDevargsSeparator(std::string_view text);

}  // namespace sluice::dataplane
