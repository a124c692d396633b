#include "base/rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tierwise {
namespace {

TEST(Rank, SortsByKeyAndKeepsTheOrderOfEquals) {
  std::mt19937 random(5);
  for (std::uint32_t size = 0; size < 200; ++size) {
    std::vector<Rank> ranks;
    for (std::uint32_t place = 0; place < size; ++place) ranks.push_back({static_cast<double>(random() % 20) - 10, place});
    std::vector<Rank> expected = ranks;
    std::stable_sort(expected.begin(), expected.end(), [](const Rank& a, const Rank& b) { return a.key < b.key; });
    sort_ranks(ranks);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(ranks[i].key, expected[i].key);
      ASSERT_EQ(ranks[i].place, expected[i].place);
    }
  }
}

}  // namespace
}  // namespace tierwise
