// The values of a template, as Python has them: 16 bytes each, what they point to lies in an Arena and is never freed
// alone. Text is UTF-8, counted in code points where Python counts.
//
// Whole numbers are 64 bits wide: what does not fit is an error, not a longer number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "prompt/arena.h"

namespace tierwise::prompt {

enum class Kind : std::uint8_t {
  kMissing,  // no value at all: an argument that was not given
  kUndefined,
  kNone,
  kBoolean,
  kInteger,
  kReal,
  kText,
  kList,
  kTuple,
  kView,      // a range, a dictionary's keys, values or items: has a length
  kIterator,  // can be gone through once
  kDict,
  kNamespace,
  kLoop,
  kFunction,  // one of ours; `size` says which
  kMethod,    // bound to a value
  kMacro,
  kCycler,
  kJoiner,
};

struct Items;
struct Dict;
struct Loop;
struct Method;
struct Macro;

struct Value {
  Kind kind = Kind::kMissing;
  // Text in which the place of a text stands that only the caller has (see runtime.h).
  bool opaque = false;
  // Text that |safe marked: what is added to it is escaped for HTML, as MarkupSafe does.
  bool markup = false;
  // Bytes of text; which function.
  std::uint32_t size = 0;
  union {
    std::int64_t integer = 0;
    double real;
    bool truth;
    const char* text;
    Items* items;
    Dict* dict;
    Loop* loop;
    Method* method;
    Macro* macro;
  };

  std::string_view view() const { return {text, size}; }
  bool is(Kind other) const { return kind == other; }
  bool is_number() const { return kind >= Kind::kBoolean && kind <= Kind::kReal; }
  bool is_whole() const { return kind == Kind::kBoolean || kind == Kind::kInteger; }
  // What range() gives.
  bool is_range() const;
  bool is_items() const { return kind >= Kind::kList && kind <= Kind::kIterator; }
  std::int64_t whole() const { return kind == Kind::kBoolean ? (truth ? 1 : 0) : integer; }
  double number() const { return kind == Kind::kReal ? real : static_cast<double>(whole()); }
};

// An error that was put off.
struct LaterError {
  std::string_view code;
  std::string_view message;
  std::string_view field;
};

struct Items {
  Value* data = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  // Of an iterator: what was taken already.
  std::uint32_t taken = 0;
  // Of a view: how Python names it. Of a tuple: kGroup or nothing.
  const char* label = nullptr;
  // Of an iterator: what it ends with.
  const LaterError* error = nullptr;
};

inline bool Value::is_range() const { return kind == Kind::kView && items->label[0] == 'r'; }

// Label of a tuple with the attributes grouper and list, from groupby.
inline constexpr char kGroup[] = "group";

// In the order of insertion. From kIndexed entries on with a hash index.
struct Dict {
  struct Entry {
    Value key;
    Value value;
  };
  Entry* entries = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::uint32_t* index = nullptr;
  std::uint32_t buckets = 0;
};

struct Method {
  Value self;
  std::string_view name;
};

[[gnu::noinline]] Value none();
[[gnu::noinline]] Value undefined();
[[gnu::noinline]] Value undefined(std::string_view name);
[[gnu::noinline]] Value boolean(bool truth);
[[gnu::noinline]] Value integer(std::int64_t number);
[[gnu::noinline]] Value real(double number);
[[gnu::noinline]] Value text(std::string_view text, bool opaque = false);
[[gnu::noinline]] Value items(Kind kind, Items* list);
[[gnu::noinline]] Value dict(Dict* entries);

void append(Arena& arena, Items& list, const Value& value);
// What would make a large list or dictionary larger than the arena grants is left out, and the arena is over() then.
// A repeated key keeps its place and gets the new value. The key must be hashable.
void put(Arena& arena, Dict& entries, const Value& key, const Value& value);
// The same for what is no dictionary but rows: a key may stand there several times.
bool append(Arena& arena, Dict& rows, const Value& key, const Value& value);
// nullptr when there is none.
Value* find(const Dict& entries, const Value& key);
Value* find(const Dict& entries, std::string_view key);
// Not lists, dictionaries, nor tuples with one inside or that are larger than kMostOfKey in all. `work` grows by what
// it costs to look it up.
inline constexpr std::size_t kMostOfKey = 100'000;
bool hashable(const Value& value, std::uint64_t& work, int depth = 0);

bool truth(const Value& value);
inline constexpr std::size_t kLeastOpaqueBytes = 32;

// Why a comparison has no answer.
struct Doubt {
  // Python does not order these.
  bool refused = false;
  // It depends on text that is not here (`opaque`).
  bool unsure = false;
  // It is deeper than kMaxNesting.
  bool too_deep = false;
  // What it took, and may take.
  std::uint64_t work = 0;
  std::uint64_t most = UINT64_MAX;
  // Bytes that a text which is not here has at least.
  std::size_t least_opaque = kLeastOpaqueBytes;

  bool stopped() const { return too_deep || work > most; }
};
// Python's ==.
bool equal(const Value& a, const Value& b, Doubt* doubt = nullptr, int depth = 0);
// Python's <.
bool less(const Value& a, const Value& b, Doubt& doubt, int depth = 0);
// As Python's sorted(), by the keys.
void sort(Dict::Entry* rows, std::uint32_t count, bool reverse, Doubt& doubt);

// A copy of `source` as values; texts are views into it. With `opaque`, those with a placeholder in them are marked.
Value from_json(Arena& arena, const json& source, bool opaque);
// The same of JSON text, which must outlive the value: texts are views into it where nothing had to be unescaped.
// Errors as parse_json. What the arena has no room for is left out, and it is over() then.
Result<Value> read_json(Arena& arena, std::string_view source, bool opaque);

// A placeholder: one of the noncharacters U+FDD0 to U+FDD3, which say by two bits (Sides of code_points.h) where white
// space is to be stripped, the decimal number of the text it stands for, U+FDD4. That text has at least
// kLeastOpaqueBytes bytes even when stripped, or one where the runtime is to expect short texts; a number stands for
// one text.
inline constexpr std::string_view kPlaceholder = "\xEF\xB7\x90";
inline constexpr char kPlaceholderEnd = '\x94';

inline constexpr const char* kTooLong = "Whole numbers of more than 64 bits are not supported.";

// How deep values may be nested.
inline constexpr int kMaxNesting = 120;

// The name of its type, as Python says it.
std::string_view type_name(const Value& value);

}  // namespace tierwise::prompt
