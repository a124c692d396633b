#include "base/words.h"

namespace tierwise {
namespace {

std::string_view take_word(std::string_view& words) {
  const std::size_t end = words.find(' ');
  const std::string_view word = words.substr(0, end);
  words.remove_prefix(end == std::string_view::npos ? words.size() : end + 1);
  return word;
}

}  // namespace

std::size_t word_position(std::string_view words, std::string_view word) {
  if (word.empty() || word.find(' ') != std::string_view::npos) return kNoWord;
  for (std::size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at > 0 && words[at - 1] != ' ') || (end < words.size() && words[end] != ' ')) continue;
    std::size_t position = 0;
    for (const char c : words.substr(0, at)) position += c == ' ' ? 1 : 0;
    return position;
  }
  return kNoWord;
}

std::string_view word_at(std::string_view words, std::size_t position) {
  for (; position > 0; --position) take_word(words);
  return take_word(words);
}

std::string joined_words(std::string_view words, std::string_view separator) {
  std::string joined(take_word(words));
  while (!words.empty()) {
    joined += separator;
    joined += take_word(words);
  }
  return joined;
}

}  // namespace tierwise
