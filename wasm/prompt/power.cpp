#include "prompt/power.h"

#include <cmath>

namespace tierwise::prompt {
namespace {

// An unevaluated sum of about 106 bits (Dekker, "A floating-point technique for extending the available precision").
struct Pair {
  double high;
  double low;
};

// |a| is not less than |b|, or they are of like size.
Pair normal(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

Pair add(Pair a, Pair b) {
  const double sum = a.high + b.high;
  const double from_b = sum - a.high;
  return normal(sum, (a.high - (sum - from_b)) + (b.high - from_b) + a.low + b.low);
}

Pair multiply(Pair a, Pair b) {
  // Halves of 26 bits, whose products are exact.
  constexpr double kSplit = 134217729;
  const double product = a.high * b.high;
  const double a_high = a.high * kSplit - (a.high * kSplit - a.high);
  const double b_high = b.high * kSplit - (b.high * kSplit - b.high);
  const double a_low = a.high - a_high;
  const double b_low = b.high - b_high;
  const double rest = a_high * b_high - product + a_high * b_low + a_low * b_high + a_low * b_low;
  return normal(product, rest + (a.high * b.low + a.low * b.high));
}

Pair divide(Pair a, Pair b) {
  const double first = a.high / b.high;
  const Pair part = multiply({first, 0}, b);
  return normal(first, ((a.high - part.high) - part.low + a.low) / b.high);
}

constexpr Pair kLogOfTwo = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};

// Of a positive, finite number.
Pair logarithm(double number) {
  int exponent = 0;
  double m = std::frexp(number, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  // m = (1 + z) / (1 - z), so log m = 2 (z + z^3/3 + z^5/5 + ...) with |z| < 0.172.
  const Pair z = divide({m - 1, 0}, normal(1, m));
  const Pair square = multiply(z, z);
  Pair sum = {0, 0};
  for (int i = 41; i > 0; i -= 2) sum = add(multiply(sum, square), divide({2, 0}, {static_cast<double>(i), 0}));
  return add(multiply({static_cast<double>(exponent), 0}, kLogOfTwo), multiply(sum, z));
}

double exponential(Pair number) {
  const double twos = std::floor(number.high / kLogOfTwo.high + 0.5);
  const Pair rest = add(number, multiply({-twos, 0}, kLogOfTwo));
  Pair sum = {1, 0};
  for (int i = 23; i > 0; --i) sum = add({1, 0}, divide(multiply(sum, rest), {static_cast<double>(i), 0}));
  return std::ldexp(sum.high, static_cast<int>(twos));
}

}  // namespace

double power(double base, double exponent) {
  if (exponent == 0 || base == 1) return 1;
  if (std::isnan(base) || std::isnan(exponent)) return NAN;
  const double size = std::fabs(base);
  const bool whole = std::floor(exponent) == exponent;
  const bool odd = whole && std::floor(exponent / 2) != exponent / 2;
  if (base < 0 && !whole && std::isfinite(base)) return NAN;
  double result = 1;
  if (size != 1) {
    // In plain doubles first: whether it is out of range at all.
    const Pair log = size == 0 ? Pair{-INFINITY, 0} : std::isinf(size) ? Pair{INFINITY, 0} : logarithm(size);
    const double rough = log.high * exponent;
    result = rough > 710 ? INFINITY : rough < -746 ? 0 : exponential(multiply(log, {exponent, 0}));
  }
  return std::copysign(result, odd ? base : 1.0);
}

}  // namespace tierwise::prompt
