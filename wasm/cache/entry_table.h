// The entries themselves: where one is found by id, in which order they were used, how many bytes they hold.
// No decision is taken here (see index.h). Numbers of entries stay valid until the entry is removed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "cache/digest_table.h"
#include "cache/string_pool.h"

namespace tierwise::cache {

struct Entry {
  double stored_at;
  double ttl;
  double last_used_at;
  std::uint32_t bytes;
  std::uint32_t hits;
  std::uint32_t partition;  // number in index.h
  std::uint32_t tier;       // these three: numbers of strings()
  std::uint32_t target;
  std::vector<std::uint32_t> tags;
  // The neighbours in order of use.
  std::uint32_t newer;
  std::uint32_t older;
};

class EntryTable {
 public:
  static constexpr std::uint32_t kNone = DigestTable::kNone;

  struct Description {
    std::string_view tier;
    std::string_view target;
    const std::list<std::string_view>& tags;
    std::uint32_t bytes;
    std::uint32_t partition;
    std::uint32_t hits;
    double stored_at;
    double ttl;
    double last_used_at;
  };

  // kNone when it is not there.
  std::uint32_t find(const Digest& id) const { return numbers_.find(id); }

  enum class Place {
    kNewest,
    kByTime,       // where its last_used_at belongs, found by walking from both ends of the order
    kByTimeLater,  // the same, but unless that is near an end, found by one sort for all when the order next
                   // matters
  };

  // The id must not be there yet.
  std::uint32_t add(const Digest& id, const Description& description, Place place);
  void remove(std::uint32_t number);
  // Counts a hit and makes the entry the newest.
  void used(std::uint32_t number, double now);

  const Entry& operator[](std::uint32_t number) const { return entries_[number]; }
  const Digest& id(std::uint32_t number) const { return numbers_[number]; }

  // All of them, newest used first.
  std::vector<std::uint32_t> order() const;
  // The one used longest ago; `newer` leads on from it.
  std::uint32_t oldest();
  std::size_t size() const { return numbers_.size(); }
  std::uint64_t bytes() const { return bytes_; }
  const StringPool& strings() const { return strings_; }

  // Places to visit when every entry is to be seen in turn; not each holds one.
  std::size_t places() const { return entries_.size(); }
  bool holds_entry(std::size_t place) const { return entries_[place].bytes != kVacant; }

 private:
  static constexpr std::uint32_t kVacant = kNone;

  bool place_by_time(std::uint32_t number, std::size_t max_steps);
  void settle();
  void unlink(std::uint32_t number);
  void link(std::uint32_t number, std::uint32_t newer, std::uint32_t older);

  DigestTable numbers_;
  std::vector<Entry> entries_;  // by number
  StringPool strings_;
  std::uint64_t bytes_ = 0;
  std::uint32_t newest_ = kNone;
  std::uint32_t oldest_ = kNone;
  bool settled_ = true;  // no kByTimeLater waits at the newest end
};

}  // namespace tierwise::cache
