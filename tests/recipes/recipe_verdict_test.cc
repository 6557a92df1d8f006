// The recipes of docs/recipes without a switch: `sluicectl verdict` as a reader would run it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/recipes/recipe.h"
#include "tests/system/verdict/child.h"

namespace sluice::tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json ProbeOf(const Flow& flow) {
  Json probe = {{"from", flow.row->from},
                {"to", flow.row->to},
                {"protocol", flow.row->protocol},
                {"family", flow.family},
                {"network", flow.row->network}};
  if (flow.row->port != 0) probe["port"] = flow.row->port;
  return probe;
}

std::string TextOf(const Json& verdict, const char* side) {
  const Json& judged = verdict[side];
  if (judged.is_null() || judged["policy"].is_null()) return "";
  const Json& policy = judged["policy"];
  std::vector<std::string> policies;
  if (policy.is_string()) policies = {policy};
  if (policy.is_array()) policies = policy.get<std::vector<std::string>>();
  return SideText(side, judged["verdict"] == "allow", policies,
                  judged["rule"].is_null() ? "" : judged["rule"].get<std::string>());
}

// A file that goes away with its user.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_(fs::temp_directory_path() / fmt::format("sluice-recipe-{}.json", getpid())) {
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::vector<Seen> Judge(const Recipe& recipe) {
  Json probes = Json::array();
  for (const Flow& flow : FlowsOf(recipe)) probes.push_back(ProbeOf(flow));
  const TemporaryFile file(probes.dump());
  const Outcome outcome = RunToEnd(
      {.arguments = {fs::absolute(std::getenv("SLUICECTL")), "verdict", "-f", ClusterFile(), "-f",
                     recipe.file, "--probes", file.path(), "-o", "json"},
       .directory = RecipeDirectory()});
  EXPECT_EQ(outcome.exit_code, 0) << recipe.file;
  EXPECT_EQ(outcome.err, "") << recipe.file;
  std::vector<Seen> seen;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    const Json verdict = Json::parse(line);
    seen.push_back(
        {.reached = verdict["verdict"] == "allow",
         .decided_by = DecidedBy(TextOf(verdict, "egress"), TextOf(verdict, "ingress"))});
  }
  return seen;
}

TEST(RecipeVerdict, EveryRowIsWhatSluicectlSays) {
  const std::vector<Recipe> recipes = AllRecipes();
  ASSERT_FALSE(recipes.empty());
  for (const Recipe& recipe : recipes) {
    for (const std::string& line : Disagreements(recipe, Judge(recipe))) ADD_FAILURE() << line;
  }
}

TEST(RecipeVerdict, ARowThatIsWrongIsNoticed) {
  for (const Recipe& recipe : AllRecipes()) {
    const std::vector<Seen> seen = Judge(recipe);
    for (const Recipe& wrong : WithEachRowWrong(recipe)) {
      EXPECT_FALSE(Disagreements(wrong, seen).empty()) << recipe.file;
    }
  }
}

// The page that lists them names each one, by its title, and no other.
TEST(Recipes, TheIndexHasEveryRecipe) {
  std::ifstream in(RecipeDirectory() / "README.md");
  std::stringstream index;
  index << in.rdbuf();
  std::set<std::string> listed, written;
  for (std::string line; std::getline(index, line);) {
    if (line.starts_with("- [")) listed.insert(line.substr(2));
  }
  for (const Recipe& recipe : AllRecipes()) {
    written.insert(fmt::format("[{}]({})", recipe.title, recipe.file.filename().string()));
  }
  EXPECT_EQ(listed, written);
}

}  // namespace
}  // namespace sluice::tests
