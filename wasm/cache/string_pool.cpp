#include "cache/string_pool.h"

namespace tierwise::cache {

std::uint32_t StringPool::acquire(std::string_view text) {
  auto found = known_.find(text);
  if (found == known_.end()) {
    std::uint32_t number = static_cast<std::uint32_t>(slots_.size());
    if (free_.empty()) {
      slots_.emplace_back();
    } else {
      number = free_.back();
      free_.pop_back();
    }
    found = known_.emplace(std::string(text), Use{number, 0}).first;
    slots_[number] = found;
  }
  ++found->second.users;
  return found->second.number;
}

void StringPool::release(std::uint32_t number) {
  const auto found = slots_[number];
  if (--found->second.users > 0) return;
  known_.erase(found);
  free_.push_back(number);
}

std::optional<std::uint32_t> StringPool::find(std::string_view text) const {
  const auto found = known_.find(text);
  if (found == known_.end()) return std::nullopt;
  return found->second.number;
}

}  // namespace tierwise::cache
