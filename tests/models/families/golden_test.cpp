// Every family against transformers and PEFT (goldens/CASE.json, made by scripts/make_goldens.py).
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/json_lines.h"
#include "core/text.h"
#include "models/kernels/cross_entropy.h"
#include "tests/models/families/formula_weights.h"
#include "tests/models/layers/small_decoder.h"
#include "tests/support/source_path.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

constexpr double kBound = 1e-4;
// Two bf16 runs round differently; on average over a few thousand logits they are equally far off.
constexpr double kBfloat16Slack = 1.25;

const fs::path kFolder = testing::source_path("tests/models/families/goldens");

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

Ids row_of(std::int64_t length, std::int64_t vocabulary_size) {
  Ids ids;
  for (std::int64_t i = 0; i < length; ++i)
    ids.push_back(static_cast<std::int32_t>((7 * i + i * i / 3 + length) % vocabulary_size));
  return ids;
}

at::Tensor logits_of(const Decoder& decoder, const std::vector<Ids>& rows) {
  return decoder.logits(decoder.hidden(pack_ids(rows)));
}

class Golden : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    golden_ = read_json(kFolder / (GetParam() + ".json"));
    family_ = &family_by_name(golden_["family"].get<std::string>());
  }
  DecoderFeatures features(const char* key = "config") const {
    ProblemList problems;
    EXPECT_EQ(&family_of(golden_[key], key), family_);
    auto features = family_->features(golden_[key], problems);
    EXPECT_TRUE(problems.empty()) << problems.text(key);
    return features;
  }
  std::unique_ptr<Decoder> decoder(at::ScalarType dtype = at::kFloat,
                                   const char* key = "config") const {
    return testing::formula_decoder(*family_, features(key), dtype);
  }
  std::vector<Ids> rows() const {
    std::vector<Ids> rows;
    for (const auto& row : golden_["rows"])
      rows.push_back(row_of(row["length"].get<std::int64_t>(), features().vocabulary_size));
    return rows;
  }

  Json golden_;
  const Family* family_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Families, Golden, ::testing::ValuesIn(cases()), [](const auto& instance) {
  auto name = instance.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// Logits of the positions from `first` on, against those of them that the golden row holds.
void expect_logits(const at::Tensor& logits, const Json& expected, std::int64_t first = 0) {
  for (std::size_t i = 0; i < expected["positions"].size(); ++i) {
    const auto position = expected["positions"][i].get<std::int64_t>();
    if (position < first) continue;
    const auto wanted = at::tensor(expected["logits"][i].get<std::vector<double>>());
    EXPECT_LE(testing::max_difference(logits[position - first], wanted), kBound)
        << "position " << position;
  }
}

TEST_P(Golden, LogitsEqualTransformersFromEitherSpellingOfTheConfig) {
  const at::NoGradGuard guard;
  for (const char* spelling : {"config", "saved_config"}) {
    const auto model = decoder(at::kFloat, spelling);
    const auto ids = rows();
    for (std::size_t row = 0; row < ids.size(); ++row) {
      SCOPED_TRACE(format("{}, row {}", spelling, row));
      expect_logits(logits_of(*model, {ids[row]}), golden_["rows"][row]);
    }
  }
}

TEST_P(Golden, LogitsBehindACachedLeftContextEqualTransformers) {
  const at::NoGradGuard guard;
  const auto model = decoder();
  const auto ids = rows();
  for (std::size_t row = 0; row < ids.size(); ++row) {
    SCOPED_TRACE(row);
    const auto length = std::ssize(ids[row]);
    const auto left = length / 2;
    KvCache cache(model->features(), length, at::kFloat, at::kCPU);
    const ForwardOptions options{nullptr, &cache, length};
    model->hidden(pack_ids({Ids(ids[row].begin(), ids[row].begin() + left)}), options);
    const auto hidden =
        model->hidden(pack_ids({Ids(ids[row].begin() + left, ids[row].end())}), options);
    expect_logits(model->logits(hidden), golden_["rows"][row], left);
  }
}

TEST_P(Golden, Bfloat16ErrsNoMoreThanTransformers) {
  const at::NoGradGuard guard;
  std::vector<at::Tensor> errors;
  for (const auto& ids : rows())
    errors.push_back(logits_of(*decoder(at::kBFloat16), {ids}).to(at::kFloat) -
                     logits_of(*decoder(), {ids}));
  const auto error = at::cat(errors).square().mean().sqrt().item<double>();
  EXPECT_LE(error, kBfloat16Slack * golden_["bf16_root_mean_square_error"].get<double>());
}

TEST_P(Golden, PackedEqualsSingle) {
  const at::NoGradGuard guard;
  const auto model = decoder();
  std::vector<at::Tensor> single;
  for (const auto& ids : rows()) single.push_back(logits_of(*model, {ids}));
  EXPECT_LE(testing::relative_difference(logits_of(*model, rows()), at::cat(single)), 1e-5);
}

TEST_P(Golden, PrefillEqualsTokenByTokenAndChunks) {
  const at::NoGradGuard guard;
  const auto model = decoder();
  const auto ids = rows().back();
  const auto length = std::ssize(ids);
  const auto whole = logits_of(*model, {ids});
  for (const std::int64_t chunk : {1, 7, 23}) {
    KvCache cache(model->features(), length, at::kFloat, at::kCPU);
    std::vector<at::Tensor> parts;
    for (std::int64_t begin = 0; begin < length; begin += chunk) {
      const Ids part(ids.begin() + begin, ids.begin() + std::min(begin + chunk, length));
      parts.push_back(model->logits(model->hidden(pack_ids({part}), {nullptr, &cache, length})));
    }
    EXPECT_LE(testing::relative_difference(at::cat(parts), whole), 1e-5) << "chunks of " << chunk;
  }
}

TEST_P(Golden, LoraGradientsEqualPeft) {
  const auto& lora = golden_["lora"];
  const auto model = decoder();
  std::map<std::string, std::string> paths;
  for (const auto& names : family_->tensor_names(model->features()))
    paths[names.own] = names.huggingface.substr(0, names.huggingface.rfind('.'));
  const auto rank = lora["r"].get<std::int64_t>();
  std::map<std::string, at::Tensor> factors;
  for (const auto& [own, linear] : model->linears()) {
    if (own == "head") continue;
    const auto path = paths.at(own + ".weight");
    const auto factor = [&](const char* half, std::vector<std::int64_t> shape, double scale) {
      const auto name = path + "." + half + ".weight";
      return factors[name] =
                 (testing::formula_tensor(name, shape) * scale).detach().set_requires_grad(true);
    };
    linear->low_rank = LowRank{factor("lora_A", {rank, linear->weight_OI.size(1)}, 1),
                               factor("lora_B", {linear->weight_OI.size(0), rank}, 0.5),
                               lora["lora_alpha"].get<double>() / static_cast<double>(rank), 0};
  }
  EXPECT_EQ(std::ssize(factors), 2 * lora["modules"].get<std::int64_t>());

  const auto ids = rows().back();
  auto targets_T = at::empty({std::ssize(ids)}, at::kLong).fill_(-1);
  std::int64_t supervised = 0;
  for (std::int64_t i = std::ssize(ids) / 2; i < std::ssize(ids); ++i, ++supervised)
    targets_T[i - 1] = static_cast<std::int64_t>(ids[static_cast<std::size_t>(i)]);
  const auto loss =
      supervised_cross_entropy_sum(*model, model->hidden(pack_ids({ids})), targets_T) /
      static_cast<double>(supervised);
  EXPECT_NEAR(loss.item<double>(), lora["loss"].get<double>(), 1e-5);
  loss.backward();
  for (const auto& [name, expected] : lora["tensors"].items()) {
    ASSERT_TRUE(factors.count(name)) << name;
    const auto gradient = factors.at(name).grad().contiguous();
    const auto norm = expected[0].get<double>();
    EXPECT_NEAR(gradient.norm().item<double>(), norm, kBound * std::max(1.0, norm)) << name;
    for (std::size_t i = 0; i < expected[1].size(); ++i)
      EXPECT_NEAR(gradient.const_data_ptr<float>()[expected[1][i].get<std::size_t>()],
                  expected[2][i].get<double>(), kBound)
          << name << " [" << expected[1][i] << "]";
  }
}

TEST(Goldens, EveryFamilyHasOne) {
  std::set<std::string> with_golden;
  for (const auto& name : cases()) with_golden.insert(name.substr(0, name.find('-')));
  for (const auto* family : families())
    EXPECT_TRUE(with_golden.count(family->name()))
        << family->name() << ": run scripts/make_goldens.py";
}

}  // namespace
}  // namespace sqpsych
