// UTF-8 text: is it valid, how long is it for a person, where may it be cut.
// Validity is that of the Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace tierwise {

bool valid_utf8(std::string_view text);

// Code points of valid text. (Of invalid text: bytes that do not continue a character.)
std::size_t code_points(std::string_view text);

// The longest beginning of at most `max_bytes` bytes that does not end inside a character. Of invalid text it is
// some beginning of at most that size.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace tierwise
