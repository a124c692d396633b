#include "reply/tokens.h"

#include <array>
#include <cstdint>

namespace tierwise::reply {
namespace {

constexpr std::uint64_t kPerToken = 20;

// Twentieths of a token by lead byte; bytes that continue a character weigh nothing.
constexpr std::array<std::uint8_t, 256> make_weights() {
  std::array<std::uint8_t, 256> weights{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    std::uint8_t weight = 0;
    if (byte < 0x80) {
      weight = letter || byte == ' ' ? 5 : 10;
    } else if (byte < 0xC0) {
      weight = 0;
    } else if (byte < 0xE0) {
      weight = 10;
    } else if (byte == 0xE2 || byte == 0xEE || byte == 0xEF) {
      weight = 20;
    } else if (byte < 0xF0) {
      weight = 16;
    } else {
      weight = 40;
    }
    weights[byte] = weight;
  }
  return weights;
}

constexpr std::array<std::uint8_t, 256> kWeights = make_weights();

}  // namespace

double estimate_tokens(std::string_view text) {
  if (text.empty()) return 0;
  std::uint64_t sum = 0;
  for (const char c : text) sum += kWeights[static_cast<std::uint8_t>(c)];
  const std::uint64_t tokens = (sum + kPerToken - 1) / kPerToken;
  return tokens == 0 ? 1 : static_cast<double>(tokens);
}

}  // namespace tierwise::reply
