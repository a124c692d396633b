// Reading JSON that came from outside: bounded parsing, and readers of fields that take what is wrong for missing (for
// those whose errors name the field see field_reader.h, for writing json_writer.h). Everything here is compiled once:
// what the library would put inline at each use is most of its size.
#pragma once

#include <cstddef>

#if !defined(__cpp_exceptions)
// What nlohmann/json would throw is a bug of ours: a trap, which JavaScript sees as an exception that ends the call
// (js/core.ts). Destructors do not run: the memory that the call held is lost until the page is left.
#define JSON_THROW_USER(exception) __builtin_trap()
#define JSON_TRY_USER if (true)
#define JSON_CATCH_USER(exception) if (false)
#define JSON_INTERNAL_CATCH_USER(exception) if (false)
#endif
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tierwise {

// Members stay in the order they came in, in one block of memory: requests are small, and a tree of them would be most
// of the time of a decision.
using json = nlohmann::ordered_json;

inline constexpr std::size_t kMaxJsonDepth = 100;
// A value takes up to 80 bytes while it is read, and WebAssembly's memory never shrinks.
inline constexpr std::size_t kMaxJsonValues = 1'000'000;
inline constexpr std::size_t kMergedMembers = 32;

// Parses `text`: RFC 8259; a byte order mark is skipped.
// - Of members with the same name the last value counts. A name among the first kMergedMembers of its object stands
//   there once, in its first place, as in JavaScript; one that comes later may stand there several times: find_member
//   and the readers take the last, and so must whoever goes through members_of.
// - Whole numbers of up to 18 digits are 64-bit integers, all others the nearest double; one that no double can hold
//   is refused.
// - A lone surrogate escape is refused, as invalid UTF-8 is: JSON text that no string of Unicode stands for.
// Error code "invalid-json" for malformed text, "too-deep" past kMaxJsonDepth, "too-large" past `most_values`. Not the
// library's parser: that costs 20 KB and refuses nothing for its depth or size.
Result<json> parse_json(std::string_view text, std::size_t most_values = kMaxJsonValues);

// A number, a boolean or null as JSON text.
std::string scalar_text(const json& value);

// The parts of a value that must be known to be an object (see parse_json for repeated names), an array.
const json::object_t& members_of(const json& object);
const json::array_t& elements_of(const json& array);
// nullptr when `value` is no string.
const std::string* string_in(const json& value);

// The member, or nullptr when `object` is no object or has none; `find_member` counts JSON null as none.
const json* find_any_member(const json& object, std::string_view field);
const json* find_member(const json& object, std::string_view field);

// Readers: a missing or null field gives nullopt or the fallback; a field of the wrong type is ignored in the same way
// (they are for data whose shape is not ours: server bodies). For input of ours use FieldReader. Texts are views into
// `object`.
std::optional<std::string_view> optional_string(const json& object, std::string_view field);
std::string_view string_or_empty(const json& object, std::string_view field);
std::optional<double> optional_number(const json& object, std::string_view field);
std::optional<bool> optional_bool(const json& object, std::string_view field);
// Whether it is there and true.
bool is_set(const json& object, std::string_view field);

}  // namespace tierwise
