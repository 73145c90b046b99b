#include "core/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "core/error.h"
#include "core/file_lock.h"
#include "core/json_lines.h"
#include "core/manifest.h"
#include "core/text.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

TEST(Files, AtomicWriteLeavesNoTemporaryFile) {
  const TemporaryFolder folder;
  write_file_atomic(folder / "a" / "b.txt", "one");
  write_file_atomic(folder / "a" / "b.txt", "two");
  EXPECT_EQ(read_file(folder / "a" / "b.txt"), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "a"), fs::directory_iterator()), 1);
}

TEST(Files, UncommittedWriteChangesNothing) {
  const TemporaryFolder folder;
  write_text(folder / "x", "old");
  {
    AtomicFile file(folder / "x");
    file.write("new");
  }
  EXPECT_EQ(read_file(folder / "x"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Files, FolderAppearsAsAWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const auto target = folder / "checkpoint-1";
  EXPECT_THROW(write_folder_atomic(target, false,
                                   [](const fs::path& inside) {
                                     write_text(inside / "half", "x");
                                     throw FormatError("weights: broken");
                                   }),
               FormatError);
  EXPECT_TRUE(fs::is_empty(folder.path()));
  write_folder_atomic(target, false,
                      [](const fs::path& inside) { write_text(inside / "whole", "1"); });
  write_folder_atomic(target, true,
                      [](const fs::path& inside) { write_text(inside / "whole", "2"); });
  EXPECT_EQ(read_file(target / "whole"), "2");
}

TEST(Files, AFolderMayBeNamedWithASlash) {
  const TemporaryFolder folder;
  for (const char* content : {"1", "2"}) {
    write_folder_atomic(folder / "run/", true,
                        [&](const fs::path& inside) { write_text(inside / "whole", content); });
    EXPECT_EQ(read_file(folder / "run" / "whole"), content);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
  }
}

TEST(Files, AnOutputThatHoldsItsInputIsRefused) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "run" / "model");
  fs::create_directory_symlink(folder / "run", folder / "link");
  write_text(folder / "run" / "rows.jsonl", "");
  const auto refuses = [&](const fs::path& output, const std::vector<fs::path>& inputs) {
    try {
      refuse_output_holding(output, inputs, "train");
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("which holds the input '" + inputs.back().string()));
      return true;
    }
    return false;
  };
  EXPECT_TRUE(refuses(folder / "run", {folder / "run" / "model"}));
  EXPECT_TRUE(refuses(folder / "run/", {"", folder / "run" / "model" / ".." / "rows.jsonl"}));
  EXPECT_TRUE(refuses(folder / "link", {folder / "run" / "rows.jsonl"}));
  EXPECT_TRUE(refuses(folder / "run" / "rows.jsonl", {folder / "run" / "rows.jsonl"}));
  EXPECT_FALSE(refuses(folder / "run" / "model", {folder / "run" / "rows.jsonl"}));
  EXPECT_FALSE(refuses(folder / "ru", {folder / "run"}));
  EXPECT_FALSE(refuses(folder / "run", {""}));
}

TEST(FileLock, IsHeldByOneAtATime) {
  const TemporaryFolder folder;
  FileLock first, second;
  first.hold(folder / "run.lock");
  EXPECT_THAT(testing::error_text<ConfigError>([&] { second.hold(folder / "run.lock"); }),
              HasSubstr(format("found process {} at work in it", getpid())));
  first.hold(folder / "other.lock");
  EXPECT_NO_THROW(second.hold(folder / "run.lock"));
}

TEST(Files, ReplacingAFolderLeavesNoMomentWithoutOne) {
  const TemporaryFolder folder;
  const auto target = folder / "profiles";
  write_folder_atomic(target, false, [](const fs::path& inside) { write_text(inside / "k", "1"); });
  std::atomic<bool> done = false;
  std::atomic<int> absent = 0;
  std::thread watcher([&] {
    while (!done) absent += access((target / "k").c_str(), F_OK) != 0;
  });
  for (int i = 0; i < 300; ++i)
    write_folder_atomic(target, true,
                        [](const fs::path& inside) { write_text(inside / "k", "2"); });
  done = true;
  watcher.join();
  EXPECT_EQ(absent, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Files, LeftoversOfKilledWritersGoAndThoseOfLivingOnesStay) {
  const TemporaryFolder folder;
  // Process ids end at 2^22 on Linux, and process 1 is always there.
  write_text(folder / ".profiles.tmp-99999999" / "links", "who");
  write_text(folder / ".profiles.tmp-1" / "links", "who");
  write_text(folder / ".profiles.tmp-" / "links", "who");
  write_text(folder / ".other.tmp-99999999" / "links", "who");
  write_folder_atomic(folder / "profiles", false,
                      [](const fs::path& inside) { write_text(inside / "k", "1"); });
  EXPECT_FALSE(fs::exists(folder / ".profiles.tmp-99999999"));
  EXPECT_TRUE(fs::exists(folder / ".profiles.tmp-1"));
  EXPECT_TRUE(fs::exists(folder / ".profiles.tmp-"));
  EXPECT_TRUE(fs::exists(folder / ".other.tmp-99999999"));
}

TEST(Files, AWrongConfigsVariableIsNoSilentFallback) {
  const TemporaryFolder folder;
  const std::string before = configs_folder();
  setenv("SQPSYCH_CONFIGS", folder.path().c_str(), 1);
  EXPECT_THROW(configs_folder(), ConfigError);
  setenv("SQPSYCH_CONFIGS", before.c_str(), 1);
  EXPECT_EQ(configs_folder(), before);
}

TEST(Files, DevicesAreNeverReplaced) {
  for (const auto existing : {Existing::kRefuse, Existing::kOverwrite})
    EXPECT_THROW(prepare_output("/dev/null", existing, {}, "logits"), ConfigError);
}

TEST(Files, ExistingOutputIsRefusedUnlessOverwritten) {
  const TemporaryFolder folder;
  write_text(folder / "out" / "x", "1");
  try {
    prepare_output(folder / "out", Existing::kRefuse, {}, "dataset");
    FAIL() << "an existing output was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--overwrite"));
    EXPECT_EQ(error.exit_code(), ExitCode::kSettings);
  }
  EXPECT_THROW(prepare_output(folder / "out", Existing::kOverwrite, {}, "dataset"), ConfigError);
  write_text(folder / "out" / "manifest.json", "{}");
  EXPECT_NO_THROW(prepare_output(folder / "out", Existing::kOverwrite, {}, "dataset"));
  EXPECT_TRUE(fs::exists(folder / "out" / "x")) << "gone before its successor is complete";
  fs::create_directory(folder / "empty");
  EXPECT_NO_THROW(prepare_output(folder / "empty", Existing::kRefuse, {}, "dataset"));
}

TEST(Files, MissingFileAndFolderAreNamed) {
  const TemporaryFolder folder;
  EXPECT_THROW(MappedFile(folder / "absent"), ResourceError);
  EXPECT_THROW(MappedFile{folder.path()}, ResourceError);
  write_text(folder / "empty", "");
  EXPECT_EQ(MappedFile(folder / "empty").size_bytes(), 0u);
}

TEST(Manifest, HashesInputsAndParents) {
  const TemporaryFolder folder;
  write_text(folder / "in.csv", "abc");
  fs::create_directories(folder / "parent");
  write_manifest(folder / "parent",
                 {"sqpsych profiles", Json::object(), {folder / "in.csv"}, {}, Json::object()});
  write_manifest(folder / "child", {"sqpsych generate",
                                    {{"seed", 1}},
                                    {folder / "parent"},
                                    {folder / "parent"},
                                    {{"model", "scripted"}}});
  const Json manifest = read_json(folder / "child" / "manifest.json");
  EXPECT_EQ(manifest["schema"], "sqpsych.manifest/1");
  EXPECT_EQ(manifest["config"]["seed"], 1);
  EXPECT_EQ(manifest["model"], "scripted");
  ASSERT_EQ(manifest["parents"].size(), 1u) << "the input and the named parent are one folder";
  EXPECT_EQ(manifest["parents"][0]["manifest_sha256"].get<std::string>().size(), 64u);
  EXPECT_TRUE(manifest["inputs"][0]["files"].contains("manifest.json"));
  EXPECT_EQ(read_json(folder / "parent" / "manifest.json")["inputs"][0]["sha256"],
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Manifest, InputsThatHaveAManifestAreParents) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "run" / "adapter");
  write_text(folder / "run" / "sessions.jsonl", "{}");
  write_text(folder / "run" / "manifest.json", "{}");
  write_text(folder / "plain.txt", "text");
  const auto parents_with = [&](const std::vector<fs::path>& inputs) {
    write_manifest(folder / "child", {"sqpsych dataset", Json::object(), inputs, {}, {}});
    std::vector<std::string> parents;
    const Json manifest = read_json(folder / "child" / "manifest.json");
    for (const auto& parent : manifest["parents"]) parents.push_back(parent["path"]);
    return parents;
  };
  const std::vector<std::string> run = {(folder / "run").string()};
  EXPECT_EQ(parents_with({folder / "run" / "sessions.jsonl", folder / "plain.txt"}), run);
  EXPECT_EQ(parents_with({folder / "run" / "adapter" / ""}), run) << "the folder of a folder";
  EXPECT_EQ(parents_with({folder / "run" / "", folder / "run" / "adapter"}), run) << "once";
  EXPECT_TRUE(parents_with({folder / "plain.txt"}).empty());
}

TEST(Manifest, AFileNameOfAnyBytesIsNoReasonToFail) {
  const TemporaryFolder folder;
  const auto input = folder / "M\xFCller.csv";
  write_text(input, "abc");
  write_manifest(folder / "out", {"sqpsych profiles", Json::object(), {input}, {}, Json::object()});
  EXPECT_EQ(read_json(folder / "out" / "manifest.json")["inputs"].size(), 1u);
}

}  // namespace
}  // namespace sqpsych
