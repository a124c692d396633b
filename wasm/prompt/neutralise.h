// Keeps what a text says from passing for what a template writes: the model's special tokens and role markers.
//
// A marker in a text is broken by one blank, which everybody sees: behind the punctuation it begins with
// (`<|im_start|>` -> `<| im_start|>`, `[/INST]` -> `[/ INST]`), or before its last character where it begins with a
// letter or has a blank behind that punctuation (`USER:` -> `USER :`, `### Instruction:` -> `### Instruction :`).
// Markers that overlap or come about by the blank are broken too, so that the result has none: doing it twice changes
// nothing more.
//
// Taken for a marker: its characters, ASCII letters in either case, and for a blank in it any blanks and tabs or
// none. What begins with a letter or digit counts in other case only at the start of a line, since `user:` within a
// sentence is a word and `USER:` is what the model was trained on. Each also counts as the beginning of something
// longer: `<|reserved_special_token_` stands for all of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/code_points.h"

namespace tierwise::prompt {

// Of one set; what is longer or comes later is not looked for. White space around a marker is no part of it, and
// one without two characters side by side to put a blank between is none.
inline constexpr std::size_t kMostMarkers = 2048;
inline constexpr std::size_t kMostMarkerBytes = 128;

class Markers {
 public:
  explicit Markers(const std::vector<std::string_view>& markers);
  Markers(const Markers&) = delete;
  Markers& operator=(const Markers&) = delete;

  // Whether anything was changed. Time grows with the size of the text, not with the number of markers.
  bool neutralise(std::string& text) const;
  // Where one is the beginning of another, both count.
  std::size_t count(std::string_view text) const;
  // Takes those out that stand in the text letter for letter, the longest at each place; how many there were.
  std::size_t take_out(std::string& text) const;
  // At which ends a text could be part of a marker with what a template writes beside it, stripped or not: it ends
  // with the beginning of one, begins with the end of one, or is inside one. Where so much was looked at that it takes
  // too long, at both.
  unsigned open_sides(std::string_view text) const;

 private:
  struct Pattern {
    std::string_view folded;  // ASCII letters small, one blank for white space or none
    std::string_view exact;
    std::size_t gap;  // bytes before the place of the blank; 0: before the last character
  };
  struct Match {
    std::size_t end = 0;  // 0: none
    std::size_t gap = 0;
  };

  enum class Which : std::uint8_t { kShortest, kLongestExact };
  // The one that begins there; `all`: counts all of them instead.
  Match match(std::string_view text, std::size_t at, Which which, std::size_t* all = nullptr) const;
  bool may_begin(char c) const { return begins_[static_cast<std::uint8_t>(c)] != 0; }
  unsigned sides_as_it_is(std::string_view text) const;

  // Bytes that open_sides may look at in all: a tenth of a second or two.
  static constexpr std::size_t kMostWork = 100'000'000;

  mutable std::size_t work_ = 0;
  std::string texts_;
  // Sorted by `folded`; those that begin with byte b stand from first_[b] on.
  std::vector<Pattern> patterns_;
  std::array<std::uint16_t, 257> first_ = {};
  // Whether a pattern begins with this byte, in either case.
  std::array<std::uint8_t, 256> begins_ = {};
};

// What a template writes itself and looks like a marker: <...>, <<...>>, <|...|>, <｜...｜> without white space, [NAME]
// in capitals, "### Words:", a role and a colon at the start of a line ("USER:"), and where a text ends within one
// (`'<|' ~ message.role`) its beginning with each role. Each once. Empty for a template that has an error.
std::vector<std::string> markers_of_template(std::string_view source);

}  // namespace tierwise::prompt
