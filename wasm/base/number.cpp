#include "base/number.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

namespace tierwise {
namespace {

// Halfway between two doubles lies a number of at most 767 digits, so one more digit that stands for all the
// rest decides.
constexpr int kMostDigits = 768;
// Every number from 10^kHighest on is infinite, every one below 10^kLowest is 0.
constexpr int kHighest = 310;
constexpr int kLowest = -326;

// An unsigned integer of up to 4,608 bits: 10^(kMostDigits - kLowest) takes 3,635, and a double's mantissa
// comes on top.
class Big {
 public:
  explicit Big(std::uint32_t value) { limbs_[0] = value; }

  void multiply_add(std::uint32_t factor, std::uint32_t summand) {
    std::uint64_t carry = summand;
    for (std::size_t i = 0; i < used_ || carry != 0; ++i) {
      used_ = std::max(used_, i + 1);
      carry += std::uint64_t{limbs_[i]} * factor;
      limbs_[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  void multiply_by_power_of_ten(int exponent) {
    for (; exponent >= 9; exponent -= 9) multiply_add(1'000'000'000, 0);
    for (; exponent > 0; --exponent) multiply_add(10, 0);
  }
  void shift_left(int bits) {
    for (; bits >= 16; bits -= 16) multiply_add(1U << 16, 0);
    multiply_add(1U << bits, 0);
  }
  // `other` must not be the larger one.
  void subtract(const Big& other) {
    std::int64_t borrow = 0;
    for (std::size_t i = 0; i < used_; ++i) {
      borrow += std::int64_t{limbs_[i]} - other.limbs_[i];
      limbs_[i] = static_cast<std::uint32_t>(borrow);
      borrow >>= 32;
    }
  }
  // Below, at or above 0: this one is the smaller, an equal, the larger one.
  int compare(const Big& other) const {
    for (std::size_t i = std::max(used_, other.used_); i-- > 0;) {
      if (limbs_[i] != other.limbs_[i]) return limbs_[i] < other.limbs_[i] ? -1 : 1;
    }
    return 0;
  }
  int bit_length() const {
    std::size_t top = used_;
    while (top > 0 && limbs_[top - 1] == 0) --top;
    int bits = static_cast<int>(top) * 32;
    for (std::uint32_t limb = top == 0 ? 0 : limbs_[top - 1]; limb != 0 && limb < 0x80000000U; limb <<= 1)
      --bits;
    return bits;
  }

 private:
  std::array<std::uint32_t, 144> limbs_ = {};
  std::size_t used_ = 1;
};

// `numerator` / `denominator`, neither of them 0, rounded: long division, one bit after the other.
double divide(Big& numerator, Big& denominator) {
  constexpr int kMantissaBits = 53;
  constexpr int kLowestExponent = -1022;
  constexpr int kHighestExponent = 1023;
  int exponent = numerator.bit_length() - denominator.bit_length();
  (exponent < 0 ? numerator : denominator).shift_left(std::abs(exponent));
  if (numerator.compare(denominator) < 0) {
    numerator.shift_left(1);
    --exponent;
  }
  // The quotient is now within [1, 2) * 2^exponent.
  const int bits = kMantissaBits - std::max(0, kLowestExponent - exponent);
  std::uint64_t mantissa = 0;
  for (int i = 0; i < bits; ++i) {
    mantissa <<= 1;
    if (numerator.compare(denominator) >= 0) {
      numerator.subtract(denominator);
      mantissa |= 1;
    }
    numerator.shift_left(1);
  }
  const int rest = bits < 0 ? -1 : numerator.compare(denominator);
  if (rest > 0 || (rest == 0 && (mantissa & 1) != 0)) ++mantissa;
  if (exponent > kHighestExponent) return std::numeric_limits<double>::infinity();
  // The leading bit of a normal number's mantissa, or a carry out of it, counts one exponent up.
  if (exponent >= kLowestExponent) mantissa += static_cast<std::uint64_t>(exponent - kLowestExponent) << 52;
  double value;
  std::memcpy(&value, &mantissa, sizeof value);
  return value;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The first decimals of a number above 0, by long division.
struct Decimals {
  std::array<char, 18> digits;
  int exponent;  // of the first digit
};

Decimals decimals_of(double number) {
  int binary_exponent = 0;
  const double fraction = std::frexp(number, &binary_exponent);  // in [0.5, 1)
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
  Big numerator(static_cast<std::uint32_t>(mantissa >> 32));
  numerator.shift_left(32);
  numerator.multiply_add(1, static_cast<std::uint32_t>(mantissa));
  Big denominator(1);
  binary_exponent -= 53;
  (binary_exponent < 0 ? denominator : numerator).shift_left(std::abs(binary_exponent));

  Decimals decimals = {{}, 0};
  for (; numerator.compare(denominator) < 0; --decimals.exponent) numerator.multiply_add(10, 0);
  while (true) {
    Big tenfold = denominator;
    tenfold.multiply_add(10, 0);
    if (numerator.compare(tenfold) < 0) break;
    denominator = tenfold;
    ++decimals.exponent;
  }
  for (char& digit : decimals.digits) {
    digit = '0';
    for (; numerator.compare(denominator) >= 0; ++digit) numerator.subtract(denominator);
    numerator.multiply_add(10, 0);
  }
  return decimals;
}

// The decimals rounded to `count` digits and written, zeros at the end left out.
std::string rounded(Decimals decimals, std::size_t count) {
  auto& digits = decimals.digits;
  bool up = digits[count] >= '5';
  for (std::size_t at = count; up && at-- > 0;) {
    up = digits[at] == '9';
    digits[at] = up ? '0' : static_cast<char>(digits[at] + 1);
  }
  if (up) {  // 9.99… has become 10
    digits[0] = '1';
    ++decimals.exponent;
  }
  while (count > 1 && digits[count - 1] == '0') --count;
  std::string text(digits.data(), count);
  constexpr int kLeastPlain = -7;
  constexpr int kMostPlain = 21;
  if (decimals.exponent < kLeastPlain || decimals.exponent >= kMostPlain) {
    if (count > 1) text.insert(1, ".");
    text += 'e';
    append_number(text, static_cast<std::int64_t>(decimals.exponent));
  } else if (decimals.exponent < 0) {
    text.insert(0, static_cast<std::size_t>(-decimals.exponent), '0').insert(1, ".");
  } else if (const auto whole = static_cast<std::size_t>(decimals.exponent) + 1; count <= whole) {
    text.append(whole - count, '0');
  } else {
    text.insert(whole, ".");
  }
  return text;
}

// The fewest of 15 to 17 digits that read back as the same number; 15 always hold what was typed with no
// more.
void append_shortest(std::string& text, double number) {
  const Decimals decimals = decimals_of(number);
  std::string written;
  for (std::size_t count = 15; count <= 17; ++count) {
    written = rounded(decimals, count);
    if (read_decimal(written) == number) break;
  }
  text += written;
}

}  // namespace

std::optional<double> read_decimal(std::string_view text) {
  const bool negative = text.front() == '-';
  std::array<char, kMostDigits + 1> digits;
  int count = 0;
  int scale = 0;  // the number is 0.digits * 10^scale
  std::size_t at = negative ? 1 : 0;
  for (bool fraction = false; at < text.size() && (is_digit(text[at]) || text[at] == '.'); ++at) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    if (count == 0 && text[at] == '0') {
      scale -= fraction ? 1 : 0;
      continue;
    }
    scale += fraction ? 0 : 1;
    if (count < kMostDigits) {
      digits[static_cast<std::size_t>(count++)] = text[at];
    } else if (text[at] != '0') {
      digits[kMostDigits - 1] = '1';
    }
  }
  if (at < text.size()) {
    const bool down = text[++at] == '-';
    int exponent = 0;
    for (; at < text.size(); ++at) {
      if (is_digit(text[at])) exponent = std::min(exponent * 10 + (text[at] - '0'), 100'000'000);
    }
    // A text is no longer than its scale, so this does not overflow: both stay far below 2^31.
    scale += down ? -exponent : exponent;
  }

  double value = 0;
  if (count > 0 && scale > kHighest) return std::nullopt;
  if (count > 0 && scale > kLowest) {
    const int exponent = scale - count;
    constexpr int kExactPower = 22;  // 10^22 is the last power of ten that is a double
    constexpr int kExactDigits = 15;
    if (count <= kExactDigits && std::abs(exponent) <= kExactPower) {
      // Two exact doubles: their product or quotient is rounded once.
      for (int i = 0; i < count; ++i) value = value * 10 + (digits[static_cast<std::size_t>(i)] - '0');
      double power = 1;
      for (int i = std::abs(exponent); i > 0; --i) power *= 10;
      value = exponent < 0 ? value / power : value * power;
    } else {
      Big numerator(0);
      for (int i = 0; i < count; ++i) {
        numerator.multiply_add(10, static_cast<std::uint32_t>(digits[static_cast<std::size_t>(i)] - '0'));
      }
      Big denominator(1);
      (exponent < 0 ? denominator : numerator).multiply_by_power_of_ten(std::abs(exponent));
      value = divide(numerator, denominator);
      if (std::isinf(value)) return std::nullopt;
    }
  }
  return negative ? -value : value;
}

void append_number(std::string& text, std::uint64_t number) {
  std::array<char, 20> reversed;
  std::size_t count = 0;
  do {
    reversed[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0) text += reversed[--count];
}

void append_number(std::string& text, std::int64_t number) {
  if (number < 0) text += '-';
  const auto bits = static_cast<std::uint64_t>(number);
  append_number(text, number < 0 ? 0 - bits : bits);
}

void append_number(std::string& text, double number) {
  constexpr double kExactWhole = 9007199254740992.0;  // 2^53
  if (!std::isfinite(number)) {
    text += "null";
  } else if (std::abs(number) <= kExactWhole && std::trunc(number) == number) {
    append_number(text, static_cast<std::int64_t>(number));
  } else {
    if (number < 0) text += '-';
    append_shortest(text, std::abs(number));
  }
}

}  // namespace tierwise
