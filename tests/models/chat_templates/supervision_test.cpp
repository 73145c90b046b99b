#include <gmock/gmock.h>

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/chat_templates/chat_template.h"
#include "tests/models/chat_templates/tiny_tokenizer.h"
#include "tests/support/error_text.h"
#include "tests/support/source_path.h"

/// What counts in the loss of models' own templates, and how their conversations become rows.
namespace sqpsych {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string own(const std::string& name) {
  return read_file(testing::source_path("tests/models/chat_templates/templates") /
                   (name + ".jinja"));
}

class Supervision : public ::testing::Test {
 protected:
  std::unique_ptr<ChatTemplate> make(const std::string& source,
                                     const ChatTemplateOptions& options = {}) const {
    TemplateSources sources;
    sources.standard = source;
    return choose_chat_template(options, sources, *tokenizer_);
  }
  /// Supervised ranges in brackets, one after the other.
  std::string supervised(const ChatTemplate& chat_template, const Conversation& talk) const {
    const auto rendering = chat_template.render(talk, false);
    std::string text;
    for (const auto span : rendering.supervised)
      text += "[" + rendering.text.substr(span.begin, span.end - span.begin) + "]";
    return text;
  }
  std::unique_ptr<Tokenizer> tokenizer_ = testing::tiny_tokenizer(
      {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"add_bos_token", true}});
};

const Conversation kShortTalk = {{"user", "Hi", {}},
                                 {"assistant", "Hello.", {}},
                                 {"user", "Bye", {}},
                                 {"assistant", "Take care.", {}}};
const char* kChat =
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}<|stop|>\n{% endfor %}";

TEST_F(Supervision, CoversRepliesAndTheirTerminators) {
  const auto chat_template = make(kChat);
  EXPECT_EQ(chat_template->terminator(), "<|stop|>");
  EXPECT_EQ(supervised(*chat_template, kShortTalk), "[Hello.<|stop|>][Take care.<|stop|>]");
  Conversation weighted = kShortTalk;
  weighted[1].weight = 0;
  EXPECT_EQ(supervised(*chat_template, weighted), "[Take care.<|stop|>]");
  Conversation echo = {{"user", "Hello.<|stop|>", {}}, {"assistant", "Hello.", {}}};
  EXPECT_EQ(supervised(*chat_template, echo), "[Hello.<|stop|>]");
  EXPECT_EQ(chat_template->render(echo, false).supervised.front().begin, 44U);
}

TEST_F(Supervision, EmptyRepliesStillTeachTheTerminator) {
  const Conversation talk = {
      {"user", "Hi", {}}, {"assistant", "", {}}, {"user", "", {}}, {"assistant", " \n", {}}};
  EXPECT_EQ(supervised(*make(kChat), talk), "[<|stop|>][<|stop|>]");
}

TEST_F(Supervision, ControlTextInsideARepliesContentIsNoTerminator) {
  const Conversation talk = {{"user", "Hi", {}}, {"assistant", "a<|stop|>b", {}}};
  const auto chat_template = make(kChat);
  EXPECT_EQ(supervised(*chat_template, talk), "[a<|stop|>b<|stop|>]");
  const auto row = tokenize_conversation(*tokenizer_, *chat_template, talk, false);
  EXPECT_EQ(std::count(row.ids.begin(), row.ids.end(), *tokenizer_->id_of("<|stop|>")), 2);
  ChatTemplateOptions options;
  options.parse_special = true;
  const auto parsed = tokenize_conversation(*tokenizer_, *make(kChat, options), talk, false);
  EXPECT_EQ(std::count(parsed.ids.begin(), parsed.ids.end(), *tokenizer_->id_of("<|stop|>")), 3);
}

TEST_F(Supervision, TheNextTurnsMarkerEndsARepliesWithoutOne) {
  const auto open = make("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}");
  EXPECT_EQ(open->terminator(), "<|user|>");
  EXPECT_EQ(supervised(*open, kShortTalk), "[Hello.<|user|>][Take care.]");
  const auto bare = make("{% for m in messages %}{{ m.content }}\n{% endfor %}");
  EXPECT_EQ(bare->terminator(), "");
  EXPECT_EQ(supervised(*bare, kShortTalk), "[Hello.][Take care.]");
}

TEST_F(Supervision, GenerationBlocksTakePrecedence) {
  const auto chat_template = make(own("generation"));
  EXPECT_EQ(supervised(*chat_template, kShortTalk), "[Hello.<|stop|>\n][Take care.<|stop|>\n]");
  Conversation weighted = kShortTalk;
  weighted[3].weight = 0;
  EXPECT_EQ(supervised(*chat_template, weighted), "[Hello.<|stop|>\n]");
}

TEST_F(Supervision, RepliesCutInPartsAreOneRange) {
  const auto chat_template = make(
      "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content.split('#')[0] }} / "
      "{{ m.content.split('#')[1] }}</s>{% else %}{{ m.content }}{% endif %}{% endfor %}");
  EXPECT_EQ(supervised(*chat_template, {{"user", "q", {}}, {"assistant", "a#b", {}}}),
            "[a / b</s>]");
}

TEST_F(Supervision, OneRowWhereEarlierRepliesStayAsTheyWere) {
  EXPECT_EQ(training_conversations(*make(own("generation")), kShortTalk).size(), 1U);
  EXPECT_EQ(training_conversations(*make(kChat), kShortTalk).size(), 1U);
  for (const auto& name : chat_template_names())
    EXPECT_EQ(training_conversations(*make_chat_template(name, *tokenizer_), kShortTalk).size(),
              1U);
}

TEST_F(Supervision, OneRowPerReplyWhereATemplateRewritesEarlierTurns) {
  const Conversation talk = {{"user", "Hi", {}},
                             {"assistant", "<think>x</think>a", {}},
                             {"user", "Bye", {}},
                             {"assistant", "<think>y</think>b", {}}};
  const auto chat_template = make(own("thinking"));
  const auto parts = training_conversations(*chat_template, talk);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(supervised(*chat_template, parts[0]), "[<think>x</think>a<|stop|>]");
  EXPECT_EQ(chat_template->render(parts[1], false).text,
            "<|user|>Hi<|stop|><|assistant|>a<|stop|><|user|>Bye<|stop|>"
            "<|assistant|><think>y</think>b<|stop|>");
  EXPECT_EQ(supervised(*chat_template, parts[1]), "[<think>y</think>b<|stop|>]");
  EXPECT_EQ(training_conversations(*chat_template, kShortTalk).size(), 1U);
  for (const auto& part : parts) {
    Conversation asked(part.begin(), part.end() - 1);
    const auto prompt = chat_template->render(asked, true).text;
    EXPECT_TRUE(chat_template->render(part, false).text.starts_with(prompt)) << prompt;
  }
}

TEST_F(Supervision, WarnsWhereNoRowCanLookAsAtInference) {
  const auto late_system = make(own("system_in_last_turn"));
  Conversation with_system = kShortTalk;
  with_system.insert(with_system.begin(), {"system", "S", {}});
  ::testing::internal::CaptureStderr();
  training_conversations(*make(own("thinking")), kShortTalk);
  training_conversations(*late_system, kShortTalk);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ::testing::internal::CaptureStderr();
  training_conversations(*late_system, with_system);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::HasSubstr("asked for with another text"));
}

TEST_F(Supervision, RoleRulesNameTheTurn) {
  const auto chat_template = make(own("alternating"));
  const auto refusal = [&](const ChatTemplate& strict, const Conversation& talk) {
    return testing::error_text<ConfigError>([&] { strict.render(talk, false); });
  };
  const Conversation system = {{"system", "s", {}}, {"user", "a", {}}, {"assistant", "b", {}}};
  const Conversation twice = {{"user", "a", {}}, {"user", "b", {}}, {"assistant", "c", {}}};
  EXPECT_THAT(refusal(*chat_template, system),
              HasSubstr("message 1: found role 'system', refused by the template: 'This format"));
  EXPECT_THAT(refusal(*chat_template, twice), HasSubstr("message 2: found role 'user'"));
  ChatTemplateOptions options;
  options.merge_system = true;
  EXPECT_EQ(make(own("alternating"), options)->render(system, false).text,
            "<s>[ASK] s\n\na [/ASK] b</s>");
  EXPECT_THAT(refusal(*make(own("alternating"), options), twice), HasSubstr("message 2"));
  options.merge_consecutive = true;
  const auto merging = make(own("alternating"), options);
  EXPECT_EQ(merging->render(twice, false).text, "<s>[ASK] a\n\nb [/ASK] c</s>");
  Conversation replies = {{"user", "a", {}}, {"assistant", "b", 0},  {"assistant", "c", {}},
                          {"user", "d", {}}, {"assistant", "e", {}}, {"assistant", "f", {}}};
  EXPECT_EQ(supervised(*merging, replies), "[\n\nc</s>][e\n\nf</s>]");
  EXPECT_EQ(training_conversations(*merging, replies).size(), 1U);
}

TEST_F(Supervision, WritesOneBos) {
  const std::vector<std::string> sources = {std::string("{{ bos_token }}") + kChat, kChat,
                                            std::string("{{ bos_token * 2 }}") + kChat};
  for (const auto& source : sources) {
    const auto row = tokenize_conversation(*tokenizer_, *make(source), kShortTalk, false);
    EXPECT_EQ(std::count(row.ids.begin(), row.ids.end(), *tokenizer_->bos()), 1) << source;
    EXPECT_EQ(row.ids.front(), *tokenizer_->bos());
    EXPECT_EQ(row.ids.size(), row.supervised.size());
    EXPECT_EQ(row.supervised.front(), 0);
  }
}

TEST_F(Supervision, VariablesOfTheSettingsReachTheTemplate) {
  ChatTemplateOptions options;
  options.chat_template_kwargs = {{"enable_thinking", false}};
  EXPECT_THAT(make(own("thinking"), options)->render({{"user", "a", {}}}, true).text,
              HasSubstr("<|assistant|><think></think>"));
  options.chat_template_kwargs = {{"messages", 1}};
  EXPECT_THROW(make(kChat, options), ConfigError);
  options.chat_template_kwargs = Json::array();
  EXPECT_THROW(make(kChat, options), ConfigError);
  EXPECT_THROW(make(kChat)->render({{"us<|stop|>er", "a", {}}}, false), ConfigError);
}

}  // namespace
}  // namespace sqpsych
