#include <sentencepiece_processor.h>

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "models/tokenizers/pipeline/pipeline_tokenizer.h"
#include "models/tokenizers/pipeline/sentencepiece_file.h"
#include "models/tokenizers/pipeline/special_tokens.h"

namespace sqpsych::tokenizers {
namespace {

using PieceType = SentencePieceFile::PieceType;

/// Added tokens are no results of merging; converters give them this score.
constexpr float kAddedTokenScore = -1000.0F;

using Processor = std::unique_ptr<sentencepiece::SentencePieceProcessor>;

Processor load_processor(std::string_view bytes, const std::string& where) {
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  const auto status = processor->LoadFromSerializedProto({bytes.data(), bytes.size()});
  if (!status.ok())
    throw FormatError(
        format("{}: found a model that SentencePiece refuses ({}), expected a whole one. Is the "
               "download complete?",
               where, status.ToString()));
  return processor;
}

/// The same model without the space that is put before a text: protobuf merges a repeated
/// normalizer_spec (field 3) into the first, here with add_dummy_prefix (field 3) off.
std::string without_dummy_prefix(std::string_view bytes) {
  return std::string(bytes) + std::string("\x1A\x02\x18\x00", 4);
}

/// The library's tokenization of one piece.
class SentencePieceModel : public PieceModel {
 public:
  SentencePieceModel(const std::string& bytes, const SentencePieceFile& file,
                     bool prefix_everywhere, const std::string& where)
      : where_(where), with_prefix_(load_processor(bytes, where)) {
    if (file.add_dummy_prefix && !prefix_everywhere)
      without_prefix_ = load_processor(without_dummy_prefix(bytes), where);
    for (const auto& piece : file.pieces) scores_.push_back(piece.score);
  }

  void encode(std::string_view piece, bool at_text_start,
              std::vector<PieceToken>& tokens) const override {
    const auto& processor = without_prefix_ && !at_text_start ? without_prefix_ : with_prefix_;
    sentencepiece::ImmutableSentencePieceText result;
    const auto status = processor->Encode({piece.data(), piece.size()}, result.mutable_proto());
    if (!status.ok()) throw FormatError(format("{}: encode: {}.", where_, status.ToString()));
    std::size_t done = 0;
    for (std::size_t i = 0; i < result.pieces_size(); ++i) {
      const auto entry = result.pieces(static_cast<int>(i));
      const std::size_t begin = std::max<std::size_t>(done, entry.begin());
      done = std::max<std::size_t>(begin, entry.end());
      tokens.push_back({static_cast<TokenId>(entry.id()), {begin, done}});
    }
  }

  std::vector<float> scores(std::size_t count) const override {
    std::vector<float> scores = scores_;
    scores.resize(count, kAddedTokenScore);
    return scores;
  }

 private:
  std::string where_;
  Processor with_prefix_;
  Processor without_prefix_;
  std::vector<float> scores_;
};

GgufForm sentencepiece_gguf_form(const SentencePieceFile& file) {
  GgufForm form;
  form.add_space_prefix = file.add_dummy_prefix;
  if (file.kind != SentencePieceFile::Kind::kBpe)
    form.why_none = "a SentencePiece model that is not BPE";
  else if (file.has_charsmap)
    form.why_none = "a SentencePiece model that normalises text by a character map";
  else if (file.remove_extra_whitespaces)
    form.why_none = "a SentencePiece model that removes extra white space";
  else
    form.model = "llama";
  return form;
}

/// Control and unknown pieces, which the library never finds in a text.
std::vector<AddedToken> control_pieces(const SentencePieceFile& file) {
  std::vector<AddedToken> added;
  for (std::size_t id = 0; id < file.pieces.size(); ++id) {
    const PieceType type = file.pieces[id].type;
    if (type != PieceType::kControl && type != PieceType::kUnknown) continue;
    AddedToken token;
    token.id = static_cast<TokenId>(id);
    token.content = file.pieces[id].text;
    token.special = true;
    added.push_back(token);
  }
  return added;
}

/// The roles that the model itself names, where the settings files do not.
void take_roles_of_model(const SentencePieceFile& file, SpecialTokenSettings& settings) {
  const auto has = [&](const char* text, PieceType type) {
    return std::any_of(file.pieces.begin(), file.pieces.end(),
                       [&](const SentencePieceFile::Piece& piece) {
                         return piece.text == text && piece.type == type;
                       });
  };
  if (!settings.bos && has("<s>", PieceType::kControl)) settings.bos = "<s>";
  if (!settings.eos && has("</s>", PieceType::kControl)) settings.eos = "</s>";
  for (const auto& piece : file.pieces)
    if (!settings.unknown && piece.type == PieceType::kUnknown) settings.unknown = piece.text;
  if (!settings.add_bos) settings.add_bos = true;
  name_roles(settings);
}

void set_types(const SentencePieceFile& file, std::vector<TokenType>& types) {
  for (std::size_t id = 0; id < file.pieces.size(); ++id)
    if (types[id] == TokenType::kNormal || types[id] == TokenType::kByte)
      types[id] = static_cast<TokenType>(file.pieces[id].type);
}

}  // namespace

std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& folder) {
  const auto path = folder / "tokenizer.model";
  const std::string where = path.string();
  const std::string bytes = read_file(path);
  const SentencePieceFile file = parse_sentencepiece_file(bytes, where);
  SpecialTokenSettings settings = read_special_token_settings(folder);
  take_roles_of_model(file, settings);

  TokenTable table(where);
  for (std::size_t id = 0; id < file.pieces.size(); ++id)
    table.add(file.pieces[id].text, static_cast<std::int64_t>(id));
  for (const auto& token : settings.added) table.add(token.content, token.id);

  PipelineParts parts;
  parts.where = where;
  parts.added = settings.added;
  merge_added_tokens(control_pieces(file), parts.added);
  set_vocabulary(settings, table, file.byte_fallback, parts);
  set_types(file, parts.types);
  parts.model = std::make_unique<SentencePieceModel>(bytes, file, settings.legacy_prefix, where);
  parts.decoders = sentencepiece_decoder(file.add_dummy_prefix);
  parts.gguf = sentencepiece_gguf_form(file);
  return make_pipeline_tokenizer(std::move(parts));
}

}  // namespace sqpsych::tokenizers
