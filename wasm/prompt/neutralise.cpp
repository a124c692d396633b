#include "prompt/neutralise.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/text.h"
#include "base/words.h"
#include "prompt/lexer.h"
#include "prompt/runtime.h"

namespace tierwise::prompt {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_word_byte(char c) { return is_alphanumeric(c) || static_cast<std::uint8_t>(c) >= 0x80; }
constexpr bool continues(char c) { return (static_cast<std::uint8_t>(c) & 0xC0U) == 0x80U; }

// Of the character that ends at `end`.
std::size_t start_of_last(std::string_view text, std::size_t end) {
  do --end;
  while (end > 0 && continues(text[end]));
  return end;
}

bool at_line_start(std::string_view text, std::size_t at) {
  while (at > 0 && is_blank(text[at - 1])) --at;
  return at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r';
}

constexpr std::size_t kNoGap = std::string_view::npos;

// As Pattern::gap; kNoGap where nothing can be broken.
std::size_t gap_of(std::string_view folded) {
  std::size_t lead = 0;
  while (lead < folded.size() && !is_word_byte(folded[lead]) && folded[lead] != ' ') ++lead;
  if (lead > 0 && lead < folded.size() && folded[lead] != ' ') return lead;
  const std::size_t last = start_of_last(folded, folded.size());
  if (last > 0 && folded[last - 1] != ' ') return 0;
  std::size_t first = 1;
  while (first < folded.size() && continues(folded[first])) ++first;
  return first < last && folded[first] != ' ' ? first : kNoGap;
}

}  // namespace

Markers::Markers(const std::vector<std::string_view>& markers) {
  std::size_t bytes = 0;
  for (const std::string_view marker : markers) bytes += marker.size();
  // Never moved: the patterns look into it.
  texts_.reserve(3 * bytes);
  for (const std::string_view marker : markers) {
    const std::string_view given = strip(marker, kBoth);
    if (given.empty() || given.size() > kMostMarkerBytes) continue;
    const auto piece = [&](auto write) {
      const std::size_t begin = texts_.size();
      write();
      return std::string_view(texts_).substr(begin);
    };
    const std::string_view exact = piece([&] { texts_ += given; });
    for (const bool blanks : {true, false}) {
      const std::string_view folded = piece([&] {
        for (std::size_t at = 0; at < given.size(); ++at) {
          if (!is_blank(given[at])) texts_ += lower_case(given[at]);
          if (is_blank(given[at]) && blanks && !is_blank(given[at - 1])) texts_ += ' ';
        }
      });
      const std::size_t gap = gap_of(folded);
      if (gap != kNoGap && patterns_.size() < 2 * kMostMarkers) patterns_.push_back({folded, exact, gap});
      if (folded.find(' ') == std::string_view::npos) break;
    }
  }
  // As std::sort, in a fifth of the code.
  const auto before = [](const Pattern& a, const Pattern& b) { return a.folded < b.folded; };
  std::make_heap(patterns_.begin(), patterns_.end(), before);
  std::sort_heap(patterns_.begin(), patterns_.end(), before);
  for (const Pattern& pattern : patterns_) ++first_[static_cast<std::uint8_t>(pattern.folded.front()) + 1U];
  for (std::size_t byte = 0; byte < 256; ++byte)
    first_[byte + 1] = static_cast<std::uint16_t>(first_[byte + 1] + first_[byte]);
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const auto small = static_cast<std::uint8_t>(lower_case(static_cast<char>(byte)));
    begins_[byte] = first_[small] < first_[small + 1U] ? 1 : 0;
  }
}

Markers::Match Markers::match(std::string_view text, std::size_t at, Which which, std::size_t* all) const {
  Match found;
  const auto head = static_cast<std::uint8_t>(lower_case(text[at]));
  // Those that agree with the text so far.
  std::size_t low = first_[head];
  std::size_t high = first_[head + 1U];
  std::size_t end = at;
  for (std::size_t depth = 1; low < high; ++depth) {
    const bool blank = is_blank(text[end++]);
    while (blank && end < text.size() && is_blank(text[end])) ++end;
    for (; low < high && patterns_[low].folded.size() == depth; ++low) {
      const Pattern& pattern = patterns_[low];
      if (is_alphanumeric(text[at]) && text.substr(at, end - at) != pattern.exact && !at_line_start(text, at)) continue;
      if (all != nullptr) {
        ++*all;
        continue;
      }
      if (which == Which::kLongestExact) {
        if (text.substr(at, end - at) == pattern.exact) found.end = end;
        continue;
      }
      return {end, pattern.gap > 0 ? at + pattern.gap : start_of_last(text, end)};
    }
    if (end == text.size()) break;
    const auto next = static_cast<std::uint8_t>(is_blank(text[end]) ? ' ' : lower_case(text[end]));
    const auto byte_of = [&](std::size_t one) { return static_cast<std::uint8_t>(patterns_[one].folded[depth]); };
    if (low < high && byte_of(low) == next && byte_of(high - 1) == next) continue;
    const auto place = patterns_.begin();
    const auto none_before = [&](std::size_t from, unsigned byte) {
      const auto is_before = [=](const Pattern& pattern) {
        return static_cast<std::uint8_t>(pattern.folded[depth]) < byte;
      };
      const auto first = std::partition_point(place + static_cast<std::ptrdiff_t>(from),
                                              place + static_cast<std::ptrdiff_t>(high), is_before);
      return static_cast<std::size_t>(first - place);
    };
    low = none_before(low, next);
    high = none_before(low, next + 1U);
  }
  return found;
}

bool Markers::neutralise(std::string& text) const {
  for (bool changed = false;; changed = true) {
    std::string broken;
    std::size_t copied = 0;
    for (std::size_t at = 0; at < text.size();) {
      if (!may_begin(text[at])) {
        ++at;
        continue;
      }
      const Match found = match(text, at, Which::kShortest);
      at = found.end == 0 ? at + 1 : found.gap;
      if (found.end == 0) continue;
      broken.append(text, copied, at - copied);
      broken += ' ';
      copied = at;
    }
    if (copied == 0) return changed;
    broken.append(text, copied);
    text.swap(broken);
  }
}

std::size_t Markers::count(std::string_view text) const {
  std::size_t found = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (may_begin(text[at])) match(text, at, Which::kShortest, &found);
  }
  return found;
}

std::size_t Markers::take_out(std::string& text) const {
  std::string rest;
  std::size_t count = 0;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = may_begin(text[at]) ? match(text, at, Which::kLongestExact).end : 0;
    if (end == 0) {
      ++at;
      continue;
    }
    rest.append(text, copied, at - copied);
    copied = at = end;
    ++count;
  }
  if (count == 0) return 0;
  rest.append(text, copied);
  text.swap(rest);
  return count;
}

unsigned Markers::open_sides(std::string_view text) const {
  const std::string_view stripped = strip(text, kBoth);
  return sides_as_it_is(stripped) | (stripped.size() == text.size() ? 0U : sides_as_it_is(text));
}

unsigned Markers::sides_as_it_is(std::string_view text) const {
  unsigned sides = 0;
  if (text.empty()) return sides;
  for (const Pattern& pattern : patterns_) {
    const std::string_view marker = pattern.exact;
    work_ += marker.size();
    if (work_ > kMostWork) return kBoth;
    for (std::size_t cut = 1; cut < marker.size(); ++cut) {
      if (marker[cut] == text.front()) {
        const std::size_t common = std::min(marker.size() - cut, text.size());
        work_ += common / 8;
        if (marker.compare(cut, common, text, 0, common) == 0) sides |= cut + common < marker.size() ? kBoth : kLeft;
      }
      if (marker[cut - 1] == text.back() && cut <= text.size()) {
        work_ += cut / 8;
        if (marker.compare(0, cut, text, text.size() - cut, cut) == 0) sides |= kRight;
      }
    }
  }
  return sides;
}

namespace {

constexpr std::string_view kSpeakers = "user assistant system tool human developer model bot";
constexpr std::size_t kSpeakerCount = 8;
constexpr std::size_t kMostName = 64;

// What looks like a marker in one text that a template writes.
class Literal {
 public:
  Literal(std::string_view text, std::vector<std::string>& found) : text_(text), found_(found) {}

  void read() {
    for (std::size_t at = 0; at < text_.size(); ++at) {
      if (text_[at] == '<' || text_[at] == '[') {
        read_bracket(at);
        if (text_.substr(at, 2) == "<<") ++at;
      } else if (at == 0 || is_white(text_[at - 1])) {
        text_[at] == '#' ? read_heading(at) : read_role(at);
      }
    }
  }

 private:
  void add(std::string marker) {
    if (found_.size() >= kMostMarkers || std::find(found_.begin(), found_.end(), marker) != found_.end()) return;
    found_.push_back(std::move(marker));
  }

  void add_to(std::size_t begin, std::size_t end) { add(std::string(text_.substr(begin, end - begin))); }

  void read_bracket(std::size_t at) {
    const bool angle = text_[at] == '<';
    const std::size_t begin = at + (text_.substr(at, 2) == "<<" ? 2 : 1);
    bool has_letter = false;
    std::size_t end = begin;
    for (; end < text_.size() && text_[end] != (angle ? '>' : ']'); ++end) {
      const char c = text_[end];
      const bool wrong = angle ? is_white(c) || std::string_view("<\"'`{}()\\").find(c) != std::string_view::npos
                               : (c >= 'a' && c <= 'z') || !(is_alphanumeric(c) || c == '_' || c == '/');
      if (wrong || end - begin == kMostName) return;
      has_letter = has_letter || is_letter(c);
    }
    const std::size_t behind = end + (begin - at);
    if (end < text_.size()) {
      if (has_letter && behind <= text_.size() && text_[behind - 1] == text_[end]) add_to(at, behind);
    } else if (angle && has_letter) {
      add_to(at, end);
    } else if (angle) {
      for (std::size_t role = 0; role < kSpeakerCount; ++role)
        add(std::string(text_.substr(at)).append(word_at(kSpeakers, role)));
    }
  }

  void read_heading(std::size_t at) {
    std::size_t end = std::min(text_.find_first_not_of('#', at), text_.size());
    const bool heading = end - at >= 2 && end < text_.size() && text_[end] == ' ';
    while (end < text_.size() && (is_alphanumeric(text_[end]) || text_[end] == ' ') && end - at < kMostName) ++end;
    if (heading && end < text_.size() && text_[end] == ':') add_to(at, end + 1);
  }

  void read_role(std::size_t at) {
    std::size_t end = at;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    if (end == text_.size() || text_[end] != ':') return;
    if (has_word(kSpeakers, lower_case(text_.substr(at, end - at)))) add_to(at, end + 1);
  }

  std::string_view text_;
  std::vector<std::string>& found_;
};

}  // namespace

std::vector<std::string> markers_of_template(std::string_view source) {
  std::vector<std::string> found;
  const std::string lines = normal_lines(source);
  Arena arena(kMaxRenderBytes);
  std::vector<Token> tokens;
  if (lex(lines, arena, tokens) != nullptr) return found;
  for (const Token& token : tokens) {
    if (token.type == TokenType::kData || token.type == TokenType::kText) Literal(token.text, found).read();
  }
  return found;
}

}  // namespace tierwise::prompt
