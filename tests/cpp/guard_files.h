// The guard's data files, read once for the tests.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "cache/guard/judge.h"
#include "cache/guard/lexicon.h"

namespace tierwise::guard {

inline std::string guard_file(const std::string& name) {
  std::ifstream in(std::string(TIERWISE_MODELS_DIR) + "/guard/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline const Lexicon& lexicon() {
  static const Result<Lexicon> kRead = Lexicon::read(guard_file("words.bin"));
  EXPECT_TRUE(kRead);
  return kRead.value();
}

inline const Judge& judge() {
  static const Result<Judge> kRead = Judge::read(guard_file("judge.bin"));
  EXPECT_TRUE(kRead);
  return kRead.value();
}

}  // namespace tierwise::guard
