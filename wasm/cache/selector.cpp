#include "cache/selector.h"

#include <string_view>
#include <utility>

#include "cache/index.h"
#include "cache/read_field.h"

namespace tierwise::cache {
namespace {

template <typename T, typename Target>
std::optional<Error> keep(Result<T> read, Target& target) {
  if (!read) return read.error();
  target = std::move(read).value();
  return std::nullopt;
}

}  // namespace

Result<Selector> read_selector(const json& request) {
  if (!request.is_object()) return bad_field("selector", "an object");
  Selector selector;
  bool all = false;
  bool conditions = false;
  for (const auto& [field, value] : request.items()) {
    std::optional<Error> problem;
    bool is_condition = true;
    if (field == "ids") {
      problem = keep(read_digests(request, field, kMostEntries), selector.ids);
    } else if (field == "tag") {
      problem = keep(read_name(request, field, kMaxTagBytes), selector.tag);
    } else if (field == "tier") {
      problem = keep(read_name(request, field, kMaxTierBytes), selector.tier);
    } else if (field == "target") {
      problem = keep(read_name(request, field, kMaxTargetBytes), selector.target);
    } else if (field == "before") {
      problem = keep(read_number(request, field, 0, kLatestTime), selector.before);
    } else if (field == "partition") {
      problem = keep(read_digest(request, field), selector.partition);
    } else {
      is_condition = false;
      if (field == "all") {
        problem = keep(read_flag(request, field), all);
      } else if (field == "dryRun") {
        problem = keep(read_flag(request, field), selector.dry_run);
      } else {
        problem = Error{"invalid-input", field + " is not known here: forget by ids, tag, tier, target, before or partition.",
                        field};
      }
    }
    if (problem) return *problem;
    conditions = conditions || is_condition;
  }
  if (!conditions && !all) {
    return Error{"invalid-input", "Say what to forget (ids, tag, tier, target, before, partition), or all: true.", "all"};
  }
  if (selector.ids) std::sort(selector.ids->begin(), selector.ids->end());
  return selector;
}

}  // namespace tierwise::cache
