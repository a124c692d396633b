#include "prompt/arena.h"

#include <algorithm>
#include <new>

namespace tierwise::prompt {

void* Arena::allocate(std::size_t bytes) {
  // Text that was extended may end anywhere.
  const std::size_t skip = (8 - reinterpret_cast<std::uintptr_t>(next_) % 8) % 8;
  const std::size_t room = static_cast<std::size_t>(end_ - next_);
  if (skip + bytes > room) {
    const std::size_t size = std::max(kBlockBytes, bytes);
    blocks_.push_back(std::unique_ptr<char[]>(new char[size]));
    next_ = blocks_.back().get();
    end_ = next_ + size;
  } else {
    next_ += skip;
  }
  used_ += bytes;
  char* place = next_;
  next_ += bytes;
  return place;
}

void Arena::reset() {
  if (!blocks_.empty() && (blocks_.size() > 1 || static_cast<std::size_t>(end_ - blocks_[0].get()) > kBlockBytes)) blocks_.clear();
  used_ = 0;
  next_ = blocks_.empty() ? nullptr : blocks_[0].get();
  end_ = blocks_.empty() ? nullptr : next_ + kBlockBytes;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* place = static_cast<char*>(allocate(text.size()));
  std::memcpy(place, text.data(), text.size());
  return {place, text.size()};
}

std::string_view Arena::extend(std::string_view text, std::string_view more) {
  if (!text.empty() && text.data() + text.size() == next_ && more.size() <= static_cast<std::size_t>(end_ - next_)) {
    std::memcpy(next_, more.data(), more.size());
    next_ += more.size();
    used_ += more.size();
    return {text.data(), text.size() + more.size()};
  }
  char* place = static_cast<char*>(allocate(text.size() + more.size()));
  if (!text.empty()) std::memcpy(place, text.data(), text.size());
  if (!more.empty()) std::memcpy(place + text.size(), more.data(), more.size());
  return {place, text.size() + more.size()};
}

}  // namespace tierwise::prompt
