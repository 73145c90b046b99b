#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "data/profiles/profile_run.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

std::filesystem::path mapping_file(const std::string& name) {
  return configs_folder() / "profiles" / (name + ".json");
}

ProfilesConfig shipped_mapping(const std::string& name, const std::vector<std::string>& sets = {}) {
  return load_config<ProfilesConfig>(mapping_file(name), sets);
}

TEST(ShippedMappings, EachIsReadAndNamesShippedQuestionnaires) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(configs_folder() / "profiles")) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    const auto config = load_config<ProfilesConfig>(entry.path(), {});
    EXPECT_EQ(load_questionnaires(config, {}).size(), config.questionnaires.size());
    EXPECT_THAT(read_file(entry.path()), ::testing::StartsWith("// ")) << entry.path();
  }
  EXPECT_EQ(files, 4u);
}

TEST(ShippedMappings, ExampleAnswersGiveEnoughProfiles) {
  TemporaryFolder folder;
  ProfileRunOptions options;
  options.answers = {configs_folder() / "examples" / "answers.csv"};
  options.output = folder / "en";
  const auto counts = run_profiles(shipped_mapping("example"), options);
  EXPECT_EQ(counts.rows, 86);
  EXPECT_EQ(counts.profiles, 83);
  EXPECT_EQ(counts.faulty, 2);
  EXPECT_EQ(counts.risk_positive, 4);
  EXPECT_EQ(counts.groups.size(), 2u);
  for (const auto& profile : read_profiles(folder / "en/profiles.jsonl")) {
    EXPECT_EQ(profile.client_id.substr(0, 2), "c_");
    EXPECT_GE(profile.questionnaires.size(), 3u);
  }
  options.answers = {configs_folder() / "examples" / "answers_german.csv"};
  options.output = folder / "de";
  const auto german = run_profiles(shipped_mapping("example_german"), options);
  EXPECT_EQ(german.profiles, 13);
  EXPECT_EQ(german.faulty, 1);
  const auto profiles = read_profiles(folder / "de/profiles.jsonl");
  EXPECT_THAT(profiles[2].notes, HasSubstr(";\nder zweite \"später am Abend\""));
  EXPECT_EQ(profiles[2].demographics.at("weekly_hours").find(','), std::string::npos);
}

TEST(Nhanes, EveryRespondentEndsAsProfileOrSkip) {
  SQPSYCH_NEED_SHARED(answers, "data/nhanes-phq9/P_DPQ.xpt");
  SQPSYCH_NEED_SHARED(people, "data/nhanes-phq9/P_DEMO.xpt");
  TemporaryFolder folder;
  ProfileRunOptions options;
  options.answers = {answers, people};
  options.output = folder / "out";
  const auto counts = run_profiles(shipped_mapping("nhanes"), options);
  EXPECT_EQ(counts.rows, 8965);
  EXPECT_EQ(counts.complete.at("phq9"), 8276);
  std::int64_t skipped = 0;
  for (const auto& [reason, count] : counts.skipped) skipped += count;
  EXPECT_EQ(counts.profiles + skipped, 8965);
  EXPECT_EQ(counts.faulty, 0);
  EXPECT_EQ(counts.skipped.at("nothing_answered"), skipped);
  std::int64_t at_least_10 = 0;
  std::int64_t refused = 0;
  std::set<std::string> genders;
  for (const auto& profile : read_profiles(folder / "out/profiles.jsonl")) {
    const auto& total = profile.questionnaires.at(0).scores.at(0);
    at_least_10 += total.missing == 0 && total.value >= 10;
    for (const auto& item : profile.questionnaires.at(0).items)
      refused += item.missing == "refused";
    genders.insert(profile.demographics.at("gender"));
  }
  EXPECT_EQ(at_least_10, 767);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(genders, (std::set<std::string>{"female", "male"}));
}

TEST(Nhanes, CsvAndTransportFilesGiveTheSamePeople) {
  SQPSYCH_NEED_SHARED(answers, "data/nhanes-phq9/P_DPQ.xpt");
  SQPSYCH_NEED_SHARED(people, "data/nhanes-phq9/P_DEMO.xpt");
  SQPSYCH_NEED_SHARED(csv, "data/nhanes-phq9/nhanes_2017_2020_phq9.csv");
  TemporaryFolder folder;
  write_text(folder / "key", "0123456789abcdef");
  const auto mapping = shipped_mapping("nhanes", {"links.key_file=" + (folder / "key").string()});
  ProfileRunOptions options;
  options.answers = {people, answers};
  options.output = folder / "xpt";
  run_profiles(mapping, options);
  options.answers = {csv};
  options.output = folder / "csv";
  run_profiles(mapping, options);
  EXPECT_EQ(read_file(folder / "xpt/profiles.jsonl"), read_file(folder / "csv/profiles.jsonl"));
}

TEST(BdiShortForm, CodesOneToFourAreRecodedAndRowsAligned) {
  SQPSYCH_NEED_SHARED(items, "data/bdi-sf-wsc/fin_bdi.csv");
  SQPSYCH_NEED_SHARED(people, "data/bdi-sf-wsc/df2200_cleaned.csv");
  TemporaryFolder folder;
  ProfileRunOptions options;
  options.answers = {items, people};
  options.output = folder / "out";
  // The file's own sum counts 1 to 4 per item: 13 more than ours.
  const auto config = shipped_mapping("bdi_short_form", {"demographics.total.column=BDI"});
  EXPECT_EQ(run_profiles(config, options).profiles, 2200);
  for (const auto& profile : read_profiles(folder / "out/profiles.jsonl"))
    ASSERT_EQ(*profile.questionnaires[0].scores[0].value + 13,
              std::stod(profile.demographics.at("total")));
}

}  // namespace
}  // namespace sqpsych
