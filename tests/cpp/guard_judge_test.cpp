#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "cache/guard/judge.h"
#include "guard_files.h"

namespace tierwise::guard {
namespace {

struct Tokens {
  std::vector<ByteRange> ranges;
  std::vector<std::int8_t> data;
  TokenVectors view() const { return {data.data(), ranges.data(), ranges.size()}; }
};

// One token per word of `text`, its vector made of its letters.
Tokens tokens(std::string_view text) {
  Tokens out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    out.ranges.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)});
    std::uint32_t seed = hash_word(text.substr(at, end - at));
    for (std::size_t d = 0; d < kTokenDimensions; ++d) {
      seed = seed * 1664525U + 1013904223U;
      out.data.push_back(static_cast<std::int8_t>(seed >> 25U));
    }
    at = end + 1;
  }
  return out;
}

TEST(Judge, AsksOnlyWhatIsUndecided) {
  const std::string_view a = "how do I polish brass";
  const Tokens vectors = tokens(a);
  const Comparison same = compare(lexicon(), a, "how can I polish brass?");
  ASSERT_EQ(same.verdict, Verdict::kSame);
  EXPECT_EQ(judge().judge(same, vectors.view(), vectors.view(), 0.1, 0.1), 1);
  const Comparison refused = compare(lexicon(), a, "how do I not polish brass");
  ASSERT_EQ(refused.verdict, Verdict::kRefused);
  EXPECT_EQ(judge().judge(refused, vectors.view(), vectors.view(), 1, 1), 0);
}

TEST(Judge, DoubtsWordsThatFindNoMatch) {
  const std::string_view a = "how do I polish old brass";
  const std::string_view b = "how do I polish old copper";
  const Comparison words = compare(lexicon(), a, b);
  ASSERT_EQ(words.verdict, Verdict::kUndecided);
  const Tokens of_a = tokens(a);
  const Tokens of_b = tokens(b);
  std::vector<Doubt> doubts;
  const double far = judge().judge(words, of_a.view(), of_b.view(), 0.6, 0.6, &doubts);
  EXPECT_LT(far, judge().threshold(Policy::kStrict, false));
  EXPECT_NEAR(far, judge().judge(compare(lexicon(), b, a), of_b.view(), of_a.view(), 0.6, 0.6), 0.05);
  ASSERT_FALSE(doubts.empty());
  EXPECT_EQ(a.substr(doubts[0].a.begin, doubts[0].a.end - doubts[0].a.begin) == "brass" ||
                b.substr(doubts[0].b.begin, doubts[0].b.end - doubts[0].b.begin) == "copper",
            true);
  EXPECT_EQ(judge().judge(words, {}, of_b.view(), 0.9, 0.9), 0);
  EXPECT_EQ(judge().judge(words, of_a.view(), of_b.view(), NAN, 0.9), 0);
  EXPECT_LT(judge().judge_light(words, 0.5), judge().threshold(Policy::kStrict, true));
}

TEST(Judge, HasAThresholdForEachPolicy) {
  for (const bool light : {false, true}) {
    EXPECT_GT(judge().threshold(Policy::kOff, light), 1);
    EXPECT_LE(judge().threshold(Policy::kStrict, light), 1);
    EXPECT_LT(judge().threshold(Policy::kBalanced, light), judge().threshold(Policy::kStrict, light));
    EXPECT_GT(judge().threshold(Policy::kBalanced, light), 0.2);
  }
}

TEST(Judge, ProjectsTokens) {
  std::vector<float> token(kModelDimensions);
  for (std::size_t i = 0; i < token.size(); ++i) token[i] = std::sin(static_cast<float>(i));
  std::int8_t kept[kTokenDimensions];
  judge().project(token.data(), kept);
  EXPECT_EQ(
      *std::max_element(kept, kept + kTokenDimensions, [](int a, int b) { return std::abs(a) < std::abs(b); }) % 127,
      0);
  token[5] = NAN;
  judge().project(token.data(), kept);
  for (const std::int8_t value : kept) EXPECT_EQ(value, 0);
}

TEST(Judge, RefusesDamage) {
  const std::string good = guard_file("judge.bin");
  ASSERT_TRUE(Judge::read(good));
  std::string flipped = good;
  flipped[good.size() / 2] ^= 4;
  for (const std::string& bad : {std::string(), good.substr(0, 100), flipped, good + '\0', "<html>" + good}) {
    const auto read = Judge::read(bad);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, "invalid-file");
  }
}

}  // namespace
}  // namespace tierwise::guard
