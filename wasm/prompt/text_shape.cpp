#include "prompt/text_shape.h"

namespace tierwise::prompt {
namespace {

// What came before: nothing or a control, spaces, line ends, tabs, punctuation, the place in a group of
// digits, in a word, in a run of capitals; a letter that is not Latin.
enum State : std::uint8_t {
  kStart,
  kSpace,
  kSpaces,
  kManySpaces,
  kLine,
  kTab,
  kMark,
  kMarks,
  kDigit,
  kDigitTwo,
  kDigitThree,
  kForeign,
  kCapital,
  kCapitals,
  kLetter,  // the first of a word; then the second, ..., the ninth or a further one
  kLastLetter = kLetter + 8,
  kStates
};

enum Class : std::uint8_t {
  kLower,
  kUpper,
  kNumber,
  kBlank,
  kEnd,
  kTabulator,
  kControl,
  kStop,     // . ,
  kBracket,  // ( ) [ ] { } ; :
  kQuote,    // " ' `
  kJoin,     // _ - /
  kSign,     // the rest
  kRepeat,   // the same mark again
  kClasses
};

constexpr Class class_of(char c) {
  if (c >= 'a' && c <= 'z') return kLower;
  if (c >= 'A' && c <= 'Z') return kUpper;
  if (c >= '0' && c <= '9') return kNumber;
  if (c == ' ') return kBlank;
  if (c == '\n' || c == '\r') return kEnd;
  if (c == '\t') return kTabulator;
  if (c < ' ' || c == 0x7F) return kControl;
  for (const char in : {'.', ','})
    if (c == in) return kStop;
  for (const char in : {'(', ')', '[', ']', '{', '}', ';', ':'})
    if (c == in) return kBracket;
  for (const char in : {'"', '\'', '`'})
    if (c == in) return kQuote;
  for (const char in : {'_', '-', '/'})
    if (c == in) return kJoin;
  return kSign;
}

struct Step {
  std::uint8_t event;
  std::uint8_t rarity;  // 3 where the rarity of the pair of letters is added to the event, else 0
  std::uint8_t next;
};

constexpr bool in_word(std::size_t state) { return state >= kForeign; }
constexpr bool after_space(std::size_t state) { return state >= kSpace && state <= kManySpaces; }
constexpr bool after_mark(std::size_t state) { return state == kMark || state == kMarks; }
constexpr bool after_digit(std::size_t state) { return state >= kDigit && state <= kDigitThree; }

constexpr std::size_t letter_place(std::size_t letters) {
  return letters <= 4 ? letters - 2 : letters <= 6 ? 3 : letters <= 8 ? 4 : 5;
}

constexpr Step step_of(std::size_t state, std::size_t of) {
  std::size_t happens = 0;
  std::size_t next = kStart;
  const bool joined = in_word(state) || after_digit(state);
  const std::size_t from = after_space(state) ? 0 : joined ? 1 : after_mark(state) ? 2 : 3;
  if (of == kLower) {
    if (state >= kLetter || state == kCapital) {
      next = state == kCapital ? kLetter + 1 : state == kLastLetter ? state : state + 1;
      happens = letter_place(next - kLetter + 1) * event::kRarities;
    } else {
      next = kLetter;
      happens = event::kWords;
      if (state == kCapitals) {
        happens += 7;
        next = kLetter + 1;
      } else {
        happens += after_space(state) ? 0 : after_digit(state) ? 4 : 2;
      }
    }
  } else if (of == kUpper) {
    next = state == kCapital || state == kCapitals ? kCapitals : kCapital;
    happens = event::kWords;
    happens += next == kCapitals    ? 6
               : state >= kLetter   ? 5
               : after_space(state) ? 1
               : after_digit(state) ? 4
                                    : 3;
  } else if (of == kNumber) {
    next = after_digit(state) && state != kDigitThree ? state + 1 : std::size_t{kDigit};
    happens = event::kDigits;
    happens += after_digit(state) ? 3 + (state - kDigit) : after_space(state) ? 0 : in_word(state) ? 1 : 2;
  } else if (of == kBlank) {
    next = after_space(state) ? (state == kSpace ? kSpaces : kManySpaces) : kSpace;
    happens = event::kSpaces;
    happens += after_space(state)   ? 4 + (state - kSpace)
               : in_word(state)     ? 0
               : after_mark(state)  ? 1
               : after_digit(state) ? 2
                                    : 3;
  } else if (of == kEnd) {
    next = kLine;
    happens = event::kLines + (state == kLine ? 2 : after_space(state) ? 3 : after_mark(state) ? 1 : 0);
  } else if (of == kTabulator) {
    next = kTab;
    happens = event::kTabs + (state == kTab ? 1 : 0);
  } else if (of == kControl) {
    happens = event::kControls;
  } else if (of == kRepeat) {
    next = kMarks;
    happens = event::kMarks + 20 + (state == kMarks ? 1 : 0);
  } else {
    next = after_mark(state) ? kMarks : kMark;
    happens = event::kMarks + (of - kStop) * 4 + from;
  }
  const std::uint8_t rarity = happens < event::kLetters ? event::kRarities - 1 : 0;
  return {static_cast<std::uint8_t>(happens), rarity, static_cast<std::uint8_t>(next)};
}

constexpr auto kSteps = [] {
  std::array<std::array<Step, kClasses>, kStates> steps{};
  for (std::size_t state = 0; state < kStates; ++state)
    for (std::size_t of = 0; of < kClasses; ++of) steps[state][of] = step_of(state, of);
  return steps;
}();

// Then the same where the byte before is the same too.
constexpr auto kClassOf = [] {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0; c < 128; ++c) {
    classes[c] = class_of(static_cast<char>(c));
    classes[c + 128] = classes[c] >= kStop ? std::uint8_t{kRepeat} : classes[c];
  }
  return classes;
}();

// How rare a pair of letters is inside tokens, 0 to 3: a row for each first letter, a to z, a digit for each
// second.
constexpr const char* kRarity[26] = {
#include "rarity.inc"
};

// Stands for a letter with a diacritic: what follows it is of rarity 2.
constexpr std::size_t kDiacritic = 27;

// Four to a byte.
constexpr auto kRarities = [] {
  std::array<std::uint8_t, 256> packed{};
  for (std::size_t first = 0; first < 26; ++first) {
    for (std::size_t second = 0; second < 26; ++second) {
      const std::size_t at = (first + 1) * 32 + second + 1;
      const int rarity = (kRarity[first][second] - '0') << (at % 4 * 2);
      packed[at / 4] = static_cast<std::uint8_t>(packed[at / 4] | rarity);
    }
  }
  for (std::size_t at = kDiacritic % 32 * 8; at < kDiacritic % 32 * 8 + 8; ++at) packed[at] = 0xAA;
  return packed;
}();

// The scripts by the last code point of each range, in order.
struct Range {
  std::uint16_t last;
  Script script;
};
constexpr Range kRanges[] = {
    {0x00BF, Script::kLatinSigns},     {0x024F, Script::kLatin},       {0x036F, Script::kMarks},
    {0x03FF, Script::kGreek},          {0x040F, Script::kCyrillicFurther},
    {0x044F, Script::kCyrillic},       {0x052F, Script::kCyrillicFurther},
    {0x058F, Script::kOtherTwo},       {0x05CF, Script::kHebrewPoints}, {0x05FF, Script::kHebrew},
    {0x064A, Script::kArabic},         {0x077F, Script::kArabicFurther},
    {0x08FF, Script::kOtherTwo},       {0x097F, Script::kDevanagari},  {0x0D7F, Script::kIndic},
    {0x0DFF, Script::kSoutheast},
    {0x0E7F, Script::kThai},           {0x109F, Script::kSoutheast},   {0x10FF, Script::kGeorgian},
    {0x11FF, Script::kOtherThree},     {0x139F, Script::kEthiopic},    {0x13FF, Script::kGeorgian},
    {0x177F, Script::kOtherThree},     {0x17FF, Script::kSoutheast},   {0x1DFF, Script::kOtherThree},
    {0x1EFF, Script::kLatinFurther},   {0x1FFF, Script::kGreekPolytonic},
    {0x200C, Script::kPunctuation},    {0x200D, Script::kEmojiJoiners},
    {0x206F, Script::kPunctuation},    {0x24FF, Script::kSymbols},     {0x259F, Script::kBoxes},
    {0x2BFF, Script::kSymbols},        {0x2FFF, Script::kOtherThree},  {0x303F, Script::kCjkMarks},
    {0x30FF, Script::kKana},           {0x4DFF, Script::kOtherThree},  {0x9FFF, Script::kHan},
    {0xABFF, Script::kOtherThree},     {0xD7AF, Script::kHangul},      {0xFAFF, Script::kOtherThree},
    {0xFDFF, Script::kArabicFurther},  {0xFE0F, Script::kEmojiJoiners}, {0xFE6F, Script::kOtherThree},
    {0xFEFF, Script::kArabicFurther},  {0xFFEF, Script::kCjkMarks},    {0xFFFF, Script::kOtherThree},
};

Script script_of(std::uint32_t code_point, std::size_t& near) {
  if (code_point > 0xFFFF) {
    if (code_point >= 0x1F3FB && code_point <= 0x1F3FF) return Script::kEmojiJoiners;
    return code_point >= 0x1F000 && code_point <= 0x1FAFF ? Script::kEmoji : Script::kOtherFour;
  }
  // Text stays in a script for long.
  if (code_point > kRanges[near].last || (near > 0 && code_point <= kRanges[near - 1].last)) {
    near = 0;
    while (code_point > kRanges[near].last) ++near;
  }
  return kRanges[near].script;
}

struct Character {
  std::uint32_t code_point;
  std::size_t bytes;  // 0: none begins here
};

// Overlong forms and surrogates are read as what they stand for: tokenizers see bytes too.
Character read_character(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(text[index]); };
  const std::uint8_t lead = byte(at);
  const std::size_t bytes = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (bytes == 0 || bytes > text.size() - at) return {0, 0};
  std::uint32_t code_point = lead & (0x7Fu >> bytes);
  for (std::size_t index = at + 1; index < at + bytes; ++index) {
    if ((byte(index) & 0xC0) != 0x80) return {0, 0};
    code_point = code_point << 6 | (byte(index) & 0x3F);
  }
  return {code_point, bytes};
}

}  // namespace

TextShape shape_of(std::string_view text) {
  TextShape counts{};
  std::size_t state = kStart;
  std::size_t previous = 0;  // the byte, in ASCII
  std::size_t script = 0;    // event of the script the text is in, 0: none
  std::size_t near = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t c = static_cast<std::uint8_t>(text[at]);
    if (c < 0x80) {
      // Without branches: what comes next is hard to foresee.
      const Step step = kSteps[state][kClassOf[c + std::size_t{c == previous} * 128]];
      const std::size_t pair = (previous & 31) * 32 + (c & 31);
      ++counts[step.event + (kRarities[pair / 4] >> (pair % 4 * 2) & step.rarity)];
      state = step.next;
      previous = c;
      script = 0;
      ++at;
      continue;
    }
    const Character character = read_character(text, at);
    if (character.bytes == 0) {
      ++counts[event::kStray];
      state = kStart;
      previous = script = 0;
      ++at;
      continue;
    }
    at += character.bytes;
    const Script found = script_of(character.code_point, near);
    const std::size_t first = event::kForeign + 2 * static_cast<std::size_t>(found);
    if (found <= Script::kLatinFurther) {
      ++counts[first + (state >= kCapital ? 1 : 0)];
      state = kSteps[state][kLower].next;
    } else {
      ++counts[first + (script == first ? 1 : 0)];
      state = kForeign;
    }
    script = first;
    previous = found <= Script::kLatinFurther ? kDiacritic : 0;
  }
  return counts;
}

}  // namespace tierwise::prompt
