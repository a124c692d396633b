#include "base/text.h"


#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/tags.h"

namespace tierwise {
namespace {

// Unicode Standard, table 3-7, at its edges.
TEST(Utf8, ValidityAtTheEdges) {
  struct {
    std::string bytes;
    bool valid;
  } const cases[] = {
      {"", true},
      {"plain", true},
      {std::string("\0", 1), true},
      {"\x7f", true},
      {"\x80", false},
      {"\xbf", false},
      {"\xc0\x80", false},      // overlong NUL
      {"\xc1\xbf", false},      // overlong DEL
      {"\xc2\x80", true},       // U+0080
      {"\xdf\xbf", true},       // U+07FF
      {"\xc2", false},
      {"\xc2\x7f", false},
      {"\xe0\x9f\xbf", false},  // overlong
      {"\xe0\xa0\x80", true},   // U+0800
      {"\xed\x9f\xbf", true},   // U+D7FF
      {"\xed\xa0\x80", false},  // U+D800
      {"\xed\xbf\xbf", false},  // U+DFFF
      {"\xee\x80\x80", true},   // U+E000
      {"\xef\xbf\xbf", true},   // U+FFFF
      {"\xe4\xb8", false},
      {"\xe4\xb8\x41", false},
      {"\xf0\x8f\xbf\xbf", false},  // overlong
      {"\xf0\x90\x80\x80", true},   // U+10000
      {"\xf4\x8f\xbf\xbf", true},   // U+10FFFF
      {"\xf4\x90\x80\x80", false},
      {"\xf5\x80\x80\x80", false},
      {"\xff", false},
      {"\xf0\x9f\x98", false},
      {"\xf0\x9f\x98\x80", true},
  };
  for (const auto& c : cases) {
    // Alone, and at every place of the strides in which ASCII is skipped.
    for (std::size_t before = 0; before < 70; ++before) {
      for (std::size_t after : {0U, 1U, 40U}) {
        const std::string text = std::string(before, 'a') + c.bytes + std::string(after, 'z');
        ASSERT_EQ(valid_utf8(text), c.valid) << testing::PrintToString(c.bytes) << " after " << before;
      }
    }
  }
}

TEST(Utf8, LongMixedText) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += std::string(static_cast<std::size_t>(i % 50), 'a') + "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80";
  EXPECT_TRUE(valid_utf8(text));
  for (std::size_t at = 0; at < text.size(); at += 13) {
    std::string broken = text;
    broken[at] = '\xff';
    ASSERT_FALSE(valid_utf8(broken)) << at;
  }
}

TEST(Utf8, CutsAtACharacter) {
  const std::string text = "a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80z";  // 1, 2, 3, 4, 1 bytes
  const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t max = 0; max < std::size(ends); ++max) {
    EXPECT_EQ(cut_utf8(text, max), std::string_view(text).substr(0, ends[max])) << max;
  }
}

TEST(Utf8, CutOfInvalidTextStaysInBounds) {
  const std::string text(20, '\x80');
  for (std::size_t max = 0; max < 25; ++max) {
    const auto cut = cut_utf8(text, max);
    EXPECT_LE(cut.size(), max);
    EXPECT_EQ(cut.data(), text.data());
  }
}

TEST(Text, FillsGapsInTheirOrder) {
  EXPECT_EQ(fill("{} must be {}.", {"a", "b"}), "a must be b.");
  EXPECT_EQ(fill("{}", {"{}"}), "{}");
  EXPECT_EQ(fill("{}{}", {"{}", "x"}), "{}x");
  EXPECT_EQ(fill("no { gap }", {}), "no { gap }");
  EXPECT_EQ(fill("{ a } {}", {"b"}), "{ a } b");
  EXPECT_EQ(digits(0) + digits(-12) + digits(345), "0-12345");
}

TEST(Text, TrimsAsciiWhiteSpace) {
  EXPECT_EQ(trim(" \t\r\n\f\va b\xc2\xa0 "), "a b\xc2\xa0");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, LosesItsTagsAndThoseThatTheyHid) {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""}, {"a <b>c</b> d<br/>", "a c d"}, {"<A HREF=\"x\">y</a>", "y"}, {"<<b>b>hi", "hi"},
      {"<st<b>rong>x", "x"}, {"<<<i>b>p>x", "x"}, {"<unk> vector<int> a < b > c", "<unk> vector<int> a < b > c"},
      {">", ">"}, {"<", "<"}, {"<>", "<>"}, {"</>", "</>"}, {"<b", "<b"}, {"<b <b>>x", "x"}, {"a>b<b>", "a>b"}};
  for (const auto& [text, plain] : rows) EXPECT_EQ(without_tags(text), plain) << text;
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<b";
  EXPECT_EQ(without_tags(deep + std::string(100'000, '>')), "");
}

TEST(Text, LowersAsciiOnly) { EXPECT_EQ(lower_case("AbZ[@\xc3\x89"), "abz[@\xc3\x89"); }

TEST(Text, PlainBytesAreThoseBeforeTheFirstThatIsNot) {
  // Each byte at each place of two words, behind one that is next to those that stop.
  for (int byte = 0; byte < 256; ++byte) {
    const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
    for (const char before : {' ', '!', '#', '[', ']', '\x7f'}) {
      for (std::size_t at = 0; at < 18; ++at) {
        std::string text(18, before);
        text[at] = static_cast<char>(byte);
        EXPECT_EQ(plain_bytes(text), plain ? text.size() : at) << byte << ' ' << at;
      }
    }
  }
  EXPECT_EQ(plain_bytes(""), 0u);
}

}  // namespace
}  // namespace tierwise
