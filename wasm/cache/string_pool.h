// Keeps each distinct string once and counts who needs it: thousands of entries share a few tiers, targets and tags.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tierwise::cache {

class StringPool {
 public:
  // One more user of `text`; its number stays the same until the last one has let go.
  std::uint32_t acquire(std::string_view text);
  void release(std::uint32_t number);

  const std::string& text(std::uint32_t number) const { return slots_[number]->first; }
  std::optional<std::uint32_t> find(std::string_view text) const;
  std::size_t size() const { return known_.size(); }

 private:
  struct Use {
    std::uint32_t number;
    std::uint32_t users;
  };
  using Known = std::map<std::string, Use, std::less<>>;

  Known known_;
  std::vector<Known::iterator> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace tierwise::cache
