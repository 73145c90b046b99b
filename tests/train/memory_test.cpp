#include "train/memory.h"

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "models/families/family.h"
#include "tests/train/tiny_training.h"

namespace sqpsych {
namespace {

/// Passes on to LibTorch's CPU allocator and remembers the largest sum of live bytes. There is one,
/// in place to the end of the program: tensors it made may live that long.
class CountingAllocator : public c10::Allocator {
 public:
  static CountingAllocator& only() {
    static auto* allocator = [] {
      auto* made = new CountingAllocator(c10::GetCPUAllocator());
      c10::SetCPUAllocator(made, /*priority=*/255);
      return made;
    }();
    return *allocator;
  }

  c10::DataPtr allocate(std::size_t size_bytes) override {
    auto block = inner_->allocate(size_bytes);
    const auto device = block.device();
    void* const data = block.release_context();
    if (data) {
      const std::lock_guard lock(mutex_);
      sizes_[data] = static_cast<std::int64_t>(size_bytes);
      live_ += static_cast<std::int64_t>(size_bytes);
      peak_ = std::max(peak_, live_);
    }
    return {data, data, &release, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* target, const void* source, std::size_t size_bytes) const override {
    default_copy_data(target, source, size_bytes);
  }
  void start() {
    const std::lock_guard lock(mutex_);
    peak_ = start_ = live_;
  }
  std::int64_t grown_bytes() const { return peak_ - start_; }

 private:
  explicit CountingAllocator(c10::Allocator* inner) : inner_(inner) {}
  static void release(void* data) {
    if (!data) return;
    auto& allocator = only();
    {
      const std::lock_guard lock(allocator.mutex_);
      const auto size = allocator.sizes_.find(data);
      allocator.live_ -= size->second;
      allocator.sizes_.erase(size);
    }
    allocator.inner_->raw_deallocate(data);
  }

  c10::Allocator* inner_;
  std::mutex mutex_;
  std::unordered_map<void*, std::int64_t> sizes_;
  std::int64_t live_ = 0;
  std::int64_t peak_ = 0;
  std::int64_t start_ = 0;
};

struct Kind {
  const char* name;
  const char* method;
  const char* dtype;
  double dropout;
  std::int64_t vocabulary_size;
};
const Kind kKinds[] = {{"LoRA", "lora", "float32", 0, 300},
                       {"LoRA with dropout", "lora", "float32", 0.1, 300},
                       {"LoRA on bf16", "lora", "bfloat16", 0, 300},
                       {"LoRA on bf16 with dropout", "lora", "bfloat16", 0.1, 300},
                       {"LoRA, large vocabulary", "lora", "float32", 0, 60000},
                       {"full", "full", "float32", 0, 300},
                       {"full, large vocabulary", "full", "float32", 0, 20000},
                       {"full in bf16", "full", "bfloat16", 0, 300}};

DecoderFeatures features_of(const Kind& kind) {
  DecoderFeatures features;
  features.vocabulary_size = kind.vocabulary_size;
  features.hidden_size = 64;
  features.num_layers = 4;
  features.num_heads = 4;
  features.num_kv_heads = 2;
  features.head_dim = 16;
  features.intermediate_size = 160;
  features.context_length = 1024;
  features.tied_embeddings = true;
  features.rope.dims = 16;
  return features;
}

TrainConfig memory_config(const Kind& kind) {
  TrainConfig config = testing::tiny_config(kind.method);
  config.model.dtype = kind.dtype;
  config.lora_dropout = kind.dropout;
  config.row_plan.max_length = 1024;
  config.per_device_train_batch_size = 8;
  config.gradient_accumulation_steps = 1;
  return config;
}

/// What one step allocates at most beside the state that lives on.
std::int64_t measured_step_bytes(const TrainingSetup& setup, std::int64_t& longest_pack) {
  AdamW optimizer(setup.trainable->parameters(), {});
  const StepOrder order(setup.config, std::ssize(setup.train.rows));
  const StepRows rows = order.rows_of(0);
  longest_pack = 0;
  for (const auto& pack : lay_out(setup.train.rows, rows.rows, setup.layout(8))) {
    std::int64_t tokens = 0;
    for (const std::size_t row : pack) tokens += std::ssize(setup.train.rows[row].ids);
    longest_pack = std::max(longest_pack, tokens);
  }
  // The first step makes the gradients and tables that live on.
  EXPECT_TRUE(compute_gradient(setup, optimizer, rows, 0));
  CountingAllocator::only().start();
  EXPECT_TRUE(compute_gradient(setup, optimizer, rows, 0));
  return CountingAllocator::only().grown_bytes();
}

TEST(Memory, PlanIsWithinAFifthOfWhatAStepAllocates) {
  CountingAllocator::only();
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    const TrainingSetup setup =
        testing::setup_of(memory_config(kind), features_of(kind), {8, 120, 128});
    std::int64_t longest_pack = 0;
    const double measured = static_cast<double>(measured_step_bytes(setup, longest_pack));
    const MemoryPlan plan = plan_memory(*setup.model, *setup.trainable, longest_pack);
    const double planned = static_cast<double>(plan.activation_bytes + plan.passing_bytes);
    EXPECT_GT(longest_pack, 900);
    EXPECT_NEAR(planned / measured, 1, 0.2) << planned << " planned, " << measured << " measured";
  }
}

TEST(Memory, StateIsWhatTheOptimizerHoldsAndItsGradients) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    const TrainingSetup setup =
        testing::setup_of(memory_config(kind), features_of(kind), {2, 8, 9});
    const AdamW optimizer(setup.trainable->parameters(), {});
    std::uint64_t gradients = 0;
    for (const auto& parameter : optimizer.parameters()) {
      gradients += static_cast<std::uint64_t>(parameter.weight.numel()) * 4;
      if (parameter.weight.scalar_type() != at::kFloat) gradients += parameter.weight.nbytes();
    }
    const MemoryPlan plan = plan_memory(*setup.model, *setup.trainable, 64);
    EXPECT_EQ(plan.state_bytes, optimizer.state_bytes() + gradients);
    EXPECT_GT(plan.program_bytes, 10'000'000U);
  }
}

}  // namespace
}  // namespace sqpsych
