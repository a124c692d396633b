#include "embed/vector_code.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

namespace tierwise::embed {
namespace {

using F32x4 = float __attribute__((vector_size(16)));
using I32x4 = std::int32_t __attribute__((vector_size(16)));
using U8x16 = std::uint8_t __attribute__((vector_size(16)));
using U16x8 = std::uint16_t __attribute__((vector_size(16)));
using I16x8 = std::int16_t __attribute__((vector_size(16)));

constexpr int kRounds = 2;
constexpr float kMostCode = 1023;
constexpr float kMostQueryCode = 8191;  // 14 bits: sums of kMostDimensions products fit
constexpr int kFineSteps = 8;           // in one of the coarse half
constexpr int kMostEntry = 15;          // sixteen entries of a table fit a byte
constexpr double kFactorOne = 8192;

template <typename Vector, typename Number>
[[gnu::always_inline]] inline Vector load(const Number* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}
template <typename Vector, typename Number>
[[gnu::always_inline]] inline void store(Number* to, const Vector& vector) {
  std::memcpy(to, &vector, sizeof vector);
}

// Nearest, ties to even, below 2^22.
[[gnu::always_inline]] inline I32x4 rounded(F32x4 numbers) {
  constexpr float kMagic = 12582912;  // 1.5 * 2^23: the last digit behind it is 1
  const F32x4 shifted = numbers + kMagic;
  I32x4 bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  return bits - 0x4B400000;
}

[[gnu::always_inline]] inline I16x8 narrowed(I32x4 low, I32x4 high) {
#ifdef __wasm_simd128__
  return (I16x8)wasm_i16x8_narrow_i32x4((v128_t)low, (v128_t)high);
#else
  I16x8 all;
  for (int i = 0; i < 4; ++i) {
    all[i] = static_cast<std::int16_t>(low[i]);
    all[i + 4] = static_cast<std::int16_t>(high[i]);
  }
  return all;
#endif
}
// Numbers that fit.
[[gnu::always_inline]] inline U8x16 narrowed(I16x8 low, I16x8 high) {
#ifdef __wasm_simd128__
  return (U8x16)wasm_i8x16_narrow_i16x8((v128_t)low, (v128_t)high);
#else
  U8x16 all;
  for (int i = 0; i < 8; ++i) {
    all[i] = static_cast<std::uint8_t>(low[i]);
    all[i + 8] = static_cast<std::uint8_t>(high[i]);
  }
  return all;
#endif
}

void put(std::uint8_t* bytes, U8x16 bits) { store(bytes, load<U8x16>(bytes) | bits); }

std::size_t pair_bytes(std::size_t places) { return (places + 63) / 64 * 16; }
std::size_t last_bytes(std::size_t places) { return (places + 127) / 128 * 16; }

// lowbias32 (Chris Wellons): the rotation is the same everywhere and for ever.
std::uint32_t scrambled(std::uint32_t x) {
  x = (x ^ x >> 16) * 0x7feb352dU;
  x = (x ^ x >> 15) * 0x846ca68bU;
  return x ^ x >> 16;
}

// In place, `n` a power of two from 16 up.
void walsh_hadamard(float* numbers, std::size_t n) {
  const F32x4 odd = {1, -1, 1, -1};
  const F32x4 upper = {1, 1, -1, -1};
  for (std::size_t i = 0; i < n; i += 4) {
    F32x4 v = load<F32x4>(numbers + i);
    v = __builtin_shufflevector(v, v, 1, 0, 3, 2) + v * odd;
    v = __builtin_shufflevector(v, v, 2, 3, 0, 1) + v * upper;
    store(numbers + i, v);
  }
  for (std::size_t half = 4; half < n; half *= 2) {
    for (std::size_t begin = 0; begin < n; begin += 2 * half) {
      for (std::size_t i = begin; i < begin + half; i += 4) {
        const F32x4 a = load<F32x4>(numbers + i);
        const F32x4 b = load<F32x4>(numbers + i + half);
        store(numbers + i, a + b);
        store(numbers + i + half, a - b);
      }
    }
  }
}

float largest(const float* numbers, std::size_t n) {
  F32x4 most = {};
  for (std::size_t i = 0; i < n; i += 4) {
    const F32x4 v = load<F32x4>(numbers + i);
    const F32x4 size = v < 0 ? -v : v;
    most = size > most ? size : most;
  }
  return std::max(std::max(most[0], most[1]), std::max(most[2], most[3]));
}

// Codes up to `most` and the scale that goes with them.
double quantise(const float* numbers, std::size_t n, float most, std::int16_t* codes) {
  const float steps = most / largest(numbers, n);
  F32x4 products = {};
  for (std::size_t i = 0; i < n; i += 8) {
    const F32x4 v = load<F32x4>(numbers + i);
    const F32x4 w = load<F32x4>(numbers + i + 4);
    const I32x4 a = rounded(v * steps);
    const I32x4 b = rounded(w * steps);
    products += v * __builtin_convertvector(a, F32x4) + w * __builtin_convertvector(b, F32x4);
    store(codes + i, narrowed(a, b));
  }
  return 1.0 / (static_cast<double>(products[0]) + products[1] + products[2] + products[3]);
}

[[gnu::always_inline]] inline U8x16 pick(U8x16 table, U8x16 indices) {
#ifdef __wasm_simd128__
  return (U8x16)wasm_i8x16_swizzle((v128_t)table, (v128_t)indices);
#else
  U8x16 picked;
  for (int i = 0; i < 16; ++i) picked[i] = table[indices[i]];
  return picked;
#endif
}

[[gnu::always_inline]] inline void widen(U8x16 numbers, U16x8& low, U16x8& high) {
#ifdef __wasm_simd128__
  low += (U16x8)wasm_u16x8_extend_low_u8x16((v128_t)numbers);
  high += (U16x8)wasm_u16x8_extend_high_u8x16((v128_t)numbers);
#else
  for (int i = 0; i < 8; ++i) {
    low[i] = static_cast<std::uint16_t>(low[i] + numbers[i]);
    high[i] = static_cast<std::uint16_t>(high[i] + numbers[i + 8]);
  }
#endif
}

// a * b / 2^15, to the nearest.
[[gnu::always_inline]] inline I16x8 scaled(I16x8 a, I16x8 b) {
#ifdef __wasm_simd128__
  return (I16x8)wasm_i16x8_q15mulr_sat((v128_t)a, (v128_t)b);
#else
  I16x8 product;
  for (int i = 0; i < 8; ++i) product[i] = static_cast<std::int16_t>((a[i] * b[i] + 0x4000) >> 15);
  return product;
#endif
}

// Sixteen bytes times sixteen codes, added into four sums.
template <bool kSigned>
[[gnu::always_inline]] inline void add_products(U8x16 bytes, const std::int16_t* codes, I32x4& sums) {
#ifdef __wasm_simd128__
  const auto raw = (v128_t)bytes;
  const v128_t low = kSigned ? wasm_i16x8_extend_low_i8x16(raw) : wasm_u16x8_extend_low_u8x16(raw);
  const v128_t high = kSigned ? wasm_i16x8_extend_high_i8x16(raw) : wasm_u16x8_extend_high_u8x16(raw);
  sums += (I32x4)wasm_i32x4_dot_i16x8(low, wasm_v128_load(codes));
  sums += (I32x4)wasm_i32x4_dot_i16x8(high, wasm_v128_load(codes + 8));
#else
  for (int i = 0; i < 16; ++i) {
    const int number = kSigned ? static_cast<std::int8_t>(bytes[i]) : bytes[i];
    sums[i / 2 % 4] += number * codes[i];
  }
#endif
}

std::int64_t sum_of(I32x4 sums) { return std::int64_t{sums[0]} + sums[1] + sums[2] + sums[3]; }

}  // namespace

[[gnu::cold]] VectorCoder::VectorCoder(std::size_t dimensions)
    : dimensions_(dimensions), places_((dimensions + 15) / 16 * 16), span_(16), signs_(kRounds * places_) {
  while (2 * span_ <= places_) span_ *= 2;
  const std::size_t transforms = span_ == places_ ? 1 : 2;
  for (std::size_t i = 0; i < signs_.size(); ++i) {
    signs_[i] = (scrambled(static_cast<std::uint32_t>(i) + 1) & 1) != 0 ? 1.0F : -1.0F;
  }
  // The transforms are orthogonal but for a factor, which stands here.
  const float factor = 1 / std::sqrt(static_cast<float>(span_));
  for (int round = 0; round < kRounds; ++round) {
    float* signs = signs_.data() + static_cast<std::size_t>(round) * places_;
    for (std::size_t i = 0; i < span_; ++i) signs[i] *= factor;
    // The numbers both transforms pass get the second one's factor between them, in turn().
    if (transforms == 2) {
      for (std::size_t i = span_; i < places_; ++i) signs[i] *= factor;
    }
  }
}

std::size_t VectorCoder::fine_bytes() const { return pair_bytes(places_) + last_bytes(places_); }

bool VectorCoder::turn(std::span<const float> vector, float* turned) const {
  std::copy(vector.begin(), vector.end(), turned);
  std::fill(turned + dimensions_, turned + places_, 0.0F);
  double squares[4] = {};
  for (std::size_t i = 0; i < places_; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) squares[k] += static_cast<double>(turned[i + k]) * turned[i + k];
  }
  const double length = std::sqrt(squares[0] + squares[1] + squares[2] + squares[3]);
  if (!(length > 0) || !std::isfinite(length)) return false;
  const double shrink = 1 / length;
  for (std::size_t i = 0; i < places_; ++i) turned[i] = static_cast<float>(turned[i] * shrink);

  const std::size_t second = places_ - span_;
  const float factor = 1 / std::sqrt(static_cast<float>(span_));
  for (const float* signs = signs_.data(); signs != signs_.data() + signs_.size(); signs += places_) {
    for (std::size_t i = 0; i < places_; i += 4) store(turned + i, load<F32x4>(turned + i) * load<F32x4>(signs + i));
    walsh_hadamard(turned, span_);
    if (second == 0) continue;
    for (std::size_t i = second; i < span_; i += 4) store(turned + i, load<F32x4>(turned + i) * factor);
    walsh_hadamard(turned + second, span_);
  }
  return true;
}

void VectorCoder::encode(const float* turned, const VectorCode& code) const {
  std::int16_t codes[kMostDimensions];
  *code.scale = static_cast<float>(quantise(turned, places_, kMostCode, codes));
  // Byte i of 16 holds two bits of the places i, i + 16, i + 32 and i + 48 of 64; behind them, the last bit of eight
  // such places of 128.
  std::fill(code.fine, code.fine + fine_bytes(), std::uint8_t{0});
  std::uint8_t* last = code.fine + pair_bytes(places_);
  for (std::size_t i = 0; i < places_; i += 16) {
    const I16x8 low = load<I16x8>(codes + i);
    const I16x8 high = load<I16x8>(codes + i + 8);
    store(code.coarse + i, narrowed(low >> 3, high >> 3));
    put(code.fine + i / 64 * 16, narrowed(low >> 1 & 3, high >> 1 & 3) << static_cast<int>(i / 16 % 4 * 2));
    put(last + i / 128 * 16, narrowed(low & 1, high & 1) << static_cast<int>(i / 16 % 8));
  }
}

std::int16_t VectorCoder::write_signs(const std::int8_t* coarse, float scale, std::uint8_t* block,
                                      std::size_t row) const {
  std::int32_t sizes = 0;
  std::int32_t negatives = 0;
  for (std::size_t i = 0; i < places_; ++i) {
    const std::int32_t code = coarse[i];
    sizes += code < 0 ? -code : code;
    negatives += code < 0;
  }
  for (std::size_t i = 0; i < places_ / 8; ++i) {
    std::uint64_t eight;
    std::memcpy(&eight, coarse + 8 * i, sizeof eight);
    // The top bits of eight bytes side by side: bit k is byte k's.
    const std::uint64_t positive = ~eight >> 7 & 0x0101010101010101;
    block[i * kBlockRows + row] = static_cast<std::uint8_t>(positive * 0x0102040810204080 >> 56);
  }
  // A code is eight times its coarse part and 3.5 on average.
  const double size = 8.0 * sizes + 3.5 * (static_cast<double>(places_) - 2.0 * negatives);
  const double factor = kFactorOne * std::sqrt(static_cast<double>(places_)) / (std::max(size, 1.0) * scale);
  return factor < 32767 ? static_cast<std::int16_t>(factor) : std::int16_t{32767};
}

CodedQuery::CodedQuery(const VectorCoder& coder, const float* turned, bool for_scan)
    : places_(coder.places()), codes_(places_) {
  scale_ = quantise(turned, places_, kMostQueryCode, codes_.data());
  for (const std::int16_t code : codes_) most_fine_ += (kFineSteps - 1) * std::max<std::int16_t>(code, 0);
  if (for_scan) make_tables(turned);
}

void CodedQuery::make_tables(const float* turned) {
  const std::size_t fours = places_ / 4;
  float most = 0;
  double total = 0;
  for (std::size_t i = 0; i < fours; ++i) {
    const float* x = turned + 4 * i;
    const float size = std::abs(x[0]) + std::abs(x[1]) + std::abs(x[2]) + std::abs(x[3]);
    most = std::max(most, size);
    total += size;
  }
  const float step = 2 * most / kMostEntry;
  tables_.resize(16 * fours);
  std::uint8_t* entries = tables_.data();
  for (std::size_t i = 0; i < fours; ++i) {
    // What each positive sign adds to the least sum there is.
    float w[4];
    float least = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      w[k] = 2 * turned[4 * i + k] / step;
      if (w[k] < 0) least -= w[k];
    }
    const F32x4 low = {least, least + w[0], least + w[1], least + w[0] + w[1]};
    for (const float high : {0.0F, w[2], w[3], w[2] + w[3]}) {
      const I32x4 four = rounded(low + high);
      for (std::size_t k = 0; k < 4; ++k) *entries++ = static_cast<std::uint8_t>(std::clamp(four[k], 0, kMostEntry));
    }
  }
  middle_ = static_cast<std::int16_t>(std::lround(total / step));
  // As fine as 16 bits allow: a sum is at most kMostEntry / 2 for each four from the middle, a factor mostly 1.25.
  while ((kMostEntry * fours << (shift_ + 1)) <= 32767) ++shift_;
  const double root = std::sqrt(static_cast<double>(places_));
  unit_ = step * 32768 / (kFactorOne * root * std::ldexp(1.0, shift_));
  // Rounding of the entries and of `middle_`, beside the mean size of a turned vector, sqrt(2 / pi) * root.
  table_variance_ = (static_cast<double>(fours) / 12 + 0.25) * step * step / (0.63 * static_cast<double>(places_));
}

std::int64_t CodedQuery::compare(const std::int8_t* coarse) const {
  I32x4 sums = {};
  const std::int16_t* codes = codes_.data();
#pragma GCC unroll 1
  for (std::size_t i = 0; i < places_; i += 16) add_products<true>(load<U8x16>(coarse + i), codes + i, sums);
  return kFineSteps * sum_of(sums);
}

float CodedQuery::cosine(std::int64_t compared, const std::uint8_t* fine, float scale) const {
  const std::int16_t* codes = codes_.data();
  // Bits that come from a neighbour are masked away.
  const U16x8 two = {0x0303, 0x0303, 0x0303, 0x0303, 0x0303, 0x0303, 0x0303, 0x0303};
  const U16x8 one = {0x0101, 0x0101, 0x0101, 0x0101, 0x0101, 0x0101, 0x0101, 0x0101};
  I32x4 sums = {};
  const std::uint8_t* last = fine + pair_bytes(places_);
  for (std::size_t i = 0; i < places_; i += 16) {
    const U16x8 pairs = load<U16x8>(fine + i / 64 * 16) >> static_cast<int>(i / 16 % 4 * 2);
    const U16x8 lasts = load<U16x8>(last + i / 128 * 16) >> static_cast<int>(i / 16 % 8);
    add_products<false>((U8x16)((pairs & two) << 1 | (lasts & one)), codes + i, sums);
  }
  return score(compared + sum_of(sums), scale);
}

float CodedQuery::score(std::int64_t sum, float scale) const {
  return static_cast<float>(std::clamp(static_cast<double>(sum) * scale_ * scale, -1.0, 1.0));
}

// One stream of memory, and no long unrolled loop: either costs more than it saves once rows lie outside the caches.
void CodedQuery::estimate(const std::uint8_t* signs, const std::int16_t* factors, std::size_t blocks,
                          std::int16_t* estimates) const {
  constexpr std::size_t kParts = kBlockRows / 16;
  const U16x8 nibble = {0x0F0F, 0x0F0F, 0x0F0F, 0x0F0F, 0x0F0F, 0x0F0F, 0x0F0F, 0x0F0F};
  const std::size_t bytes = places_ / 8;
  for (; blocks > 0; --blocks, factors += kBlockRows, estimates += kBlockRows) {
    U16x8 sums[2 * kParts] = {};
    const std::uint8_t* table = tables_.data();
    for (std::size_t left = bytes; left > 0;) {
      // Sixteen entries of two tables fill a byte at most.
      const std::size_t run = std::min<std::size_t>(left, 8);
      left -= run;
      U8x16 parts[kParts] = {};
#pragma GCC unroll 1
      for (const std::uint8_t* end = signs + run * kBlockRows; signs != end; signs += kBlockRows, table += 32) {
        const U8x16 low = load<U8x16>(table);
        const U8x16 high = load<U8x16>(table + 16);
        for (std::size_t k = 0; k < kParts; ++k) {
          const U16x8 both = load<U16x8>(signs + 16 * k);
          parts[k] += pick(low, (U8x16)(both & nibble)) + pick(high, (U8x16)(both >> 4 & nibble));
        }
      }
      for (std::size_t k = 0; k < kParts; ++k) widen(parts[k], sums[2 * k], sums[2 * k + 1]);
    }
    for (std::size_t i = 0; i < 2 * kParts; ++i) {
      const I16x8 centred = ((I16x8)sums[i] - middle_) << shift_;
      store(estimates + 8 * i, scaled(centred, load<I16x8>(factors + 8 * i)));
    }
  }
}

double CodedQuery::error(double cosine) const {
  // (1 - c²) / c² of RaBitQ's theorem 3.2; c is near sqrt(2 / pi), which makes it 0.57, and 0.65 covers nearly all
  // rows.
  const double variance = 0.65 * (1 - cosine * cosine) / static_cast<double>(places_ - 1);
  return 4 * std::sqrt(variance + table_variance_);
}

std::uint32_t above(const std::int16_t* numbers, std::int16_t threshold) {
#ifdef __wasm_simd128__
  const v128_t limit = wasm_i16x8_splat(threshold);
  const v128_t a = wasm_i16x8_gt(wasm_v128_load(numbers), limit);
  const v128_t b = wasm_i16x8_gt(wasm_v128_load(numbers + 8), limit);
  const v128_t c = wasm_i16x8_gt(wasm_v128_load(numbers + 16), limit);
  const v128_t d = wasm_i16x8_gt(wasm_v128_load(numbers + 24), limit);
  if (!wasm_v128_any_true(wasm_v128_or(wasm_v128_or(a, b), wasm_v128_or(c, d)))) return 0;
  return static_cast<std::uint32_t>(wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(a, b))) |
         static_cast<std::uint32_t>(wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(c, d))) << 16;
#else
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; i < 32; ++i) bits |= static_cast<std::uint32_t>(numbers[i] > threshold) << i;
  return bits;
#endif
}

}  // namespace tierwise::embed
