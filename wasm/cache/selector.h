// Which entries a forget() means: every condition given must hold.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"

namespace tierwise::cache {

struct Selector {
  std::optional<std::vector<Digest>> ids;  // sorted
  std::optional<std::string> tag;
  std::optional<std::string> tier;
  std::optional<std::string> target;
  std::optional<double> before;
  std::optional<Digest> partition;
  bool dry_run = false;

  // `has_tag(tag)` tells whether the entry has that tag.
  template <typename HasTag>
  bool selects(const Digest& id, const std::string& of_tier, const std::string& of_target, double stored_at,
               const Digest& of_partition, const HasTag& has_tag) const {
    return (!ids || std::binary_search(ids->begin(), ids->end(), id)) && (!tier || *tier == of_tier) &&
           (!target || *target == of_target) && (!before || stored_at < *before) &&
           (!partition || *partition == of_partition) && (!tag || has_tag(*tag));
  }
};

// ForgetRequest (js/core-types.ts). A field that is unknown, null or of a wrong type is refused rather than ignored:
// ignoring it would forget more than was meant. So is a selector without any condition, unless it says {"all": true}.
Result<Selector> read_selector(const json& request);

}  // namespace tierwise::cache
