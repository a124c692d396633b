#include "base/words.h"

#include <gtest/gtest.h>

namespace tierwise {
namespace {

TEST(Words, AreFoundWholeAndInTheirPlace) {
  struct {
    std::string_view words;
    std::string_view word;
    std::size_t position;
  } const cases[] = {
      {"base company user", "base", 0},    {"base company user", "company", 1}, {"base company user", "user", 2},
      {"base company user", "use", kNoWord}, {"base company user", "ase", kNoWord}, {"base company user", "", kNoWord},
      {"base company user", " ", kNoWord}, {"base company user", "base company", kNoWord}, {"", "a", kNoWord},
      {"ab a b", "a", 1},                  {"ab a b", "b", 2},                  {"s sec second seconds", "second", 2},
      {"one", "one", 0},                   {"one", "ones", kNoWord},            {"a-b a", "a", 1},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(word_position(c.words, c.word), c.position) << c.words << " / " << c.word;
    EXPECT_EQ(has_word(c.words, c.word), c.position != kNoWord);
    if (c.position != kNoWord) {
      EXPECT_EQ(word_at(c.words, c.position), c.word);
    }
  }
}

TEST(Words, AreJoined) {
  EXPECT_EQ(joined_words("a bc d", ", "), "a, bc, d");
  EXPECT_EQ(joined_words("a", " or "), "a");
}

}  // namespace
}  // namespace tierwise
