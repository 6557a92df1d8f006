#include "tests/recipes/recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>

#include "acl/address.h"

namespace sluice::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTable = "# |";
constexpr std::string_view kNoPolicy = "no policy";

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

// Of "# | a | b |".
std::vector<std::string> Cells(std::string_view line) {
  std::vector<std::string> cells;
  line.remove_prefix(kTable.size());
  for (size_t end = 0; (end = line.find('|')) != std::string_view::npos;) {
    cells.push_back(Trimmed(line.substr(0, end)));
    line.remove_prefix(end + 1);
  }
  return cells;
}

std::optional<std::string> SetService(const std::string& text, Row* row) {
  const size_t slash = text.find('/');
  row->protocol = text.substr(0, slash);
  const bool icmp = row->protocol == "icmp";
  if (!icmp && row->protocol != "tcp" && row->protocol != "udp") return "port: unknown protocol";
  if (icmp != (slash == std::string::npos)) return "port: not PROTOCOL/NUMBER or icmp";
  if (icmp) return std::nullopt;
  const unsigned long number = std::strtoul(text.c_str() + slash + 1, nullptr, 10);
  if (number == 0 || number > 65535) return "port: not a number from 1 to 65535";
  row->port = static_cast<uint16_t>(number);
  return std::nullopt;
}

// What is wrong with it, if anything.
std::optional<std::string> SetCell(const std::string& column, const std::string& text, Row* row) {
  if (text.empty()) return column + ": is empty";
  if (column == "port") return SetService(text, row);
  const std::map<std::string, std::string Row::*> fields = {{"network", &Row::network},
                                                            {"from", &Row::from},
                                                            {"to", &Row::to},
                                                            {"reaches", &Row::reaches},
                                                            {"decided by", &Row::decided_by}};
  const auto field = fields.find(column);
  if (field == fields.end()) return column + ": no such column";
  row->*field->second = text;
  const bool known = text == "yes" || text == "no" || text == "refused";
  if (column == "reaches" && !known) return "reaches: not yes, no or refused";
  return std::nullopt;
}

std::optional<std::string> SetCells(const std::vector<std::string>& columns,
                                    const std::vector<std::string>& cells, Row* row) {
  if (cells.size() != columns.size()) return "not as many cells as columns";
  for (size_t i = 0; i < cells.size(); ++i) {
    if (auto wrong = SetCell(columns[i], cells[i], row)) return wrong;
  }
  return std::nullopt;
}

bool IsRuler(std::string_view line) {
  return line.find_first_not_of("-|", kTable.size()) == std::string_view::npos;
}

std::string Where(const Recipe& recipe, const Row& row) {
  return fmt::format("{}:{}: {} -> {} {}{}", recipe.file.filename().string(), row.line, row.from,
                     row.to, row.protocol, row.port == 0 ? "" : fmt::format("/{}", row.port));
}

// What is wrong with what was seen; "" if nothing.
std::string Complaint(const Row& row, const Seen& seen) {
  if (!seen.trouble.empty()) return seen.trouble;
  const bool reaches = row.reaches == "yes";
  if (seen.reached != reaches) {
    return fmt::format("{}, the table says {}", seen.reached ? "reaches" : "does not reach",
                       row.reaches);
  }
  if (seen.decided_by == row.decided_by) return "";
  return fmt::format("{}, the table says {}", seen.decided_by, row.decided_by);
}

}  // namespace

std::vector<Flow> FlowsOf(const Recipe& recipe) {
  std::vector<Flow> flows;
  for (const Row& row : recipe.rows) {
    for (const int family : {4, 6}) {
      const auto fits = [&](const std::string& end) {
        const auto address = acl::IpAddress::Parse(end);
        return !address.ok() || (address->family == acl::Family::kIpv4) == (family == 4);
      };
      if (fits(row.from) && fits(row.to)) flows.push_back({&row, family});
    }
  }
  return flows;
}

fs::path RecipeDirectory() { return fs::absolute(std::getenv("SLUICE_RECIPES")); }
fs::path ClusterFile() { return RecipeDirectory() / "cluster.yaml"; }

std::vector<Recipe> AllRecipes() {
  std::vector<fs::path> files;
  for (const fs::path& file : fs::directory_iterator(RecipeDirectory())) {
    if (file.extension() == ".yaml" && file != ClusterFile()) files.push_back(file);
  }
  std::ranges::sort(files);
  std::vector<Recipe> recipes;
  for (const fs::path& file : files) recipes.push_back(ReadRecipe(file));
  return recipes;
}

Recipe ReadRecipe(const fs::path& file) {
  Recipe recipe{.file = file, .title = "", .rows = {}};
  std::ifstream in(file);
  std::vector<std::string> columns;
  unsigned number = 0;
  for (std::string line; std::getline(in, line) && line.starts_with("#");) {
    ++number;
    if (number == 1) recipe.title = Trimmed(line.substr(1));
    if (!line.starts_with(kTable) || IsRuler(line)) continue;
    if (columns.empty()) {
      columns = Cells(line);
      continue;
    }
    Row& row = recipe.rows.emplace_back(Row{.line = number});
    if (const auto wrong = SetCells(columns, Cells(line), &row)) {
      ADD_FAILURE() << file.filename() << ":" << number << ": " << *wrong;
    }
  }
  EXPECT_FALSE(recipe.rows.empty()) << file << " has no table";
  return recipe;
}

std::string SideText(std::string_view side, bool allow, const std::vector<std::string>& policies,
                     const std::string& rule) {
  if (policies.empty()) return "";
  return fmt::format("{} {} by {}{}{}", side, allow ? "allowed" : "denied",
                     fmt::join(policies, ", "), rule.empty() ? "" : " ", rule);
}

std::string DecidedBy(const std::string& egress, const std::string& ingress) {
  if (egress.empty() && ingress.empty()) return std::string(kNoPolicy);
  return egress + (egress.empty() || ingress.empty() ? "" : "; ") + ingress;
}

std::vector<std::string> Disagreements(const Recipe& recipe, const std::vector<Seen>& seen) {
  const std::vector<Flow> flows = FlowsOf(recipe);
  EXPECT_EQ(flows.size(), seen.size()) << recipe.file;
  std::vector<std::string> lines;
  for (size_t i = 0; i < std::min(flows.size(), seen.size()); ++i) {
    const std::string complaint = Complaint(*flows[i].row, seen[i]);
    if (complaint.empty()) continue;
    lines.push_back(
        fmt::format("{} over IPv{}: {}", Where(recipe, *flows[i].row), flows[i].family, complaint));
  }
  return lines;
}

std::vector<Recipe> WithEachRowWrong(const Recipe& recipe) {
  std::vector<Recipe> wrong;
  for (size_t i = 0; i < recipe.rows.size(); ++i) {
    Recipe& reach = wrong.emplace_back(recipe);
    reach.rows[i].reaches = recipe.rows[i].reaches == "yes" ? "no" : "yes";
    wrong.emplace_back(recipe).rows[i].decided_by += " too";
  }
  return wrong;
}

}  // namespace sluice::tests
