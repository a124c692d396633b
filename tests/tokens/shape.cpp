// The shapes of texts (wasm/prompt/text_shape.h) and the estimates made of them (wasm/prompt/tokens.h), for
// fit.py and measure.mjs. In: for each text its size in bytes as a line of digits, then the text. Out: a line
// each. With the argument `shape` the counts of the events; without, tokens and at most of every family; with
// `speed`, of all texts together, bytes and megabytes a second, the best of ten rounds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/text_shape.h"
#include "prompt/tokens.h"

int main(int count, char** arguments) {
  using namespace tierwise::prompt;
  const std::string_view mode = count > 1 ? arguments[1] : "";
  std::vector<std::string> texts;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string text(std::stoul(line), '\0');
    std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
    texts.push_back(std::move(text));
  }
  if (mode == "speed") {
    double bytes = 0;
    double best = 1e9;
    double sum = 0;
    for (const std::string& text : texts) bytes += static_cast<double>(text.size());
    for (int round = 0; round < 10; ++round) {
      const auto start = std::chrono::steady_clock::now();
      for (const std::string& text : texts) sum += estimate_tokens(text).tokens;
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    std::printf("%.0f %.0f %.0f\n", bytes, bytes / best / 1e6, sum);
    return 0;
  }
  for (const std::string& text : texts) {
    if (mode == "shape") {
      for (const std::uint32_t events : shape_of(text)) std::printf("%u ", events);
    } else {
      using enum TokenizerFamily;
      for (const TokenizerFamily family : {kGpt2, kSp32k, kCl100k, kQwen, kO200k, kGemma, kUnknown}) {
        const TokenEstimate estimate = estimate_tokens(text, family);
        std::printf("%.0f %.0f ", estimate.tokens, estimate.at_most);
      }
    }
    std::printf("\n");
  }
}
