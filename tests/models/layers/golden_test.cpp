// The real model tinystories-656k against logits made in double precision by other code
// (golden_greedy.json beside it; see its `note`).
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/json_lines.h"
#include "models/families/family.h"
#include "models/stored_weights.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Decoder> load_decoder(const fs::path& folder, at::ScalarType dtype) {
  const ModelDir model_dir(folder);
  const auto& family = family_of(model_dir.config(), "test");
  ProblemList problems;
  const auto features = family.features(model_dir.config(), problems);
  EXPECT_TRUE(problems.empty()) << problems.text("config");
  auto decoder = std::make_unique<Decoder>(features, dtype, at::kCPU);
  fill_decoder(*decoder, stored_weights(model_dir, family, features));
  return decoder;
}

/// The BF16 file, which stores the tied embedding under its other name, as a folder of its own.
void make_bf16_folder(const fs::path& shared, const fs::path& folder) {
  fs::copy_file(shared / "config.bf16.json", folder / "config.json");
  fs::copy_file(shared / "model.bf16.safetensors", folder / "model.safetensors");
}

class Golden : public ::testing::Test {
 protected:
  void check(const Decoder& decoder, const Json& golden) {
    const c10::InferenceMode guard;
    KvCache cache(decoder.features(), 256, decoder.dtype(), at::kCPU);
    auto ids = golden["prompt_ids"].get<std::vector<std::int32_t>>();
    const auto expected_ids = golden["greedy_ids"].get<std::vector<std::int32_t>>();
    const auto expected = at::tensor(golden["logits_pos0"].get<std::vector<double>>(), at::kDouble);
    std::vector<std::int32_t> found_ids;
    for (std::size_t step = 0; step < expected_ids.size(); ++step) {
      const auto logits = decoder.logits(decoder.hidden(pack_ids({ids}), {nullptr, &cache}))[0];
      if (step == 0) {
        EXPECT_LE((logits.to(at::kDouble) - expected).abs().max().item<double>(), 1e-4);
      }
      ids = {static_cast<std::int32_t>(logits.argmax().item<std::int64_t>())};
      found_ids.push_back(ids[0]);
    }
    EXPECT_EQ(found_ids, expected_ids);
  }
};

TEST_F(Golden, Float32FileReproducesLogitsAndGreedyIds) {
  SQPSYCH_NEED_SHARED(shared, "data/tinystories-656k");
  check(*load_decoder(shared, at::kFloat), read_json(shared / "golden_greedy.json"));
}

TEST_F(Golden, Bfloat16FileUnderItsOtherTiedNameReproducesThemInFp32) {
  SQPSYCH_NEED_SHARED(shared, "data/tinystories-656k");
  const testing::TemporaryFolder folder;
  make_bf16_folder(shared, folder.path());
  check(*load_decoder(folder.path(), at::kFloat), read_json(shared / "golden_greedy.json"));
}

}  // namespace
}  // namespace sqpsych
