// The response index: which stored reply answers a request, what may stay, what must go. It holds keys, times, sizes and
// tags; the replies themselves lie in the page and in IndexedDB under the entry's id. JSON shapes stand in
// js/core-types.ts, the rules in docs/CACHE.md.
//
// Promises
// - Nothing crosses partitions: an id is bound to its partition (key.h), an entry answers only inside the partition it
//   was stored for, and a forget() or entries() that names a partition touches no other.
// - At any moment entries <= maxEntries and the sum of their bytes <= maxBytes. What was used longest ago goes first. An
//   entry of more than a quarter of maxBytes is refused, so that no single reply empties the cache.
// - Every id removed without being asked for is named in the `evicted` of the same call.
// - A look-up costs one SHA-256 over the request and one probe of a hash table, whatever the number of entries.
//
// Time. An entry answers until its age reaches its ttl, and for staleMs longer where the caller allows a stale reply.
// After that it never answers; it is removed when its room is needed, or by the sweep: each store() visits 32 places in
// turn, beginning with one a look-up found expired. Clocks go backwards: an age is never below 0, and what claims to be
// stored more than five minutes from now counts as expired, so no entry outlives its ttl by more than that.
//
// Errors: "invalid-input" ("invalid-config" of configure) names the field; "unknown-partition" for a handle never given
// out; "too-many-partitions".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "cache/digest_table.h"
#include "cache/entry_table.h"
#include "cache/selector.h"

namespace tierwise::cache {

// The last moment a JavaScript Date can name; durations are held to the same limit.
inline constexpr double kLatestTime = 8.64e15;
inline constexpr double kClockTolerance = 5 * 60 * 1000;
inline constexpr std::size_t kMostEntries = 100'000;
inline constexpr double kMostBytes = 8.0 * 1024 * 1024 * 1024;  // one entry's bytes fit 32 bits
// Handles are never given to another partition, which is what keeps an old one harmless; so their number is bounded.
inline constexpr std::size_t kMaxPartitions = 100'000;

class Index {
 public:
  using Ids = std::vector<Digest>;

  // Reads config.cache: maxEntries (up to 100,000), maxBytes (up to 8 GiB), ttlMs, staleMs. What is absent
  // gets its default: 10,000 entries, 32 MiB, 24 h, 0. Entries keep the ttl they were stored with. ->
  // {"evicted": [ids]}
  Result<std::string> configure(const json& config);

  // {"fields": {name: string}} -> {"handle": number, "id": hex}. The same description gives the same handle.
  Result<std::string> partition(const json& description);

  // LookUpResult as JSON text. `max_age` below 0: none. Only a hit changes anything (order of use, count of
  // hits). `by_id`: `request` is the id of an entry, which the semantic cache chose; it too answers only in its partition.
  Result<std::string> look_up(std::uint32_t partition, std::string_view request, double now, double max_age,
                              bool allow_stale, bool by_id = false);

  Result<std::string> storable(const json& outcome) const;  // policy.h
  Result<std::string> store(const json& record);            // StoreRecord -> StoreResult
  Result<std::string> forget(const json& selector);         // ForgetRequest -> ForgetAnswer
  Result<std::string> entries(const json& query) const;     // EntriesQuery -> EntriesAnswer, newest used first

 private:
  struct Partition {
    Sha256::Midstate prefix;
    std::uint32_t entries;
    bool described;  // its handle was given out
  };
  enum class Life { kFresh, kStale, kOver };

  Life life(double stored_at, double ttl, double now) const;
  double largest_entry() const;
  std::uint32_t partition_number(const Digest& id);
  void remove(std::uint32_t number);
  void remove_into(std::uint32_t number, Ids& ids);
  // The conditions but for the ids.
  bool selects(const Selector& selector, const Entry& entry) const;
  // The entries beyond the bounds, least recently used first.
  std::vector<std::uint32_t> overflow();
  void sweep(double now, Ids& evicted);

  double ttl_ = 24.0 * 60 * 60 * 1000;
  double stale_ = 0;
  std::size_t max_entries_ = 10'000;
  double max_bytes_ = 32.0 * 1024 * 1024;

  EntryTable table_;
  DigestTable partition_ids_;
  std::vector<Partition> partitions_;  // by number
  std::size_t described_ = 0;
  std::size_t sweep_at_ = 0;
};

}  // namespace tierwise::cache
