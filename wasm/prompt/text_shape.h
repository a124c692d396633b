// What a text is made of, as far as tokenizers care: how often each of a fixed set of small events happens in
// it (a word begins after a space, its fourth letter follows, a second space, a digit that begins a group of
// three, a further Cyrillic letter, ...). Tokenizers split text at such places before they look anything up,
// so that sums over these counts come near to what they count (tokens.h).
//
// Linear in the size, constant memory, the same on every platform; any bytes are accepted: those that begin
// no UTF-8 character are an event of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tierwise::prompt {

// Scripts and kinds of characters outside ASCII. Of each, the first of a run and the further ones are told
// apart.
enum class Script : std::uint8_t {
  kLatin,         // letters with diacritics, U+00C0..024F; they continue words of ASCII letters
  kLatinFurther,  // U+1E00..1EFF: Vietnamese
  kLatinSigns,    // U+0080..00BF, ×, ÷
  kMarks,         // combining diacritics, phonetic letters
  kGreek,
  kGreekPolytonic,
  kCyrillic,         // the letters of Russian
  kCyrillicFurther,  // of other languages
  kHebrew,
  kHebrewPoints,
  kArabic,
  kArabicFurther,  // of Persian, Urdu, ...; vowel signs
  kDevanagari,
  kIndic,
  kThai,
  kHangul,
  kKana,
  kHan,
  kCjkMarks,     // CJK punctuation, full width forms
  kPunctuation,  // U+2000..206F
  kSymbols,      // U+2070..2BFF but for what is below
  kBoxes,        // box drawing, blocks
  kEmoji,
  kEmojiJoiners,  // variation selectors, zero width joiner, skin tones
  kOtherTwo,      // other characters of two bytes (Armenian, Syriac, ...)
  kGeorgian,      // and Cherokee: three bytes a letter
  kEthiopic,
  kSoutheast,  // Sinhala, Lao, Tibetan, Burmese, Khmer
  kOtherThree,
  kOtherFour,
  kCount
};

// Events in ASCII text, by their place in TextShape.
namespace event {
inline constexpr std::size_t kRarities = 4;      // of a pair of letters, 0: common in words
inline constexpr std::size_t kLetterPlaces = 6;  // 2nd, 3rd, 4th, 5th or 6th, 7th or 8th, further letter
inline constexpr std::size_t kLetters = kRarities * kLetterPlaces;
inline constexpr std::size_t kWords = kLetters;       // a word begins: 8
inline constexpr std::size_t kDigits = kWords + 8;    // 6
inline constexpr std::size_t kSpaces = kDigits + 6;   // 7
inline constexpr std::size_t kLines = kSpaces + 7;    // line ends: 4
inline constexpr std::size_t kTabs = kLines + 4;      // 2
inline constexpr std::size_t kControls = kTabs + 2;   // 1
inline constexpr std::size_t kMarks = kControls + 1;  // 5 classes of punctuation, 4 places; repeated: 2nd, further
inline constexpr std::size_t kForeign = kMarks + 22;  // scripts: first, further
inline constexpr std::size_t kStray = kForeign + 2 * static_cast<std::size_t>(Script::kCount);
inline constexpr std::size_t kCount = kStray + 1;
}  // namespace event

using TextShape = std::array<std::uint32_t, event::kCount>;

// Of the first 4 GiB of `text`.
TextShape shape_of(std::string_view text);

}  // namespace tierwise::prompt
