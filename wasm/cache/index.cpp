#include "cache/index.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "cache/key.h"
#include "cache/policy.h"
#include "cache/read_field.h"
#include "cache/selector.h"

namespace tierwise::cache {
namespace {

constexpr std::size_t kSweptPlaces = 32;
constexpr double kMostHits = 4294967295.0;

// The same complaint about a part of `section`.
Error within(std::string_view section, const Error& error) {
  const std::string prefix = std::string(section) + ".";
  return {error.code, prefix + error.message, prefix + error.field};
}

bool is_time(double value) { return value >= 0 && value <= kLatestTime; }  // false for NaN

// A StoreRecord, read and checked.
struct Record {
  Digest id;
  Digest partition;
  std::string tier;
  std::string target;
  std::vector<std::string> tags;
  double bytes;
  double stored_at;
  double ttl;
  double last_used_at;
  double hits;
  double now;
};

Result<Record> read_record(const json& record, double default_ttl) {
  if (!record.is_object()) return bad_field("record", "an object");
  auto id = read_digest(record, "id");
  if (!id) return id.error();
  auto partition = read_digest(record, "partition");
  if (!partition) return partition.error();
  auto tier = read_name(record, "tier", kMaxTierBytes);
  if (!tier) return tier.error();
  auto target = read_name(record, "target", kMaxTargetBytes);
  if (!target) return target.error();
  auto tags = read_tags(record);
  if (!tags) return tags.error();
  const auto bytes = read_whole(record, "bytes", 0, 9007199254740991.0);
  if (!bytes) return bytes.error();
  const auto stored_at = read_number(record, "storedAt", 0, kLatestTime);
  if (!stored_at) return stored_at.error();
  const auto ttl = read_number_or(record, "ttlMs", 0, kLatestTime, default_ttl);
  if (!ttl) return ttl.error();
  const auto now = read_number(record, "now", 0, kLatestTime);
  if (!now) return now.error();
  const auto last_used_at = read_number_or(record, "lastUsedAt", 0, kLatestTime, now.value());
  if (!last_used_at) return last_used_at.error();
  const auto hits = read_whole_or(record, "hits", 0, kMostHits, 0);
  if (!hits) return hits.error();
  return Record{id.value(),
                partition.value(),
                std::move(tier).value(),
                std::move(target).value(),
                std::move(tags).value(),
                bytes.value(),
                stored_at.value(),
                ttl.value(),
                std::min(last_used_at.value(), now.value()),
                hits.value(),
                now.value()};
}

}  // namespace

Result<json> Index::configure(const json& config) {
  const json* given = find_member(config, "cache");
  const json section = given == nullptr ? json::object() : *given;
  if (!section.is_object()) return bad_field("cache", "an object");
  const Index defaults;
  const auto max_entries = read_whole_or(section, "maxEntries", 0, static_cast<double>(kMostEntries),
                                         static_cast<double>(defaults.max_entries_));
  if (!max_entries) return within("cache", max_entries.error());
  const auto max_bytes = read_number_or(section, "maxBytes", 0, kMostBytes, defaults.max_bytes_);
  if (!max_bytes) return within("cache", max_bytes.error());
  const auto ttl = read_number_or(section, "ttlMs", 0, kLatestTime, defaults.ttl_);
  if (!ttl) return within("cache", ttl.error());
  const auto stale = read_number_or(section, "staleMs", 0, kLatestTime, defaults.stale_);
  if (!stale) return within("cache", stale.error());

  max_entries_ = static_cast<std::size_t>(max_entries.value());
  max_bytes_ = max_bytes.value();
  ttl_ = ttl.value();
  stale_ = stale.value();
  json evicted = json::array();
  for (const std::uint32_t number : overflow()) remove_into(number, evicted);
  return json{{"evicted", std::move(evicted)}};
}

Result<json> Index::partition(const json& description) {
  const auto id = partition_id(description);
  if (!id) return id.error();
  std::uint32_t number = partition_numbers_.find(id.value(), partition_digest());
  if (number == DigestTable::kNone || !partitions_[number].described) {
    if (described_ >= kMaxPartitions) {
      return Error{"too-many-partitions", "More than " + std::to_string(kMaxPartitions) +
                                              " partitions were named. Name only what separates people or data."};
    }
    number = partition_number(id.value());
    partitions_[number].described = true;
    ++described_;
  }
  return json{{"handle", number}, {"id", to_hex(id.value())}};
}

Result<std::string> Index::look_up(std::uint32_t partition, std::string_view request, double now, double max_age,
                                   bool allow_stale) {
  if (partition >= partitions_.size() || !partitions_[partition].described) {
    return Error{"unknown-partition", "No partition has this handle: ask partition() for one.", "partition"};
  }
  if (!is_time(now)) return bad_field("now", "a time in milliseconds since 1970");
  if (!std::isfinite(max_age)) return bad_field("maxAge", "a finite number of milliseconds");
  const auto id = entry_id(partitions_[partition].prefix, request);
  if (!id) return id.error();

  std::string answer;
  answer.reserve(160);
  answer += R"({"id":")";
  append_hex(answer, id.value());
  const std::uint32_t number = table_.find(id.value());
  if (number == EntryTable::kNone || table_[number].partition != partition) {
    answer += R"(","hit":false})";
    return answer;
  }
  const Entry& entry = table_[number];
  const Life state = life(entry.stored_at, entry.ttl, now);
  const double age = std::max(0.0, now - entry.stored_at);
  if (state == Life::kOver) sweep_at_ = number;
  if (state == Life::kOver || (state == Life::kStale && !allow_stale)) {
    answer += R"(","hit":false,"refused":"expired"})";
    return answer;
  }
  if (max_age >= 0 && age > max_age) {
    answer += R"(","hit":false,"refused":"too-old"})";
    return answer;
  }
  table_.used(number, now);
  answer += R"(","hit":true,"ageMs":)";
  answer += std::to_string(static_cast<std::int64_t>(age));
  answer += state == Life::kStale ? R"(,"stale":true})" : "}";
  return answer;
}

Result<json> Index::storable(const json& outcome) const { return cache::storable(outcome, largest_entry()); }

Result<json> Index::store(const json& record) {
  const auto read = read_record(record, ttl_);
  if (!read) return read.error();
  const Record& given = read.value();
  const double stored_at = std::min(given.stored_at, given.now);
  json answer = {{"stored", false}, {"expiresAt", stored_at + given.ttl}, {"evicted", json::array()}};
  json& evicted = answer["evicted"];
  const auto refuse = [&](const char* why) {
    answer["refused"] = why;
    sweep(given.now, evicted);
    return answer;
  };

  if (given.stored_at - given.now > kClockTolerance) return refuse("future");
  if (life(stored_at, given.ttl, given.now) == Life::kOver) return refuse("expired");
  if (max_entries_ == 0 || given.bytes > largest_entry()) return refuse("too-large");

  double last_used_at = given.last_used_at;
  double hits = given.hits;
  const std::uint32_t existing = table_.find(given.id);
  const bool replaces = existing != EntryTable::kNone;
  // The same id in another partition can only come from a damaged record: then the one stored last stays, and
  // look_up lets it answer in neither.
  if (replaces && partitions_[table_[existing].partition].id == given.partition) {
    const Entry& entry = table_[existing];
    const bool trusted = entry.stored_at <= given.now && life(entry.stored_at, entry.ttl, given.now) != Life::kOver;
    if (trusted && stored_at < entry.stored_at) return refuse("older");
    if (stored_at == entry.stored_at) {
      last_used_at = std::max(last_used_at, entry.last_used_at);
      hits = std::max(hits, static_cast<double>(entry.hits));
    }
  }
  if (replaces) remove(existing);

  const std::uint32_t partition = partition_number(given.partition);
  const bool fits = table_.size() < max_entries_ && static_cast<double>(table_.bytes()) + given.bytes <= max_bytes_;
  const auto place = last_used_at >= given.now ? EntryTable::Place::kNewest
                     : fits                    ? EntryTable::Place::kByTimeLater
                                               : EntryTable::Place::kByTime;
  const std::uint32_t number = table_.add(given.id,
                                          {given.tier, given.target, given.tags,
                                           static_cast<std::uint32_t>(given.bytes), partition,
                                           static_cast<std::uint32_t>(hits), stored_at, given.ttl, last_used_at},
                                          place);
  ++partitions_[partition].entries;

  sweep(given.now, evicted);
  const std::vector<std::uint32_t> victims = overflow();
  if (std::find(victims.begin(), victims.end(), number) != victims.end()) {
    // Everything else was used later than this one.
    remove(number);
    if (replaces) evicted.push_back(to_hex(given.id));
    answer["refused"] = "full";
    return answer;
  }
  for (const std::uint32_t victim : victims) remove_into(victim, evicted);
  answer["stored"] = true;
  return answer;
}

Result<json> Index::forget(const json& request) {
  const auto read = read_selector(request);
  if (!read) return read.error();
  const Selector& selector = read.value();
  json ids = json::array();
  std::uint64_t bytes = 0;
  const auto consider = [&](std::uint32_t number) {
    const Entry& entry = table_[number];
    const StringPool& strings = table_.strings();
    const auto has_tag = [&](const std::string& tag) {
      return std::any_of(entry.tags.begin(), entry.tags.end(),
                         [&](std::uint32_t own) { return strings.text(own) == tag; });
    };
    if (!selector.selects(entry.id, strings.text(entry.tier), strings.text(entry.target), entry.stored_at,
                          partitions_[entry.partition].id, has_tag)) {
      return;
    }
    bytes += entry.bytes;
    if (selector.dry_run) {
      ids.push_back(to_hex(entry.id));
    } else {
      remove_into(number, ids);
    }
  };
  for (const std::uint32_t number : table_.order()) consider(number);
  return json{{"ids", std::move(ids)}, {"bytes", bytes}};
}

Result<json> Index::entries(const json& query) const {
  if (!query.is_object()) return bad_field("query", "an object");
  std::optional<Digest> partition;
  if (has_field(query, "partition")) {
    const auto read = read_digest(query, "partition");
    if (!read) return read.error();
    partition = read.value();
  }
  const double most = static_cast<double>(kMostEntries);
  const auto offset = read_whole_or(query, "offset", 0, most, 0);
  if (!offset) return offset.error();
  const auto limit = read_whole_or(query, "limit", 0, most, most);
  if (!limit) return limit.error();

  json list = json::array();
  double skip = offset.value();
  const StringPool& strings = table_.strings();
  // The totals alone cost nothing.
  const auto order = limit.value() > 0 ? table_.order() : std::vector<std::uint32_t>();
  for (const std::uint32_t number : order) {
    if (static_cast<double>(list.size()) >= limit.value()) break;
    const Entry& entry = table_[number];
    if (partition && partitions_[entry.partition].id != *partition) continue;
    if (skip-- > 0) continue;
    json tags = json::array();
    for (const std::uint32_t tag : entry.tags) tags.push_back(strings.text(tag));
    list.push_back({{"id", to_hex(entry.id)},
                    {"partition", to_hex(partitions_[entry.partition].id)},
                    {"tier", strings.text(entry.tier)},
                    {"target", strings.text(entry.target)},
                    {"tags", std::move(tags)},
                    {"bytes", entry.bytes},
                    {"storedAt", entry.stored_at},
                    {"expiresAt", entry.stored_at + entry.ttl},
                    {"lastUsedAt", entry.last_used_at},
                    {"hits", entry.hits}});
  }
  return json{{"entries", std::move(list)}, {"total", table_.size()}, {"totalBytes", table_.bytes()}};
}

Index::Life Index::life(double stored_at, double ttl, double now) const {
  const double age = now - stored_at;
  if (age < -kClockTolerance) return Life::kOver;
  if (age < ttl) return Life::kFresh;
  return age < ttl + stale_ ? Life::kStale : Life::kOver;
}

double Index::largest_entry() const { return max_entries_ == 0 ? 0 : std::floor(max_bytes_ / 4); }

std::uint32_t Index::partition_number(const Digest& id) {
  std::uint32_t number = partition_numbers_.find(id, partition_digest());
  if (number != DigestTable::kNone) return number;
  const Partition fresh = {id, entry_prefix(id), 0, false};
  if (free_partitions_.empty()) {
    number = static_cast<std::uint32_t>(partitions_.size());
    partitions_.push_back(fresh);
  } else {
    number = free_partitions_.back();
    free_partitions_.pop_back();
    partitions_[number] = fresh;
  }
  partition_numbers_.insert(id, number, partition_digest());
  return number;
}

void Index::remove(std::uint32_t number) {
  const std::uint32_t partition_of = table_[number].partition;
  table_.remove(number);
  Partition& partition = partitions_[partition_of];
  if (--partition.entries > 0 || partition.described) return;
  // Known from stored records alone, so nobody holds its handle.
  partition_numbers_.erase(partition.id, partition_digest());
  free_partitions_.push_back(partition_of);
}

void Index::remove_into(std::uint32_t number, json& ids) {
  ids.push_back(to_hex(table_[number].id));
  remove(number);
}

std::vector<std::uint32_t> Index::overflow() {
  std::vector<std::uint32_t> numbers;
  std::size_t count = table_.size();
  auto bytes = static_cast<double>(table_.bytes());
  std::uint32_t number = EntryTable::kNone;
  while (count > max_entries_ || bytes > max_bytes_) {
    number = numbers.empty() ? table_.oldest() : table_[number].newer;
    numbers.push_back(number);
    --count;
    bytes -= table_[number].bytes;
  }
  return numbers;
}

void Index::sweep(double now, json& evicted) {
  const std::size_t visits = std::min(kSweptPlaces, table_.places());
  for (std::size_t i = 0; i < visits; ++i) {
    const std::size_t place = sweep_at_++ % table_.places();
    if (!table_.holds_entry(place)) continue;
    const auto number = static_cast<std::uint32_t>(place);
    if (life(table_[number].stored_at, table_[number].ttl, now) == Life::kOver) remove_into(number, evicted);
  }
}

}  // namespace tierwise::cache
