// Which entries a forget() means: every condition given must hold.
//
// Also what was forgotten lately (ForgetMarks): a write that was on its way from another tab, or from IndexedDB, while
// its entry was being forgotten must not bring it back. A mark refuses matching records stored up to the moment of the
// forgetting, for ten minutes; messages between tabs take milliseconds, and what lies in IndexedDB was deleted there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
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
  std::optional<double> now;

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

class ForgetMarks {
 public:
  static constexpr double kLife = 10 * 60 * 1000;
  static constexpr std::size_t kMaxMarks = 64;
  static constexpr std::size_t kMaxIds = 20'000;  // in all marks

  void remember(const Selector& selector, double at);

  // Whether a record stored at `stored_at` was forgotten later. Marks that are too old, or that a clock set back has
  // put in the future, are let go.
  bool forgotten(const Digest& id, const std::string& tier, const std::string& target, double stored_at,
                 const Digest& partition, const std::vector<std::string>& tags, double now);

 private:
  struct Mark {
    Selector selector;
    double at;
  };
  std::size_t id_count() const;

  std::deque<Mark> marks_;
};

}  // namespace tierwise::cache
