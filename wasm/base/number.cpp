#include "base/number.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/ascii.h"

namespace tierwise {
namespace {

// Halfway between two doubles lies a number of at most 767 digits, so one more digit that stands for all the
// rest decides.
constexpr int kMostDigits = 768;
// Every number from 10^kHighest on is infinite, every one below 10^kLowest is 0.
constexpr int kHighest = 310;
constexpr int kLowest = -326;

// An unsigned integer of up to 3,072 bits: kMostDigits digits take 2,552, 5^(kMostDigits - kLowest) takes 2,541,
// and divide() adds less than three limbs.
class Big {
 public:
  explicit Big(std::uint32_t value) { limbs_[0] = value; }

  void multiply_add(std::uint32_t factor, std::uint32_t summand) {
    std::uint64_t carry = summand;
    for (std::size_t i = 0; i < used_; ++i) {
      carry += std::uint64_t{limbs_[i]} * factor;
      limbs_[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) limbs_[used_++] = static_cast<std::uint32_t>(carry);
  }
  void multiply_by_power_of_five(int exponent) {
    constexpr int kStep = 13;
    constexpr std::uint32_t kStepPower = 1'220'703'125;  // the highest power that fits a limb
    for (; exponent >= kStep; exponent -= kStep) multiply_add(kStepPower, 0);
    for (; exponent > 0; --exponent) multiply_add(5, 0);
  }
  void shift_left(int bits) {
    const auto whole = static_cast<std::size_t>(bits / 32);
    std::memmove(&limbs_[whole], limbs_.data(), used_ * sizeof limbs_[0]);
    std::memset(limbs_.data(), 0, whole * sizeof limbs_[0]);
    used_ += whole;
    if (bits % 32 != 0) multiply_add(1U << (bits % 32), 0);
  }
  // Takes `factor` times `other` away, which must not be more than this one.
  void subtract(const Big& other, std::uint32_t factor) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < used_; ++i) {
      carry += std::uint64_t{other.limbs_[i]} * factor;
      const auto taken = static_cast<std::uint32_t>(carry);
      carry = (carry >> 32) + (limbs_[i] < taken ? 1 : 0);
      limbs_[i] -= taken;
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
    return top == 0 ? 0 : static_cast<int>(top) * 32 - std::countl_zero(limbs_[top - 1]);
  }
  // Leaves the rest of a division by `other`, whose highest limb has its highest bit set; the quotient must fit 32 bits.
  std::uint32_t take_quotient(const Big& other) {
    const std::size_t top = other.used_ - 1;
    // Of the highest limbs: at most 3 too small (Knuth, The Art of Computer Programming, 4.3.1, theorem B).
    const std::uint64_t high = std::uint64_t{limbs_[top + 1]} << 32 | limbs_[top];
    auto quotient = static_cast<std::uint32_t>(high / (std::uint64_t{other.limbs_[top]} + 1));
    subtract(other, quotient);
    for (; compare(other) >= 0; ++quotient) subtract(other, 1);
    return quotient;
  }

 private:
  std::array<std::uint32_t, 96> limbs_ = {};
  std::size_t used_ = 1;
};

// `numerator` / `denominator` * 2^exponent, neither of them 0, rounded: long division, 32 bits after the other.
double divide(Big& numerator, Big& denominator, int exponent) {
  constexpr int kLowestExponent = -1022;
  constexpr int kHighestExponent = 1023;
  constexpr std::uint64_t kHighBit = std::uint64_t{1} << 63;
  const int above = numerator.bit_length();
  const int below = denominator.bit_length();
  const int common = (std::max(above, below) + 32) / 32 * 32;
  denominator.shift_left(common - below);
  numerator.shift_left(common - 1 - above);
  exponent += above - below;
  // The quotient is now within (1/4, 1), so its first 64 bits begin with a one or with a zero and a one.
  numerator.shift_left(32);
  std::uint64_t quotient = numerator.take_quotient(denominator);
  numerator.shift_left(32);
  quotient = quotient << 32 | numerator.take_quotient(denominator);
  const bool rest = numerator.bit_length() > 0;
  if (quotient < kHighBit) {
    quotient <<= 1;
    --exponent;
  }
  // It is quotient / 2^63 * 2^exponent.
  if (exponent > kHighestExponent) return std::numeric_limits<double>::infinity();
  const int dropped = 11 + std::max(0, kLowestExponent - exponent);
  if (dropped > 64) return 0;
  std::uint64_t mantissa = quotient >> 1 >> (dropped - 1);
  const std::uint64_t fraction = quotient << (64 - dropped);
  if (fraction > kHighBit || (fraction == kHighBit && (rest || (mantissa & 1) != 0))) ++mantissa;
  // The leading bit of a normal number's mantissa, or a carry out of it, counts one exponent up.
  if (exponent >= kLowestExponent) mantissa += static_cast<std::uint64_t>(exponent - kLowestExponent) << 52;
  double value;
  std::memcpy(&value, &mantissa, sizeof value);
  return value;
}

// The first decimals of a number above 0, by long division.
struct Decimals {
  std::array<char, 18> digits;
  int exponent;  // of the first digit
  bool more;     // digits follow that are not 0
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

  Decimals decimals = {{}, 0, false};
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
    for (; numerator.compare(denominator) >= 0; ++digit) numerator.subtract(denominator, 1);
    numerator.multiply_add(10, 0);
  }
  decimals.more = numerator.bit_length() > 0;
  return decimals;
}

// The decimals rounded to `count` digits, ties to even, and written, zeros at the end left out.
std::string rounded(Decimals decimals, std::size_t count) {
  auto& digits = decimals.digits;
  const bool tie = digits[count] == '5' && !decimals.more &&
                   std::all_of(digits.begin() + static_cast<std::ptrdiff_t>(count) + 1, digits.end(), [](char digit) { return digit == '0'; });
  bool up = tie ? (digits[count - 1] & 1) != 0 : digits[count] >= '5';
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

// The fewest digits that read back as the same number: 15 to 17, as 15 always hold what was typed with no more; fewer
// of the numbers near 0 that are less precise.
void append_shortest(std::string& text, double number) {
  const Decimals decimals = decimals_of(number);
  std::string written;
  for (std::size_t count = number < std::numeric_limits<double>::min() ? 1 : 15; count <= 17; ++count) {
    written = rounded(decimals, count);
    if (read_decimal(written) == number) break;
  }
  text += written;
}

}  // namespace

std::optional<double> read_decimal(std::string_view text) {
  const bool negative = text.front() == '-';
  std::array<char, kMostDigits> digits;
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
      // 10^n = 5^n * 2^n.
      (exponent < 0 ? denominator : numerator).multiply_by_power_of_five(std::abs(exponent));
      value = divide(numerator, denominator, exponent);
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
