// A prompt's words as they are written: where they begin and end, in lower case, with what stands between
// them that matters (the ends of sentences and clauses, quotation marks). No knowledge of any language but
// its letters' case in Latin scripts: texts in others are compared as they are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cache/guard/texts.h"

namespace tierwise::guard {

enum class Pause : std::uint8_t { kNone, kComma, kColon, kEnd, kQuestion };

struct RawWord {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string_view text;       // of RawWords::texts
  Pause pause = Pause::kNone;  // behind it
  bool starts = false;         // a sentence, or what stands in quotation marks
  bool capital = false;        // begins with a capital letter
  bool odd = false;            // digits and letters mixed, or capitals inside: an abbreviation, a name, code
  bool literal = false;        // in quotation marks or backticks
  bool symbol = false;
  bool owner = false;  // had a possessive 's
};

struct RawWords {
  std::vector<RawWord> words;
  std::size_t foreign = 0;  // letters of other scripts than Latin
  std::size_t letters = 0;
  bool cut = false;
  Texts texts;
};

RawWords read_words(std::string_view text, std::size_t max_bytes, std::size_t max_words);

}  // namespace tierwise::guard
