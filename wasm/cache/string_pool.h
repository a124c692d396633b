// Keeps each distinct string once and counts who needs it: thousands of entries share a few tiers, targets and tags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tierwise::cache {

class StringPool {
 public:
  // One more user of `text`; its number stays the same until the last one has let go.
  std::uint32_t acquire(std::string_view text);
  void release(std::uint32_t number);

  const std::string& text(std::uint32_t number) const { return texts_[number]; }

 private:
  // Of the first one in sorted_ whose text is not before `text`.
  std::size_t position(std::string_view text) const;

  std::vector<std::string> texts_;     // by number
  std::vector<std::uint32_t> users_;   // by number
  std::vector<std::uint32_t> sorted_;  // numbers in use, by text
  std::vector<std::uint32_t> free_;
};

}  // namespace tierwise::cache
