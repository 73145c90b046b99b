#include "models/chat_templates/jinja/printing.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "models/chat_templates/jinja/characters.h"

namespace sqpsych::jinja {
namespace {

void append_escape(std::string& text, char32_t code) {
  if (code > 0xFFFF)
    text += format("\\U{:08x}", static_cast<std::uint32_t>(code));
  else
    text += code > 0xFF ? format("\\u{:04x}", static_cast<std::uint32_t>(code))
                        : format("\\x{:02x}", static_cast<std::uint32_t>(code));
}

Text quoted(const Text& text) {
  const bool has_single = text.bytes.find('\'') != std::string::npos;
  const bool has_double = text.bytes.find('"') != std::string::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  Text result(std::string_view(&quote, 1));
  result.append(rewritten(text, [quote](char32_t code, std::string& output) {
    if (code == static_cast<unsigned char>(quote) || code == '\\') {
      output += '\\';
      output += static_cast<char>(code);
    } else if (code == '\n' || code == '\r' || code == '\t') {
      output += code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t";
    } else if (is_printable(code)) {
      append_utf8(output, code);
    } else {
      append_escape(output, code);
    }
  }));
  result.append(std::string_view(&quote, 1));
  return result;
}

/// str() at the top, repr() inside containers.
class Printer {
 public:
  explicit Printer(Run& run) : run_(run) {}

  void print(const Value& value, bool inside) {
    run_.spend(1);
    run_.check_size(text_.bytes.size());
    if (value.is_undefined()) return text_.append(inside ? "Undefined" : "");
    if (value.is_none()) return text_.append("None");
    if (value.is_bool()) return text_.append(value.boolean() ? "True" : "False");
    if (value.is_integer()) return text_.append(std::to_string(value.integer()));
    if (value.is_float()) return text_.append(float_text(value.real()));
    if (const Text* text = value.text()) return text_.append(inside ? quoted(*text) : *text);
    if (const List* list = value.list()) return print_list(*list);
    if (const Dict* dict = value.dict()) return print_dict(*dict);
    run_.fail(format("found a {}, expected something that can be printed", value.type_name()));
  }
  Text take() { return std::move(text_); }

 private:
  void print_items(const List& list, const char* open, const char* close) {
    text_.append(open);
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) text_.append(", ");
      print(list.items[i], true);
    }
    text_.append(close);
  }

  void print_list(const List& list) {
    switch (list.kind) {
      case ListKind::kList:
        return print_items(list, "[", "]");
      case ListKind::kTuple:
        return print_items(list, "(", list.items.size() == 1 ? ",)" : ")");
      case ListKind::kKeys:
        return print_items(list, "dict_keys([", "])");
      case ListKind::kValues:
        return print_items(list, "dict_values([", "])");
      case ListKind::kItems:
        return print_items(list, "dict_items([", "])");
      case ListKind::kRange:
      case ListKind::kIterator:
        run_.fail("found a range or lazy list, expected something to print. Add the filter list");
    }
  }

  void print_dict(const Dict& dict) {
    text_.append("{");
    for (std::size_t i = 0; i < dict.entries.size(); ++i) {
      if (i > 0) text_.append(", ");
      print(dict.entries[i].first, true);
      text_.append(": ");
      print(dict.entries[i].second, true);
    }
    text_.append("}");
  }

  Run& run_;
  Text text_;
};

class JsonPrinter {
 public:
  JsonPrinter(Run& run, const JsonStyle& style) : run_(run), style_(style) {}

  void print(const Value& value, std::size_t level) {
    run_.spend(1);
    run_.check_size(text_.bytes.size());
    if (value.is_none()) return text_.append("null");
    if (value.is_bool()) return text_.append(value.boolean() ? "true" : "false");
    if (value.is_integer()) return text_.append(std::to_string(value.integer()));
    if (value.is_float()) return text_.append(json_float(value.real()));
    if (const Text* text = value.text()) return print_text(*text);
    const List* list = value.list();
    if (list && (list->kind == ListKind::kList || list->kind == ListKind::kTuple))
      return print_list(*list, level);
    if (const Dict* dict = value.dict()) return print_dict(*dict, level);
    run_.fail(
        format("tojson: found {}, expected a value that JSON has",
               value.is_undefined() ? value.what() + " undefined" : "a " + value.type_name()));
  }
  Text take() { return std::move(text_); }

 private:
  static std::string json_float(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return float_text(number);
  }

  void print_text(const Text& text) {
    text_.append("\"");
    text_.append(rewritten(
        text, [this](char32_t code, std::string& output) { append_character(code, output); }));
    text_.append("\"");
  }

  void append_character(char32_t code, std::string& output) const {
    constexpr std::string_view kEscaped = "\"\\\n\r\t\f\b";
    constexpr std::string_view kLetters = "\"\\nrtfb";
    const auto found = code < 0x80 ? kEscaped.find(static_cast<char>(code)) : std::string::npos;
    if (found != std::string_view::npos) {
      output += '\\';
      output += kLetters[found];
    } else if (code < 0x20 || (style_.ensure_ascii && code > 0x7E && code < 0x10000)) {
      output += format("\\u{:04x}", static_cast<std::uint32_t>(code));
    } else if (style_.ensure_ascii && code >= 0x10000) {
      const auto rest = static_cast<std::uint32_t>(code) - 0x10000;
      output += format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    } else {
      append_utf8(output, code);
    }
  }

  void begin_item(bool is_first, std::size_t level) {
    if (!is_first) text_.append(style_.item_separator);
    if (style_.is_indented) new_line(level + 1);
  }
  void new_line(std::size_t level) {
    run_.spend(level * style_.indent.size() / 64);
    text_.append("\n");
    for (std::size_t i = 0; i < level; ++i) text_.append(style_.indent);
  }

  void print_list(const List& list, std::size_t level) {
    text_.append("[");
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      begin_item(i == 0, level);
      print(list.items[i], level + 1);
    }
    if (style_.is_indented && !list.items.empty()) new_line(level);
    text_.append("]");
  }

  void print_dict(const Dict& dict, std::size_t level) {
    auto entries = dict.entries;
    if (style_.sort_keys) sort(entries);
    text_.append("{");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      begin_item(i == 0, level);
      print_key(entries[i].first);
      text_.append(style_.key_separator);
      print(entries[i].second, level + 1);
    }
    if (style_.is_indented && !entries.empty()) new_line(level);
    text_.append("}");
  }

  void sort(std::vector<std::pair<Value, Value>>& entries) {
    for (const auto& entry : entries)
      if (!entry.first.text())
        run_.fail("tojson: found a key that is no text, expected texts when keys are sorted");
    std::stable_sort(entries.begin(), entries.end(), [](const auto& left, const auto& right) {
      return left.first.text()->bytes < right.first.text()->bytes;
    });
  }

  void print_key(const Value& key) {
    if (key.list() || key.object() || key.is_undefined())
      run_.fail(format("tojson: found a {} as a key, expected a text or number", key.type_name()));
    if (key.text()) return print(key, 0);
    text_.append("\"");
    print(key, 0);
    text_.append("\"");
  }

  Run& run_;
  const JsonStyle& style_;
  Text text_;
};

}  // namespace

std::string float_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto written = [&](std::chars_format style) {
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, style).ptr;
    return std::string(buffer, end);
  };
  const std::string shown = written(std::chars_format::scientific);
  const auto e = shown.find('e');
  const int exponent = std::stoi(shown.substr(e + 1));
  if (exponent >= -4 && exponent < 16) {
    const std::string fixed = written(std::chars_format::fixed);
    return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
  }
  return format("{}e{}{:02}", shown.substr(0, e), exponent < 0 ? '-' : '+', std::abs(exponent));
}

Value to_text(Run& run, const Value& value) {
  if (value.is_text()) return value;
  Printer printer(run);
  printer.print(value, false);
  return run.text(printer.take());
}

Value to_repr(Run& run, const Value& value) {
  Printer printer(run);
  printer.print(value, true);
  return run.text(printer.take());
}

Value to_json(Run& run, const Value& value, const JsonStyle& style) {
  JsonPrinter printer(run, style);
  printer.print(value, 0);
  return run.text(printer.take());
}

}  // namespace sqpsych::jinja
