// Numbers as JSON writes them. Small on purpose: the C library's strtod and snprintf bring long doubles along, a
// tenth of core.wasm.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tierwise {

// `text` must follow the grammar of a JSON number. The nearest double, ties to even; nullopt when that would be
// infinite.
std::optional<double> read_decimal(std::string_view text);

// Reads back as the same double, but for -0.0, which is written 0. A whole number up to 2^53 has no fraction or
// exponent. Null when not finite.
void append_number(std::string& text, double number);
void append_number(std::string& text, std::int64_t number);
void append_number(std::string& text, std::uint64_t number);

}  // namespace tierwise
