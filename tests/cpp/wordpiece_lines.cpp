// Tokenises texts for tests/wordpiece: `wordpiece_lines VOCABULARY CASES ANSWERS`. A case is a line of three numbers,
// bytes of the text, most tokens, 1 with special tokens, and the text behind it; its answer is a line: 1 when tokens were
// left out, else 0, then "id:begin-end" of each token. That ids do not depend on whether places are asked for is checked.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "embed/wordpiece.h"

int main(int count, char** arguments) {
  if (count != 4) return 2;
  std::ifstream file(arguments[1], std::ios::binary);
  const std::string vocabulary((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  tierwise::embed::WordPiece pieces;
  const auto loaded = pieces.load(vocabulary);
  if (!loaded) {
    std::cerr << loaded.error().message << '\n';
    return 1;
  }
  std::ifstream cases(arguments[2], std::ios::binary);
  std::ofstream answers(arguments[3], std::ios::binary);
  std::size_t bytes = 0;
  tierwise::embed::WordPiece::Request request;
  for (std::string text; cases >> bytes >> request.most >> request.special && cases.get() == '\n';) {
    text.resize(bytes);
    cases.read(text.data(), static_cast<std::streamsize>(bytes));
    request.offsets = false;
    const bool was_cut = pieces.encode(text, request);
    const auto ids = pieces.ids();
    request.offsets = true;
    if (pieces.encode(text, request) != was_cut || pieces.ids() != ids || pieces.offsets().size() != ids.size()) {
      answers << "the tokens are others without their places\n";
      continue;
    }
    std::string answer(1, was_cut ? '1' : '0');
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto [begin, end] = pieces.offsets()[i];
      answer += ' ' + std::to_string(ids[i]) + ':' + std::to_string(begin) + '-' + std::to_string(end);
    }
    answers << answer << '\n';
  }
}
