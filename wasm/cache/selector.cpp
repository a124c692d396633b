#include "cache/selector.h"

#include "base/text.h"
#include "cache/index.h"

namespace tierwise::cache {
namespace {

std::vector<Digest> read_ids(const json& list, FieldReader& reader) {
  std::vector<Digest> ids;
  if (!list.is_array() || list.size() > kMostEntries) {
    reader.complain("ids", fill("a list of at most {} ids", {digits(kMostEntries)}));
    return ids;
  }
  for (const json& value : elements_of(list)) {
    const std::string* text = string_in(value);
    const auto id = text == nullptr ? std::nullopt : digest_from_hex(*text);
    if (!id) {
      const auto place = digits(static_cast<std::int64_t>(ids.size()));
      reader.complain(fill("ids[{}]", {place}), "64 lower-case hexadecimal digits");
      break;
    }
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace

Result<Selector> read_selector(const json& request) {
  FieldReader reader(request);
  reader.require_object("selector");
  if (reader.failed()) return reader.take_problem();
  Selector selector;
  bool all = false;
  bool conditions = false;
  for (const auto& [field, value] : members_of(request)) {
    bool is_condition = true;
    if (field == "ids") {
      selector.ids = read_ids(value, reader);
    } else if (field == "tag") {
      selector.tag = reader.name(field, kMaxTagBytes);
    } else if (field == "tier") {
      selector.tier = reader.name(field, kMaxTierBytes);
    } else if (field == "target") {
      selector.target = reader.name(field, kMaxTargetBytes);
    } else if (field == "before") {
      selector.before = reader.number(field, 0, kLatestTime);
    } else if (field == "partition") {
      selector.partition = reader.digest(field);
    } else {
      is_condition = false;
      if (field == "all") {
        all = reader.flag(field);
      } else if (field == "dryRun") {
        selector.dry_run = reader.flag(field);
      } else {
        return make_error("invalid-input",
                          fill("{} is not known here: forget by ids, tag, tier, target, before or partition.", {field}),
                          field);
      }
    }
    if (reader.failed()) return reader.take_problem();
    conditions = conditions || is_condition;
  }
  if (!conditions && !all) {
    return make_error("invalid-input", "Say what to forget (ids, tag, tier, target, before, partition), or all: true.",
                      "all");
  }
  return selector;
}

}  // namespace tierwise::cache
