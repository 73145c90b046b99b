#include <gmock/gmock.h>

#include "core/json_lines.h"
#include "core/text.h"
#include "models/chat_templates/jinja/template.h"
#include "tests/support/source_path.h"

/// What Jinja2 prints in transformers' environment is in goldens/language.json (made by
/// scripts/make_template_goldens.py); where it raises, our interpreter must refuse.
namespace sqpsych::jinja {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Variables variables_of(const Json& json) {
  Variables variables;
  for (const auto& [name, value] : json.items()) variables.emplace_back(name, value_of(value));
  return variables;
}

std::string rendered(std::string_view source, const Json& variables = Json::object()) {
  return Template(source, "test").render(variables_of(variables), 0).bytes;
}

/// The message of the error that the template ends with.
std::string refusal(std::string_view source, const Json& variables = Json::object()) {
  try {
    return "rendered: " + rendered(source, variables);
  } catch (const TemplateError& error) {
    return error.what();
  } catch (const TemplateRefusal& refusal) {
    return refusal.what();
  }
}

TEST(JinjaLanguage, PrintsWhatJinja2Prints) {
  const auto golden =
      read_json(testing::source_path("tests/models/chat_templates/goldens/language.json"));
  ASSERT_GT(golden["cases"].size(), 100U);
  for (const auto& entry : golden["cases"]) {
    const auto source = entry["template"].get<std::string>();
    SCOPED_TRACE(source);
    if (entry.contains("text")) {
      try {
        EXPECT_EQ(rendered(source, golden["variables"]), entry["text"].get<std::string>());
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    } else {
      EXPECT_THAT(refusal(source, golden["variables"]), StartsWith("test: line "))
          << entry["error"];
    }
  }
}

TEST(JinjaLanguage, ALoopCannotBeLeftFromInsideASetBlock) {
  EXPECT_THAT(refusal("{% for i in [1] %}{% set x %}a{% break %}{% endset %}{% endfor %}"),
              HasSubstr("a loop around"));
  EXPECT_EQ(rendered("{% for i in [1, 2] %}{% set x %}a{% endset %}{% break %}{% endfor %}"), "");
}

TEST(JinjaLanguage, NamesLineAndColumn) {
  EXPECT_THAT(refusal("a\n  {{ 'x' + 1 }}"), StartsWith("test: line 2, column 10: "));
  EXPECT_THAT(refusal("{{ a\n.b\n.c }}", {{"a", Json::object()}}),
              AllOf(StartsWith("test: line 3, column 1: "), HasSubstr("'c'")));
  EXPECT_THAT(refusal("ä{{ ( }}"), StartsWith("test: line 1, column 8: "));
  EXPECT_THAT(refusal("{% if x %}\n\n"), StartsWith("test: line 2, column 1: "));
  EXPECT_THAT(refusal("\r\n\r\n{{ nope() }}"), StartsWith("test: line 3, column 8: "));
  EXPECT_THAT(refusal("{% for x in [1] %}\n{{ x | missing }}{% endfor %}"),
              StartsWith("test: line 2, column 8: filter 'missing'"));
  EXPECT_THAT(refusal("{{ 'a'.upper('b'\n) ~ none.x.y }}"), StartsWith("test: line 2, column "));
}

TEST(JinjaLanguage, SaysWhatIsUndefined) {
  EXPECT_THAT(refusal("{{ message.text }}"), HasSubstr("'text': found 'message' undefined"));
  EXPECT_THAT(refusal("{{ d.a.b }}", {{"d", Json::object()}}),
              HasSubstr("'b': found attribute 'a' of a dict undefined"));
  EXPECT_THAT(refusal("{{ d['a'] + 'b' }}", {{"d", Json::object()}}),
              HasSubstr("item 'a' of a dict undefined"));
}

TEST(JinjaLanguage, RaisesTheTemplatesOwnWords) {
  try {
    Template("{{ raise_exception('no ' ~ 7) }}", "test").render({}, 0);
    FAIL();
  } catch (const TemplateRefusal& refusal) {
    EXPECT_EQ(refusal.message, "no 7");
    EXPECT_EQ(refusal.source, 0U);
  }
}

TEST(JinjaLanguage, ShowsTheGivenTime) {
  const std::time_t now = 1'700'000'000;  // 14 November 2023 in every time zone's noon but one
  EXPECT_EQ(Template("{{ strftime_now('%Y') }}", "test").render({}, now).bytes, "2023");
  EXPECT_EQ(Template("{{ strftime_now('') }}", "test").render({}, now).bytes, "");
  EXPECT_TRUE(Template("{{ strftime_now('%Y') }}", "test").asks_for_time());
  EXPECT_FALSE(Template("{{ 1 }}", "test").asks_for_time());
}

TEST(JinjaLanguage, RefusesWhatItDoesNotSpeak) {
  const std::vector<std::string> foreign = {"{% include 'x' %}",
                                            "{% extends 'x' %}",
                                            "{% import 'x' as y %}",
                                            "{% block x %}{% endblock %}",
                                            "{% do x %}",
                                            "{% for x in y recursive %}{% endfor %}",
                                            "{% autoescape true %}{% endautoescape %}",
                                            "{{ '\\N{BULLET}' }}",
                                            "{{ 99999999999999999999 }}",
                                            "\xff",
                                            "{{ 9223372036854775807 + 1 }}"};
  for (const auto& source : foreign) EXPECT_THAT(refusal(source), StartsWith("test: ")) << source;
}

TEST(JinjaLanguage, CannotReachBehindItsValues) {
  const std::vector<std::string> probes = {"{{ ''.__class__.__mro__ }}",
                                           "{{ d.__init__.__globals__ }}",
                                           "{{ self._x.y }}",
                                           "{{ namespace(__x=1) }}",
                                           "{% set ns = namespace() %}{% set ns.__x = 1 %}",
                                           "{{ ().__class__.__bases__[0] }}",
                                           "{{ cycler.__init__.x }}",
                                           "{{ range.__self__.x }}"};
  for (const auto& source : probes)
    EXPECT_THAT(refusal(source, {{"d", Json::object()}}), StartsWith("test: line ")) << source;
}

TEST(JinjaLanguage, IteratorsAreUsedUpOnce) {
  EXPECT_EQ(
      rendered(
          "{% set m = [1, 2, 3] | map('string') %}{{ m | first }}{{ m | join }}{{ m | join }}"),
      "123");
}

}  // namespace
}  // namespace sqpsych::jinja
