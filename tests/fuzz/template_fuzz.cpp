#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "core/text.h"
#include "models/chat_templates/jinja/template.h"

/// Any bytes as a chat template, rendered over a conversation that holds the same bytes as content:
/// every outcome but an Error of ours is a finding.
namespace {

using namespace sqpsych;

constexpr jinja::Limits kLimits = {100'000, std::size_t{1} << 18, 120};

jinja::Value message(std::string_view role, std::string_view content, jinja::Source source) {
  return jinja::make_dict(
      {{jinja::Value(std::string_view("role")), jinja::Value(role)},
       {jinja::Value(std::string_view("content")), jinja::Value(jinja::Text(content, source))}},
      source);
}

void check(const jinja::Text& text) {
  if (!is_valid_utf8(text.bytes)) std::abort();
  for (const auto& mark : text.marks)
    if (mark.begin > mark.end || mark.end > text.bytes.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string_view content = is_valid_utf8(bytes) ? bytes : "no UTF-8";
  try {
    const jinja::Template parsed(bytes, "fuzz");
    const jinja::Variables variables = {
        {"messages",
         jinja::make_list({message("system", "Be kind.", 1), message("user", content, 2),
                           message("assistant", " ok\n", 3), message("user", "", 4)})},
        {"tools", jinja::Value(jinja::None{})},
        {"bos_token", jinja::Value(std::string_view("<s>"))},
        {"add_generation_prompt", jinja::Value(true)}};
    check(parsed.render(variables, 0, kLimits));
  } catch (const Error&) {  // refused, as it should be
  }
  return 0;
}
