#include <gmock/gmock.h>

#include <random>

#include "core/error.h"
#include "core/json_lines.h"
#include "core/text.h"
#include "models/chat_templates/jinja/template.h"
#include "tests/support/source_path.h"

namespace sqpsych::jinja {
namespace {

using ::testing::HasSubstr;

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

std::string ending_of(const std::string& source, const Limits& limits = {}) {
  try {
    return format("rendered {} bytes", Template(source, "test").render({}, 0, limits).bytes.size());
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(JinjaLimits, EndlessLoopsEnd) {
  const std::string loop = "{% for a in range(100000) %}";
  EXPECT_THAT(ending_of(repeated(loop, 4) + "x" + repeated("{% endfor %}", 4)),
              HasSubstr("steps, expected an end"));
  EXPECT_THAT(ending_of("{% for a in range(50) %}{{ a }}{% endfor %}", {100, 1000, 100}),
              HasSubstr("more than 100 steps"));
}

TEST(JinjaLimits, TextsAndOutputStaySmall) {
  const Limits limits = {1'000'000, 10'000, 100};
  EXPECT_THAT(ending_of("{{ 'x' * 10001 }}", limits), HasSubstr("more than 10000 bytes"));
  EXPECT_THAT(ending_of("{{ 'x' * 9000000000000 }}"), HasSubstr("found a text of more than"));
  EXPECT_THAT(ending_of("{% for i in range(200) %}{{ 'x' * 100 }}{% endfor %}", limits),
              HasSubstr("more than 10000 bytes"));
  EXPECT_THAT(ending_of("{% set ns = namespace(s='x') %}{% for i in range(60) %}"
                        "{% set ns.s = ns.s + ns.s %}{% endfor %}"),
              HasSubstr("found a text of more than"));
  EXPECT_THAT(ending_of("{{ ('x' * 30000) | replace('', 'y' * 30000) | length }}"),
              HasSubstr("found a text of more than"));
  EXPECT_THAT(ending_of("{{ '%9999999999d' % 1 }}"), HasSubstr("width"));
  // Checked while they grow: whole they would be 90 GB.
  const Limits one_megabyte = {20'000'000, 1'000'000, 250};
  EXPECT_THAT(ending_of("{{ ('{0}' * 100000).format('x' * 900000) }}", one_megabyte),
              HasSubstr("more than 1000000 bytes"));
  EXPECT_THAT(ending_of("{{ ('%s' * 100000) % (('x' * 900000,) * 100000) }}", one_megabyte),
              HasSubstr("more than 1000000 bytes"));
}

TEST(JinjaLimits, CopiesAndSearchesAreCounted) {
  const Limits limits = {2'000'000, std::size_t{64} << 20, 250};
  for (const char* search : {"s.partition('y')", "s | length", "s[0]", "s.startswith('y')"})
    EXPECT_THAT(ending_of(format("{{% set s = 'x' * 3000000 %}}{{% for i in range(100000) %}}"
                                 "{{% set a = {} %}}{{% endfor %}}",
                                 search),
                          limits),
                HasSubstr("steps, expected an end"))
        << search;
  EXPECT_THAT(
      ending_of("{% set ns = namespace(a=(), b=()) %}{% for i in range(15) %}"
                "{% set ns.a = (ns.a, ns.a) %}{% set ns.b = (ns.b, ns.b) %}{% endfor %}"
                "{% set d = {ns.a: 1} %}{% for i in range(100000) %}{{ d[ns.b] }}{% endfor %}",
                limits),
      HasSubstr("steps, expected an end"));
}

TEST(JinjaLimits, DeepNestingEnds) {
  EXPECT_THAT(ending_of("{{ 'a' | map(*(['map'] * 20000)) }}"), HasSubstr("nested"));

  EXPECT_THAT(ending_of("{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}"),
              HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{{ " + repeated("not ", 5000) + "1 }}"), HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{{ " + repeated("-", 5000) + "1 }}"), HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{{ 1" + repeated(" + 1", 100000) + " }}"), HasSubstr("chain"));
  EXPECT_THAT(ending_of("{{ x" + repeated(".x", 100000) + " }}"), HasSubstr("chain"));
  EXPECT_THAT(ending_of("{{ x" + repeated("|upper", 100000) + " }}"), HasSubstr("chain"));
  EXPECT_THAT(ending_of(repeated("{% if x %}", 5000)), HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{% set " + repeated("(", 5000) + "a" + repeated(")", 5000) + " = 1 %}"),
              HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("nested"));
  EXPECT_THAT(ending_of("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}"
                        "{% set ns.l = [ns.l] %}{% endfor %}"),
              HasSubstr("nested"));
  EXPECT_THAT(ending_of("{% set ns = namespace(l=[]) %}{% for i in range(40) %}"
                        "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}"),
              HasSubstr("parts"));
}

TEST(JinjaLimits, CirclesAreFreed) {
  EXPECT_EQ(
      ending_of(
          "{% set ns = namespace() %}{% set ns.me = ns %}{% set ns.list = [ns] %}"
          "{% for i in [1, 2] %}{% set ns.loop = loop %}{% set ns.f = loop.changed %}{% endfor %}"
          "{% macro m() %}{% endmacro %}{% set ns.m = m %}ok"),
      "rendered 2 bytes");
  EXPECT_EQ(ending_of("{% set ns = namespace(x=none) %}{% for i in range(10000) %}"
                      "{% set next = namespace(x=ns.x) %}{% set ns.x = next %}{% endfor %}ok"),
            "rendered 2 bytes");
  EXPECT_THAT(ending_of("{% set ns = namespace() %}{% for i in [1] %}"
                        "{% set ns.f = loop.changed %}{% endfor %}{{ ns.f(1) }}"),
              HasSubstr("no loop around"));
}

/// Templates of the goldens with pieces cut out, doubled and exchanged: each ends in a text with
/// marks inside it or in an Error, whatever it says.
TEST(JinjaLimits, MutatedTemplatesEndInATextOrAnError) {
  const auto golden =
      read_json(testing::source_path("tests/models/chat_templates/goldens/language.json"));
  std::vector<std::string> sources;
  for (const auto& entry : golden["cases"]) sources.push_back(entry["template"].get<std::string>());
  Variables variables = {{"content", Value(Text("{{ x }} text ", 1))}};
  for (const auto& [name, value] : golden["variables"].items())
    variables.emplace_back(name, value_of(value));
  std::mt19937 random(11);
  const auto below = [&](std::size_t count) { return random() % std::max<std::size_t>(count, 1); };
  const Limits limits = {20'000, 1 << 16, 120};
  int rendered = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string source = sources[below(sources.size())];
    for (std::size_t changes = below(4) + 1; changes > 0; --changes) {
      const auto& other = sources[below(sources.size())];
      const std::size_t from = below(other.size());
      source.replace(below(source.size()), below(8), other.substr(from, below(12)));
    }
    try {
      const auto text = Template(source, "test").render(variables, 0, limits);
      ++rendered;
      EXPECT_TRUE(is_valid_utf8(text.bytes)) << source;
      for (const auto& mark : text.marks) {
        EXPECT_LE(mark.begin, mark.end) << source;
        EXPECT_LE(mark.end, text.bytes.size()) << source;
      }
    } catch (const Error&) {  // refused, as it may be
    }
  }
  EXPECT_GT(rendered, 100);
}

}  // namespace
}  // namespace sqpsych::jinja
