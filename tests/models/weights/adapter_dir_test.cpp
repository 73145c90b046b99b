#include "models/weights/adapter_dir.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/json_lines.h"
#include "models/weights/merge.h"
#include "models/weights/safetensors.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using testing::error_text;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_text;

const std::string kQuery = "model.layers.0.self_attn.q_proj";
const std::string kDown = "model.layers.1.mlp.down_proj";

std::map<std::string, AdapterFactors> two_modules(double scale) {
  return {{kQuery, {at::arange(8).view({2, 4}).to(at::kFloat), at::ones({6, 2}), scale}},
          {kDown, {at::ones({2, 3}), at::full({4, 2}, 0.5), scale}}};
}

AdapterSettings settings_of(bool use_rslora) {
  AdapterSettings settings;
  settings.r = 2;
  settings.alpha = 16;
  settings.dropout = 0.1;
  settings.use_rslora = use_rslora;
  settings.base_model_name_or_path = "org/base";
  return settings;
}

TEST(AdapterDir, ReadsBackWhatItWrites) {
  for (bool use_rslora : {false, true}) {
    TemporaryFolder folder;
    const auto settings = settings_of(use_rslora);
    EXPECT_DOUBLE_EQ(settings.scale(), use_rslora ? 16 / std::sqrt(2.0) : 8);
    write_adapter_dir(folder / "adapter", settings, two_modules(settings.scale()));
    const auto adapter = read_adapter_dir(folder / "adapter");
    ASSERT_EQ(adapter.modules.size(), 2U);
    EXPECT_TRUE(at::equal(adapter.modules.at(kQuery).a_RI, two_modules(1).at(kQuery).a_RI));
    EXPECT_TRUE(at::equal(adapter.modules.at(kDown).b_OR, two_modules(1).at(kDown).b_OR));
    EXPECT_DOUBLE_EQ(adapter.modules.at(kQuery).scale, settings.scale());
    const auto& config = adapter.config;
    EXPECT_EQ(config["peft_type"], "LORA");
    EXPECT_EQ(config["target_modules"], Json({"down_proj", "q_proj"}));
    EXPECT_EQ(config["use_rslora"], use_rslora);
    EXPECT_EQ(config["lora_alpha"].dump(), "16");
    EXPECT_TRUE(std::filesystem::exists(folder / "adapter/README.md"));
  }
}

TEST(AdapterDir, RecordsRanksAndScalesThatDifferAsPatterns) {
  TemporaryFolder folder;
  auto modules = two_modules(8);
  modules[kDown] = {at::ones({5, 3}), at::ones({4, 5}), 3.0};
  write_adapter_dir(folder / "adapter", settings_of(false), modules);
  const auto adapter = read_adapter_dir(folder / "adapter");
  EXPECT_EQ(adapter.config["rank_pattern"][kDown], 5);
  EXPECT_DOUBLE_EQ(adapter.modules.at(kDown).scale, 3.0);
  EXPECT_DOUBLE_EQ(adapter.modules.at(kQuery).scale, 8.0);
}

TEST(AdapterDir, HonoursPatternsByRegularExpressionAndSuffix) {
  TemporaryFolder folder;
  write_adapter_dir(folder.path(), settings_of(false), two_modules(8));
  auto config = read_json(folder / "adapter_config.json");
  config["alpha_pattern"] = {{"layers\\.[0-9]+\\.self_attn\\.q_proj", 4}, {"own_proj", 32}};
  write_text(folder / "adapter_config.json", config.dump());
  const auto adapter = read_adapter_dir(folder.path());
  EXPECT_DOUBLE_EQ(adapter.modules.at(kQuery).scale, 2);
  EXPECT_DOUBLE_EQ(adapter.modules.at(kDown).scale, 8) << "'own_proj' does not follow a dot";
}

TEST(AdapterDir, NamesEverySettingItCannotApply) {
  TemporaryFolder folder;
  write_adapter_dir(folder.path(), settings_of(false), two_modules(8));
  const auto good = read_json(folder / "adapter_config.json");
  const std::vector<std::pair<Json, const char*>> cases = {
      {{{"peft_type", "IA3"}}, "peft_type"},
      {{{"use_dora", true}}, "use_dora"},
      {{{"bias", "all"}}, "bias"},
      {{{"modules_to_save", {"lm_head"}}}, "modules_to_save"},
      {{{"fan_in_fan_out", true}}, "fan_in_fan_out"},
      {{{"init_lora_weights", "pissa_niter_4"}}, "init_lora_weights"},
      {{{"r", 0}}, "r: found 0"},
      {{{"r", 7}}, "expected 7"},
      {{{"r", "x"}}, "r: found \"x\""},
      {{{"lora_alpha", nullptr}}, "lora_alpha"},
      {{{"rank_pattern", {{"(", 3}}}}, "expected a regular expression"},
  };
  for (const auto& [change, expected] : cases) {
    auto config = good;
    config.update(change);
    write_text(folder / "adapter_config.json", config.dump());
    EXPECT_THAT(error_text<FormatError>([&] { read_adapter_dir(folder.path()); }),
                HasSubstr(expected))
        << change.dump();
  }
}

TEST(AdapterDir, NamesEveryFaultyTensorTogether) {
  TemporaryFolder folder;
  write_adapter_dir(folder.path(), settings_of(false), two_modules(8));
  write_safetensors(folder / "adapter_model.safetensors",
                    NamedTensors{{"base_model.model.m.a.lora_A.weight", at::ones({2, 4})},
                                 {"base_model.model.m.b.lora_magnitude_vector", at::ones({2})},
                                 {"base_model.model.m.c.lora_A.weight", at::ones({2, 4})},
                                 {"base_model.model.m.c.lora_B.weight", at::full({2, 2}, NAN)},
                                 {"base_model.model.m.d.lora_A.weight", at::ones({2})},
                                 {"other", at::ones({2})}});
  const auto error = error_text<FormatError>([&] { read_adapter_dir(folder.path()); });
  for (const char* expected :
       {"module 'm.a': found only lora_A", "lora_magnitude_vector", "NaN", "m.d.lora_A", "'other'"})
    EXPECT_THAT(error, HasSubstr(expected));
}

TEST(AdapterDir, RefusesNamesThatPatternsCannotBeAskedAbout) {
  TemporaryFolder folder;
  write_adapter_dir(folder.path(), settings_of(false), two_modules(8));
  auto config = read_json(folder / "adapter_config.json");
  config["rank_pattern"] = {{"x", 4}};
  write_text(folder / "adapter_config.json", config.dump());
  const std::string name = "base_model.model." + std::string(200000, 'm');
  write_safetensors(
      folder / "adapter_model.safetensors",
      {{name + ".lora_A.weight", at::ones({2, 3})}, {name + ".lora_B.weight", at::ones({3, 2})}});
  EXPECT_THAT(error_text<FormatError>([&] { read_adapter_dir(folder.path()); }),
              HasSubstr("a module name of 200000 bytes, expected at most 512"));
}

TEST(AdapterDir, NamesMissingFiles) {
  TemporaryFolder folder;
  EXPECT_THROW(read_adapter_dir(folder.path()), ResourceError);
}

TEST(Merge, AddsTheScaledProductInFp32) {
  const auto weight = at::arange(24).view({6, 4}).to(at::kBFloat16);
  const auto factors = two_modules(0.25).at(kQuery);
  const auto merged = merge_low_rank(weight, factors, kQuery);
  EXPECT_EQ(merged.scalar_type(), at::kFloat);
  EXPECT_TRUE(
      at::allclose(merged, weight.to(at::kFloat) + 0.25 * at::matmul(factors.b_OR, factors.a_RI)));
  EXPECT_THROW(merge_low_rank(at::ones({6, 5}), factors, kQuery), FormatError);
  EXPECT_EQ(module_of_weight(kQuery + ".weight"), kQuery);
}

}  // namespace
}  // namespace sqpsych
