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
      } else if (field == "now") {
        problem = keep(read_number(request, field, 0, kLatestTime), selector.now);
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

void ForgetMarks::remember(const Selector& selector, double at) {
  marks_.push_back({selector, at});
  while (marks_.size() > 1 && (marks_.size() > kMaxMarks || id_count() > kMaxIds)) marks_.pop_front();
}

bool ForgetMarks::forgotten(const Digest& id, const std::string& tier, const std::string& target, double stored_at,
                            const Digest& partition, const std::vector<std::string>& tags, double now) {
  if (marks_.empty()) return false;
  const auto out_of_time = [now](const Mark& mark) { return now - mark.at > kLife || mark.at - now > kClockTolerance; };
  marks_.erase(std::remove_if(marks_.begin(), marks_.end(), out_of_time), marks_.end());
  const auto has_tag = [&tags](const std::string& tag) { return std::binary_search(tags.begin(), tags.end(), tag); };
  return std::any_of(marks_.begin(), marks_.end(), [&](const Mark& mark) {
    return stored_at <= mark.at && mark.selector.selects(id, tier, target, stored_at, partition, has_tag);
  });
}

std::size_t ForgetMarks::id_count() const {
  std::size_t count = 0;
  for (const Mark& mark : marks_) count += mark.selector.ids ? mark.selector.ids->size() : 0;
  return count;
}

}  // namespace tierwise::cache
