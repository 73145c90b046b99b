#include "generate/agents/agent.h"

#include <algorithm>

#include "core/random.h"
#include "core/text.h"
#include "generate/agents/visible_fields.h"

namespace sqpsych {
namespace {

std::string language_name(const std::string& code) {
  static const std::map<std::string, std::string> names = {
      {"en", "English"}, {"de", "German"},  {"fr", "French"},     {"es", "Spanish"},
      {"it", "Italian"}, {"nl", "Dutch"},   {"pt", "Portuguese"}, {"pl", "Polish"},
      {"tr", "Turkish"}, {"zh", "Chinese"}, {"ja", "Japanese"},   {"ar", "Arabic"}};
  const auto found = names.find(code);
  return found == names.end() ? code : found->second;
}

std::string first_or(const std::vector<std::string>& labels, const std::string& otherwise) {
  return labels.empty() ? otherwise : labels.front();
}

/// The client is known by pseudonym and occasion: two visits of one person are two talks.
std::string client_key(const Profile& profile) {
  return profile.occasion.empty() ? profile.client_id : profile.client_id + "/" + profile.occasion;
}

std::map<std::string, std::string> prompt_variables(const AgentConfig& config,
                                                    const std::string& other_label,
                                                    const Situation& situation) {
  const auto own_label = first_or(config.labels, config.speaker);
  std::string transcript;
  for (const auto& message : *situation.history)
    transcript += format("{}{}: {}", transcript.empty() ? "" : "\n",
                         message.speaker == config.speaker ? own_label : other_label, message.text);
  const auto turns_left = std::max<std::int64_t>(0, situation.max_turns - situation.turn);
  return {{"history", transcript},
          {"turn", std::to_string(situation.turn)},
          {"turns_left", std::to_string(turns_left)},
          {"min_turns", std::to_string(situation.min_turns)},
          {"max_turns", std::to_string(situation.max_turns)},
          {"end_token", situation.end_token},
          {"language", situation.language},
          {"language_name", language_name(situation.language)},
          {"own_label", own_label},
          {"other_label", other_label},
          {"word_limit", std::to_string(config.word_limit)},
          {"risk_protocol", situation.risk_protocol ? situation.risk_protocol->text() : ""},
          {"first_speaker", situation.first_speaker}};
}

/// The speaker's own lines are the assistant's; neighbours of one role become one message.
void add_lines(const std::vector<SessionMessage>& history, const std::string& speaker,
               Conversation& conversation) {
  for (const auto& line : history) {
    const char* role = line.speaker == speaker ? "assistant" : "user";
    if (conversation.back().role == role)
      conversation.back().content += "\n\n" + line.text;
    else
      conversation.push_back({role, line.text, std::nullopt});
  }
}

}  // namespace

std::filesystem::path path_for_language(const std::filesystem::path& path,
                                        const std::string& language) {
  return replace_all(path.string(), "{language}", language);
}

Agent::Agent(std::string name, AgentConfig config, const std::vector<std::string>& languages,
             ProblemList& problems)
    : name_(std::move(name)), config_(std::move(config)) {
  const auto where = "agents." + name_;
  if (config_.speaker.empty())
    problems.add(where + ".speaker: found nothing, expected 'counselor' or 'client'");
  if (config_.prompts.empty())
    problems.add(where + ".prompts: found nothing, expected at least the key 'default'");
  check_field_names(config_.may_read, where + ".may_read", problems);
  for (const auto& [group, file] : config_.prompts) {
    for (const auto& language : languages) {
      try {
        auto prompt = PromptTemplate::read(path_for_language(file.path, language));
        check_placeholders(prompt, problems);
        prompts_.emplace(group + "." + language, std::move(prompt));
      } catch (const Error& error) {
        problems.add(format("{}.prompts.{}: {}", where, group, error.what()));
      }
    }
  }
}

void Agent::check_placeholders(const PromptTemplate& prompt, ProblemList& problems) const {
  const auto variables = prompt_variable_names();
  bool uses_history = false;
  for (const auto& name : prompt.placeholders()) {
    uses_history = uses_history || name == "history";
    if (std::find(variables.begin(), variables.end(), name) != variables.end()) continue;
    if (!is_field_name(name)) {
      const auto near = nearest_name(name, variables);
      problems.add(
          format("agents.{}: {}: found the placeholder '{}', expected a profile field or "
                 "one of {}.{}",
                 name_, prompt.origin(), name, quoted_list(variables),
                 near.empty() ? "" : format(" Did you mean '{}'?", near)));
    } else if (!may_read_field(config_.may_read, name)) {
      problems.add(
          format("agents.{}: {}: found the placeholder '{}', expected only fields in "
                 "may_read ({}). Add it there or take it out of the prompt",
                 name_, prompt.origin(), name, quoted_list(config_.may_read)));
    }
  }
  if (uses_history != (config_.history == "transcript"))
    problems.add(format(
        "agents.{}: {}: found {} and history '{}', expected the placeholder "
        "'history' with 'transcript' only",
        name_, prompt.origin(), uses_history ? "'history'" : "no 'history'", config_.history));
}

bool Agent::has_prompt_for(const std::string& group) const {
  return for_group(config_.prompts, group) != nullptr;
}

std::map<std::string, const PromptTemplate*> Agent::prompt_files() const {
  std::map<std::string, const PromptTemplate*> files;
  for (const auto& [key, prompt] : prompts_) files[format("{}.{}.md", name_, key)] = &prompt;
  return files;
}

const PromptTemplate& Agent::prompt_of(const Situation& situation) const {
  auto found = prompts_.find(situation.profile->group + "." + situation.language);
  if (found == prompts_.end()) found = prompts_.find("default." + situation.language);
  SQPSYCH_CHECK(found != prompts_.end());
  return found->second;
}

Conversation Agent::messages(const Situation& situation) const {
  const auto visible = visible_fields(*situation.profile, config_.may_read);
  const auto variables = prompt_variables(config_, first_or(other_labels_, "other"), situation);
  const auto value_of = [&](const std::string& name) {
    if (const auto extra = situation.variables.find(name); extra != situation.variables.end())
      return extra->second;
    if (const auto known = variables.find(name); known != variables.end()) return known->second;
    return field_text(visible, name, "-");
  };
  const auto& prompt = prompt_of(situation);
  std::string hint;
  for (const auto& section : situation.hints) {
    const auto text = prompt.render(section, value_of);
    if (!text.empty()) hint += "\n\n" + text;
  }
  if (config_.history == "transcript")
    return {{"user", prompt.render("system", value_of) + hint, std::nullopt}};

  const auto& history = *situation.history;
  Conversation conversation{{"system", prompt.render("system", value_of), std::nullopt}};
  // Most chat templates want a user message first, so silence is one.
  if (history.empty() || history.front().speaker == config_.speaker)
    conversation.push_back({"user", prompt.render("opening", value_of), std::nullopt});
  add_lines(history, config_.speaker, conversation);
  if (!hint.empty() && conversation.back().role == "user") conversation.back().content += hint;
  return conversation;
}

BackendRequest Agent::request(const Situation& situation, std::int64_t try_index) const {
  const auto client = client_key(*situation.profile);
  BackendRequest request;
  request.messages = messages(situation);
  request.sampling = config_.sampling;
  request.seed = derive_seed({static_cast<std::int64_t>(situation.run_seed), client,
                              situation.replicate, situation.turn, name_, try_index});
  auto& scene = request.scene;
  scene.speaker = config_.speaker;
  scene.language = situation.language;
  for (const auto& message : *situation.history)
    scene.history.push_back({message.speaker, message.text});
  scene.fields = visible_fields(*situation.profile, config_.may_read);
  scene.turn = situation.turn;
  scene.min_turns = situation.min_turns;
  scene.max_turns = situation.max_turns;
  scene.session_seed =
      derive_seed({static_cast<std::int64_t>(situation.run_seed), client, situation.replicate});
  scene.end_token = situation.end_token;
  if (situation.risk_protocol) scene.crisis = situation.risk_protocol->resources;
  return request;
}

Attempt Agent::speak(const Situation& situation, std::int64_t try_index,
                     BackendWorker& backend) const {
  const auto asked = request(situation, try_index);
  Attempt attempt;
  attempt.seed = asked.seed;
  attempt.prompt_sha256 = prompt_of(situation).sha256();
  attempt.reply = backend.reply(asked);
  attempt.failure = attempt.reply.failure;
  if (!attempt.reply.ok()) return attempt;
  attempt.answer = parse_answer(
      attempt.reply.text, {config_.labels, other_labels_, situation.end_token, config_.drop_texts});
  attempt.failure = attempt.answer.failure;
  return attempt;
}

}  // namespace sqpsych
