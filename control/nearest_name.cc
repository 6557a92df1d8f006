#include "control/nearest_name.h"

#include <algorithm>
#include <numeric>

namespace sluice::control {
namespace {

// Levenshtein's distance, a row of the table at a time.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string NearestName(std::string_view written, const std::vector<std::string>& names) {
  std::string nearest;
  size_t least = 0;
  for (const std::string& name : names) {
    const size_t distance = Distance(written, name);
    const size_t most = std::max<size_t>(2, std::max(written.size(), name.size()) / 3);
    if (distance > most || (!nearest.empty() && distance >= least)) continue;
    nearest = name;
    least = distance;
  }
  return nearest;
}

}  // namespace sluice::control
