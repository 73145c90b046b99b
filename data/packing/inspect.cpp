#include "data/packing/inspect.h"

#include <algorithm>

#include "core/text.h"

namespace sqpsych {

namespace {

constexpr const char* kReset = "\x1b[0m";
constexpr const char* kDim = "\x1b[2m";
constexpr const char* kShades[] = {"\x1b[30;42m", "\x1b[30;102m"};

std::string heading(const Inspection& inspection, std::size_t index) {
  const TokenizedRow& row = inspection.rows[index];
  const RowOrigin& origin = inspection.report.origins[index];
  std::string text = format("row {} (client {}): {} tokens, {} supervised", row.id, row.client_id,
                            row.ids.size(), count_supervised(row));
  if (origin.windows > 1) text += format(", window {} of {}", origin.window + 1, origin.windows);
  if (origin.context_left_out > 0)
    text += format(", cut: {} tokens of earlier context are not shown to the model",
                   with_thousands(origin.context_left_out));
  return text;
}

std::size_t shown(const Inspection& inspection) {
  const std::size_t all = inspection.rows.size();
  return inspection.limit == 0 ? all : std::min(all, inspection.limit);
}

std::string footer(const Inspection& inspection) {
  const std::size_t rest = inspection.rows.size() - shown(inspection);
  if (rest == 0) return "";
  return format("... {} more token rows (--limit)\n",
                with_thousands(static_cast<std::int64_t>(rest)));
}

/// Control characters would let a row's text command the terminal; U+0080 to U+009F are such too,
/// U+009B opens a command like ESC [.
std::string printable(const std::string& text) {
  const auto byte_at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = byte_at(i);
    if (byte == 0xC2 && byte_at(i + 1) >= 0x80 && byte_at(i + 1) < 0xA0)
      safe += format("\\x{:02X}", byte_at(++i));
    else if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7F))
      safe += text[i];
    else
      safe += format("\\x{:02X}", byte);
  }
  return safe;
}

std::string plain_tokens(const std::vector<std::string>& texts, const TokenizedRow& row) {
  std::string text;
  bool inside = false;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const bool supervised = row.supervised[i] != 0;
    if (supervised != inside) text += supervised ? "⟦" : "⟧";
    inside = supervised;
    text += printable(texts[i]);
  }
  return text + (inside ? "⟧" : "");
}

/// A background that runs over a line break colours the rest of the line on many terminals.
std::string ansi_token(const std::string& text, const char* colour) {
  return colour + replace_all(printable(text), "\n", std::string("⏎") + kReset + "\n" + colour) +
         kReset;
}

std::string ansi_tokens(const std::vector<std::string>& texts, const TokenizedRow& row) {
  std::string text;
  for (std::size_t i = 0; i < texts.size(); ++i)
    text += ansi_token(texts[i], row.supervised[i] ? kShades[i % 2] : kDim);
  return text;
}

std::string html_tokens(const std::vector<std::string>& texts, const TokenizedRow& row) {
  std::string text;
  for (std::size_t i = 0; i < texts.size(); ++i)
    text +=
        format("<span class=\"{}{}\" title=\"{}: id {}\">{}</span>", row.supervised[i] ? "s" : "u",
               i % 2, i, row.ids[i], replace_all(html_escape(texts[i]), "\n", "⏎\n"));
  return text;
}

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 "
    "1em;color:#222}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid "
    "#ddd;padding:.8em;border-radius:4px}"
    "h2{font-size:1em;margin:1.6em 0 .4em}.s0{background:#b7e4c7}.s1{background:#d8f3dc}"
    ".u0,.u1{color:#777}.u1{background:#f6f6f6}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}.s0{background:#1b6b3a}"
    ".s1{background:#2d8a52}.u0,.u1{color:#999}.u1{background:#222}pre{border-color:#444}}";

}  // namespace

std::vector<std::string> token_texts(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::vector<std::string> texts;
  StreamDecoder decoder(tokenizer, false);
  for (const TokenId id : ids) texts.push_back(decoder.push(id));
  if (!texts.empty()) texts.back() += decoder.finish();
  return texts;
}

std::string inspect_text(const Inspection& inspection, InspectStyle style) {
  std::string text = inspection.report.text();
  for (std::size_t i = 0; i < shown(inspection); ++i) {
    const TokenizedRow& row = inspection.rows[i];
    const auto texts = token_texts(inspection.tokenizer, row.ids);
    text += "\n" + printable(heading(inspection, i)) + "\n";
    text += style == InspectStyle::kAnsi ? ansi_tokens(texts, row) : plain_tokens(texts, row);
    text += "\n";
  }
  return text + footer(inspection);
}

std::string inspect_html(const Inspection& inspection, const std::string& title) {
  std::string page = format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>"
      "<style>{1}</style></head>\n<body><h1>{0}</h1>\n<p>Green tokens are trained on, grey ones "
      "are "
      "context. This page shows session text: treat it like the data.</p>\n<pre>{2}</pre>\n",
      html_escape(title), kStyle, html_escape(inspection.report.text()));
  for (std::size_t i = 0; i < shown(inspection); ++i) {
    const TokenizedRow& row = inspection.rows[i];
    page += format("<h2>{}</h2>\n<pre>{}</pre>\n", html_escape(heading(inspection, i)),
                   html_tokens(token_texts(inspection.tokenizer, row.ids), row));
  }
  return page + format("<p>{}</p>\n</body></html>\n", html_escape(footer(inspection)));
}

}  // namespace sqpsych
