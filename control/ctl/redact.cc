#include "control/ctl/redact.h"

#include <regex>
#include <vector>

namespace sluice::ctl {
namespace {

constexpr size_t kMaxLine = 16 << 10;  // std::regex recurses: bounded
constexpr char kRemoved[] = "[removed]";
constexpr std::string_view kPemBegin = "-----BEGIN ";
constexpr std::string_view kPemEnd = "-----END ";

struct Cut {
  std::regex pattern;
  const char* replacement;
};

const std::vector<Cut>& Cuts() {
  const auto flags = std::regex::ECMAScript | std::regex::icase | std::regex::optimize;
  static const std::vector<Cut> kCuts = {
      // "-----BEGIN " in base64, and the rest of it
      {std::regex("LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]*"), kRemoved},
      {std::regex("eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*"), kRemoved},
      {std::regex("\\b(bearer)\\s+[A-Za-z0-9+/=._~-]+", flags), "$1 [removed]"},
      {std::regex("(authorization[\"']?\\s*[:=]).*", flags), "$1 [removed]"},
      {std::regex("(://)[^/@\\s\"']+@"), "$1[removed]@"},
      {std::regex(
           "([A-Za-z0-9_.-]*(token|passw(or)?d|secret|credential|api[-_]?key|private[-_]?key|"
           "(key|certificate)-data)[A-Za-z0-9_.-]*[\"']?\\s*[:=]\\s*)"
           "(\"(\\\\.|[^\"\\\\])*\"|'[^']*'|[^\\s,}\\]]+)",
           flags),
       "$1[removed]"},
  };
  return kCuts;
}

// All of a PEM block that is in one line.
std::string WithoutPem(std::string line) {
  size_t begin = 0;
  while ((begin = line.find(kPemBegin)) != std::string::npos) {
    const size_t end = line.find(kPemEnd, begin);
    const size_t tail = end == std::string::npos ? end : line.find("-----", end + kPemEnd.size());
    if (tail == std::string::npos) return line.substr(0, begin) + kRemoved;
    line.replace(begin, tail + 5 - begin, kRemoved);
  }
  return line;
}

std::string RedactLine(std::string line) {
  if (line.size() > kMaxLine) line = line.substr(0, kMaxLine) + " [cut]";
  line = WithoutPem(std::move(line));
  for (const Cut& cut : Cuts()) line = std::regex_replace(line, cut.pattern, cut.replacement);
  return line;
}

// A block begins here and ends in another line.
bool OpensPem(std::string_view line) {
  const size_t begin = line.rfind(kPemBegin);
  return begin != std::string_view::npos && line.find(kPemEnd, begin) == std::string_view::npos;
}

}  // namespace

std::string Redact(std::string_view text) {
  std::string result;
  bool in_pem = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (in_pem) {
      in_pem = line.find(kPemEnd) == std::string_view::npos;
      continue;
    }
    in_pem = OpensPem(line);
    result += RedactLine(std::string(line)) + "\n";
  }
  return result;
}

}  // namespace sluice::ctl
