#include "dataplane/port_path.h"

#include <fmt/core.h>
#include <net/if.h>
#include <sys/un.h>

#include <cctype>
#include <charconv>

namespace sluice::dataplane {
namespace {

// 'h' in `shape` is a hexadecimal digit; everything else is itself.
bool HasShape(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool fits = shape[i] == 'h' ? std::isxdigit(static_cast<unsigned char>(text[i])) != 0
                                      : text[i] == shape[i];
    if (!fits) return false;
  }
  return true;
}

constexpr std::string_view kPciShape = "hhhh:hh:hh.h";

std::optional<std::string> SocketFault(std::string_view path) {
  if (path.empty() || path[0] != '/') return "must be an absolute path";
  if (path.size() < sizeof(sockaddr_un::sun_path)) return std::nullopt;
  return fmt::format("has {} characters; a unix socket's path may have {}", path.size(),
                     sizeof(sockaddr_un::sun_path) - 1);
}

std::optional<std::string> MemifFault(std::string_view path) {
  const auto memif = MemifPath::Parse(path);
  if (memif) return SocketFault(memif->socket);
  return fmt::format("\"{}\" is not SOCKET or SOCKET#ID, as /run/memif.sock#3", path);
}

std::optional<std::string> InterfaceFault(std::string_view path) {
  if (path.empty()) return "must name a network interface";
  if (path.size() >= IFNAMSIZ) {
    return fmt::format("\"{}\" is too long for an interface name (at most {})", path, IFNAMSIZ - 1);
  }
  const bool is_name =
      path != "." && path != ".." && path.find_first_of("/ \t\n") == std::string_view::npos;
  if (is_name) return std::nullopt;
  return fmt::format("\"{}\" is not an interface name", path);
}

std::optional<std::string> PciFault(std::string_view path) {
  if (HasShape(path, kPciShape)) return std::nullopt;
  return fmt::format("\"{}\" is not a PCI address, as 0000:03:00.0", path);
}

std::optional<std::string> RepresentorFault(std::string_view path) {
  if (RepresentorArgs(path)) return std::nullopt;
  return fmt::format("\"{}\" is not PCI-ADDRESS/vfN, as 0000:03:00.0/vf2", path);
}

}  // namespace

std::optional<MemifPath> MemifPath::Parse(std::string_view path) {
  MemifPath memif;
  const size_t mark = path.rfind('#');
  memif.socket = path.substr(0, mark);
  if (mark == std::string_view::npos) return memif;
  const char* const end = path.data() + path.size();
  const auto [stop, error] = std::from_chars(path.data() + mark + 1, end, memif.id);
  if (error != std::errc() || stop != end) return std::nullopt;
  return memif;
}

std::optional<std::string> RepresentorArgs(std::string_view path) {
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view device = path.substr(0, slash), function = path.substr(slash + 1);
  constexpr size_t kPrefix = 2, kMaxDigits = 3;  // "vf"
  if (!HasShape(device, kPciShape) || !HasShape(function.substr(0, kPrefix), "vf")) {
    return std::nullopt;
  }
  const std::string_view number = function.substr(kPrefix);
  if (number.empty() || number.size() > kMaxDigits) return std::nullopt;
  if (number.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return fmt::format("{},representor={}", device, function);
}

std::optional<std::string> PathFault(PortKind kind, std::string_view path) {
  if (HasDevargsSeparator(path)) return "has a character that devargs cannot carry";
  switch (kind) {
    case PortKind::kVhostServer:
    case PortKind::kVhostClient:
      return SocketFault(path);
    case PortKind::kMemifServer:
    case PortKind::kMemifClient:
      return MemifFault(path);
    case PortKind::kTap:
    case PortKind::kAfPacket:
    case PortKind::kAfXdp:
      return InterfaceFault(path);
    case PortKind::kPci:
      return PciFault(path);
    case PortKind::kRepresentor:
      return RepresentorFault(path);
    case PortKind::kRing:
      if (!path.empty()) return "a ring port has none";
      break;
    case PortKind::kPcap:
      break;
  }
  return std::nullopt;
}

bool HasDevargsSeparator(std::string_view text) {
  return text.find_first_of(",=[]\"' \n") != std::string_view::npos;
}

}  // namespace sluice::dataplane
