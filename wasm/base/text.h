// UTF-8 text: is it valid, where may it be cut. And sentences: filled in from their parts. Validity is that of the
// Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tierwise {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

bool valid_utf8(std::string_view text);

// Bytes of the well-formed character that `text`, which is not empty, begins with; 0 when it begins with none.
std::size_t character_bytes(std::string_view text);

// Bytes at the beginning of `text` that stand for themselves inside a JSON string: ASCII without controls, " and \.
std::size_t plain_bytes(std::string_view text);

// `text` with every byte that belongs to no well-formed character replaced by U+FFFD.
std::string to_valid_utf8(std::string_view text);

// The longest beginning of at most `max_bytes` bytes that does not end inside a character. Of invalid text it is some
// beginning of at most that size.
std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);

// Without the ASCII white space around it.
std::string_view trim(std::string_view text);

// ASCII letters only; other bytes stay.
std::string lower_case(std::string_view text);

// A view that is cheap to make of a string: where it lies is found out when it is read. Lives as long as an argument.
class Part {
 public:
  Part(std::string_view text) : place_(text.data()), size_(text.size()) {}
  Part(const char* text) : Part(std::string_view(text)) {}
  Part(const std::string& text) : place_(&text), size_(std::string::npos) {}

  std::string_view text() const {
    if (size_ == std::string::npos) return *static_cast<const std::string*>(place_);
    return {static_cast<const char*>(place_), size_};
  }

 private:
  const void* place_;
  std::size_t size_;
};

// `pattern` with each {} replaced by the next of `parts`: fill("{} must be {}.", {field, rule}). As many {} as parts.
std::string fill(std::string_view pattern, std::initializer_list<Part> parts);

std::string digits(std::int64_t whole);

}  // namespace tierwise
