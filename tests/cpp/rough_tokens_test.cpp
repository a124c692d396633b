#include "reply/tokens.h"

#include <gtest/gtest.h>

#include <string>

namespace tierwise::reply {
namespace {

TEST(RoughTokens, ByScript) {
  struct Row {
    std::string text;
    double tokens;
  };
  for (const Row& row : {Row{"", 0}, {"a", 1}, {" ", 1}, {"abcd", 1}, {"abcde", 2}, {"The quick brown fox", 5}, {"1234", 2},
                         {"привет", 3}, {"日本語日本", 4}, {"한국어한국", 4}, {"😀", 2}, {"…", 1}, {"\x80", 1}, {"\xFF\xFF", 4}}) {
    EXPECT_EQ(estimate_tokens(row.text), row.tokens) << row.text;
  }
}

// completion_tokens that real servers reported for these texts (huggingface.js recordings: TGI 2.0.1 with Mistral 7B,
// together with Llama 3.3 70B, OpenAI with gpt-3.5-turbo, hyperbolic): within half and double.
TEST(RoughTokens, NearWhatServersCounted) {
  struct Row {
    std::string text;
    double counted;
  };
  for (const Row& row : {Row{" to two. One plus one is equal to two.", 12}, {"one plus one is equal to two.", 9}, {"to two.", 4},
                         {"...the capital and most populous city of France,", 10}}) {
    EXPECT_GE(estimate_tokens(row.text), row.counted / 2) << row.text;
    EXPECT_LE(estimate_tokens(row.text), row.counted * 2) << row.text;
  }
}

TEST(RoughTokens, LinearAndAdditive) {
  const std::string piece = "word 日本 ";
  std::string text;
  for (int i = 0; i < 100000; ++i) text += piece;
  EXPECT_NEAR(estimate_tokens(text) / 100000, 3.1, 0.001);
}

}  // namespace
}  // namespace tierwise::reply
