#include <gmock/gmock.h>

#include "core/text.h"
#include "models/chat_templates/jinja/template.h"

namespace sqpsych::jinja {
namespace {

/// Marked parts as `<SOURCE:text>`, everything else as it is.
std::string shown(const Text& text) {
  std::string result;
  for (std::size_t i = 0; i <= text.bytes.size(); ++i) {
    for (const auto& mark : text.marks)
      if (mark.end == i && mark.begin < i) result += ">";
    for (const auto& mark : text.marks)
      if (mark.begin == i)
        result += format("<{}:{}", mark.source == kGenerated ? "g" : std::to_string(mark.source),
                         mark.end == i ? ">" : "");
    if (i < text.bytes.size()) result += text.bytes[i];
  }
  return result;
}

/// `x` holds " abc DEF " of source 1, `y` "42" of source 2, `e` nothing of source 3.
std::string marked(std::string_view source) {
  const Variables variables = {
      {"x", Value(Text(" abc DEF ", 1))}, {"y", Value(Text("42", 2))}, {"e", Value(Text("", 3))}};
  return shown(Template(source, "test").render(variables, 0));
}

TEST(JinjaMarks, FollowTextsThroughTheLanguage) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a{{ x }}b", "a<1: abc DEF >b"},
      {"{{ 'a' + x + y }}", "a<1: abc DEF ><2:42>"},
      {"{{ 'a' ~ y ~ 1 }}", "a<2:42>1"},
      {"{{ x | trim }}|{{ x.strip() }}", "<1:abc DEF>|<1:abc DEF>"},
      {"{{ x | upper }}|{{ x.lower() }}|{{ x | title }}",
       "<1: ABC DEF >|<1: abc def >|<1: Abc Def >"},
      {"{{ x[1:4] }}|{{ x[::-1] }}|{{ y[0] }}", "<1:abc>|<1: FED cba >|<2:4>"},
      {"{{ x | replace('abc', '-') }}", "<1: >-<1: DEF >"},
      {"{{ x | replace(' ', y) }}", "<2:42><1:abc><2:42><1:DEF><2:42>"},
      {"{{ x.split() | join('/') }}", "<1:abc>/<1:DEF>"},
      {"{{ x.split('c')[0] }}|{{ x.partition('c')[2] }}", "<1: ab>|<1: DEF >"},
      {"{{ [x, y] }}", "['<1: abc DEF >', '<2:42>']"},
      {"{{ {'k': y} | tojson }}", "{\"k\": \"<2:42>\"}"},
      {"{{ '%s-%s' % (y, 1) }}|{{ '{}.'.format(y) }}|{{ '%3s' | format(y) }}",
       "<2:42>-1|<2:42>.| <2:42>"},
      {"{% set z %}[{{ y }}]{% endset %}{{ z }}{{ z | length }}", "[<2:42>]4"},
      {"{% macro m(t) %}({{ t }}){% endmacro %}{{ m(y) }}", "(<2:42>)"},
      {"{% filter upper %}q{{ x | trim }}{% endfilter %}", "Q<1:ABC DEF>"},
      {"{% for c in y %}{{ c }}{% endfor %}|{{ y | list | join }}", "<2:42>|<2:42>"},
      {"{% set ns = namespace(t='') %}{% set ns.t = ns.t + y %}{{ ns.t }}", "<2:42>"},
      {"{{ y | int + 1 }}|{{ y | length }}|{{ y == '42' }}", "43|2|True"},
      {"{{ x | trim | truncate(6, true, '..', 0) }}|{{ y | indent(2, true) }}",
       "<1:abc >..|  <2:42>"},
      {"{{ y * 2 }}|{{ y.center(6, '*') }}|{{ y | e }}", "<2:4242>|**<2:42>**|<2:42>"},
      {"{{ x if y else e }}|{{ none or y }}|{{ nope | default(y) }}",
       "<1: abc DEF >|<2:42>|<2:42>"}};
  for (const auto& [source, expected] : cases) EXPECT_EQ(marked(source), expected) << source;
}

TEST(JinjaMarks, KeepThePlaceOfEmptyTexts) {
  EXPECT_EQ(marked("a{{ e }}b"), "a<3:>b");
  EXPECT_EQ(marked("a{{ '[' + e + ']' }}b"), "a[<3:>]b");
  EXPECT_EQ(marked("{{ e | trim }}|{{ e.split('x')[0] }}|{{ e | upper }}"), "<3:>|<3:>|<3:>");
  EXPECT_EQ(marked("{{ (' ' + e + ' ') | trim }}|"), "<3:>|");
  EXPECT_EQ(marked("{{ x[0:0] }}|{{ ('a' + y)[:1] }}|{{ (y + 'a')[2:] }}"), "<1:>|a|a");
}

TEST(JinjaMarks, ShowWhatGenerationBlocksWrote) {
  EXPECT_EQ(marked("a{% generation %}b{{ y }}{% endgeneration %}c"), "a<g:b<2:42>>c");
  EXPECT_EQ(marked("{% macro m() %}<{% generation %}b{% endgeneration %}>{% endmacro %}{{ m() }}"),
            "<<g:b>>");
  EXPECT_TRUE(Template("{% generation %}{% endgeneration %}", "test").has_generation());
  EXPECT_FALSE(Template("{{ 'generation' }}", "test").has_generation());
}

TEST(JinjaMarks, NameTheMessageThatWasRefused) {
  const auto message = [](Source source) {
    return make_dict({{Value(Text("role")), Value(Text("user"))}}, source);
  };
  const Variables variables = {{"messages", make_list({message(1), message(2), message(3)})}};
  const auto source_of = [&](std::string_view source) {
    try {
      Template(source, "test").render(variables, 0);
    } catch (const TemplateRefusal& refusal) {
      return refusal.source;
    }
    return Source{99};
  };
  EXPECT_EQ(source_of("{{ raise_exception('x') }}"), 0U);
  EXPECT_EQ(source_of("{% if messages[0].role %}{{ raise_exception('x') }}{% endif %}"), 1U);
  EXPECT_EQ(source_of("{% if messages[-1]['role'] %}{{ raise_exception('x') }}{% endif %}"), 3U);
  EXPECT_EQ(
      source_of("{% for m in messages %}{% if loop.index == 2 %}{{ messages[2].role }}"
                "{% for i in [1] %}{{ raise_exception('x') }}{% endfor %}{% endif %}{% endfor %}"),
      2U);
}

}  // namespace
}  // namespace sqpsych::jinja
