// UTF-8 text as Python sees it: a sequence of code points, with Python's notions of white space and letter case.
// Case is that of the Unicode version named in case_tables.inc, with full mappings (ß -> SS, final sigma).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tierwise::prompt {

// The code point at `at`, which is moved behind it. A byte that begins none counts as one.
std::uint32_t next_code_point(std::string_view text, std::size_t& at);
// Where the code point begins that ends at `at`, which is not 0.
std::size_t previous(std::string_view text, std::size_t at);
void append_code_point(std::string& text, std::uint32_t code_point);

std::size_t count_code_points(std::string_view text);
// Bytes of the first `count` code points, or of all there are.
std::size_t bytes_of(std::string_view text, std::size_t count);

// str.isspace.
bool is_space(std::uint32_t code_point);
// What str.splitlines splits at.
bool is_line_end(std::uint32_t code_point);
// The line of str.splitlines that begins at `at`, without its end; `at` is moved behind that.
std::string_view next_line(std::string_view text, std::size_t& at);
// str.isprintable, without the code points that Unicode has not assigned.
bool is_printable(std::uint32_t code_point);
// What \w matches: letters and digits of ASCII and _; beyond ASCII all but white space, punctuation and symbols of the
// common blocks.
bool is_word(std::uint32_t code_point);
bool is_upper(std::uint32_t code_point);
bool is_lower(std::uint32_t code_point);

enum Sides : unsigned { kLeft = 1, kRight = 2, kBoth = 3 };
// White space, or every code point of `characters`.
std::string_view strip(std::string_view text, unsigned sides, const std::string_view* characters = nullptr);

// str.islower, str.isupper: at least one letter with a case, and none of the other.
bool has_case(std::string_view text, bool upper);
// As str.lower, upper, capitalize, title, swapcase, casefold and Jinja2's filter title have it.
enum class Case : std::uint8_t { kLower, kUpper, kCapital, kTitle, kSwapped, kFolded, kWords };
void append_case(std::string& out, std::string_view text, Case how);

}  // namespace tierwise::prompt
