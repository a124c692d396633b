#include "safety/marks.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/field_reader.h"
#include "base/text.h"

namespace tierwise::safety {
namespace {

constexpr std::size_t kMinDataUrl = 64;
constexpr std::size_t kMinBase64 = 256;
// A line that is shorter is the last of wrapped base64.
constexpr std::size_t kMinBase64Line = 60;
constexpr std::size_t kMaxMediaType = 100;
constexpr std::size_t kMaxSteps = 8;

// In the order of kHiddenReasons up to kTag; the higher one names a run of several.
enum Class : std::uint8_t {
  kVisible, kZeroWidth, kSelector, kInvisible, kBidi, kTag,
  kPunctuation,
  kEmoji,
  kIdeograph,  // each character is a word
  kJoined,     // scripts that are written with joiners: Hebrew to Mongolian, later ones of South and South-East Asia
};
constexpr std::string_view kHiddenReasons[] = {
    "", "zero-width characters", "variation selectors without a use", "invisible characters", "bidirectional controls",
    "tag characters",
};

struct Range {
  char32_t first;
  char32_t last : 24;
  char32_t of : 8;
};
// By their last character; where two hold a character the first counts.
constexpr Range kRanges[] = {
    {0xA9, 0xA9, kEmoji},           {0xAD, 0xAD, kZeroWidth},        {0xAE, 0xAE, kEmoji},
    {0x34F, 0x34F, kZeroWidth},     {0x61C, 0x61C, kZeroWidth},      {0x115F, 0x1160, kZeroWidth},
    {0x180B, 0x180F, kZeroWidth},   {0x590, 0x18AF, kJoined},        {0x1900, 0x1CFF, kJoined},
    {0x200B, 0x200F, kZeroWidth},   {0x202A, 0x202E, kBidi},         {0x203C, 0x203C, kEmoji},
    {0x2049, 0x2049, kEmoji},       {0x2060, 0x2064, kZeroWidth},    {0x2065, 0x2065, kInvisible},
    {0x2066, 0x2069, kBidi},        {0x206A, 0x206F, kInvisible},    {0x2000, 0x206F, kPunctuation},
    {0x2122, 0x2BFF, kEmoji},       {0x2E00, 0x2E7F, kPunctuation},  {0x2E80, 0x2FFF, kIdeograph},
    {0x3030, 0x3030, kEmoji},       {0x3000, 0x303F, kPunctuation},  {0x3164, 0x3164, kZeroWidth},
    {0x3297, 0x3299, kEmoji},       {0x3040, 0x9FFF, kIdeograph},    {0xA800, 0xABFF, kJoined},
    {0xF900, 0xFAFF, kIdeograph},   {0xFB1D, 0xFDFF, kJoined},       {0xFE00, 0xFE0F, kSelector},
    {0xFE10, 0xFE6F, kPunctuation}, {0xFEFF, 0xFEFF, kZeroWidth},    {0xFE70, 0xFEFE, kJoined},
    {0xFF61, 0xFF65, kPunctuation}, {0xFFA0, 0xFFA0, kZeroWidth},    {0xFF66, 0xFF9F, kIdeograph},
    {0xFFF0, 0xFFFB, kInvisible},   {0x10A00, 0x11FFF, kJoined},     {0x1BCA0, 0x1BCA3, kInvisible},
    {0x1D173, 0x1D17A, kInvisible}, {0x1F000, 0x1FBFF, kEmoji},      {0x20000, 0x3FFFF, kIdeograph},
    {0xE0000, 0xE007F, kTag},       {0xE0080, 0xE00FF, kInvisible},  {0xE0100, 0xE01EF, kSelector},
    {0xE01F0, 0xE0FFF, kInvisible},
};

Class class_of(char32_t c) {
  if (c < 0xA9) return kVisible;
  for (const Range& range : kRanges) {
    if (c <= range.last && c >= range.first) return static_cast<Class>(range.of);
  }
  return kVisible;
}

Class hidden(char32_t c) {
  const Class of = class_of(c);
  return of <= kTag ? of : kVisible;
}

bool is_ascii_word(char32_t c) { return c < 0x80 && is_alphanumeric(static_cast<char>(c)); }

// The letter that words are compared by; 0 for what stands between words.
char32_t folded(char32_t c) {
  // U+00C0 on; = and / for the signs of multiplication and division.
  constexpr std::string_view kLatin = "aaaaaaaceeeeiiiidnooooo=ouuuuypsaaaaaaaceeeeiiiidnooooo/ouuuuypy";
  if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
  if (c >= 0x1D400 && c <= 0x1D6A3) {
    const char32_t letter = (c - 0x1D400) % 52;
    c = 'a' + letter % 26;
  }
  if (c < 0x80) return is_ascii_word(c) ? static_cast<char32_t>(lower_case(static_cast<char>(c))) : 0;
  if (c < 0xC0 || class_of(c) == kPunctuation) return 0;
  if (c < 0x100) return folded(static_cast<unsigned char>(kLatin[c - 0xC0]));
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  if (c == 0x401 || c == 0x451) return 0x435;
  return c;
}

void append_utf8(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
    return;
  }
  int shift = c < 0x800 ? 6 : c < 0x10000 ? 12 : 18;
  const char32_t lead = shift == 6 ? 0xC0 : shift == 12 ? 0xE0 : 0xF0;
  text += static_cast<char>(lead | c >> shift);
  for (shift -= 6; shift >= 0; shift -= 6) text += static_cast<char>(0x80U | ((c >> shift) & 0x3FU));
}

struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0 at the end of the text
};

// A byte that belongs to no character is a character of its own that is like a blank.
Character character_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = character_bytes(text.substr(at));
  if (bytes == 0) return {' ', 1};
  char32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  return {code, bytes};
}

bool is_base64(char c) { return is_alphanumeric(c) || c == '+' || c == '/' || c == '-' || c == '_'; }

// The end of the base64 that begins at `at`; `varied`: it has small letters, capitals and digits.
std::size_t base64_end(std::string_view text, std::size_t at, bool& varied) {
  unsigned classes = 0;
  for (std::size_t line = at;;) {
    for (; at < text.size() && is_base64(text[at]); ++at) {
      classes |= is_digit(text[at]) ? 1U : text[at] >= 'a' ? 2U : is_letter(text[at]) ? 4U : 0U;
    }
    varied = classes == 7;
    std::size_t next = at;
    if (next < text.size() && text[next] == '\r') ++next;
    if (at - line < kMinBase64Line || next >= text.size() || text[next] != '\n') break;
    if (++next >= text.size() || !is_base64(text[next])) break;
    line = at = next;
  }
  while (at < text.size() && text[at] == '=') ++at;
  return at;
}

// The words of a text as patterns are compared with them.
struct Words {
  struct Word {
    std::size_t begin;    // in the text
    std::size_t end;
    std::size_t written;  // in `written`
  };

  // Adds a visible character and gives where the next one begins.
  std::size_t take(std::size_t at, Character here) {
    const std::size_t next = at + here.bytes;
    if (here.code >= 0x300 && here.code <= 0x36F) return next;  // accents of their own
    const char32_t letter = folded(here.code);
    const bool alone = class_of(letter) == kIdeograph;
    if (letter == 0 || alone) end();
    if (letter == 0) return next;
    if (!open) list.push_back({at, next, written.size()});
    open = true;
    list.back().end = next;
    append_utf8(written, letter);
    if (alone) end();
    return next;
  }

  void end() {
    if (open) written += ' ';
    open = false;
  }

  std::string written;  // folded, each with a blank behind it
  std::vector<Word> list;
  bool open = false;
};

}  // namespace

// One pass over a text.
class Scan {
 public:
  Scan(std::string_view text, bool strips, const Phrases& phrases) : text_(text), strips_(strips), phrases_(phrases) {}

  MarkedText run() {
    for (std::size_t at = 0; at < text_.size();) {
      const Character here = character_at(text_, at);
      if (hidden(here.code) != kVisible) {
        at = hidden_run(at);
      } else if (const std::size_t end = is_ascii_word(here.code) ? payload(at) : 0; end != 0) {
        at = end;
      } else {
        before_ = here.code;
        at = words_.take(at, here);
      }
    }
    words_.end();
    find_phrases();
    result_.text += text_.substr(copied_);
    return std::move(result_);
  }

 private:
  void mark(MarkKind kind, std::size_t begin, std::size_t end, std::string_view reason) {
    ++result_.found;
    if (++found_of_kind_[static_cast<std::size_t>(kind)] > kMaxMarksOfKind) return;
    auto& marks = result_.marks;
    marks.push_back({kind, begin, end - begin, reason});
    for (std::size_t i = marks.size() - 1; i > 0 && marks[i].offset < marks[i - 1].offset; --i) {
      std::swap(marks[i], marks[i - 1]);
    }
  }

  void replace(std::size_t begin, std::size_t end, std::string_view note) {
    if (!strips_) return;
    result_.text += text_.substr(copied_, begin - copied_);
    result_.text += note;
    copied_ = end;
  }

  // Marks the hidden characters that begin at `at` unless they belong there. They end no word.
  std::size_t hidden_run(std::size_t at) {
    const std::size_t begin = at;
    std::size_t count = 0;
    Class worst = kVisible;
    Character first;
    Character last;
    Character next = character_at(text_, at);
    for (Class kind; next.bytes > 0 && (kind = hidden(next.code)) != kVisible; next = character_at(text_, at)) {
      if (count++ == 0) first = next;
      last = next;
      worst = std::max(worst, kind);
      at += next.bytes;
    }
    const bool joins = last.code == 0x200C || last.code == 0x200D;
    const Class before = class_of(before_);
    bool belongs = false;
    if (worst == kTag) {
      // The flags of England, Scotland and Wales.
      belongs = before_ == 0x1F3F4 && count <= 7 && last.code == 0xE007F && first.code > 0xE0020;
    } else if (count == 1 && worst == kSelector) {
      const bool keycap = before_ >= '#' && before_ <= '9';
      belongs = before == kIdeograph || (first.code <= 0xFE0F && (keycap || before == kEmoji || before == kJoined));
    } else if (count == 1 && joins) {
      belongs = before == kJoined || before == kEmoji;
    } else if (count == 1 && worst == kZeroWidth) {
      belongs = first.code == 0xAD || !is_ascii_word(before_) || !is_ascii_word(next.code);
    } else if (count == 2 && worst == kSelector) {
      belongs = first.code == 0xFE0F && last.code == 0x200D && before == kEmoji;
    }
    if (!belongs) {
      mark(MarkKind::kHidden, begin, at, kHiddenReasons[worst]);
      replace(begin, at, "");
    }
    return at;
  }

  // The end of the payload that begins at `at`, 0 when none does.
  std::size_t payload(std::size_t at) {
    constexpr std::string_view kScheme = "data:";
    if (words_.open) return 0;
    if (lower_case(text_[at]) == 'd' && lower_case(text_.substr(at, kScheme.size())) == kScheme) {
      std::size_t begin = at + kScheme.size();
      while (begin < at + kMaxMediaType && is_visible_ascii(begin) && text_[begin] != ',') ++begin;
      if (begin < text_.size() && text_[begin] == ',') {
        bool varied = false;
        std::size_t end = base64_end(text_, ++begin, varied);
        while (is_visible_ascii(end) && text_[end] != '"') ++end;
        if (end - begin >= kMinDataUrl) return taken(at, end, "data: URL");
      }
    }
    if (at < looked_) return 0;
    bool varied = false;
    const std::size_t end = base64_end(text_, at, varied);
    looked_ = end;
    return varied && end - at >= kMinBase64 ? taken(at, end, "base64") : 0;
  }

  // The note holds nothing of the payload, which may say anything.
  std::size_t taken(std::size_t begin, std::size_t end, std::string_view what) {
    mark(MarkKind::kPayload, begin, end, what);
    const std::string size = digits(static_cast<std::int64_t>(end - begin));
    replace(begin, end, fill("[{} of {} characters left out]", {what, size}));
    before_ = ' ';
    return end;
  }

  bool is_visible_ascii(std::size_t at) const { return at < text_.size() && text_[at] > ' ' && text_[at] < '\x7f'; }

  // The word behind the pattern that begins at word `begin`; 0 when it does not.
  std::size_t end_of(const char* pattern, std::size_t begin) const {
    // Bit n: what was read so far may end before word begin + n. What is longer than 63 words is not found.
    std::uint64_t ends = 1;
    while (*pattern != '\n') {
      for (char gap = *pattern++; gap > '0'; --gap) ends |= ends << 1;
      const char* const step = pattern;
      while (*pattern++ != '\n') {
      }
      std::uint64_t next = 0;
      for (std::size_t n = 0; n < 64 && begin + n < words_.list.size(); ++n) {
        if ((ends >> n & 1U) == 0) continue;
        const std::string_view from = std::string_view(words_.written).substr(words_.list[begin + n].written);
        for (std::size_t at = 0; step[at] != '\n';) {
          // One alternative: its words, and | behind it.
          std::size_t same = 0;
          while (step[at + same] != '|' && same < from.size() && step[at + same] == from[same]) ++same;
          const bool stands = step[at + same] == '|';
          std::size_t behind = n;
          for (; step[at] != '|'; ++at) behind += step[at] == ' ' || step[at + 1] == '|' ? 1 : 0;
          ++at;
          if (stands && behind < 64) next |= std::uint64_t{1} << behind;
        }
      }
      if (next == 0) return 0;
      ends = next;
    }
    std::size_t n = 1;
    while ((ends >> n & 1U) == 0) ++n;
    return begin + n;
  }

  void find_phrases() {
    for (std::size_t word = 0; word < words_.list.size();) {
      std::size_t next = word + 1;
      const std::string_view from = std::string_view(words_.written).substr(words_.list[word].written);
      for (std::size_t i = phrases_.chains_[Phrases::bucket(from)]; i != 0; i = phrases_.beginnings_[i].next) {
        const Phrases::Beginning& pattern = phrases_.beginnings_[i];
        if (const std::size_t end = end_of(phrases_.steps_.data() + pattern.steps, word); end != 0) {
          std::string_view reason = std::string_view(phrases_.steps_).substr(pattern.reason);
          reason = reason.substr(0, reason.find('\n'));
          mark(MarkKind::kPhrase, words_.list[word].begin, words_.list[end - 1].end, reason);
          next = end;
          break;
        }
      }
      word = next;
    }
  }

  std::string_view text_;
  bool strips_;
  const Phrases& phrases_;
  MarkedText result_;
  std::array<std::size_t, 3> found_of_kind_ = {};
  std::size_t copied_ = 0;  // of text_, into the result
  std::size_t looked_ = 0;  // no base64 begins before
  char32_t before_ = ' ';   // the visible character before
  Words words_;
};

std::size_t Phrases::bucket(std::string_view words) {
  const auto byte = [words](std::size_t at) { return static_cast<unsigned char>(at < words.size() ? words[at] : ' '); };
  return (byte(0) * 7U + byte(1)) % 256;
}

bool Phrases::add(std::string_view text, std::size_t reason) {
  const auto begin = static_cast<std::uint32_t>(steps_.size());
  std::size_t count = 0;
  char gap = '0';
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.substr(0, 1) == "~") {
      if (part.size() != 2 || !is_digit(part[1]) || count == 0) return false;
      gap = part[1];
      continue;
    }
    steps_ += gap;
    gap = '0';
    for (bool more = true; more;) {
      std::string_view one = part.substr(0, part.find('|'));
      more = one.size() < part.size();
      part.remove_prefix(one.size() + (more ? 1 : 0));
      Words words;
      for (std::size_t at = 0; at < one.size();) at = words.take(at, character_at(one, at));
      words.end();
      if (words.written.empty() || (one.back() == '*' && words.written.size() < 3)) return false;
      if (one.back() == '*') words.written.pop_back();
      if (count == 0) {
        std::uint32_t& chain = chains_[bucket(words.written)];
        if (chain == 0 || beginnings_[chain].steps != begin) {
          beginnings_.push_back({begin, static_cast<std::uint32_t>(reason), chain});
          chain = static_cast<std::uint32_t>(beginnings_.size() - 1);
        }
      }
      steps_ += words.written;
      steps_ += '|';
    }
    steps_ += '\n';
    ++count;
  }
  steps_ += '\n';
  return count > 0 && count <= kMaxSteps && gap == '0' && steps_.size() <= kMaxPatternBytes;
}

bool Phrases::add_all(const json& group) {
  const std::size_t reason = steps_.size();
  const std::string_view words = string_or_empty(group, "reason");
  const json* patterns = find_member(group, "patterns");
  if (words.empty() || patterns == nullptr || !patterns->is_array()) return false;
  steps_ += words;
  steps_ += '\n';
  for (const json& one : elements_of(*patterns)) {
    const std::string* text = string_in(one);
    if (text == nullptr || !add(*text, reason)) return false;
  }
  return true;
}

Result<Done> Phrases::configure(const json& config) {
  const json* groups = find_member(config, "phrases");
  if (groups == nullptr || !groups->is_array()) return bad_field("phrases", "a list", "invalid-config");
  Phrases made;
  std::int64_t read = 0;
  for (const json& group : elements_of(*groups)) {
    if (!made.add_all(group)) {
      return bad_field(fill("phrases[{}]", {digits(read)}), "a reason and patterns", "invalid-config");
    }
    ++read;
  }
  *this = std::move(made);
  return Done();
}

Result<MarkedText> apply_marks(std::string_view text, Policy policy, const Phrases& phrases, std::string_view field) {
  MarkedText marked = Scan(text, policy == Policy::kStrip, phrases).run();
  if (policy != Policy::kRefuse || marked.marks.empty()) return marked;
  const Mark& first = marked.marks.front();
  const std::string complaint = fill(
      "holds what may be meant for the model and not for people: {}, at byte {}. Take it out, or choose the policy "
      "mark or strip.",
      {first.reason, digits(static_cast<std::int64_t>(first.offset))});
  return refusal("marked-text", field, complaint);
}

}  // namespace tierwise::safety
