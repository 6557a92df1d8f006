// The recipes of docs/recipes through the real pipeline: the first packet of each flow, and the
// answer.
#include <gtest/gtest.h>

#include "control/kube/manifest.h"
#include "tests/recipes/cluster_bed.h"
#include "tests/recipes/recipe.h"

namespace sluice::tests {
namespace {

std::vector<control::Object> Objects(const std::filesystem::path& file) {
  const auto manifest = control::ReadManifest(file.string());
  EXPECT_TRUE(manifest.ok()) << manifest.status();
  if (!manifest.ok()) return {};
  EXPECT_TRUE(manifest->warnings.empty()) << file << ": " << manifest->warnings[0];
  return manifest->objects;
}

std::vector<Seen> TryAll(ClusterBed& bed, const Recipe& recipe) {
  std::vector<Seen> seen;
  for (const Flow& flow : FlowsOf(recipe)) seen.push_back(bed.Try(flow));
  return seen;
}

bool IsAudited(const control::Object& object) {
  const auto* policy = std::get_if<acl::NetworkPolicy>(&object);
  return policy != nullptr && policy->options.audit;
}

TEST(RecipePackets, EveryRowIsWhatPacketsDo) {
  ClusterBed bed(Objects(ClusterFile()));
  const std::vector<Recipe> recipes = AllRecipes();
  ASSERT_FALSE(recipes.empty());
  for (const Recipe& recipe : recipes) {
    bed.Apply(Objects(recipe.file));
    for (const std::string& line : Disagreements(recipe, TryAll(bed, recipe))) {
      ADD_FAILURE() << line;
    }
  }
}

TEST(RecipePackets, ARowThatIsWrongIsNoticed) {
  ClusterBed bed(Objects(ClusterFile()));
  for (const Recipe& recipe : AllRecipes()) {
    bed.Apply(Objects(recipe.file));
    const std::vector<Seen> seen = TryAll(bed, recipe);
    for (const Recipe& wrong : WithEachRowWrong(recipe)) {
      EXPECT_FALSE(Disagreements(wrong, seen).empty()) << recipe.file;
    }
  }
}

// No object of a recipe is there for nothing; an audited one denies nothing, and is.
TEST(RecipePackets, WithoutOneOfItsObjectsATableIsWrong) {
  ClusterBed bed(Objects(ClusterFile()));
  for (const Recipe& recipe : AllRecipes()) {
    const std::vector<control::Object> all = Objects(recipe.file);
    for (size_t i = 0; i < all.size(); ++i) {
      std::vector<control::Object> others = all;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      bed.Apply(others);
      EXPECT_EQ(Disagreements(recipe, TryAll(bed, recipe)).empty(), IsAudited(all[i]))
          << recipe.file << ": object " << i;
    }
  }
}

}  // namespace
}  // namespace sluice::tests
