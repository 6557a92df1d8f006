// The recipes of docs/recipes: a manifest that opens with a comment, in which a table says who
// reaches whom. The tests read the table that the reader reads.
//
//   # | from | to | port | reaches | decided by |        and perhaps `network`, in any order
//   # | shop/web | shop/db | tcp/5432 | no | ingress denied by NetworkPolicy shop/db-shut |
//
// `from` and `to` are a pod or an address, `port` is PROTOCOL/NUMBER or icmp. `reaches`: yes; no;
// refused, which is no and the sender is told. `decided by`: SIDE allowed|denied by POLICIES RULE,
// egress first, "; " between the sides, ", " between policies; "no policy" if there is none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tests {

struct Row {
  unsigned line = 0;
  std::string network = "default";
  std::string from, to;
  std::string protocol;  // "tcp", "udp" or "icmp"
  uint16_t port = 0;     // 0 for icmp
  std::string reaches;   // "yes", "no" or "refused"
  std::string decided_by;
};

struct Recipe {
  std::filesystem::path file;
  std::string title;  // the first line
  std::vector<Row> rows;
};

// A row in one family: rows whose ends are pods hold in both, those with an address in its own.
struct Flow {
  const Row* row = nullptr;
  int family = 4;
};
std::vector<Flow> FlowsOf(const Recipe& recipe);

// What became of a flow; `trouble` is what no table foresees.
struct Seen {
  bool reached = false;
  std::string decided_by;
  std::string trouble = {};
};

// docs/recipes, by the environment; all recipes in it, by name; the cluster that they share.
std::filesystem::path RecipeDirectory();
std::vector<Recipe> AllRecipes();
std::filesystem::path ClusterFile();
// A table that cannot be read fails the test that asks for it.
Recipe ReadRecipe(const std::filesystem::path& file);

// One side of `decided by`; "" if no policy decided.
std::string SideText(std::string_view side, bool allow, const std::vector<std::string>& policies,
                     const std::string& rule);
// Both sides, each "" or of SideText.
std::string DecidedBy(const std::string& egress, const std::string& ingress);

// One line for each flow that is not as its row says, "FILE:LINE: FROM -> TO PORT over IPvN: ...".
std::vector<std::string> Disagreements(const Recipe& recipe, const std::vector<Seen>& seen);

// For each row of `recipe`, the recipe with that row alone turned into its contrary.
std::vector<Recipe> WithEachRowWrong(const Recipe& recipe);

}  // namespace sluice::tests
