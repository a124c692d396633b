#include "cache/entry_table.h"

#include <limits>
#include <utility>

#include "base/rank.h"

namespace tierwise::cache {
namespace {

constexpr std::size_t kNearSteps = 16;

}  // namespace

std::uint32_t EntryTable::add(const Digest& id, const Description& description, Place place) {
  std::vector<std::uint32_t> tags;
  tags.reserve(description.tags.size());
  for (const std::string_view tag : description.tags) tags.push_back(strings_.acquire(tag));
  const std::uint32_t number = numbers_.add(id);
  if (number == entries_.size()) entries_.emplace_back();
  entries_[number] = {description.stored_at,
                      description.ttl,
                      description.last_used_at,
                      description.bytes,
                      description.hits,
                      description.partition,
                      strings_.acquire(description.tier),
                      strings_.acquire(description.target),
                      std::move(tags),
                      kNone,
                      kNone};
  bytes_ += description.bytes;
  if (place == Place::kByTimeLater) {
    if (!settled_ || !place_by_time(number, kNearSteps)) {
      link(number, kNone, newest_);
      settled_ = false;
    }
    return number;
  }
  settle();
  if (place == Place::kNewest) {
    link(number, kNone, newest_);
  } else {
    place_by_time(number, size());
  }
  return number;
}

void EntryTable::remove(std::uint32_t number) {
  unlink(number);
  Entry& entry = entries_[number];
  numbers_.remove(number);
  bytes_ -= entry.bytes;
  strings_.release(entry.tier);
  strings_.release(entry.target);
  for (const std::uint32_t tag : entry.tags) strings_.release(tag);
  entry.tags = {};
  entry.bytes = kVacant;
}

std::vector<std::uint32_t> EntryTable::order() const {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(size());
  for (std::uint32_t number = newest_; number != kNone; number = entries_[number].older) numbers.push_back(number);
  if (settled_) return numbers;
  std::vector<Rank> ranks;
  ranks.reserve(numbers.size());
  for (const std::uint32_t number : numbers) {
    ranks.push_back({-entries_[number].last_used_at, static_cast<std::uint32_t>(ranks.size())});
  }
  sort_ranks(ranks);
  std::vector<std::uint32_t> sorted;
  sorted.reserve(numbers.size());
  for (const Rank& rank : ranks) sorted.push_back(numbers[rank.place]);
  return sorted;
}

std::uint32_t EntryTable::oldest() {
  settle();
  return oldest_;
}

void EntryTable::settle() {
  if (settled_) return;
  const std::vector<std::uint32_t> numbers = order();
  newest_ = kNone;
  oldest_ = kNone;
  for (const std::uint32_t number : numbers) link(number, oldest_, kNone);
  settled_ = true;
}

bool EntryTable::place_by_time(std::uint32_t number, std::size_t max_steps) {
  const double time = entries_[number].last_used_at;
  // From both ends at once: the answer lies where either walk stops first.
  std::uint32_t from_newest = newest_;
  std::uint32_t from_oldest = oldest_;
  for (std::size_t step = 0; step <= max_steps; ++step) {
    if (from_newest == kNone || entries_[from_newest].last_used_at <= time) {
      link(number, from_newest == kNone ? oldest_ : entries_[from_newest].newer, from_newest);
      return true;
    }
    if (entries_[from_oldest].last_used_at > time) {
      link(number, from_oldest, entries_[from_oldest].older);
      return true;
    }
    from_newest = entries_[from_newest].older;
    from_oldest = entries_[from_oldest].newer;
  }
  return false;
}

void EntryTable::used(std::uint32_t number, double now) {
  settle();  // before the time changes: what is used now is the newest even if the clock was set back
  Entry& entry = entries_[number];
  if (entry.hits < std::numeric_limits<std::uint32_t>::max()) ++entry.hits;
  entry.last_used_at = now;
  if (number == newest_) return;
  unlink(number);
  link(number, kNone, newest_);
}

void EntryTable::unlink(std::uint32_t number) {
  const Entry& entry = entries_[number];
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

void EntryTable::link(std::uint32_t number, std::uint32_t newer, std::uint32_t older) {
  entries_[number].newer = newer;
  entries_[number].older = older;
  (newer == kNone ? newest_ : entries_[newer].older) = number;
  (older == kNone ? oldest_ : entries_[older].newer) = number;
}

}  // namespace tierwise::cache
