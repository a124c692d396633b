#include "embed/light_table.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <vector>

#include "embed/pooling.h"

namespace tierwise::embed {
namespace {

std::string whole(std::uint32_t number) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &number, 4);
  return bytes;
}

// Two numbers a row, all with the scale 1 but the last, which has 2.
std::string small_table(const std::vector<std::array<int, 2>>& rows) {
  std::string bytes = "TWLT" + whole(1) + whole(static_cast<std::uint32_t>(rows.size())) + whole(2);
  for (std::size_t i = 0; i < rows.size(); ++i) bytes += i + 1 < rows.size() ? std::string("\x00\x3c", 2) : std::string("\x00\x40", 2);
  for (const auto& row : rows) bytes += static_cast<char>((row[0] + 8) | ((row[1] + 8) << 4));
  return bytes;
}

TEST(LightTable, AddsUpTheRowsOfTheTokensAndMakesTheSumALengthOfOne) {
  const Result<LightTable> table = LightTable::read(small_table({{7, 7}, {3, 0}, {0, 4}, {-1, 2}}));
  ASSERT_TRUE(table);
  struct Row {
    std::vector<std::int32_t> ids;
    std::array<float, 2> vector;
  };
  const Row rows[] = {
      {{1}, {1, 0}},        {{2}, {0, 1}},
      {{1, 2}, {0.6f, 0.8f}},  // 3, 4
      {{3, 3, 1}, {-0.124035f, 0.992278f}},  // twice -2, 4 and 3, 0
      {{}, {0, 0}},
      {{0, 101, 102}, {0, 0}},      // what stands in every text
      {{1, -5, 4, 99999}, {1, 0}},  // what is no row
  };
  for (const Row& row : rows) {
    std::array<float, 2> found = {9, 9};
    table.value().embed(row.ids.data(), row.ids.size(), found.data());
    EXPECT_NEAR(found[0], row.vector[0], 1e-6) << row.ids.size();
    EXPECT_NEAR(found[1], row.vector[1], 1e-6) << row.ids.size();
  }
}

TEST(LightTable, RefusesWhatIsNoWholeTable) {
  const std::string good = small_table({{1, 2}, {3, 4}});
  ASSERT_TRUE(LightTable::read(good));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(LightTable::read(good.substr(0, size))) << size;
  EXPECT_FALSE(LightTable::read(good + "x"));
  EXPECT_FALSE(LightTable::read("<!doctype html><title>404</title>"));
  for (const std::size_t at : {0u, 4u, 8u, 10u, 12u, 15u}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x70);
    EXPECT_FALSE(LightTable::read(bad)) << at;
  }
}

TEST(LightTable, OfTheModelKnowsWhatIsAlike) {
  std::ifstream file(TIERWISE_MODELS_DIR "/all-MiniLM-L6-v2/light.bin", std::ios::binary);
  Result<LightTable> read = LightTable::read({std::istreambuf_iterator<char>(file), {}});
  ASSERT_TRUE(read) << read.error().message;
  const LightTable& table = read.value();
  ASSERT_EQ(table.rows(), 30522u);
  ASSERT_EQ(table.dimensions(), 128u);
  const auto cosine = [&](std::int32_t a, std::int32_t b) {
    std::array<float, 128> x;
    std::array<float, 128> y;
    table.embed(&a, 1, x.data());
    table.embed(&b, 1, y.data());
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * y[i];
    return sum;
  };
  // dog, puppy, car
  EXPECT_NEAR(cosine(3899, 3899), 1, 1e-5);
  EXPECT_GT(cosine(3899, 17022), cosine(3899, 2482) + 0.2);
}

TEST(Pooling, IsTheMeanMadeToALengthOfOne) {
  const float rows[] = {1, 2, 0, 3, 2, 0};  // sum 4, 4, 0
  std::array<float, 3> out = {};
  pool(rows, 2, 3, out.data());
  EXPECT_NEAR(out[0], std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(out[1], std::sqrt(0.5), 1e-6);
  EXPECT_EQ(out[2], 0);
}

TEST(Pooling, OfWhatHasNoDirectionIsZero) {
  const float infinite = std::numeric_limits<float>::infinity();
  const float rows[] = {1, -2, -1, 2, infinite, 1, NAN, 1};
  for (const std::size_t first : {0u, 2u, 3u}) {
    std::array<float, 2> out = {9, 9};
    pool(rows + first * 2, first == 0 ? 2 : 1, 2, out.data());
    EXPECT_EQ(out[0], 0) << first;
    EXPECT_EQ(out[1], 0) << first;
  }
  std::array<float, 2> none = {9, 9};
  pool(rows, 0, 2, none.data());
  EXPECT_EQ(none[0], 0);
  EXPECT_EQ(none[1], 0);
}

}  // namespace
}  // namespace tierwise::embed
