#include "prompt/value.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/words.h"

namespace tierwise::prompt {
namespace {

constexpr std::uint32_t kIndexed = 12;

// Up to so many are always granted.
constexpr std::uint32_t kFew = 256;

template <typename T>
bool grow(Arena& arena, T*& data, std::uint32_t size, std::uint32_t& capacity) {
  if (size < capacity) return true;
  const std::uint32_t larger = std::max<std::uint32_t>(4, capacity * 2);
  if (larger > kFew && !arena.grant(larger * sizeof(T))) {
    arena.give_up();
    return false;
  }
  capacity = larger;
  T* more = arena.array<T>(capacity);
  if (size > 0) std::copy(data, data + size, more);
  data = more;
  return true;
}

std::uint32_t hash_bytes(std::string_view bytes) {
  // FNV-1a, 32 bits.
  std::uint32_t hash = 2166136261U;
  for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  // Its low bits depend on the low bits of the bytes alone.
  return hash ^ hash >> 15;
}

std::uint32_t hash_of(const Value& value) {
  if (value.is(Kind::kText)) return hash_bytes(value.view());
  if (value.is_number()) {
    // Equal numbers are one key, whatever their kind.
    const double number = value.number() + 0.0;
    return hash_bytes({reinterpret_cast<const char*>(&number), sizeof number});
  }
  if (value.is(Kind::kTuple)) {
    std::uint32_t hash = 17;
    for (std::uint32_t i = 0; i < value.items->size; ++i) hash = hash * 31 + hash_of(value.items->data[i]);
    return hash;
  }
  return static_cast<std::uint32_t>(value.kind);
}

// Keys that would stand further from where their hash says were made to: no more of them are taken. At most half of the
// buckets are in use, so that chance does not bring it about.
constexpr std::uint32_t kMostProbes = 256;

void index_entry(Arena& arena, Dict& entries, std::uint32_t i) {
  std::uint32_t bucket = hash_of(entries.entries[i].key);
  for (std::uint32_t probes = 0; entries.index[bucket % entries.buckets] != 0; ++bucket) {
    if (++probes == kMostProbes) {
      arena.give_up();
      return;
    }
  }
  entries.index[bucket % entries.buckets] = i + 1;
}

bool equal_items(const Items& a, const Items& b, Doubt* doubt, int depth) {
  if (a.size != b.size) return false;
  for (std::uint32_t i = 0; i < a.size; ++i) {
    if (!equal(a.data[i], b.data[i], doubt, depth + 1)) return false;
  }
  return true;
}

}  // namespace

Value none() {
  Value value;
  value.kind = Kind::kNone;
  return value;
}

Value undefined() { return undefined({}); }

Value undefined(std::string_view name) {
  Value value = text(name);
  value.kind = Kind::kUndefined;
  return value;
}

Value boolean(bool truth) {
  Value value;
  value.kind = Kind::kBoolean;
  value.truth = truth;
  return value;
}

Value integer(std::int64_t number) {
  Value value;
  value.kind = Kind::kInteger;
  value.integer = number;
  return value;
}

Value real(double number) {
  Value value;
  value.kind = Kind::kReal;
  value.real = number;
  return value;
}

Value text(std::string_view text, bool opaque) {
  Value value;
  value.kind = Kind::kText;
  value.opaque = opaque;
  value.text = text.data();
  value.size = static_cast<std::uint32_t>(text.size());
  return value;
}

Value items(Kind kind, Items* list) {
  Value value;
  value.kind = kind;
  value.items = list;
  return value;
}

Value dict(Dict* entries) {
  Value value;
  value.kind = Kind::kDict;
  value.dict = entries;
  return value;
}

void append(Arena& arena, Items& list, const Value& value) {
  if (grow(arena, list.data, list.size, list.capacity)) list.data[list.size++] = value;
}

bool append(Arena& arena, Dict& rows, const Value& key, const Value& value) {
  if (!grow(arena, rows.entries, rows.size, rows.capacity)) return false;
  rows.entries[rows.size++] = {key, value};
  return true;
}

void put(Arena& arena, Dict& entries, const Value& key, const Value& value) {
  if (Value* known = find(entries, key)) {
    *known = value;
    return;
  }
  const bool full = entries.size == entries.capacity;
  if (!append(arena, entries, key, value) || entries.size < kIndexed) return;
  std::uint32_t first = entries.size - 1;
  if (full || entries.index == nullptr) {
    entries.buckets = entries.capacity * 2;
    entries.index = arena.array<std::uint32_t>(entries.buckets);
    std::fill(entries.index, entries.index + entries.buckets, 0U);
    first = 0;
  }
  for (; first < entries.size && !arena.over(); ++first) index_entry(arena, entries, first);
}

Value* find(const Dict& entries, const Value& key) {
  if (entries.index == nullptr && key.is(Kind::kText)) return find(entries, key.view());
  if (entries.index == nullptr) {
    for (std::uint32_t i = 0; i < entries.size; ++i) {
      if (equal(entries.entries[i].key, key)) return &entries.entries[i].value;
    }
    return nullptr;
  }
  std::uint32_t bucket = hash_of(key);
  for (std::uint32_t probes = 0; probes < kMostProbes; ++probes, ++bucket) {
    const std::uint32_t at = entries.index[bucket % entries.buckets];
    if (at == 0) break;
    if (equal(entries.entries[at - 1].key, key)) return &entries.entries[at - 1].value;
  }
  return nullptr;
}

Value* find(const Dict& entries, std::string_view key) {
  if (entries.index != nullptr) return find(entries, text(key));
  for (std::uint32_t i = 0; i < entries.size; ++i) {
    const Value& other = entries.entries[i].key;
    if (other.size == key.size() && other.is(Kind::kText) && other.view() == key) {
      return &entries.entries[i].value;
    }
  }
  return nullptr;
}

bool hashable(const Value& value, std::uint64_t& work, int depth) {
  if (value.is(Kind::kList) || value.is(Kind::kDict) || depth > kMaxNesting) return false;
  if (value.is(Kind::kText)) work += value.size / 16;
  // A dictionary's keys and items compare as sets.
  if (value.is(Kind::kView)) return value.items->label[0] == 'r' || value.items->label[5] == 'v';
  if (value.is(Kind::kTuple)) {
    for (std::uint32_t i = 0; i < value.items->size; ++i) {
      if (++work > kMostOfKey || !hashable(value.items->data[i], work, depth + 1)) return false;
    }
  }
  return true;
}

bool truth(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBoolean:
      return value.truth;
    case Kind::kInteger:
      return value.integer != 0;
    case Kind::kReal:
      return value.real != 0;
    case Kind::kText:
      return value.size > 0;
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kView:
      return value.items->size > 0;
    case Kind::kDict:
      return value.dict->size > 0;
    default:
      return true;
  }
}

bool equal(const Value& a, const Value& b, Doubt* doubt, int depth) {
  if (doubt != nullptr) {
    doubt->work += 1 + (a.is(Kind::kText) && b.is(Kind::kText) && a.size == b.size ? a.size / 64 : 0);
    if (depth > kMaxNesting) doubt->too_deep = true;
    if (doubt->stopped()) return false;
  }
  if (a.is_number() && b.is_number()) {
    if (a.is_whole() && b.is_whole()) return a.whole() == b.whole();
    if (a.is_whole() || b.is_whole()) {
      // Exactly, as Python compares: a large whole number is no rounded one.
      const double number = a.is_whole() ? b.real : a.real;
      const std::int64_t whole = a.is_whole() ? a.whole() : b.whole();
      return number == std::floor(number) && std::fabs(number) < 9.2e18 && static_cast<std::int64_t>(number) == whole;
    }
    return a.real == b.real;
  }
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kText:
      if (a.view() == b.view()) return true;
      if (doubt != nullptr && (a.opaque || b.opaque)) {
        const bool too_short = (!a.opaque && a.size < doubt->least_opaque) || (!b.opaque && b.size < doubt->least_opaque);
        if (!too_short) doubt->unsure = true;
      }
      return false;
    case Kind::kList:
    case Kind::kTuple:
      return a.items == b.items || equal_items(*a.items, *b.items, doubt, depth);
    case Kind::kView:
      return a.items == b.items || (a.items->label == b.items->label && equal_items(*a.items, *b.items, doubt, depth));
    case Kind::kDict: {
      if (a.dict->size != b.dict->size) return false;
      for (std::uint32_t i = 0; i < a.dict->size; ++i) {
        if (doubt != nullptr) hashable(a.dict->entries[i].key, doubt->work);
        const Value* other = find(*b.dict, a.dict->entries[i].key);
        if (other == nullptr || !equal(a.dict->entries[i].value, *other, doubt, depth + 1)) return false;
      }
      return true;
    }
    case Kind::kFunction:
      return a.size == b.size;
    default:
      return a.items == b.items;
  }
}

bool less(const Value& a, const Value& b, Doubt& doubt, int depth) {
  doubt.work += 1 + (a.is(Kind::kText) && b.is(Kind::kText) ? std::min(a.size, b.size) / 64 : 0);
  if (depth > kMaxNesting) doubt.too_deep = true;
  if (doubt.stopped()) return false;
  if (a.is_number() && b.is_number()) {
    if (a.is_whole() && b.is_whole()) return a.whole() < b.whole();
    return a.number() < b.number();
  }
  // UTF-8 sorts by code point.
  if (a.opaque || b.opaque) doubt.unsure = true;
  if (a.is(Kind::kText) && b.is(Kind::kText)) return a.view() < b.view();
  if (a.kind == b.kind && (a.is(Kind::kList) || a.is(Kind::kTuple))) {
    for (std::uint32_t i = 0; i < a.items->size && i < b.items->size; ++i) {
      if (!equal(a.items->data[i], b.items->data[i], &doubt)) {
        return less(a.items->data[i], b.items->data[i], doubt, depth + 1);
      }
    }
    return a.items->size < b.items->size;
  }
  doubt.refused = true;
  return false;
}

void sort(Dict::Entry* rows, std::uint32_t count, bool reverse, Doubt& doubt) {
  std::vector<Dict::Entry> spare(count);
  const auto before = [&](std::uint32_t i, std::uint32_t k) {
    return reverse ? less(rows[k].key, rows[i].key, doubt) : less(rows[i].key, rows[k].key, doubt);
  };
  // Python compares every neighbour at least once.
  for (std::uint32_t i = 1; i < count; ++i) before(i, i - 1);
  // Runs of `width`, merged in pairs.
  for (std::uint32_t width = 1; width < count && !doubt.refused; width *= 2) {
    for (std::uint32_t at = 0; at < count;) {
      std::uint32_t left = at;
      const std::uint32_t middle = std::min(at + width, count);
      std::uint32_t right = middle;
      const std::uint32_t end = std::min(middle + width, count);
      while (at < end) {
        const bool take_right = right < end && (left == middle || before(right, left));
        spare[at++] = rows[take_right ? right++ : left++];
      }
    }
    std::copy(spare.data(), spare.data() + count, rows);
  }
}

std::string_view type_name(const Value& value) {
  return word_at(
      "missing Undefined NoneType bool int float str list tuple view iterator dict Namespace loop function method "
      "macro cycler joiner",
      static_cast<std::size_t>(value.kind));
}

}  // namespace tierwise::prompt
