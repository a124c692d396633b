// Which entries a forget() means: every condition given must hold.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/field_reader.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"

namespace tierwise::cache {

inline constexpr std::size_t kMaxTags = 16;
inline constexpr std::size_t kMaxTagBytes = 128;
inline constexpr std::size_t kMaxTierBytes = 64;
inline constexpr std::size_t kMaxTargetBytes = 256;

// Texts are views into what was read.
struct Selector {
  std::optional<std::vector<Digest>> ids;
  std::optional<std::string_view> tag;
  std::optional<std::string_view> tier;
  std::optional<std::string_view> target;
  std::optional<double> before;
  std::optional<Digest> partition;
  bool dry_run = false;
};

// ForgetRequest (js/core-types.ts). A field that is unknown, null or of a wrong type is refused rather than
// ignored: ignoring it would forget more than was meant. So is a selector without any condition, unless it
// says {"all": true}.
Result<Selector> read_selector(const json& request);

}  // namespace tierwise::cache
