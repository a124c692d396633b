#include "base/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>

namespace tierwise {
namespace {

void expect_as_strtod(const std::string& text) {
  const double expected = std::strtod(text.c_str(), nullptr);
  const auto read = read_decimal(text);
  ASSERT_EQ(read.has_value(), std::isfinite(expected)) << text;
  if (read) {
    ASSERT_EQ(std::memcmp(&*read, &expected, sizeof expected), 0) << text << " gave " << *read;
  }
}

std::string written(double number) {
  std::string text;
  append_number(text, number);
  return text;
}

TEST(Number, ReadsTheNearestDouble) {
  for (const char* text :
       {"0", "-0", "0.0", "-0.0", "0e999", "1", "-1", "0.1", "0.3", "1.5", "123456789012345678", "0.30000000000000004",
        "9007199254740993", "9007199254740992.9999999999999999", "9007199254740993.0000000000000001", "1e22", "1e23", "1e-22",
        "1e-23", "8.5e22", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308",
        "2.2250738585072014e-308", "2.2250738585072012e-308", "1.7976931348623157e308", "1.7976931348623158e308",
        "1.7976931348623159e308", "1e308", "1e309", "-1e309", "1e400", "1e-400", "1e999999999999", "1e-999999999999",
        "0.000000000000000000000000000000000000000000001", "100000000000000000000000000000000000000000000000e-47",
        "4.4501477170144023e-308", "6.9294956446009195e15", "7.2057594037927933e16", "1E5", "1e+5", "12.50E-1"}) {
    expect_as_strtod(text);
  }
}

TEST(Number, HalfwaysAreDecidedByTheLastDigit) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    // 2^53 + an odd half: a tie exactly, then one digit more far behind.
    const std::uint64_t whole = 9007199254740992 + 2 * (random() % 1000);
    const std::string tie = std::to_string(whole + 1);
    expect_as_strtod(tie);
    expect_as_strtod(tie + ".0");
    expect_as_strtod(tie + "." + std::string(900, '0') + "1");
    expect_as_strtod(std::to_string(whole) + "." + std::string(900, '9'));
  }
}

TEST(Number, EveryDoubleComesBack) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 40'000; ++round) {
    const std::uint64_t bits = random();
    double number;
    std::memcpy(&number, &bits, sizeof number);
    if (round % 4 == 0) number = static_cast<double>(static_cast<std::int64_t>(bits)) / 1000;
    if (round % 4 == 1) number = static_cast<double>(bits % 1'000'000'007) * 1e-6;
    if (!std::isfinite(number)) continue;
    const std::string text = written(number);
    const auto read = read_decimal(text);
    ASSERT_TRUE(read) << text;
    ASSERT_EQ(*read, number) << text;
    expect_as_strtod(text);
  }
}

TEST(Number, RandomDigitsReadLikeStrtod) {
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = random() % 2 == 0 ? "-" : "";
    text += static_cast<char>('1' + random() % 9);
    for (auto digits = random() % 40; digits > 0; --digits) text += static_cast<char>('0' + random() % 10);
    if (random() % 2 == 0) {
      text += '.';
      for (auto digits = 1 + random() % 40; digits > 0; --digits) text += static_cast<char>('0' + random() % 10);
    }
    if (random() % 2 == 0) text += "e" + std::to_string(static_cast<int>(random() % 700) - 350);
    expect_as_strtod(text);
  }
}

TEST(Number, WritesWholeNumbersWithoutFraction) {
  EXPECT_EQ(written(0), "0");
  EXPECT_EQ(written(-0.0), "0");
  EXPECT_EQ(written(42), "42");
  EXPECT_EQ(written(-1700000000000.0), "-1700000000000");
  EXPECT_EQ(written(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN()), "null");
  std::string text;
  append_number(text, std::numeric_limits<std::int64_t>::min());
  text += ' ';
  append_number(text, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(text, "-9223372036854775808 18446744073709551615");
}

}  // namespace
}  // namespace tierwise
