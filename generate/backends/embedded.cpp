#include <ATen/Parallel.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "core/interrupt.h"
#include "core/settings.h"
#include "core/text.h"
#include "generate/backends/backend.h"
#include "models/engine/engine.h"
#include "models/model.h"
#include "models/weights/model_dir.h"

namespace sqpsych {
namespace {

struct EmbeddedConfig {
  std::string model;
  ConfigPath adapter;
  std::int64_t threads_per_worker = 0;
  ModelOptions options;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("model", model, "folder, .gguf file, or hub id in the local cache");
    visit("adapter", adapter, "PEFT adapter folder on top of it");
    visit("threads_per_worker", threads_per_worker, "0: the machine's cores shared by the workers",
          between(0, 4096));
    options.fields(visit);
  }
};

/// The model and what all workers read from it.
struct Loaded {
  Model model;
  std::unique_ptr<ChatTemplate> chat_template;
};

class EmbeddedWorker : public BackendWorker {
 public:
  EmbeddedWorker(const Loaded& loaded, const std::string& name, int threads, bool fresh_engine)
      : loaded_(loaded), name_(name), threads_(threads), fresh_engine_(fresh_engine) {}

  /// A new engine holds no cache of an earlier session, so a session is computed alike whether or
  /// not others came before it.
  void begin_session() override {
    at::set_num_threads(threads_);
    if (!engine_ || fresh_engine_) engine_ = std::make_unique<Engine>(loaded_.model);
  }

  BackendReply reply(const BackendRequest& request) override {
    if (!engine_) begin_session();
    GenerationRequest generation;
    generation.prompt = tokenize_conversation(*loaded_.model.tokenizer, *loaded_.chat_template,
                                              request.messages, true)
                            .ids;
    generation.sampling = request.sampling;
    generation.seed = request.seed;
    generation.end_tokens = loaded_.model.end_tokens;
    const auto length = static_cast<std::int64_t>(generation.prompt.size());
    const auto context = loaded_.model.decoder->features().context_length;
    if (length >= context) {
      BackendReply reply;
      reply.failure = "context_full";
      reply.detail =
          format("the prompt has {} tokens, the model's context holds {}", length, context);
      return reply;
    }
    return read(engine_->generate(generation));
  }

 private:
  BackendReply read(const Generation& generation) const {
    BackendReply reply;
    reply.text = generation.text;
    reply.stop_reason = generation.stop_reason;
    reply.model = name_;
    reply.prompt_tokens = generation.prompt_tokens;
    reply.completion_tokens = static_cast<std::int64_t>(generation.ids.size());
    reply.seconds = generation.seconds;
    if (generation.stop_reason == "interrupted" || interrupt_requested())
      reply.failure = "interrupted";
    else if (trim(reply.text).empty())
      reply.failure = generation.stop_reason == "context_full" ? "context_full" : "empty";
    return reply;
  }

  const Loaded& loaded_;
  const std::string& name_;
  int threads_;
  bool fresh_engine_;
  std::unique_ptr<Engine> engine_;
};

/// Our own engine: one model, loaded once, and one engine with its caches per worker.
class EmbeddedBackend : public Backend {
 public:
  explicit EmbeddedBackend(const BackendSettings& settings)
      : config_(config_from_json<EmbeddedConfig>(settings.block, settings.where, settings.folder)),
        where_(settings.where),
        folder_(settings.folder),
        workers_(settings.workers),
        deterministic_(settings.deterministic) {}

  Json resolved_config() const override { return config_to_json(config_); }
  bool reproducible() const override { return deterministic_; }
  std::vector<std::string> free_keys() const override { return {"threads_per_worker"}; }

  void check() const override {
    Loaded outline;
    outline.model = load_model_outline(model_path(), adapter_path(), config_.options);
    choose_template(outline);
  }

  void open() override {
    const auto path = model_path();
    loaded_.model = load_model(path, adapter_path(), config_.options);
    choose_template(loaded_);
    name_ = "embedded:" + path.filename().string();
  }

  Json provenance() const override {
    Json all = {{"type", "embedded"}, {"model", name_}};
    if (loaded_.chat_template) all["chat_template"] = loaded_.chat_template->name();
    if (!config_.adapter.empty()) all["adapter"] = config_.adapter.path.filename().string();
    return all;
  }

  /// Weights take their time, so they are read once.
  Json fingerprint() const override {
    if (!fingerprint_.empty()) return fingerprint_;
    const auto add = [&](const char* part, const std::filesystem::path& path) {
      const auto hashes = model_file_hashes(path);
      for (const auto& [file, hash] : hashes.items())
        fingerprint_[format("{}/{}", part, file)] = hash;
    };
    add("model", model_path());
    const auto adapter = adapter_path();
    if (adapter && std::filesystem::exists(*adapter)) add("adapter", *adapter);
    return fingerprint_;
  }

  std::unique_ptr<BackendWorker> connect() override {
    return std::make_unique<EmbeddedWorker>(loaded_, name_, threads(), deterministic_);
  }

 private:
  std::filesystem::path model_path() const {
    if (config_.model.empty())
      throw ConfigError(
          format("{}: model: found nothing, expected a folder, a .gguf file or a hub "
                 "id. Pass --set {}.model=PATH.",
                 where_, where_));
    const auto beside_config = folder_ / config_.model;
    return std::filesystem::exists(beside_config) ? beside_config
                                                  : resolve_model_path(config_.model);
  }

  std::optional<std::filesystem::path> adapter_path() const {
    if (config_.adapter.empty()) return std::nullopt;
    return config_.adapter.path;
  }

  void choose_template(Loaded& loaded) const {
    if (!loaded.model.tokenizer)
      throw ConfigError(
          format("{}: model: '{}': found no tokenizer, expected one beside the weights.", where_,
                 loaded.model.path.string()));
    loaded.chat_template = chat_template_of(loaded.model, config_.options);
  }

  int threads() const {
    if (config_.threads_per_worker > 0) return static_cast<int>(config_.threads_per_worker);
    const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
    return static_cast<int>(std::max<std::int64_t>(1, cores / workers_));
  }

  EmbeddedConfig config_;
  std::string where_;
  std::filesystem::path folder_;
  std::int64_t workers_;
  bool deterministic_;
  std::string name_;
  mutable Json fingerprint_ = Json::object();
  Loaded loaded_;
};

}  // namespace

std::vector<Setting> embedded_backend_settings() { return settings_of<EmbeddedConfig>(); }

std::unique_ptr<Backend> make_embedded_backend(const BackendSettings& settings) {
  return std::make_unique<EmbeddedBackend>(settings);
}

}  // namespace sqpsych
