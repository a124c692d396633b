// Runs a parsed template (Jinja2 3.1 with Transformers' environment): steps, depth, memory and output are bounded.
//
// Text may be left with the caller: `placeholders` says that texts of the variables are placeholders (value.h) for
// longer ones. They come out where the texts belong; a template that looks into such a text ends with the error
// "needs-content", and is to be rendered with the texts themselves.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "prompt/ast.h"
#include "prompt/builtins.h"
#include "prompt/value.h"

namespace tierwise::prompt {

struct RenderLimits {
  // A node of the template, an element of a list, 8 to 64 bytes of text: a tenth of a microsecond or less.
  std::uint64_t steps = 5'000'000;
  std::size_t output_bytes = 16 << 20;
};
// Of values, beside the output. With it and what built-ins work with, a render takes less than 64 MiB.
inline constexpr std::size_t kMaxRenderBytes = 20 << 20;
// Larger texts are passed on, not looked into. What is made of one by a built-in: kMaxMadeBytes (text_form.h).
inline constexpr std::size_t kMaxTextBytes = 4 << 20;
inline constexpr const char* kTooMuch = "The template needs too much memory.";

// U+FDD5.
inline constexpr std::string_view kMark = "\xEF\xB7\x95";

struct Frame;

class Runtime {
 public:
  Runtime(const Template& made, Arena& arena, const RenderLimits& limits, double now)
      : made_(made), arena_(arena), limits_(limits), now_(now) {}

  // `variables` is a dictionary. Null and the rendered text, or an error with "line:column" as its field:
  // "template-refused" when the template raised it itself, "template-error"; or "needs-content".
  // Before it: what placeholders stand for may be short, but is not blank.
  void expect_short_texts() { least_opaque_ = 1; }
  // Before it: the elements of this loop that are none are left out, and a mark is written before each of the others,
  // behind the loop, and at the end of all: kMark, the steps taken so far as decimal number, U+FDD4.
  void mark_loop(const Node* loop) { marked_ = loop; }
  OwnedError run(const Value& variables, std::string& rendered);

  // ---- for what templates call

  Arena& arena() { return arena_; }
  double now() const { return now_; }
  bool failed() const { return error_ != nullptr; }
  // Ends the rendering; gives a value to return.
  Value fail(const char* message);
  Value end(std::string_view message);
  // With {} in it replaced by these; by what `value` is.
  Value fail(const char* pattern, std::string_view first, std::string_view second = {});
  Value refuse(const char* pattern, const Value& value);
  // For what the template itself does not want: error \"template-refused\".
  Value raise(std::string_view message);
  // Takes the failure back: going through what is returned meets it again, behind `before`. Limits stay failures.
  Value put_off(Items* before);
  // Counts work; false when it is too much.
  bool charge(std::uint64_t work) {
    steps_ += work;
    return steps_ <= limits_.steps && !arena_.over() ? error_ == nullptr : spent();
  }
  // For work of some nanoseconds a byte.
  bool charge_text(std::size_t bytes) { return charge(bytes / 8); }
  // For all digits of a number.
  void charge_digits(double number) {
    const auto power = static_cast<std::size_t>(std::abs(std::ilogb(number == 0 || !std::isfinite(number) ? 1 : number)));
    charge(4 + power * power / 2000);
  }
  // The text itself; empty, and the end of the rendering, when only the caller has it.
  std::string_view look_into(const Value& text);
  // Whether all of it is here: false, and the end of the rendering, where only the caller has a text in it.
  bool closed(const Value& value);
  // Whether it can be the key of a dictionary; counts the work of looking it up.
  bool is_key(const Value& value);
  // std::string_view::find and rfind, counted: they may take the product of both sizes.
  std::size_t search(std::string_view text, std::string_view what, std::size_t from = 0);
  std::size_t search_last(std::string_view text, std::string_view what);
  // As str() has it; a text stays what it is.
  Value as_text(const Value& value);
  Value new_text(std::string_view text, bool opaque = false);
  // All that going through it gives; nullptr and a failure for what cannot be gone through.
  Items* iterate(const Value& value);
  Items* new_items(std::uint32_t capacity = 0);
  // Tuples.
  Value pair(const Value& a, const Value& b);
  Value tuple_of(const Arguments& positional);
  bool equals(const Value& a, const Value& b);
  // What a comparison may take.
  Doubt new_doubt() const;
  // Ends the rendering where there was one.
  void settle(const Doubt& doubt);
  bool is_less(const Value& a, const Value& b);
  bool contains(const Value& container, const Value& value);
  // What range(start, stop, step) gives, of which `numbers` are all; the three stand behind those.
  Value range(std::int64_t start, std::int64_t stop, std::int64_t step, Items& numbers);
  // container[key], or an attribute of that name; undefined when there is neither.
  Value item(const Value& container, const Value& key);
  Value attribute(const Value& container, std::string_view name);
  Value call(const Value& callee, const Arguments& arguments);
  Value add(const Value& a, const Value& b);
  Value modulo(const Value& a, const Value& b) { return arithmetic(Op::kModulo, a, b); }
  Value stripped(const Value& text, unsigned sides);
  // `pattern % values`.
  Value format(const Value& pattern, const Value& values);

 private:
  enum class Flow : std::uint8_t { kOn, kBreak, kContinue };
  struct Capture {
    std::size_t begin;
    bool opaque;
  };

  Flow run_body(const Node* body);
  Flow run_statement(const Node& node);
  Flow loop_over(const Node& node, const Value& iterable, Frame* outside, std::uint32_t depth);
  Flow run_with(const Node& node);
  Value call_macro(const Macro& macro, const Arguments& arguments);
  Value new_macro(const Node& node, Symbol name, const Node* parameters);

  Value eval(const Node* node);
  Value eval_node(const Node& node);
  Value eval_compare(const Node& node);
  Value eval_slice(const Value& value, const Node& slice);
  Value eval_call(const Node& node, const Value* caller);
  Value apply_filter(const Node& node, const Value& subject);
  Value arithmetic(Op op, const Value& a, const Value& b);
  bool read_arguments(const Node* first, Arguments& arguments, const Value* caller);

  // Whether `what` stands at `at`; `work` is what was not charged yet.
  bool matches(std::string_view text, std::string_view what, std::size_t at, std::size_t& work);

  Value name(const Node& node);
  bool spent();
  void assign(const Node& target, const Value& value);
  void set(Symbol symbol, const Value& value);
  void hide(const Node* names);

  void write(const Value& value);
  // Writes what an addition gives, part for part where all of it are texts.
  void write_sum(const Node& node);
  bool write_parts(const Node& node, std::size_t begin, Value& whole);
  void write(std::string_view text);
  void write_mark();
  Capture begin_capture();
  Value end_capture(const Capture& capture);

  const Template& made_;
  Arena& arena_;
  const RenderLimits& limits_;
  double now_;
  std::size_t least_opaque_ = kLeastOpaqueBytes;
  const Node* marked_ = nullptr;
  std::uint64_t steps_ = 0;
  int depth_ = 0;
  // Where an error would be.
  std::uint32_t at_ = 0;
  OwnedError error_;
  // Steps or memory are used up.
  bool over_ = false;
  // Errors that were.
  std::uint32_t put_off_ = 0;
  // Its first out_size_ bytes are written.
  std::string out_;
  std::size_t out_size_ = 0;
  // Whether what is being written holds a placeholder.
  bool opaque_ = false;
  Frame* frame_ = nullptr;
  // By symbol: what the template set outside of all blocks, and the variables.
  Value* top_ = nullptr;
  Value* given_ = nullptr;
};

// Goes through a list, or nothing, and counts every step. Ends with the rendering.
class Each {
 public:
  Each(Runtime& runtime, const Items* list) : runtime_(runtime), list_(list) {}
  // nullptr behind the last.
  const Value* next();

 private:
  Runtime& runtime_;
  const Items* list_;
  std::uint32_t at_ = 0;
};

struct Frame {
  struct Slot {
    Symbol symbol;
    Value value;
  };
  Frame* parent = nullptr;
  Slot* slots = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  // A macro refers to it.
  bool kept = false;
};

struct Loop {
  Items* items = nullptr;
  std::uint32_t index = 0;
  std::uint32_t depth = 0;
  const Node* node = nullptr;
  Frame* outside = nullptr;
  // What loop.changed was asked with last.
  Items* last = nullptr;
};

struct Macro {
  const Node* node = nullptr;
  const Node* parameters = nullptr;
  std::string_view name;
  Frame* closure = nullptr;
};

}  // namespace tierwise::prompt
