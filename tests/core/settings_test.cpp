#include "core/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sqpsych {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct InnerSettings {
  std::int64_t rank = 8;
  std::string kind = "linear";
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("rank", rank, "of the update", at_least(1));
    visit("kind", kind, "course", one_of({"linear", "cosine"}));
  }
};

struct OuterSettings {
  double rate = 0.5;
  InnerSettings lora;
  std::vector<InnerSettings> stages;
  std::map<std::string, InnerSettings> groups;
  std::optional<double> limit;
  Json free = Json::object();
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("rate", rate, "peak", between(0, 1));
    visit("lora", lora, "adapter");
    visit("stages", stages, "one after the other");
    visit("groups", groups, "by name");
    visit("limit", limit, "optional");
    visit("free", free, "anything");
  }
};

TEST(Settings, EveryLeafIsListedAlsoInListsAndTables) {
  std::vector<std::string> paths;
  for (const auto& setting : settings_of<OuterSettings>()) paths.push_back(setting.path);
  EXPECT_THAT(paths, ElementsAre("rate", "lora.rank", "lora.kind", "stages", "stages[].rank",
                                 "stages[].kind", "groups", "groups.NAME.rank", "groups.NAME.kind",
                                 "limit", "free"));
}

TEST(Settings, TextTellsDefaultMeaningAndRule) {
  const auto text = settings_text(settings_of<OuterSettings>());
  EXPECT_THAT(text, HasSubstr("rate = 0.5\n    peak (0 to 1)\n"));
  EXPECT_THAT(text, HasSubstr("lora.rank = 8\n    of the update (at least 1)\n"));
  EXPECT_THAT(text, HasSubstr("lora.kind = \"linear\"\n    course (one of 'linear', 'cosine')\n"));
  EXPECT_THAT(text, HasSubstr("limit = null\n    optional\n"));
}

}  // namespace
}  // namespace sqpsych
