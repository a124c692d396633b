// Numbers as templates and Python's int() and float() read them.
#pragma once

#include <cstdint>
#include <string_view>

namespace tierwise::prompt {

// float(): white space around it, a sign, single underscores between digits, inf and nan.
bool read_real(std::string_view text, double& number);

enum class Read : std::uint8_t { kNo, kYes, kOverflows };
// int() with a base from 2 to 36, or 0: as the text says. More than 64 bits are too large.
Read read_whole(std::string_view text, std::int64_t base, std::int64_t& number);

}  // namespace tierwise::prompt
