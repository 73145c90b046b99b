#include "models/tokenizers/pipeline/model_json.h"

#include "core/error.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/json_members.h"

namespace sqpsych::tokenizers {
namespace {

using Merges = std::vector<std::pair<std::string_view, std::string_view>>;

/// "left right", or ["left", "right"] when the parts may hold spaces. Views into `model`.
Merges read_merges(const Json& model, const std::string& where) {
  Merges merges;
  const Json& list = value_or_null(model, "merges");
  if (!list.is_array())
    throw FormatError(
        format("{}: model.merges: found {}, expected a list.", where, list.type_name()));
  merges.reserve(list.size());
  for (const Json& merge : list) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      merges.emplace_back(merge[0].get_ref<const std::string&>(),
                          merge[1].get_ref<const std::string&>());
      continue;
    }
    const std::string_view text =
        merge.is_string() ? std::string_view(merge.get_ref<const std::string&>()) : "";
    const auto space = text.find(' ');
    if (space == std::string::npos || space == 0 ||
        text.find(' ', space + 1) != std::string::npos || space + 1 == text.size())
      throw FormatError(format("{}: model.merges[{}]: found {}, expected 'left right' or a pair.",
                               where, merges.size(), merge.dump()));
    merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return merges;
}

class BpeFile : public ModelFile {
 public:
  BpeFile(const Json& model, TokenTable& table, const std::string& where) : where_(where) {
    read_options(model);
    const Json& vocabulary = value_or_null(model, "vocab");
    if (!vocabulary.is_object())
      throw FormatError(format("{}: model.vocab: found {}, expected an object of tokens and ids.",
                               where, vocabulary.type_name()));
    table.reserve(vocabulary.size());
    for (const auto& [token, id] : vocabulary.items()) {
      if (!id.is_number_integer())
        throw FormatError(format("{}: model.vocab: token '{}': found {}, expected an id.", where,
                                 token, id.dump()));
      table.add(token, id.get<std::int64_t>());
    }
    table.by_id();
    ids_ = table.ids();
    rules_ =
        merge_rules(ids_, read_merges(model, where), options_.continuing_subword_prefix, where);
  }

  std::string unknown() const override { return options_.unk_token; }
  bool byte_fallback() const override { return options_.byte_fallback; }
  bool ignore_merges() const override { return options_.ignore_merges; }
  std::string foreign() const override {
    return has_affixes() ? "BPE with a mark at the ends of words" : "";
  }
  bool can_take_bytes() const override { return !has_affixes() && has_byte_letters(ids_); }
  std::unique_ptr<PieceModel> make(bool takes_bytes) const override {
    MergeBpeOptions options = options_;
    options.takes_bytes = takes_bytes;
    return make_merge_bpe(ids_, rules_, options, where_);
  }

 private:
  void read_options(const Json& model) {
    const Json& dropout = value_or_null(model, "dropout");
    if (dropout.is_number() && dropout.get<double>() != 0)
      throw FormatError(format("{}: model.dropout: found {}, expected null: ids would be random.",
                               where_, dropout.dump()));
    options_.unk_token = text_or(model, "unk_token", "", where_);
    options_.continuing_subword_prefix = text_or(model, "continuing_subword_prefix", "", where_);
    options_.end_of_word_suffix = text_or(model, "end_of_word_suffix", "", where_);
    options_.fuse_unk = flag_or(model, "fuse_unk", false, where_);
    options_.byte_fallback = flag_or(model, "byte_fallback", false, where_);
    options_.ignore_merges = flag_or(model, "ignore_merges", false, where_);
  }
  bool has_affixes() const {
    return !options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty();
  }

  std::string where_;
  MergeBpeOptions options_;
  TokenIndex ids_;
  std::vector<MergeRule> rules_;
};

class UnigramFile : public ModelFile {
 public:
  UnigramFile(const Json& model, TokenTable& table, const std::string& where) : where_(where) {
    const Json& vocabulary = value_or_null(model, "vocab");
    if (!vocabulary.is_array())
      throw FormatError(format("{}: model.vocab: found {}, expected a list of tokens and scores.",
                               where, vocabulary.type_name()));
    table.reserve(vocabulary.size());
    for (const Json& entry : vocabulary) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
        throw FormatError(format("{}: model.vocab[{}]: found {}, expected [token, score].", where,
                                 scores_.size(), entry.dump()));
      table.add(entry[0].get_ref<const std::string&>(), static_cast<std::int64_t>(scores_.size()));
      scores_.push_back(entry[1].get<double>());
    }
    ids_ = table.ids();
    tokens_ = table.by_id();
    options_.byte_fallback = flag_or(model, "byte_fallback", false, where);
    if (!value_or_null(model, "unk_id").is_null())
      options_.unknown = static_cast<TokenId>(count_or(model, "unk_id", 0, where));
    if (options_.unknown && static_cast<std::size_t>(*options_.unknown) >= tokens_.size())
      throw FormatError(format("{}: model.unk_id: found {}, expected one of the {} tokens.", where,
                               *options_.unknown, tokens_.size()));
  }

  std::string unknown() const override {
    return options_.unknown ? tokens_[static_cast<std::size_t>(*options_.unknown)] : "";
  }
  bool byte_fallback() const override { return options_.byte_fallback; }
  std::string foreign() const override { return "a Unigram model"; }
  std::unique_ptr<PieceModel> make(bool) const override {
    return make_unigram(ids_, scores_, options_);
  }

 private:
  std::string where_;
  UnigramOptions options_;
  TokenIndex ids_;
  std::vector<std::string> tokens_;
  std::vector<double> scores_;
};

}  // namespace

std::unique_ptr<ModelFile> read_model(const Json& model, TokenTable& table,
                                      const std::string& where) {
  const bool lists_pieces = value_or_null(model, "vocab").is_array();
  const std::string type = text_or(model, "type", lists_pieces ? "Unigram" : "BPE", where);
  if (model.is_object() && type == "BPE") return std::make_unique<BpeFile>(model, table, where);
  if (model.is_object() && type == "Unigram")
    return std::make_unique<UnigramFile>(model, table, where);
  throw FormatError(format(
      "{}: model.type: found '{}', expected BPE or Unigram. This tokenizer is not supported.",
      where, model.is_object() ? type : model.type_name()));
}

}  // namespace sqpsych::tokenizers
