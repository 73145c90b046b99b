#include <gmock/gmock.h>

#include "core/error.h"
#include "core/text.h"
#include "models/chat_templates/jinja/template.h"

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
  EXPECT_THAT(ending_of("{{ 'x' * 9000000000000 }}"), HasSubstr("found more than"));
  EXPECT_THAT(ending_of("{% for i in range(200) %}{{ 'x' * 100 }}{% endfor %}", limits),
              HasSubstr("bytes of output"));
  EXPECT_THAT(ending_of("{% set ns = namespace(s='x') %}{% for i in range(60) %}"
                        "{% set ns.s = ns.s + ns.s %}{% endfor %}"),
              HasSubstr("found a text of more than"));
  EXPECT_THAT(ending_of("{{ ('x' * 30000) | replace('', 'y' * 30000) | length }}"),
              HasSubstr("found more than"));
  EXPECT_THAT(ending_of("{{ '%9999999999d' % 1 }}"), HasSubstr("width"));
}

TEST(JinjaLimits, DeepNestingEnds) {
  EXPECT_THAT(ending_of("{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}"),
              HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{{ " + repeated("not ", 5000) + "1 }}"), HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{{ " + repeated("-", 5000) + "1 }}"), HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{{ 1" + repeated(" + 1", 100000) + " }}"), HasSubstr("chain"));
  EXPECT_THAT(ending_of("{{ x" + repeated(".x", 100000) + " }}"), HasSubstr("chain"));
  EXPECT_THAT(ending_of("{{ x" + repeated("|upper", 100000) + " }}"), HasSubstr("chain"));
  EXPECT_THAT(ending_of(repeated("{% if x %}", 5000)), HasSubstr("nesting"));
  EXPECT_THAT(ending_of("{% set " + repeated("(", 5000) + "a = 1 %}"), HasSubstr("nesting"));
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

}  // namespace
}  // namespace sqpsych::jinja
