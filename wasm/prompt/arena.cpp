#include "prompt/arena.h"

#include <new>
#include <utility>

namespace tierwise::prompt {

void* Arena::allocate(std::size_t bytes) {
  // Text that was extended may end anywhere.
  const std::size_t skip = (8 - reinterpret_cast<std::uintptr_t>(next_) % 8) % 8;
  const std::size_t room = static_cast<std::size_t>(end_ - next_);
  if (skip + bytes > room) {
    // What is large leaves the block of the small things open.
    if (bytes > kBlockBytes / 4) return take_block(bytes);
    next_ = take_block(kBlockBytes);
    end_ = next_ + kBlockBytes;
  } else {
    next_ += skip;
  }
  char* place = next_;
  next_ += bytes;
  return place;
}

char* Arena::take_block(std::size_t size) {
  auto* block = static_cast<Block*>(::operator new(sizeof(Block) + size));
  block->before = blocks_;
  if (blocks_ == nullptr && size == kBlockBytes) first_ = block;
  blocks_ = block;
  used_ += size;
  return reinterpret_cast<char*>(block + 1);
}

void Arena::release(Block* kept) {
  while (blocks_ != kept) ::operator delete(std::exchange(blocks_, blocks_->before));
}

void Arena::reset() {
  release(first_);
  used_ = first_ == nullptr ? 0 : kBlockBytes;
  next_ = first_ == nullptr ? nullptr : reinterpret_cast<char*>(first_ + 1);
  end_ = next_ + used_;
  text_next_ = text_end_ = nullptr;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* place = static_cast<char*>(allocate(text.size()));
  std::memcpy(place, text.data(), text.size());
  return {place, text.size()};
}

std::string_view Arena::extend(std::string_view text, std::string_view more) {
  if (more.empty()) return text;
  const bool last = text.data() + text.size() == next_;
  char*& next = last ? next_ : text_next_;
  if (!text.empty() && text.data() + text.size() == next &&
      more.size() <= static_cast<std::size_t>((last ? end_ : text_end_) - next)) {
    std::memcpy(next, more.data(), more.size());
    next += more.size();
    return {text.data(), text.size() + more.size()};
  }
  const std::size_t size = text.size() + more.size();
  char* place;
  if (size > kBlockBytes / 4) {
    // With room to grow: adding piece by piece copies each byte a few times only.
    const std::size_t room = grant(size * 2) ? size * 2 : size;
    place = take_block(room);
    text_next_ = place + size;
    text_end_ = place + room;
  } else {
    place = static_cast<char*>(allocate(size));
  }
  if (!text.empty()) std::memcpy(place, text.data(), text.size());
  std::memcpy(place + text.size(), more.data(), more.size());
  return {place, size};
}

}  // namespace tierwise::prompt
