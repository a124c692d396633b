#include "prompt/code_points.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace tierwise::prompt {
namespace {

#include "prompt/case_tables.inc"

constexpr std::uint32_t kSigma = 0x3A3;
constexpr std::uint32_t kFinalSigma = 0x3C2;

enum Ways : std::uint32_t { kLowers = 1, kUppers = 2 };

// Letters from `first` to `last`, `step` apart, become themselves + `distance`, those + `distance` themselves, as far
// as `ways` says.
struct CaseRun {
  std::uint32_t first;
  std::uint32_t last;
  std::uint32_t step;
  std::uint32_t ways;
  std::uint32_t distance;
};
struct CaseRuns {
  std::array<CaseRun, 256> run;
  std::size_t size = 0;

  CaseRuns() {
    read(kBothWays, kLowers | kUppers);
    read(kToLower, kLowers);
    read(kToUpper, kUppers);
  }
  void read(std::string_view packed, std::uint32_t ways) {
    std::uint32_t last = 0;
    for (std::size_t at = 0; at < packed.size();) {
      std::uint32_t numbers[3] = {};
      for (std::uint32_t& number : numbers) {
        unsigned shift = 0;
        do {
          number |= (static_cast<std::uint8_t>(packed[at]) & 0x7FU) << shift;
          shift += 7;
        } while ((static_cast<std::uint8_t>(packed[at++]) & 0x80) != 0);
      }
      const std::uint32_t step = (numbers[1] & 1) + 1;
      const std::uint32_t distance = (numbers[2] & 1) != 0 ? 0 - (numbers[2] >> 1) : numbers[2] >> 1;
      const std::uint32_t first = last + numbers[0];
      last = first + (numbers[1] >> 1) * step;
      // Of those that become large only the small ones stand there.
      const std::uint32_t moved = ways == kUppers ? distance : 0;
      run[size++] = {first + moved, last + moved, step, ways, moved == 0 ? distance : 0 - distance};
    }
  }
};

std::uint32_t mapped(std::uint32_t code_point, std::uint32_t way) {
  // No script of these has two cases.
  if (code_point >= 0x2D30 && code_point < 0xA640) return code_point;
  static const CaseRuns kRuns;
  for (std::size_t i = 0; i < kRuns.size; ++i) {
    const CaseRun& run = kRuns.run[i];
    const std::uint32_t from = code_point - (way == kLowers ? 0 : run.distance);
    if (from < run.first || from > run.last || (run.ways & way) == 0 || (from - run.first) % run.step != 0) continue;
    return from + (way == kLowers ? run.distance : 0);
  }
  return code_point;
}

std::uint32_t lower_of(std::uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return mapped(c, kLowers);
}
std::uint32_t upper_of(std::uint32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  return mapped(c, kUppers);
}

// What the letter becomes where that is more than one: "ß" -> "SS".
std::string_view long_upper(std::uint32_t code_point) {
  // Where there are any.
  if (code_point < 0xDF || code_point > 0xFB17 || (code_point > 0x1FFF && code_point < 0xFB00)) return {};
  if (code_point < 0x1E96 && code_point != 0xDF && code_point != 0x149 && code_point != 0x1F0 && code_point != 0x390 &&
      code_point != 0x3B0 && code_point != 0x587) {
    return {};
  }
  std::string letter;
  append_code_point(letter, code_point);
  for (std::size_t at = 0; at < kLongUpper.size();) {
    const std::size_t end = kLongUpper.find(' ', at);
    const std::string_view row = kLongUpper.substr(at, end - at);
    if (row.substr(0, letter.size()) == letter) return row.substr(letter.size());
    at = end + 1;
  }
  return {};
}

void append_lower(std::string& out, std::string_view text, std::size_t begin, std::size_t at, std::uint32_t c) {
  if (c == kSigma) {
    // At the end of a word (Unicode's Final_Sigma, by letters that have a case).
    std::size_t next = at;
    const std::uint32_t after = at < text.size() ? next_code_point(text, next) : 0;
    std::size_t place = begin > 0 ? previous(text, begin) : 0;
    const std::uint32_t before = begin > 0 ? next_code_point(text, place) : 0;
    const bool cased_before = is_upper(before) || is_lower(before);
    const bool cased_after = is_upper(after) || is_lower(after);
    append_code_point(out, cased_before && !cased_after ? kFinalSigma : 0x3C3);
    return;
  }
  if (c == 0x130) {
    // The one letter that becomes two when it is made small.
    out += "i\xCC\x87";
    return;
  }
  append_code_point(out, lower_of(c));
}

void append_upper(std::string& out, std::uint32_t c) {
  if (const std::string_view more = long_upper(c); !more.empty()) {
    out += more;
  } else {
    append_code_point(out, upper_of(c));
  }
}

// As the first letter of a word. Of letters that become several, the first alone is large.
void append_title(std::string& out, std::uint32_t c) {
  if (const std::string_view more = long_upper(c); !more.empty()) {
    std::size_t at = 0;
    append_code_point(out, next_code_point(more, at));
    while (at < more.size()) append_code_point(out, lower_of(next_code_point(more, at)));
    return;
  }
  // The letters that have a title case of their own: DŽ, LJ, NJ, DZ.
  if ((c >= 0x1C4 && c <= 0x1CC) || (c >= 0x1F1 && c <= 0x1F3)) {
    append_code_point(out, c >= 0x1F1 ? 0x1F2 : c <= 0x1C6 ? 0x1C5 : c <= 0x1C9 ? 0x1C8 : 0x1CB);
    return;
  }
  append_code_point(out, upper_of(c));
}

// Ranges of code points, both ends included, as the distances from edge to edge.
template <std::size_t kEnds>
constexpr std::array<std::uint16_t, kEnds> packed(const std::uint32_t (&ranges)[kEnds]) {
  std::array<std::uint16_t, kEnds> edges = {};
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < kEnds; ++i) {
    const std::uint32_t edge = ranges[i] + (i & 1);
    edges[i] = static_cast<std::uint16_t>(edge - last);
    last = edge;
  }
  return edges;
}

bool in_ranges(const std::uint16_t* edges, std::size_t size, std::uint32_t c) {
  std::size_t i = 0;
  for (; i < size && c >= edges[i]; ++i) c -= edges[i];
  return (i & 1) != 0;
}

}  // namespace

std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return at + i < text.size() ? static_cast<std::uint8_t>(text[at + i]) & 0x3FU : 0;
  };
  const std::uint32_t lead = static_cast<std::uint8_t>(text[at]);
  const std::size_t bytes = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  std::uint32_t c = lead;
  if (bytes == 2) c = (lead & 0x1F) << 6 | byte(1);
  if (bytes == 3) c = (lead & 0x0F) << 12 | byte(1) << 6 | byte(2);
  if (bytes == 4) c = (lead & 0x07) << 18 | byte(1) << 12 | byte(2) << 6 | byte(3);
  at = std::min(text.size(), at + bytes);
  return c;
}

std::size_t previous(std::string_view text, std::size_t at) {
  do --at;
  while (at > 0 && (static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80);
  return at;
}

void append_code_point(std::string& text, std::uint32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      text += static_cast<char>(0xE0 | c >> 12);
    } else {
      text += static_cast<char>(0xF0 | c >> 18);
      text += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    }
    text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
  }
  text += static_cast<char>(0x80 | (c & 0x3F));
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<std::uint8_t>(c) & 0xC0) != 0x80;
  return count;
}

std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size()) {
    if ((static_cast<std::uint8_t>(text[at]) & 0xC0) != 0x80 && count-- == 0) break;
    ++at;
  }
  return at;
}

bool is_space(std::uint32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_line_end(std::uint32_t c) {
  return (c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

std::string_view next_line(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  while (at < text.size()) {
    const std::size_t end = at;
    const std::uint32_t c = next_code_point(text, at);
    if (!is_line_end(c)) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    return text.substr(begin, end - begin);
  }
  return text.substr(begin);
}

bool is_printable(std::uint32_t c) {
  if (c < 0x7F) return c >= 0x20;
  if (c >= 0xE0000) return c >= 0xE0100 && c < 0xE01F0;
  // Controls, formats, surrogates, private use and separators.
  static constexpr auto kHidden = packed({
      0x7F,    0xA0,    0xAD,    0xAD,    0x600,   0x605,   0x61C,   0x61C,   0x6DD,   0x6DD,   0x70F,   0x70F,
      0x890,   0x891,   0x8E2,   0x8E2,   0x1680,  0x1680,  0x180E,  0x180E,  0x2000,  0x200F,  0x2028,  0x202F,
      0x205F,  0x206F,  0x3000,  0x3000,  0xD800,  0xF8FF,  0xFEFF,  0xFEFF,  0xFFF0,  0xFFFB,  0xFFFE,  0xFFFF,
      0x110BD, 0x110BD, 0x110CD, 0x110CD, 0x13430, 0x13438, 0x1BCA0, 0x1BCA3, 0x1D173, 0x1D17A});
  return !in_ranges(kHidden.data(), kHidden.size(), c);
}

bool is_word(std::uint32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  if (c >= 0xE0000) return false;
  static constexpr auto kOther = packed({
      0x80,    0xA9,    0xAB,    0xB1,    0xB4,    0xB4,    0xB6,    0xB8,    0xBB,    0xBB,    0xBF,    0xBF,
      0xD7,    0xD7,    0xF7,    0xF7,    0x2C2,   0x2C5,   0x300,   0x36F,   0x589,   0x58A,   0x5BE,   0x5BE,
      0x600,   0x61F,   0x66A,   0x66D,   0x6D4,   0x6D4,   0x964,   0x965,   0x2000,  0x2070,  0x207A,  0x207E,
      0x208A,  0x208E,  0x20A0,  0x20FF,  0x2190,  0x245F,  0x249C,  0x24E9,  0x2500,  0x2775,  0x2794,  0x2BFF,
      0x2E00,  0x2E2E,  0x2E30,  0x3004,  0x3008,  0x3020,  0x302A,  0x3030,  0xFE00,  0xFE6F,  0xFF00,  0xFF0F,
      0xFF1A,  0xFF20,  0xFF3B,  0xFF40,  0xFF5B,  0xFF65,  0xFFE0,  0xFFFF,  0x1F000, 0x1F0FF, 0x1F10D, 0x1FAFF});
  return !in_ranges(kOther.data(), kOther.size(), c);
}

// The mathematical alphabets of Latin letters: 26 of one case, then 26 of the other, without mappings.
static bool is_mathematical(std::uint32_t c, bool upper) {
  return c >= 0x1D400 && c <= 0x1D6A3 && ((c - 0x1D400) / 26 % 2 == 0) == upper;
}

bool is_upper(std::uint32_t c) { return lower_of(c) != c || c == 0x130 || is_mathematical(c, true); }
bool is_lower(std::uint32_t c) {
  return upper_of(c) != c || is_mathematical(c, false) || (c >= 0xDF && !long_upper(c).empty() && !is_upper(c));
}

bool has_case(std::string_view text, bool upper) {
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t c = next_code_point(text, at);
    const bool small = is_lower(c);
    const bool large = is_upper(c);
    if (upper ? small : large) return false;
    any = any || small || large;
  }
  return any;
}

std::string_view strip(std::string_view text, unsigned sides, const std::string_view* characters) {
  const auto goes = [&](std::size_t from, std::size_t to) {
    if (characters == nullptr) return is_space(next_code_point(text, from));
    return characters->find(text.substr(from, to - from)) != std::string_view::npos;
  };
  std::size_t begin = 0;
  std::size_t end = text.size();
  while ((sides & kLeft) != 0 && begin < end) {
    std::size_t next = begin;
    next_code_point(text, next);
    if (!goes(begin, next)) break;
    begin = next;
  }
  while ((sides & kRight) != 0 && end > begin) {
    const std::size_t last = previous(text, end);
    if (!goes(last, end)) break;
    end = last;
  }
  return text.substr(begin, end - begin);
}

void append_case(std::string& out, std::string_view text, Case how) {
  out.reserve(out.size() + text.size());
  bool inside = false;
  // What is made small sees the letters from here on.
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const std::uint32_t c = next_code_point(text, at);
    const auto lower = [&] { append_lower(out, text.substr(from), begin - from, at - from, c); };
    const bool first = !inside;
    inside = true;
    switch (how) {
      case Case::kLower:
        lower();
        break;
      case Case::kUpper:
        append_upper(out, c);
        break;
      case Case::kTitle:
        inside = is_upper(c) || is_lower(c);
        [[fallthrough]];
      case Case::kCapital:
        if (first) {
          append_title(out, c);
        } else {
          lower();
        }
        break;
      case Case::kWords:
        inside = !is_space(c) &&
                 std::string_view("-({[<").find(static_cast<char>(c < 0x80 ? c : 0)) == std::string_view::npos;
        if (!inside) {
          out += text.substr(begin, at - begin);
        } else if (first) {
          append_upper(out, c);
          from = at;
        } else {
          lower();
        }
        break;
      case Case::kSwapped:
        from = begin;
        if (is_upper(c)) {
          append_lower(out, text.substr(begin, at - begin), 0, at - begin, c);
        } else {
          append_upper(out, c);
        }
        break;
      case Case::kFolded: {
        // The small form of the large one, so that ß is ss; ı alone has none.
        const std::size_t size = out.size();
        append_upper(out, c);
        const std::string large = out.substr(size);
        out.resize(size);
        if (c == 0x131) {
          append_code_point(out, c);
        } else {
          append_case(out, large, Case::kLower);
        }
        break;
      }
    }
  }
}

}  // namespace tierwise::prompt
