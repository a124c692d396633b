// Lists of words in one text, "base company user": a table of string_views takes twice the room, in a module
// that is loaded over the network. No word holds a blank; the names of an enum stand in its order.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tierwise {

inline constexpr std::size_t kNoWord = std::string_view::npos;

// Which of `words` it is, counted from 0; kNoWord when it is none of them.
std::size_t word_position(std::string_view words, std::string_view word);
inline bool has_word(std::string_view words, std::string_view word) { return word_position(words, word) != kNoWord; }

// The word at `position`, which must be there.
std::string_view word_at(std::string_view words, std::size_t position);

// With `separator` between them instead of the blanks.
std::string joined_words(std::string_view words, std::string_view separator);

}  // namespace tierwise
