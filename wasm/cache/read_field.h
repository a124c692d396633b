// Reading the fields of a request to the cache strictly: what is missing, of another type or outside its limits is
// refused with "invalid-input", naming the field. JSON null is a wrong type here, so that nothing given by mistake
// counts as not given.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"

namespace tierwise::cache {

// The last moment a JavaScript Date can name; durations are held to the same limit.
inline constexpr double kLatestTime = 8.64e15;
inline constexpr std::size_t kMaxTags = 16;
inline constexpr std::size_t kMaxTagBytes = 128;
inline constexpr std::size_t kMaxTierBytes = 64;
inline constexpr std::size_t kMaxTargetBytes = 256;

Error bad_field(std::string_view path, std::string_view rule);

bool has_field(const json& object, std::string_view field);

Result<bool> read_flag(const json& object, std::string_view field);
// Finite, in [lowest, highest].
Result<double> read_number(const json& object, std::string_view field, double lowest, double highest);
Result<double> read_number_or(const json& object, std::string_view field, double lowest, double highest, double absent);
// The same, without a fraction.
Result<double> read_whole(const json& object, std::string_view field, double lowest, double highest);
Result<double> read_whole_or(const json& object, std::string_view field, double lowest, double highest, double absent);
// 1 to `max_bytes` bytes.
Result<std::string> read_name(const json& object, std::string_view field, std::size_t max_bytes);
// 64 lower-case hexadecimal digits.
Result<Digest> read_digest(const json& object, std::string_view field);
Result<std::vector<Digest>> read_digests(const json& object, std::string_view field, std::size_t max_count);
// Sorted, each once. Absent: none.
Result<std::vector<std::string>> read_tags(const json& object);

}  // namespace tierwise::cache
