#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sqpsych::tokenizers {

/// Split patterns as the models' tokenizer.json files spell them.
namespace patterns {
#define SQPSYCH_ENDINGS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SQPSYCH_SPELLED_ENDINGS "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define SQPSYCH_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define SQPSYCH_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define SQPSYCH_LEAD R"([^\r\n\p{L}\p{N}]?)"
#define SQPSYCH_SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define SQPSYCH_OTHERS R"( ?[^\s\p{L}\p{N}]+[\r\n]*|)"

inline constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kLlama3 =
    SQPSYCH_ENDINGS "|" SQPSYCH_LEAD R"(\p{L}+|\p{N}{1,3}|)" SQPSYCH_OTHERS SQPSYCH_SPACES;
inline constexpr std::string_view kLlama3Spelled =
    SQPSYCH_SPELLED_ENDINGS "|" SQPSYCH_LEAD R"(\p{L}+|\p{N}{1,3}|)" SQPSYCH_OTHERS SQPSYCH_SPACES;
inline constexpr std::string_view kQwen2 =
    SQPSYCH_ENDINGS "|" SQPSYCH_LEAD R"(\p{L}+|\p{N}|)" SQPSYCH_OTHERS SQPSYCH_SPACES;
inline constexpr std::string_view kQwen2Spelled =
    SQPSYCH_SPELLED_ENDINGS "|" SQPSYCH_LEAD R"(\p{L}+|\p{N}|)" SQPSYCH_OTHERS SQPSYCH_SPACES;
inline constexpr std::string_view kQwen35 = SQPSYCH_ENDINGS
    "|" SQPSYCH_LEAD R"([\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" SQPSYCH_SPACES;
inline constexpr std::string_view kTekken =
    SQPSYCH_LEAD SQPSYCH_UPPER "*" SQPSYCH_LOWER "+|" SQPSYCH_LEAD SQPSYCH_UPPER "+" SQPSYCH_LOWER
                               R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" SQPSYCH_SPACES;
inline constexpr std::string_view kGpt4o = SQPSYCH_LEAD SQPSYCH_UPPER
    "*" SQPSYCH_LOWER "+" SQPSYCH_ENDINGS "?|" SQPSYCH_LEAD SQPSYCH_UPPER "+" SQPSYCH_LOWER
    "*" SQPSYCH_ENDINGS R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" SQPSYCH_SPACES;

inline constexpr std::string_view kDigit = R"(\p{N})";
inline constexpr std::string_view kDigits = R"(\p{N}+)";
inline constexpr std::string_view kThreeDigits = R"(\p{N}{1,3})";
inline constexpr std::string_view kHanAndKana = "[一-龥぀-ゟ゠-ヿ]+";
inline constexpr std::string_view kHanAndHangul = "[一-龥ࠀ-一가-퟿]+";
inline constexpr std::string_view kLineBreak = R"([\r\n])";
inline constexpr std::string_view kDeepSeekLlmLetters =
    R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)";
inline constexpr std::string_view kDeepSeekLlmSigns = R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)";
inline constexpr std::string_view kDeepSeekWords =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" SQPSYCH_SPACES;

#undef SQPSYCH_ENDINGS
#undef SQPSYCH_SPELLED_ENDINGS
#undef SQPSYCH_UPPER
#undef SQPSYCH_LOWER
#undef SQPSYCH_LEAD
#undef SQPSYCH_SPACES
#undef SQPSYCH_OTHERS
}  // namespace patterns

/// `pattern` as the constants above spell it: line breaks escaped.
std::string escaped_pattern(std::string_view pattern);

/// One known way to cut a text: the name users give, the names GGUF files give, the patterns of
/// tokenizer.json, each of which cuts the pieces that the one before it left.
struct NamedSplit {
  std::string_view name;
  std::vector<std::string_view> gguf_pres;  ///< the first is the one we write
  std::vector<std::string_view> patterns;
  bool ignore_merges;  ///< a piece that is a token is taken whole, without merging
};

const std::vector<NamedSplit>& named_splits();
const NamedSplit* find_split_by_name(std::string_view name);
const NamedSplit* find_split_by_gguf_pre(std::string_view pre);
/// By the patterns as tokenizer.json spells them; endings may be written out.
const NamedSplit* find_split_by_patterns(const std::vector<std::string>& patterns,
                                         bool ignore_merges);
std::vector<std::string> split_names();

}  // namespace sqpsych::tokenizers
