// What BERT's uncased tokenizer knows of Unicode, equal to PyPI `tokenizers` (versions: scripts/unicode-tables.py, which
// writes unicode_tables.inc). Unpacked once, in a fraction of a millisecond, into 65 KB.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tierwise::embed {

enum class Kind : std::uint8_t {
  kLetter,  // whatever else words are made of
  kDropped,
  kSpace,
  kPunctuation,
  kMark,         // a nonspacing mark: an accent, which falls away
  kStayingMark,  // a mark that stays, and that Unicode puts into order with others
};

class Unicode {
 public:
  Unicode();

  // Of any number: what is no code point is a letter.
  Kind kind(std::uint32_t code_point) const {
    return code_point < kFlat ? kinds_[code_point] : static_cast<Kind>(value_of(kind_edges_, code_point));
  }
  // Decomposed, without its accents and in lower case, where that is one code point; kSeveral where it is more.
  // Not of Hangul syllables.
  std::uint32_t fold(std::uint32_t code_point) const {
    return code_point < kFlat ? folds_[code_point] : rare_fold(code_point);
  }
  static constexpr std::uint32_t kSeveral = 0;
  // What a letter becomes whose fold is kSeveral, in UTF-8.
  std::string_view long_fold(std::uint32_t code_point) const;
  // The canonical combining class of marks, or of what a mark decomposes into; 0 for all others.
  std::uint8_t combining_class(std::uint32_t code_point) const { return value_of(class_edges_, code_point); }

  // Set apart as a word of its own. The ranges are those of BERT's sources.
  static bool is_han(std::uint32_t code_point);

 private:
  // Alphabets, and the most of punctuation.
  static constexpr std::uint32_t kFlat = 0x3100;

  // From `from` to the next edge.
  struct Edge {
    std::uint32_t from;
    std::uint8_t value;
  };
  struct Fold {
    std::uint32_t from;
    std::uint32_t to;
  };

  static std::vector<Edge> edges_of(std::string_view gaps, std::string_view lengths, std::string_view values);
  static std::uint8_t value_of(const std::vector<Edge>& edges, std::uint32_t code_point);
  std::uint32_t rare_fold(std::uint32_t code_point) const;

  std::array<Kind, kFlat> kinds_;
  std::array<std::uint16_t, kFlat> folds_;
  std::vector<Edge> kind_edges_;
  std::vector<Edge> class_edges_;
  std::vector<Fold> rare_folds_;
};

}  // namespace tierwise::embed
