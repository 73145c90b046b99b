#include "evaluate/reports/page.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace sqpsych {
namespace {

// Dark and light follow the reader's system; paper is always light.
constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5;
  --panel: #f5f7f9; --one: #1f6feb; --two: #c2410c; --three: #15803d; --warn: #8a5a00; --warn-paper: #fff4d6; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #14181e; --ink: #e4e9ef; --soft: #9aa6b5;
  --line: #343c47; --panel: #1c222a; --one: #6ea8fe; --two: #fb923c; --three: #4ade80; --warn: #ffd479;
  --warn-paper: #3a2f12; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.25rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; } p { margin: .4rem 0; }
.soft, .name, th, summary { color: var(--soft); }
section { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1.25rem; }
.banner { background: var(--warn-paper); color: var(--warn); border-left: 4px solid var(--warn); padding: .6rem .9rem; margin: 1rem 0; }
.figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: .75rem 0; }
.figure { background: var(--panel); border-radius: .4rem; padding: .5rem .9rem; min-width: 7rem; }
.figure .value { font-size: 1.25rem; font-variant-numeric: tabular-nums; } .figure .name { font-size: .8rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td:first-child { min-width: 6rem; } th { font-weight: 500; white-space: nowrap; } .number { text-align: right; }
pre { background: var(--panel); padding: .75rem; border-radius: .4rem; font-size: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: .6rem 0; } summary { cursor: pointer; }
svg { max-width: 100%; height: auto; display: block; margin: .75rem 0; font: 12px system-ui, sans-serif; }
svg text { fill: var(--soft); } svg .title { fill: var(--ink); font-size: 14px; font-weight: 600; }
svg .grid { stroke: var(--line); } svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.utterance { background: var(--panel); border-radius: .5rem; padding: .5rem .8rem; margin: .4rem 4rem .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.utterance.right { margin: .4rem 0 .4rem 4rem; } .utterance b { display: block; font-size: .8rem; color: var(--soft); font-weight: 500; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } svg, .figures { break-inside: avoid-page; }
  :root { --ink: #000; --soft: #444; --line: #bbb; --panel: #f3f3f3; } })";

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789,.%-+e ") == std::string::npos &&
         text.find_first_of("0123456789") != std::string::npos;
}

std::vector<bool> number_columns(const Table& table) {
  std::vector<bool> is_numeric(table.header.size(), !table.rows.empty());
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < is_numeric.size(); ++i)
      if (i >= row.size() || !(row[i].empty() || is_number(row[i]))) is_numeric[i] = false;
  return is_numeric;
}

}  // namespace

std::string shown_number(double value) {
  if (!std::isfinite(value)) return "not finite";
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return with_thousands(static_cast<std::int64_t>(value));
  const double size = std::abs(value);
  if (size >= 1000) return with_thousands(static_cast<std::int64_t>(std::llround(value)));
  return size >= 0.001 ? format("{:.4g}", value) : format("{:.2g}", value);
}

std::string shown_scalar(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return shown_number(value.get<double>());
  if (value.is_null()) return "";
  return value.dump();
}

void Page::close_section() {
  if (in_section_) body_ += "</section>\n";
  in_section_ = false;
}

void Page::section(std::string_view title) {
  close_section();
  body_ += format("<section>\n<h2>{}</h2>\n", html_escape(title));
  in_section_ = true;
}

void Page::heading(std::string_view text) { body_ += format("<h3>{}</h3>\n", html_escape(text)); }

void Page::paragraph(std::string_view text) { body_ += format("<p>{}</p>\n", html_escape(text)); }

void Page::banner(std::string_view text) {
  body_ += format("<p class=\"banner\" role=\"note\">{}</p>\n", html_escape(text));
}

void Page::figures(const std::vector<std::pair<std::string, std::string>>& name_and_value) {
  body_ += "<div class=\"figures\">\n";
  for (const auto& [name, value] : name_and_value)
    body_ += format(
        "<div class=\"figure\"><div class=\"value\">{}</div><div class=\"name\">{}</div></div>\n",
        html_escape(value), html_escape(name));
  body_ += "</div>\n";
}

void Page::table(const Table& table) {
  const auto is_numeric = number_columns(table);
  const auto cell = [&](const char* tag, const std::string& text, std::size_t column) {
    const bool right = column < is_numeric.size() && is_numeric[column];
    body_ += format("<{}{}>{}</{}>", tag, right ? " class=\"number\"" : "", html_escape(text), tag);
  };
  const bool has_header = std::any_of(table.header.begin(), table.header.end(),
                                      [](const std::string& name) { return !name.empty(); });
  body_ += "<div class=\"wide\"><table>\n";
  if (has_header) {
    body_ += "<tr>";
    for (std::size_t i = 0; i < table.header.size(); ++i) cell("th", table.header[i], i);
    body_ += "</tr>\n";
  }
  for (const auto& row : table.rows) {
    body_ += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) cell("td", row[i], i);
    body_ += "</tr>\n";
  }
  body_ += "</table></div>\n";
}

void Page::folded_json(std::string_view title, const Json& value) {
  const auto text = value.dump(2, ' ', false, Json::error_handler_t::replace);
  body_ += format("<details><summary>{}</summary><pre>{}</pre></details>\n", html_escape(title),
                  html_escape(text));
}

void Page::utterance(std::string_view speaker, std::string_view text, bool is_left) {
  body_ += format("<div class=\"utterance{}\"><b>{}</b>{}</div>\n", is_left ? "" : " right",
                  html_escape(speaker), html_escape(text));
}

std::string Page::document(std::string_view title, std::string_view subtitle) const {
  return format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}\n</style>\n</head>\n<body>\n<h1>{0}</h1>\n"
      "<p class=\"soft\">{2}</p>\n{3}{4}</body>\n</html>\n",
      html_escape(title), kStyle, html_escape(subtitle), body_, in_section_ ? "</section>\n" : "");
}

}  // namespace sqpsych
