#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "models/exporters/verify.h"
#include "tests/models/exporters/broken_structures.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::TemporaryFolder;
using testing::write_text;

template <class T>
std::string number(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string text(const std::string& value) { return number<std::uint64_t>(value.size()) + value; }

/// A GGUF file spelled out byte by byte, so that every rule can be broken.
struct RawFile {
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::vector<std::string> keys;
  std::vector<std::string> tensors;
  std::string data;

  std::string bytes() const {
    std::string all = magic + number(version) + number<std::uint64_t>(tensors.size()) +
                      number<std::uint64_t>(keys.size());
    for (const auto& key : keys) all += key;
    for (const auto& tensor : tensors) all += tensor;
    all.append((32 - all.size() % 32) % 32, '\0');
    return all + data;
  }
};

std::string string_key(const std::string& name, const std::string& value) {
  return text(name) + number<std::uint32_t>(8) + text(value);
}

struct RawTensor {
  std::string name = "w.lora_a";
  std::vector<std::uint64_t> sizes = {8, 2};
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::string bytes() const {
    std::string all = text(name) + number(static_cast<std::uint32_t>(sizes.size()));
    for (auto size : sizes) all += number(size);
    return all + number(type) + number(offset);
  }
};

/// The smallest sound file: an adapter of one pair.
RawFile good_file() {
  RawFile file;
  file.keys = {string_key("general.architecture", "llama"), string_key("general.type", "adapter"),
               string_key("adapter.type", "lora"),
               text("adapter.lora.alpha") + number<std::uint32_t>(6) + number(8.0F)};
  file.tensors = {RawTensor{"blk.0.attn_q.weight.lora_a", {8, 2}, 0, 0}.bytes(),
                  RawTensor{"blk.0.attn_q.weight.lora_b", {2, 8}, 0, 64}.bytes()};
  file.data.assign(128, '\0');
  return file;
}

struct BrokenFile {
  const char* rule;
  std::string bytes;
};

RawFile with_key(const std::string& key) {
  auto file = good_file();
  file.keys.push_back(key);
  return file;
}
RawFile with_first_tensor(const RawTensor& tensor) {
  auto file = good_file();
  file.tensors[0] = tensor.bytes();
  return file;
}

std::vector<BrokenFile> broken_files() {
  const std::string name_a = "blk.0.attn_q.weight.lora_a";
  std::vector<BrokenFile> files;
  const auto add = [&](const char* rule, const RawFile& file) {
    files.push_back({rule, file.bytes()});
  };
  auto file = good_file();
  file.magic = "GGML";
  add("magic", file);
  for (std::uint32_t version : {0U, 1U, 4U, 3U << 24}) {
    file = good_file();
    file.version = version;
    add("version", file);
  }
  const auto whole = good_file().bytes();
  for (std::size_t size : {0UL, 3UL, 6UL, 20UL, 40UL, 100UL, 200UL})
    files.push_back({"truncated", whole.substr(0, size)});
  auto counts = whole;
  counts.replace(8, 8, number<std::uint64_t>(1ULL << 60));
  files.push_back({"truncated", counts});
  file = good_file();
  file.data.replace(0, 4, number(std::numeric_limits<float>::quiet_NaN()));
  add("tensor-finite", file);
  add("key-empty", with_key(string_key("", "x")));
  add("key-duplicate", with_key(string_key("adapter.type", "lora")));
  add("text-encoding", with_key(string_key("a\xff", "x")));
  add("text-encoding", with_key(string_key("k", "x\xff")));
  add("text-encoding", with_key(text("k") + number<std::uint32_t>(9) + number<std::uint32_t>(8) +
                                number<std::uint64_t>(2) + text("good") + text("x\xff")));
  add("value-type", with_key(text("k") + number<std::uint32_t>(13)));
  add("value-type", with_key(text("k") + number<std::uint32_t>(9) + number<std::uint32_t>(77) +
                             number<std::uint64_t>(1)));
  add("array-nested", with_key(text("k") + number<std::uint32_t>(9) + number<std::uint32_t>(9) +
                               number<std::uint64_t>(1)));
  add("length-limit",
      with_key(text("k") + number<std::uint32_t>(8) + number<std::uint64_t>((1ULL << 30) + 1)));
  add("length-limit", with_key(text("k") + number<std::uint32_t>(9) + number<std::uint32_t>(0) +
                               number<std::uint64_t>((1ULL << 30) + 1)));
  add("truncated", with_key(text("k") + number<std::uint32_t>(9) + number<std::uint32_t>(8) +
                            number<std::uint64_t>(1ULL << 29)));
  add("alignment",
      with_key(text("general.alignment") + number<std::uint32_t>(4) + number<std::uint32_t>(24)));
  add("alignment",
      with_key(text("general.alignment") + number<std::uint32_t>(4) + number<std::uint32_t>(0)));
  add("alignment",
      with_key(text("general.alignment") + number<std::uint32_t>(10) + number<std::uint64_t>(32)));
  add("tensor-name-length", with_first_tensor({std::string(64, 'x'), {8, 2}, 0, 0}));
  add("tensor-name-duplicate", with_first_tensor({"blk.0.attn_q.weight.lora_b", {8, 2}, 0, 0}));
  add("tensor-dimensions", with_first_tensor({name_a, {8, 2, 1, 1, 1}, 0, 0}));
  add("tensor-type", with_first_tensor({name_a, {8, 2}, 4, 0}));
  add("tensor-type", with_first_tensor({name_a, {8, 2}, 999, 0}));
  add("tensor-size", with_first_tensor({name_a, {1ULL << 62, 1ULL << 62}, 0, 0}));
  add("tensor-size", with_first_tensor({name_a, {1ULL << 62, 1}, 0, 0}));
  add("tensor-size", with_first_tensor({name_a, {1ULL << 63}, 0, 0}));
  add("block-size", with_first_tensor({name_a, {8, 2}, 8, 0}));
  file = with_first_tensor({name_a, {32, 2}, 2, 0});
  file.keys.push_back(text("general.quantization_version") + number<std::uint32_t>(4) +
                      number<std::uint32_t>(2));
  add("adapter-tensor-type", file);
  add("tensor-offset", with_first_tensor({name_a, {8, 2}, 0, 32}));
  add("tensor-offset", with_first_tensor({name_a, {8, 1}, 0, 0}));
  file = good_file();
  file.data.resize(127);
  add("data-truncated", file);
  return files;
}

TEST(VerifyStructure, AcceptsTheGoodFile) {
  TemporaryFolder folder;
  write_text(folder / "good.gguf", good_file().bytes());
  for (const auto& finding : verify_gguf(folder / "good.gguf"))
    ADD_FAILURE() << finding.rule << ": " << finding.detail;
  auto version_2 = good_file();
  version_2.version = 2;
  write_text(folder / "v2.gguf", version_2.bytes());
  EXPECT_TRUE(verify_gguf(folder / "v2.gguf").empty());
}

TEST(VerifyStructure, NamesJustTheRuleThatIsBroken) {
  TemporaryFolder folder;
  int number_of_file = 0;
  for (const auto& broken : broken_files()) {
    ++number_of_file;
    write_text(folder / "broken.gguf", broken.bytes);
    const auto findings = verify_gguf(folder / "broken.gguf");
    ASSERT_EQ(findings.size(), 1U) << broken.rule << ", file " << number_of_file;
    EXPECT_EQ(findings.front().rule, broken.rule) << findings.front().detail;
    EXPECT_THAT(findings.front().detail, ::testing::HasSubstr("found")) << broken.rule;
    EXPECT_THAT(findings.front().detail, ::testing::HasSubstr("expected")) << broken.rule;
  }
}

TEST(VerifyStructure, NeverCrashesOnCutOrChangedBytes) {
  TemporaryFolder folder;
  const auto whole = good_file().bytes();
  for (std::size_t position = 0; position < whole.size(); position += 3) {
    for (int value : {0x00, 0x7F, 0xFF}) {
      auto changed = whole;
      changed[position] = static_cast<char>(value);
      write_text(folder / "changed.gguf", changed);
      verify_gguf(folder / "changed.gguf");
    }
    write_text(folder / "cut.gguf", whole.substr(0, position));
    EXPECT_FALSE(verify_gguf(folder / "cut.gguf").empty()) << position;
  }
}

}  // namespace

std::set<std::string> testing::rules_of_broken_structures() {
  std::set<std::string> rules;
  for (const auto& broken : broken_files()) rules.insert(broken.rule);
  return rules;
}

}  // namespace sqpsych
