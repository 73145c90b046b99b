#include "models/engine/engine.h"

#include <ATen/core/Tensor.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "core/interrupt.h"
#include "core/json_lines.h"
#include "models/engine/chat_session.h"
#include "models/weights/safetensors.h"
#include "tests/models/layers/small_decoder.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace sqpsych {
namespace {

using ::testing::HasSubstr;
using Ids = std::vector<TokenId>;

Ids counting_ids(std::int64_t count, TokenId start = 0) {
  Ids ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<TokenId>((start + i * 7) % 50));
  return ids;
}

/// Random weights, no tokenizer: ids in, ids out.
Model small_model(std::int64_t context_length) {
  auto features = testing::small_features();
  features.context_length = context_length;
  Model model;
  model.decoder = testing::random_decoder(features, at::kFloat);
  return model;
}

GenerationRequest request_of(Ids prompt, std::int64_t tokens, double temperature = 1,
                             std::uint64_t seed = 3) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.sampling.temperature = temperature;
  request.sampling.max_tokens = tokens;
  request.seed = seed;
  return request;
}

TEST(Engine, SameRequestSameReplyWhateverCameBefore) {
  const auto model = small_model(512);
  const auto request = request_of(counting_ids(150), 60);
  const auto expected = Engine(model).generate(request);
  Engine engine(model, 2);
  engine.generate(request_of(counting_ids(300), 30));      // shares two whole chunks
  engine.generate(request_of(counting_ids(140, 5), 200));  // shares nothing
  const auto found = engine.generate(request);
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(expected.reused_tokens, 0);
  EXPECT_EQ(found.reused_tokens, 128);
  EXPECT_EQ(engine.generate(request).ids, expected.ids);
  engine.forget();
  EXPECT_EQ(engine.generate(request).reused_tokens, 0);
}

TEST(Engine, GrownConversationReusesItsPrefix) {
  const auto model = small_model(512);
  Engine engine(model);
  auto prompt = counting_ids(100);
  for (int turn = 0; turn < 3; ++turn) {
    const auto reply = engine.generate(request_of(prompt, 40));
    EXPECT_EQ(reply.reused_tokens,
              turn == 0 ? 0 : static_cast<std::int64_t>(prompt.size() - 50) / 64 * 64);
    EXPECT_EQ(reply.ids, Engine(model).generate(request_of(prompt, 40)).ids);
    prompt.insert(prompt.end(), reply.ids.begin(), reply.ids.end());
    const auto more = counting_ids(10);
    prompt.insert(prompt.end(), more.begin(), more.end());
  }
}

TEST(Engine, ComputesAgainWhereASequenceOutgrowsTheOriginalContext) {
  auto features = testing::fused_features();
  std::get<LongRopeScaling>(features.rope.scaling).original_context_length = 70;
  features.context_length = 512;
  Model model;
  model.decoder = testing::random_decoder(features, at::kFloat);
  Engine engine(model);
  const auto reply = engine.generate(request_of(counting_ids(66), 10, 0)).ids;
  ASSERT_EQ(reply.size(), 10u);
  auto ids = counting_ids(66);
  for (const auto id : reply) {
    const c10::InferenceMode guard;
    const auto logits = model.decoder->logits(model.decoder->hidden(pack_ids({ids})));
    EXPECT_EQ(logits[std::ssize(ids) - 1].argmax().item<std::int64_t>(), id) << ids.size();
    ids.push_back(id);
  }
  EXPECT_EQ(engine.generate(request_of(counting_ids(66), 10, 0)).ids, reply);
  const auto grown = engine.generate(request_of(ids, 5, 0));
  EXPECT_EQ(grown.reused_tokens, 64) << "keys of the long regime";
  EXPECT_EQ(grown.ids, Engine(model).generate(request_of(ids, 5, 0)).ids);
}

TEST(Engine, PrefixOfAReplyDoesNotDependOnItsLength) {
  const auto model = small_model(512);
  const auto shorter = Engine(model).generate(request_of(counting_ids(20), 10)).ids;
  auto longer = Engine(model).generate(request_of(counting_ids(20), 50)).ids;
  ASSERT_EQ(longer.size(), 50u);
  longer.resize(10);
  EXPECT_EQ(shorter, longer);
  EXPECT_NE(Engine(model).generate(request_of(counting_ids(20), 10, 1, 4)).ids, shorter)
      << "another seed";
}

TEST(Engine, StopsForItsReasons) {
  const auto model = small_model(64);
  auto request = request_of(counting_ids(10), 20, 0);
  const auto whole = Engine(model).generate(request);
  EXPECT_EQ(whole.stop_reason, "max_tokens");
  ASSERT_EQ(whole.ids.size(), 20u);
  request.end_tokens = {whole.ids[5]};
  const auto first = std::find(whole.ids.begin(), whole.ids.end(), whole.ids[5]);
  const auto ended = Engine(model).generate(request);
  EXPECT_EQ(ended.stop_reason, "end_token");
  EXPECT_EQ(ended.ids, Ids(whole.ids.begin(), first)) << "the end token is not part of the reply";
  const auto full = Engine(model).generate(request_of(counting_ids(60), 20, 0));
  EXPECT_EQ(full.stop_reason, "context_full");
  EXPECT_EQ(full.ids.size(), 4u);
  set_interrupt_requested(true);
  const auto interrupted = Engine(model).generate(request_of(counting_ids(10), 20, 0));
  set_interrupt_requested(false);
  EXPECT_EQ(interrupted.stop_reason, "interrupted");
  EXPECT_TRUE(interrupted.ids.empty());
}

TEST(Engine, RefusesPromptsItCannotAnswer) {
  const auto model = small_model(64);
  const auto error_of = [&](const Ids& prompt) {
    return testing::error_text<ConfigError>([&] { Engine(model).generate(request_of(prompt, 5)); });
  };
  EXPECT_THAT(error_of({}), HasSubstr("found no token"));
  EXPECT_THAT(error_of(counting_ids(64)), HasSubstr("found 64 tokens, expected at most 63"));
  EXPECT_THAT(error_of({1, 50}), HasSubstr("found token id 50"));
  EXPECT_THAT(error_of({-1}), HasSubstr("found token id -1"));
  EXPECT_NO_THROW(Engine(model).generate(request_of(counting_ids(63), 5)));
}

// An engine that recomputes would make token 400 ten times as expensive; a growing cache shows up
// too.
TEST(Engine, LateTokensCostAtMostTwiceEarlyOnes) {
  SQPSYCH_NEED_SHARED(shared, "data/tinystories-656k");
  const auto model = load_model(shared, std::nullopt, {});
  const auto request = request_of({1}, 440, 1);
  std::vector<double> best(440, 1e9);  // seconds between two pieces of text
  std::size_t pieces = best.size();
  const auto median = [&](std::size_t from) {
    std::vector<double> times(best.begin() + static_cast<std::ptrdiff_t>(from),
                              best.begin() + static_cast<std::ptrdiff_t>(from) + 21);
    std::nth_element(times.begin(), times.begin() + 10, times.end());
    return times[10];
  };
  // The least of some runs is free of other programs' bursts.
  for (int repeat = 0; repeat < 3 || (repeat < 20 && median(390) > 2 * median(30)); ++repeat) {
    std::size_t piece = 0;
    auto before = std::chrono::steady_clock::now();
    Engine(model).generate(request, [&](std::string_view) {
      const auto now = std::chrono::steady_clock::now();
      best[piece] = std::min(best[piece], std::chrono::duration<double>(now - before).count());
      before = now;
      return ++piece < best.size();
    });
    pieces = std::min(pieces, piece);
  }
  ASSERT_GE(pieces, 415U) << "nearly every token of this model is a piece of text";
  EXPECT_LE(median(390), 2 * median(30));
}

TEST(Engine, RealModelReproducesItsGoldenStory) {
  SQPSYCH_NEED_SHARED(shared, "data/tinystories-656k");
  const auto model = load_model(shared, std::nullopt, {});
  const auto golden = read_json(shared / "golden_greedy.json");
  const auto expected = golden["greedy_ids"].get<Ids>();
  std::string streamed;
  auto request =
      request_of(golden["prompt_ids"].get<Ids>(), static_cast<std::int64_t>(expected.size()), 0);
  const auto story = Engine(model).generate(request, [&](std::string_view piece) {
    streamed += piece;
    return true;
  });
  EXPECT_EQ(story.ids, expected);
  EXPECT_THAT(story.text, HasSubstr("there was a little girl named Lily. She had a toy car"));
  EXPECT_EQ(streamed, story.text);
  EXPECT_EQ(model.end_tokens, Ids{2});

  request.sampling.stop = {"named Lily"};
  const auto stopped = Engine(model).generate(request);
  EXPECT_EQ(stopped.stop_reason, "stop_text");
  EXPECT_TRUE(stopped.text.ends_with("little girl ")) << stopped.text;
  request.sampling.stop.clear();
  const auto refused = Engine(model).generate(request, [](std::string_view) { return false; });
  EXPECT_EQ(refused.stop_reason, "interrupted");
}

}  // namespace
}  // namespace sqpsych
