#include "cache/index.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <optional>

#include "base/field_reader.h"
#include "base/json_writer.h"
#include "base/number.h"
#include "base/text.h"
#include "cache/key.h"
#include "cache/policy.h"

namespace tierwise::cache {
namespace {

constexpr std::size_t kSweptPlaces = 32;
constexpr double kMostHits = 4294967295.0;
constexpr double kMostBytesOfRecord = 9007199254740991.0;  // 2^53 - 1: refused as too large, not as wrong

bool is_time(double value) { return value >= 0 && value <= kLatestTime; }  // false for NaN

// A StoreRecord, read and checked. Texts are views into what was read.
struct Record {
  Digest id;
  Digest partition;
  std::string_view tier;
  std::string_view target;
  std::list<std::string_view> tags;
  double bytes;
  double stored_at;
  double ttl;
  double last_used_at;
  double hits;
  double now;
};

// Sorted, each once. Absent: none.
std::list<std::string_view> read_tags(const json& record, FieldReader& reader) {
  std::list<std::string_view> tags;
  const json* list = find_any_member(record, "tags");
  if (list == nullptr) return tags;
  if (!list->is_array() || list->size() > kMaxTags) {
    reader.complain("tags", fill("a list of at most {} strings", {digits(kMaxTags)}));
    return tags;
  }
  std::int64_t place = 0;
  for (const json& value : elements_of(*list)) {
    const std::string* tag = string_in(value);
    if (tag == nullptr || tag->empty() || tag->size() > kMaxTagBytes) {
      reader.complain(fill("tags[{}]", {digits(place)}), fill("a string of 1 to {} bytes", {digits(kMaxTagBytes)}));
      break;
    }
    ++place;
    auto after = tags.begin();
    while (after != tags.end() && *after < *tag) ++after;
    if (after == tags.end() || *after != *tag) tags.insert(after, *tag);
  }
  return tags;
}

Result<Record> read_record(const json& record, double default_ttl) {
  FieldReader reader(record);
  reader.require_object("record");
  Record read;
  read.id = reader.digest("id");
  read.partition = reader.digest("partition");
  read.tier = reader.name("tier", kMaxTierBytes);
  read.target = reader.name("target", kMaxTargetBytes);
  read.tags = read_tags(record, reader);
  read.bytes = reader.whole("bytes", 0, kMostBytesOfRecord);
  read.stored_at = reader.number("storedAt", 0, kLatestTime);
  read.ttl = reader.number_or("ttlMs", 0, kLatestTime, default_ttl);
  read.now = reader.number("now", 0, kLatestTime);
  read.last_used_at = std::min(read.now, reader.number_or("lastUsedAt", 0, kLatestTime, read.now));
  read.hits = reader.whole_or("hits", 0, kMostHits, 0);
  if (reader.failed()) return reader.take_problem();
  return read;
}

void write_ids(JsonWriter& answer, std::string_view name, const Index::Ids& ids) {
  answer.name(name).open('[');
  for (const Digest& id : ids) answer.text(to_hex(id));
  answer.close(']');
}

}  // namespace

Result<std::string> Index::configure(const json& config) {
  const json* given = find_member(config, "cache");
  const json nothing(json::value_t::object);
  FieldReader reader(given == nullptr ? nothing : *given, "cache.", "invalid-config");
  reader.require_object("cache");
  const Index defaults;
  const double max_entries =
      reader.whole_or("maxEntries", 0, static_cast<double>(kMostEntries), static_cast<double>(defaults.max_entries_));
  const double max_bytes = reader.number_or("maxBytes", 0, kMostBytes, defaults.max_bytes_);
  const double ttl = reader.number_or("ttlMs", 0, kLatestTime, defaults.ttl_);
  const double stale = reader.number_or("staleMs", 0, kLatestTime, defaults.stale_);
  if (reader.failed()) return reader.take_problem();

  max_entries_ = static_cast<std::size_t>(max_entries);
  max_bytes_ = max_bytes;
  ttl_ = ttl;
  stale_ = stale;
  Ids evicted;
  for (const std::uint32_t number : overflow()) remove_into(number, evicted);
  JsonWriter answer;
  write_ids(answer.open('{'), "evicted", evicted);
  return answer.close('}').take();
}

Result<std::string> Index::partition(const json& description) {
  auto id = partition_id(description);
  if (!id) return id.take_error();
  std::uint32_t number = partition_ids_.find(id.value());
  if (number == DigestTable::kNone || !partitions_[number].described) {
    if (described_ >= kMaxPartitions) {
      return make_error("too-many-partitions",
                        fill("More than {} partitions were named. Name only what separates people or data.",
                             {digits(kMaxPartitions)}));
    }
    number = partition_number(id.value());
    partitions_[number].described = true;
    ++described_;
  }
  JsonWriter answer;
  return answer.open('{').number("handle", number).text("id", to_hex(id.value())).close('}').take();
}

Result<std::string> Index::look_up(std::uint32_t partition, std::string_view request, double now, double max_age,
                                   bool allow_stale, bool by_id) {
  if (partition >= partitions_.size() || !partitions_[partition].described) {
    return make_error("unknown-partition", "No partition has this handle: ask partition() for one.", "partition");
  }
  if (!is_time(now)) return bad_field("now", "a time in milliseconds since 1970");
  if (!std::isfinite(max_age)) return bad_field("maxAge", "a finite number of milliseconds");
  Digest id;
  if (by_id) {
    const auto named = digest_from_hex(request);
    if (!named) return bad_field("id", "64 hexadecimal digits");
    id = *named;
  } else {
    auto made = entry_id(partitions_[partition].prefix, request);
    if (!made) return made.take_error();
    id = made.value();
  }

  std::string answer;
  answer.reserve(160);
  answer += R"({"id":")";
  append_hex(answer, id);
  const std::uint32_t number = table_.find(id);
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
  append_number(answer, static_cast<std::int64_t>(age));
  answer += state == Life::kStale ? R"(,"stale":true})" : "}";
  return answer;
}

Result<std::string> Index::storable(const json& outcome) const { return cache::storable(outcome, largest_entry()); }

Result<std::string> Index::store(const json& record) {
  auto read = read_record(record, ttl_);
  if (!read) return read.take_error();
  const Record& given = read.value();
  const double stored_at = std::min(given.stored_at, given.now);
  Ids evicted;
  const auto answer = [&](std::string_view refused) {
    JsonWriter text;
    text.open('{').flag("stored", refused.empty()).number("expiresAt", stored_at + given.ttl);
    write_ids(text, "evicted", evicted);
    if (!refused.empty()) text.text("refused", refused);
    return text.close('}').take();
  };
  const auto refuse = [&](std::string_view why) {
    sweep(given.now, evicted);
    return answer(why);
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
  if (replaces && partition_ids_[table_[existing].partition] == given.partition) {
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
  const std::uint32_t number =
      table_.add(given.id,
                 {given.tier, given.target, given.tags, static_cast<std::uint32_t>(given.bytes), partition,
                  static_cast<std::uint32_t>(hits), stored_at, given.ttl, last_used_at},
                 place);
  ++partitions_[partition].entries;

  sweep(given.now, evicted);
  const std::vector<std::uint32_t> victims = overflow();
  if (std::find(victims.begin(), victims.end(), number) != victims.end()) {
    // Everything else was used later than this one.
    remove(number);
    if (replaces) evicted.push_back(given.id);
    return answer("full");
  }
  for (const std::uint32_t victim : victims) remove_into(victim, evicted);
  return answer({});
}

bool Index::selects(const Selector& selector, const Entry& entry) const {
  const StringPool& strings = table_.strings();
  const auto has_tag = [&](std::string_view tag) {
    return std::any_of(entry.tags.begin(), entry.tags.end(),
                       [&](std::uint32_t own) { return strings.text(own) == tag; });
  };
  return (!selector.tier || *selector.tier == strings.text(entry.tier)) &&
         (!selector.target || *selector.target == strings.text(entry.target)) &&
         (!selector.before || entry.stored_at < *selector.before) &&
         (!selector.partition || *selector.partition == partition_ids_[entry.partition]) &&
         (!selector.tag || has_tag(*selector.tag));
}

Result<std::string> Index::forget(const json& request) {
  auto read = read_selector(request);
  if (!read) return read.take_error();
  const Selector& selector = read.value();
  std::vector<std::uint32_t> named(table_.places(), selector.ids ? 0 : 1);
  if (selector.ids) {
    for (const Digest& id : *selector.ids) {
      const std::uint32_t number = table_.find(id);
      if (number != EntryTable::kNone) named[number] = 1;
    }
  }
  Ids ids;
  std::uint64_t bytes = 0;
  for (const std::uint32_t number : table_.order()) {
    if (named[number] == 0 || !selects(selector, table_[number])) continue;
    bytes += table_[number].bytes;
    if (selector.dry_run) {
      ids.push_back(table_.id(number));
    } else {
      remove_into(number, ids);
    }
  }
  JsonWriter answer;
  write_ids(answer.open('{'), "ids", ids);
  return answer.number("bytes", static_cast<double>(bytes)).close('}').take();
}

Result<std::string> Index::entries(const json& query) const {
  FieldReader reader(query);
  reader.require_object("query");
  std::optional<Digest> partition;
  if (reader.has("partition")) partition = reader.digest("partition");
  const double most = static_cast<double>(kMostEntries);
  double skip = reader.whole_or("offset", 0, most, 0);
  double left = reader.whole_or("limit", 0, most, most);
  if (reader.failed()) return reader.take_problem();

  JsonWriter answer;
  answer.open('{').name("entries").open('[');
  const StringPool& strings = table_.strings();
  // The totals alone cost nothing.
  const auto order = left > 0 ? table_.order() : std::vector<std::uint32_t>();
  for (const std::uint32_t number : order) {
    if (left <= 0) break;
    const Entry& entry = table_[number];
    const Digest& of_partition = partition_ids_[entry.partition];
    if (partition && of_partition != *partition) continue;
    if (skip-- > 0) continue;
    --left;
    answer.open('{').text("id", to_hex(table_.id(number))).text("partition", to_hex(of_partition));
    answer.text("tier", strings.text(entry.tier)).text("target", strings.text(entry.target));
    answer.name("tags").open('[');
    for (const std::uint32_t tag : entry.tags) answer.text(strings.text(tag));
    answer.close(']').number("bytes", entry.bytes).number("storedAt", entry.stored_at);
    answer.number("expiresAt", entry.stored_at + entry.ttl).number("lastUsedAt", entry.last_used_at);
    answer.number("hits", entry.hits).close('}');
  }
  answer.close(']').number("total", static_cast<double>(table_.size()));
  return answer.number("totalBytes", static_cast<double>(table_.bytes())).close('}').take();
}

Index::Life Index::life(double stored_at, double ttl, double now) const {
  const double age = now - stored_at;
  if (age < -kClockTolerance) return Life::kOver;
  if (age < ttl) return Life::kFresh;
  return age < ttl + stale_ ? Life::kStale : Life::kOver;
}

double Index::largest_entry() const { return max_entries_ == 0 ? 0 : std::floor(max_bytes_ / 4); }

std::uint32_t Index::partition_number(const Digest& id) {
  std::uint32_t number = partition_ids_.find(id);
  if (number != DigestTable::kNone) return number;
  number = partition_ids_.add(id);
  if (number == partitions_.size()) partitions_.emplace_back();
  partitions_[number] = {entry_prefix(id), 0, false};
  return number;
}

void Index::remove(std::uint32_t number) {
  const std::uint32_t partition_of = table_[number].partition;
  table_.remove(number);
  Partition& partition = partitions_[partition_of];
  // What is known from stored records alone may go with them: nobody holds its handle.
  if (--partition.entries == 0 && !partition.described) partition_ids_.remove(partition_of);
}

void Index::remove_into(std::uint32_t number, Ids& ids) {
  ids.push_back(table_.id(number));
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

void Index::sweep(double now, Ids& evicted) {
  const std::size_t visits = std::min(kSweptPlaces, table_.places());
  for (std::size_t i = 0; i < visits; ++i) {
    const std::size_t place = sweep_at_++ % table_.places();
    if (!table_.holds_entry(place)) continue;
    const auto number = static_cast<std::uint32_t>(place);
    if (life(table_[number].stored_at, table_[number].ttl, now) == Life::kOver) remove_into(number, evicted);
  }
}

}  // namespace tierwise::cache
