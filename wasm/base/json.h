// Reading JSON that came from outside: bounded parsing and field readers whose errors name the field.
// Insertion order is kept (ordered_json) only where the order carries meaning.
#pragma once

#include <cstddef>

#if !defined(__cpp_exceptions)
// What nlohmann/json would throw is a bug of ours; without its text, because composing that costs a tenth of core.wasm.
#include "bug/bug.h"
#define JSON_THROW_USER(exception) ::tierwise::raise_bug("a JSON value had another shape than the core expected")
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

using json = nlohmann::json;

inline constexpr std::size_t kMaxJsonDepth = 100;

// Parses `text`; error code "invalid-json" for malformed text or invalid UTF-8, "too-deep" past kMaxJsonDepth.
Result<json> parse_json(std::string_view text);

// Serialises; invalid UTF-8 is replaced by U+FFFD rather than thrown about.
std::string dump_json(const json& value);

// Readers: a missing or null field gives nullopt or the fallback; a field of the wrong type is ignored in the
// same way (they are for data whose shape is not ours: server bodies). For input of ours use the require_ family.
std::optional<std::string> optional_string(const json& object, std::string_view field);
std::optional<double> optional_number(const json& object, std::string_view field);
std::optional<bool> optional_bool(const json& object, std::string_view field);
// The member, or nullptr when `object` is no object or has none (JSON null counts as none).
const json* find_member(const json& object, std::string_view field);

// Error code "invalid-input" naming `path` when missing or of another type.
Result<std::string> require_string(const json& object, std::string_view field, std::string_view path);
Result<double> require_number(const json& object, std::string_view field, std::string_view path);

}  // namespace tierwise
