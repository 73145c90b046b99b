#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "data/profiles/profile.h"
#include "data/sessions/session.h"
#include "generate/agents/answer_parser.h"
#include "generate/agents/prompt_template.h"
#include "generate/agents/risk_protocol.h"
#include "generate/backends/backend.h"
#include "models/sampling_options.h"

namespace sqpsych {

/// One node of a strategy's graph. Maps by group use the profile's group, else the key `default`.
struct AgentConfig {
  std::string speaker;
  std::string backend;
  std::map<std::string, ConfigPath> prompts;
  std::vector<std::string> may_read;
  std::string history = "chat";
  std::vector<std::string> labels;
  std::int64_t word_limit = 64;
  SamplingOptions sampling;
  std::vector<std::string> drop_texts;
  std::map<std::string, std::vector<std::string>> fillers;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("speaker", speaker, "whom the agent speaks for", one_of({"counselor", "client"}));
    visit("backend", backend, "a name in `backends`");
    visit("prompts", prompts,
          "prompt file by group or `default`; {language} in a path is replaced");
    visit("may_read", may_read, "profile fields the agent may read");
    visit("history", history,
          "chat: own lines are assistant messages; transcript: one user message",
          one_of({"chat", "transcript"}));
    visit("labels", labels,
          "names of this speaker before a colon; the first one is used in transcripts");
    visit("word_limit", word_limit, "told to the model as {{word_limit}}", at_least(1));
    visit("sampling", sampling, "how replies are drawn");
    visit("drop_texts", drop_texts, "control texts that the model leaks, removed from replies");
    visit("fillers", fillers,
          "lines by language used when all tries failed; none: the session fails");
  }
};

/// What an agent knows of the session when it is to speak.
struct Situation {
  const Profile* profile = nullptr;
  std::string language;
  std::int64_t replicate = 0;
  std::uint64_t run_seed = 0;
  std::int64_t turn = 1;
  std::int64_t min_turns =
      1;  ///< of the whole session: the latest of all agents' first turns to end
  std::int64_t max_turns = 1;
  std::string end_token;
  std::string first_speaker;
  const RiskProtocol* risk_protocol = nullptr;  ///< null unless the profile's risk calls for it
  const std::vector<SessionMessage>* history = nullptr;
  std::vector<std::string> hints;                ///< prompt sections added behind the history
  std::map<std::string, std::string> variables;  ///< more placeholders, e.g. `rejected`, `reason`
};

/// One try of an agent to speak.
struct Attempt {
  BackendReply reply;
  Answer answer;
  std::uint64_t seed = 0;
  std::string prompt_sha256;
  std::string failure;  ///< empty when `answer.text` can be used
};

/// An agent with its prompts read and checked. Immutable; shared by all workers.
class Agent {
 public:
  /// Reads the prompts of every language given. Problems are added, each with its file.
  Agent(std::string name, AgentConfig config, const std::vector<std::string>& languages,
        ProblemList& problems);

  const std::string& name() const { return name_; }
  const AgentConfig& config() const { return config_; }
  /// `others`: labels of the other speakers, where a reply is cut.
  void set_other_labels(std::vector<std::string> others) { other_labels_ = std::move(others); }
  /// False when neither the group nor `default` has a prompt.
  bool has_prompt_for(const std::string& group) const;
  /// All prompt files by the name they get in RUN/prompts.
  std::map<std::string, const PromptTemplate*> prompt_files() const;

  BackendRequest request(const Situation& situation, std::int64_t try_index) const;
  Attempt speak(const Situation& situation, std::int64_t try_index, BackendWorker& backend) const;

 private:
  void check_placeholders(const PromptTemplate& prompt, ProblemList& problems) const;
  const PromptTemplate& prompt_of(const Situation& situation) const;
  Conversation messages(const Situation& situation) const;

  std::string name_;
  AgentConfig config_;
  std::vector<std::string> other_labels_;
  std::map<std::string, PromptTemplate> prompts_;  ///< by "group.language"
};

/// The value for `key` in a map by group: the group's own, else `default`; null when neither.
template <class T>
const T* for_group(const std::map<std::string, T>& by_group, const std::string& group) {
  auto found = by_group.find(group);
  if (found == by_group.end()) found = by_group.find("default");
  return found == by_group.end() ? nullptr : &found->second;
}

/// `path` with `{language}` replaced.
std::filesystem::path path_for_language(const std::filesystem::path& path,
                                        const std::string& language);

}  // namespace sqpsych
