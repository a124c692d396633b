#include "prompt/value.h"

#include <algorithm>
#include <cmath>

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
  return hash;
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

void index_entries(Arena& arena, Dict& entries) {
  entries.buckets = entries.capacity * 2;
  entries.index = arena.array<std::uint32_t>(entries.buckets);
  std::fill(entries.index, entries.index + entries.buckets, 0U);
  for (std::uint32_t i = 0; i < entries.size; ++i) {
    std::uint32_t bucket = hash_of(entries.entries[i].key) % entries.buckets;
    while (entries.index[bucket] != 0) bucket = (bucket + 1) % entries.buckets;
    entries.index[bucket] = i + 1;
  }
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

void put(Arena& arena, Dict& entries, const Value& key, const Value& value) {
  if (Value* known = find(entries, key)) {
    *known = value;
    return;
  }
  const bool full = entries.size == entries.capacity;
  if (!grow(arena, entries.entries, entries.size, entries.capacity)) return;
  entries.entries[entries.size++] = {key, value};
  if (entries.size < kIndexed) return;
  if (full || entries.index == nullptr) {
    index_entries(arena, entries);
    return;
  }
  std::uint32_t bucket = hash_of(key) % entries.buckets;
  while (entries.index[bucket] != 0) bucket = (bucket + 1) % entries.buckets;
  entries.index[bucket] = entries.size;
}

Value* find(const Dict& entries, const Value& key) {
  if (entries.index == nullptr) {
    for (std::uint32_t i = 0; i < entries.size; ++i) {
      if (equal(entries.entries[i].key, key)) return &entries.entries[i].value;
    }
    return nullptr;
  }
  for (std::uint32_t bucket = hash_of(key) % entries.buckets; entries.index[bucket] != 0;
       bucket = (bucket + 1) % entries.buckets) {
    Dict::Entry& entry = entries.entries[entries.index[bucket] - 1];
    if (equal(entry.key, key)) return &entry.value;
  }
  return nullptr;
}

Value* find(const Dict& entries, std::string_view key) { return find(entries, text(key)); }

bool hashable(const Value& value, std::size_t& work, int depth) {
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
        const bool too_short = (!a.opaque && a.size < kLeastOpaqueBytes) || (!b.opaque && b.size < kLeastOpaqueBytes);
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

Value from_json(Arena& arena, const json& source, bool opaque) {
  switch (source.type()) {
    case json::value_t::boolean:
      return boolean(source.get<bool>());
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return integer(source.get<std::int64_t>());
    case json::value_t::number_float:
      return real(source.get<double>());
    case json::value_t::string:
      return text(*string_in(source), opaque && string_in(source)->find(kPlaceholder) != std::string::npos);
    case json::value_t::array: {
      const auto& elements = elements_of(source);
      Items* list = arena.make<Items>();
      if (elements.size() > kFew && !arena.grant(elements.size() * sizeof(Value))) {
        arena.give_up();
        return none();
      }
      list->capacity = list->size = static_cast<std::uint32_t>(elements.size());
      list->data = arena.array<Value>(elements.size());
      Value* place = list->data;
      for (const json& element : elements) *place++ = from_json(arena, element, opaque);
      return items(Kind::kList, list);
    }
    case json::value_t::object: {
      Dict* entries = arena.make<Dict>();
      for (const auto& [key, value] : members_of(source)) put(arena, *entries, text(key), from_json(arena, value, opaque));
      return dict(entries);
    }
    default:
      return none();
  }
}

std::string_view type_name(const Value& value) {
  static constexpr std::string_view kNames[] = {"missing",   "Undefined", "NoneType",  "bool",   "int",         "float",
                                                "str",       "list",      "tuple",     "view",   "iterator",    "dict",
                                                "Namespace", "loop",      "function",  "method", "macro",       "cycler",
                                                "joiner"};
  return kNames[static_cast<std::size_t>(value.kind)];
}

}  // namespace tierwise::prompt
