#include "base/hash.h"

#include <cstring>

namespace tierwise {
namespace {

using Words = std::array<std::uint32_t, 8>;
using U32x4 = std::uint32_t __attribute__((vector_size(16)));
using U8x16 = std::uint8_t __attribute__((vector_size(16)));

// FIPS 180-4, 4.2.2 and 5.3.3.
constexpr std::array<std::uint32_t, 64> kRoundConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
constexpr Words kInitialWords = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// The functions below work on one word and on four alike.
template <typename Word>
[[gnu::always_inline]] inline Word rotate_right(Word x, int bits) {
  return (x >> bits) | (x << (32 - bits));
}

template <typename Word>
[[gnu::always_inline]] inline Word schedule_word(Word w16, Word w15, Word w7, Word w2) {
  const Word sigma0 = rotate_right(w15, 7) ^ rotate_right(w15, 18) ^ (w15 >> 3);
  const Word sigma1 = rotate_right(w2, 17) ^ rotate_right(w2, 19) ^ (w2 >> 10);
  return w16 + sigma0 + w7 + sigma1;
}

[[gnu::always_inline]] inline std::uint32_t load_word(const std::uint8_t* bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | static_cast<std::uint32_t>(bytes[3]);
}

[[gnu::always_inline]] inline U32x4 load_four_words(const std::uint8_t* bytes) {
  U8x16 raw;
  std::memcpy(&raw, bytes, sizeof raw);
  const U8x16 swapped = __builtin_shufflevector(raw, raw, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  U32x4 words;
  std::memcpy(&words, &swapped, sizeof words);
  return words;
}

[[gnu::always_inline]] inline void round(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t& d,
                                         std::uint32_t e, std::uint32_t f, std::uint32_t g, std::uint32_t& h,
                                         std::uint32_t word_and_constant) {
  const std::uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
  const std::uint32_t choice = g ^ (e & (f ^ g));
  const std::uint32_t t = h + sum1 + choice + word_and_constant;
  const std::uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
  const std::uint32_t majority = (a & b) | (c & (a | b));
  d += t;
  h = t + sum0 + majority;
}

// `inputs`: word and constant of each of the 64 rounds.
[[gnu::noinline]] void run_rounds(Words& state, const std::uint32_t* inputs) {
  auto [a, b, c, d, e, f, g, h] = state;
  for (const std::uint32_t* in = inputs; in != inputs + 64; in += 8) {
    round(a, b, c, d, e, f, g, h, in[0]);
    round(h, a, b, c, d, e, f, g, in[1]);
    round(g, h, a, b, c, d, e, f, in[2]);
    round(f, g, h, a, b, c, d, e, in[3]);
    round(e, f, g, h, a, b, c, d, in[4]);
    round(d, e, f, g, h, a, b, c, in[5]);
    round(c, d, e, f, g, h, a, b, in[6]);
    round(b, c, d, e, f, g, h, a, in[7]);
  }
  const Words mixed = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += mixed[i];
}

void compress_one(Words& state, const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t t = 0; t < 16; ++t) w[t] = load_word(block + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) w[t] = schedule_word(w[t - 16], w[t - 15], w[t - 7], w[t - 2]);
  for (std::size_t t = 0; t < 64; ++t) w[t] += kRoundConstants[t];
  run_rounds(state, w.data());
}

// Lane k of every vector belongs to block k.
void compress_four(Words& state, const std::uint8_t* blocks) {
  std::array<U32x4, 64> w;
  for (std::size_t t = 0; t < 16; t += 4) {
    const U32x4 r0 = load_four_words(blocks + 4 * t);
    const U32x4 r1 = load_four_words(blocks + 4 * t + Sha256::kBlockBytes);
    const U32x4 r2 = load_four_words(blocks + 4 * t + 2 * Sha256::kBlockBytes);
    const U32x4 r3 = load_four_words(blocks + 4 * t + 3 * Sha256::kBlockBytes);
    const U32x4 low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
    const U32x4 high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    const U32x4 low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
    const U32x4 high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    w[t] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    w[t + 1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    w[t + 2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    w[t + 3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
  }
  for (std::size_t t = 16; t < 64; ++t) w[t] = schedule_word(w[t - 16], w[t - 15], w[t - 7], w[t - 2]);

  std::array<std::array<std::uint32_t, 64>, 4> inputs;
  for (std::size_t t = 0; t < 64; ++t) {
    const U32x4 sum = w[t] + kRoundConstants[t];
    inputs[0][t] = sum[0];
    inputs[1][t] = sum[1];
    inputs[2][t] = sum[2];
    inputs[3][t] = sum[3];
  }
  for (const auto& block : inputs) run_rounds(state, block.data());
}

void compress(Words& state, const std::uint8_t* bytes, std::size_t blocks) {
  for (; blocks >= 4; blocks -= 4, bytes += 4 * Sha256::kBlockBytes) compress_four(state, bytes);
  for (; blocks > 0; --blocks, bytes += Sha256::kBlockBytes) compress_one(state, bytes);
}

constexpr char kDigits[] = "0123456789abcdef";

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

Sha256::Sha256() : words_(kInitialWords) {}

void Sha256::update(std::string_view data) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(data.data());
  std::size_t left = data.size();
  const std::size_t held = bytes_ % kBlockBytes;
  bytes_ += left;
  if (held > 0) {
    const std::size_t taken = left < kBlockBytes - held ? left : kBlockBytes - held;
    if (taken > 0) std::memcpy(pending_.data() + held, bytes, taken);
    if (held + taken < kBlockBytes) return;
    compress(words_, pending_.data(), 1);
    bytes += taken;
    left -= taken;
  }
  compress(words_, bytes, left / kBlockBytes);
  const std::size_t rest = left % kBlockBytes;
  if (rest > 0) std::memcpy(pending_.data(), bytes + (left - rest), rest);
}

Digest Sha256::finish() {
  std::size_t held = bytes_ % kBlockBytes;
  pending_[held++] = 0x80;
  if (held > kBlockBytes - 8) {
    std::memset(pending_.data() + held, 0, kBlockBytes - held);
    compress(words_, pending_.data(), 1);
    held = 0;
  }
  std::memset(pending_.data() + held, 0, kBlockBytes - 8 - held);
  const std::uint64_t bits = bytes_ * 8;
  for (std::size_t i = 0; i < 8; ++i) {
    pending_[kBlockBytes - 8 + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  }
  compress(words_, pending_.data(), 1);

  Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(words_[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

Digest sha256(std::string_view data) {
  Sha256 hash;
  hash.update(data);
  return hash.finish();
}

void append_hex(std::string& text, const Digest& digest) {
  const std::size_t start = text.size();
  text.resize(start + 2 * digest.size());
  char* out = text.data() + start;
  for (const std::uint8_t byte : digest) {
    *out++ = kDigits[byte >> 4];
    *out++ = kDigits[byte & 15];
  }
}

std::string to_hex(const Digest& digest) {
  std::string text;
  append_hex(text, digest);
  return text;
}

std::optional<Digest> digest_from_hex(std::string_view text) {
  Digest digest;
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

}  // namespace tierwise
