#include "data/datasets/scripts.h"

#include <utf8proc.h>

namespace sqpsych {

namespace {

struct ScriptBlock {
  char32_t first;
  char32_t last;
  const char* script;
};

constexpr ScriptBlock kBlocks[] = {
    {0x0041, 0x024F, "latin"},     {0x0250, 0x02AF, "latin"},    {0x1E00, 0x1EFF, "latin"},
    {0x2C60, 0x2C7F, "latin"},     {0xA720, 0xA7FF, "latin"},    {0xFB00, 0xFB06, "latin"},
    {0xFF21, 0xFF5A, "latin"},     {0x0370, 0x03FF, "greek"},    {0x1F00, 0x1FFF, "greek"},
    {0x0400, 0x052F, "cyrillic"},  {0x1C80, 0x1C8F, "cyrillic"}, {0x2DE0, 0x2DFF, "cyrillic"},
    {0xA640, 0xA69F, "cyrillic"},  {0x0590, 0x05FF, "hebrew"},   {0xFB1D, 0xFB4F, "hebrew"},
    {0x0600, 0x06FF, "arabic"},    {0x0750, 0x077F, "arabic"},   {0x08A0, 0x08FF, "arabic"},
    {0xFB50, 0xFDFF, "arabic"},    {0xFE70, 0xFEFF, "arabic"},   {0x0900, 0x097F, "devanagari"},
    {0x0E00, 0x0E7F, "thai"},      {0x3040, 0x30FF, "kana"},     {0x31F0, 0x31FF, "kana"},
    {0xFF66, 0xFF9F, "kana"},      {0x1100, 0x11FF, "hangul"},   {0x3130, 0x318F, "hangul"},
    {0xAC00, 0xD7AF, "hangul"},    {0x2E80, 0x2FDF, "chinese"},  {0x3005, 0x3007, "chinese"},
    {0x3400, 0x4DBF, "chinese"},   {0x4E00, 0x9FFF, "chinese"},  {0xF900, 0xFAFF, "chinese"},
    {0x20000, 0x323AF, "chinese"},
};

bool is_letter(char32_t letter) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(letter))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return true;
    default:
      return false;
  }
}

}  // namespace

const char* script_of(char32_t letter) {
  if (!is_letter(letter)) return "";
  for (const auto& block : kBlocks)
    if (letter >= block.first && letter <= block.last) return block.script;
  return "other";
}

}  // namespace sqpsych
