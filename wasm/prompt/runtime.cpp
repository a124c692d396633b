#include "prompt/runtime.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "base/words.h"
#include "prompt/code_points.h"
#include "prompt/lexer.h"
#include "prompt/power.h"
#include "prompt/text_form.h"

namespace tierwise::prompt {
namespace {

// Calls, blocks and expressions inside each other.
constexpr int kMaxDepth = 700;

// Iterators that end with an error; the next one ends the rendering.
constexpr std::uint32_t kMostPutOff = 10'000;

// Stays what it was where it is put back.
template <typename T>
class Restored {
 public:
  Restored(T& place, T value) : place_(place), before_(std::exchange(place, value)) {}
  ~Restored() { place_ = before_; }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  T& place_;
  T before_;
};

// A slice of a range is a range; `part` are its numbers, `bounds` count in those of `whole`.
Value range_slice(Runtime& runtime, const Value& whole, Items& part, const std::array<std::int64_t, 3>& bounds) {
  // Start, stop and step.
  const Value* said = whole.items->data + whole.items->size;
  std::int64_t by = 0;
  std::int64_t start = 0;
  std::int64_t stop = 0;
  const bool overflows =
      __builtin_mul_overflow(said[2].integer, bounds[2], &by) || __builtin_mul_overflow(bounds[0], said[2].integer, &start) ||
      __builtin_add_overflow(start, said[0].integer, &start) || __builtin_mul_overflow(bounds[1], said[2].integer, &stop) ||
      __builtin_add_overflow(stop, said[0].integer, &stop);
  if (overflows) return runtime.fail(kTooLong);
  return runtime.range(start, stop, by, part);
}

Value whole_or_nothing(bool overflows, std::int64_t number, Runtime& runtime) {
  return overflows ? runtime.fail(kTooLong) : integer(number);
}

bool opens_placeholder(std::string_view text, std::size_t at) {
  return text.substr(at, 2) == kPlaceholder.substr(0, 2) && at + 2 < text.size() &&
         (static_cast<std::uint8_t>(text[at + 2]) & 0xFC) == 0x90;
}

// Whether somewhere in it stands a text that only the caller has.
bool holds_opaque(const Value& value, Doubt& doubt, int depth = 0) {
  if (value.is(Kind::kText)) return value.opaque;
  ++doubt.work;
  if (depth > kMaxNesting) doubt.too_deep = true;
  if (doubt.stopped()) return false;
  if (value.is_items()) {
    for (std::uint32_t i = 0; i < value.items->size; ++i) {
      if (holds_opaque(value.items->data[i], doubt, depth + 1)) return true;
    }
  } else if (value.is(Kind::kDict) || value.is(Kind::kNamespace)) {
    for (std::uint32_t i = 0; i < value.dict->size; ++i) {
      const Dict::Entry& entry = value.dict->entries[i];
      if (holds_opaque(entry.key, doubt, depth + 1) || holds_opaque(entry.value, doubt, depth + 1)) return true;
    }
  }
  return false;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (out.size() > kMaxMadeBytes) break;
    const std::size_t known = std::string_view("&<>'\"").find(c);
    if (known == std::string_view::npos) {
      out += c;
    } else {
      out += word_at("&amp; &lt; &gt; &#39; &#34;", known);
    }
  }
  return out;
}

double floor_modulo(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  return rest == 0 ? std::copysign(0.0, b) : rest;
}

}  // namespace

OwnedError Runtime::run(const Value& variables, std::string& rendered) {
  const std::size_t names = made_.names.size;
  top_ = arena_.array<Value>(names);
  given_ = arena_.array<Value>(names);
  for (std::size_t i = 0; i < names; ++i) {
    top_[i] = Value();
    const Value* value = variables.is(Kind::kDict) ? find(*variables.dict, made_.names.entries[i].key) : nullptr;
    given_[i] = value == nullptr ? Value() : *value;
  }
  hide(made_.hidden);
  if (charge(names / 16)) run_body(made_.body);
  if (marked_ != nullptr) write_mark();
  charge(0);
  out_.resize(out_size_);
  rendered = std::move(out_);
  return std::move(error_);
}

// ------------------------------------------------------------------------------------------------------ failures

Value Runtime::fail(const char* message) { return end(message); }

Value Runtime::end(std::string_view message) {
  if (error_ == nullptr) error_ = template_error(made_.source, at_, message);
  return undefined();
}

Value Runtime::fail(const char* pattern, std::string_view first, std::string_view second) {
  std::string message;
  for (; *pattern != '\0'; ++pattern) {
    if (pattern[0] == '{' && pattern[1] == '}') {
      message += std::exchange(first, second);
      ++pattern;
    } else {
      message += *pattern;
    }
  }
  return end(message);
}

Value Runtime::refuse(const char* pattern, const Value& value) { return fail(pattern, type_name(value)); }

Value Runtime::raise(std::string_view message) {
  const bool is_first = error_ == nullptr;
  end(message);
  if (is_first) error_ = make_error("template-refused", error_->message, error_->field);
  return undefined();
}

Value Runtime::put_off(Items* before) {
  // Where it stands was counted out in the template.
  steps_ += made_.source.size() / 64;
  if (error_->code != "needs-content" && !over_ && put_off_ < kMostPutOff) {
    ++put_off_;
    auto* later = arena_.make<LaterError>();
    *later = {error_->code, arena_.copy(error_->message), arena_.copy(error_->field)};
    before->error = later;
    error_ = nullptr;
  }
  return items(Kind::kIterator, before);
}

bool Runtime::spent() {
  over_ = true;
  fail(arena_.over() ? kTooMuch : "The template takes too many steps.");
  return false;
}

std::string_view Runtime::look_into(const Value& value) {
  if (value.opaque) {
    if (error_ == nullptr) error_ = make_error("needs-content", "The template looks into a text that only the caller has.");
    return {};
  }
  charge(value.size / 64);
  if (value.size > kMaxTextBytes) {
    fail("This is too large.");
    return {};
  }
  return value.view();
}

bool Runtime::closed(const Value& value) {
  if (value.is(Kind::kText) && !value.opaque) return !failed();
  Doubt doubt = new_doubt();
  if (holds_opaque(value, doubt)) doubt.unsure = true;
  settle(doubt);
  return !failed();
}

Doubt Runtime::new_doubt() const {
  Doubt doubt;
  doubt.least_opaque = least_opaque_;
  doubt.most = static_cast<std::size_t>(std::min<std::uint64_t>(SIZE_MAX, limits_.steps - std::min(limits_.steps, steps_)));
  return doubt;
}

void Runtime::settle(const Doubt& doubt) {
  charge(doubt.work);
  if (doubt.unsure) look_into(text({}, true));
  if (doubt.too_deep) fail("These values are nested too deeply.");
}

bool Runtime::is_key(const Value& value) {
  if (value.is(Kind::kText) && !value.opaque) return charge(value.size / 16);
  std::uint64_t work = 0;
  const bool can = hashable(value, work);
  charge(work);
  return can && closed(value);
}

std::size_t Runtime::search(std::string_view text, std::string_view what, std::size_t from) {
  charge(1);
  if (what.empty()) return from;
  std::size_t work = 0;
  for (std::size_t at = from; (at = text.find(what[0], at)) != std::string_view::npos; ++at) {
    if (matches(text, what, at, work)) return at;
    if (failed()) break;
  }
  return std::string_view::npos;
}

std::size_t Runtime::search_last(std::string_view text, std::string_view what) {
  charge(1);
  std::size_t work = 0;
  for (std::size_t at = text.size() + 1; at-- > 0 && !failed();) {
    if (matches(text, what, at, work)) return at;
  }
  return std::string_view::npos;
}

bool Runtime::matches(std::string_view text, std::string_view what, std::size_t at, std::size_t& work) {
  if (what.size() > text.size() - at) return false;
  std::size_t same = 0;
  while (same < what.size() && text[at + same] == what[same]) ++same;
  // Counted where it is more than the search itself is charged for.
  work += same + 1;
  if (work > 4096) charge(std::exchange(work, 0) / 8);
  return same == what.size();
}

// ---------------------------------------------------------------------------------------------------- statements

Runtime::Flow Runtime::run_body(const Node* body) {
  for (const Node* node = body; node != nullptr && charge(1); node = node->next) {
    if (node->op == Op::kData) {
      write(node->value.view());
    } else if (node->op == Op::kOutput) {
      if (node->a->op == Op::kAdd) {
        write_sum(*node->a);
      } else {
        write(eval(node->a));
      }
    } else if (const Flow flow = run_statement(*node); flow != Flow::kOn) {
      return flow;
    }
  }
  return Flow::kOn;
}

Runtime::Flow Runtime::run_statement(const Node& node) {
  const Restored<int> depth(depth_, depth_ + 1);
  if (depth_ > kMaxDepth) {
    fail("This is nested too deeply, or calls itself without end.");
    return Flow::kOn;
  }
  switch (node.op) {
    case Op::kIf:
      for (const Node* branch = &node; !failed(); branch = branch->c) {
        const bool holds = truth(eval(branch->a));
        if (failed()) break;
        if (holds) return run_body(branch->b);
        if (branch->mode != kElif) return run_body(branch->c);
      }
      return Flow::kOn;
    case Op::kFor: {
      const Value iterable = eval(node.b);
      return failed() ? Flow::kOn : loop_over(node, iterable, frame_, 0);
    }
    case Op::kSet: {
      const Value value = eval(node.b);
      if (!failed()) assign(*node.a, value);
      return Flow::kOn;
    }
    case Op::kBreak:
      return Flow::kBreak;
    case Op::kContinue:
      return Flow::kContinue;
    case Op::kMacro:
      set(node.symbol, new_macro(node, node.symbol, node.a));
      return Flow::kOn;
    case Op::kCallBlock: {
      const Value caller = new_macro(node, kCallerName, node.b);
      write(eval_call(*node.a, &caller));
      return Flow::kOn;
    }
    case Op::kWith:
      return run_with(node);
    default:
      break;
  }
  // What is left has a body in a scope of its own.
  Frame* scope = arena_.make<Frame>();
  scope->parent = frame_;
  const Capture capture = begin_capture();
  Flow flow = Flow::kOn;
  {
    const Restored<Frame*> frame(frame_, scope);
    hide(node.hidden);
    if ((node.mode & kUsesVarargs) != 0) set(kVarargsName, items(Kind::kTuple, new_items()));
    if ((node.mode & kUsesKwargs) != 0) set(kKwargsName, dict(arena_.make<Dict>()));
    if ((node.mode & kUsesCaller) != 0) set(kCallerName, undefined("caller"));
    flow = run_body(node.body);
  }
  if (node.op == Op::kScope) {
    opaque_ = opaque_ || capture.opaque;
    return flow;
  }
  Value value = end_capture(capture);
  // A block that was left early leaves nothing.
  if (flow != Flow::kOn) return flow;
  // The chain begins at its innermost filter, which has no subject.
  std::size_t count = 0;
  for (const Node* link = node.b; link != nullptr; link = link->a) ++count;
  auto** const chain = arena_.array<const Node*>(count);
  std::size_t i = count;
  for (const Node* link = node.b; link != nullptr; link = link->a) chain[--i] = link;
  for (; i < count && !failed(); ++i) value = apply_filter(*chain[i], value);
  if (failed()) return Flow::kOn;
  if (node.op == Op::kSetBlock) {
    assign(*node.a, value);
  } else if (value.is(Kind::kText)) {
    write(value);
  } else {
    refuse("A filter block must give a text, not a {}.", value);
  }
  return flow;
}

Runtime::Flow Runtime::loop_over(const Node& node, const Value& iterable, Frame* outside, std::uint32_t depth) {
  at_ = node.b->at;
  const Restored<int> deeper(depth_, depth_ + 1);
  Items* items = iterate(iterable);
  Frame* scope = arena_.make<Frame>();
  scope->parent = outside;
  const Restored<Frame*> frame(frame_, scope);
  if (items != nullptr && node.c != nullptr) {
    Items* chosen = new_items();
    for (std::uint32_t i = 0; i < items->size && charge(1); ++i) {
      scope->size = 0;
      assign(*node.a, items->data[i]);
      if (failed() || !truth(eval(node.c))) continue;
      append(arena_, *chosen, items->data[i]);
      // As Jinja2, which takes it to pieces and puts them together again.
      if (node.a->op == Op::kTuple && items->data[i].is(Kind::kList)) chosen->data[chosen->size - 1].kind = Kind::kTuple;
    }
    items = chosen;
  }
  bool finished = false;
  if (items != nullptr && !failed()) {
    Loop* loop = arena_.make<Loop>();
    loop->items = items;
    loop->depth = depth;
    loop->node = &node;
    loop->outside = outside;
    Value loop_value;
    loop_value.kind = Kind::kLoop;
    loop_value.loop = loop;
    const bool is_marked = &node == marked_;
    for (std::uint32_t i = 0; i < items->size; ++i) {
      if (is_marked && items->data[i].is(Kind::kNone)) continue;
      if (!charge(1)) break;
      if (is_marked) write_mark();
      if (scope->kept) {
        scope = arena_.make<Frame>();
        scope->parent = outside;
        frame_ = scope;
      }
      scope->size = 0;
      loop->index = i;
      set(kLoopName, loop_value);
      hide(node.hidden);
      assign(*node.a, items->data[i]);
      const Flow flow = failed() ? Flow::kBreak : run_body(node.body);
      if (flow == Flow::kBreak) break;
      // As Jinja2: a pass that was left early does not count.
      if (flow == Flow::kOn) finished = true;
    }
    if (is_marked) write_mark();
  }
  if (!finished && node.other != nullptr && !failed()) {
    Frame* other = arena_.make<Frame>();
    other->parent = outside;
    frame_ = other;
    return run_body(node.other);
  }
  return Flow::kOn;
}

Runtime::Flow Runtime::run_with(const Node& node) {
  Frame* scope = arena_.make<Frame>();
  scope->parent = frame_;
  // Values are read outside of the scope.
  Items* values = new_items();
  for (const Node* target = node.a; target != nullptr; target = target->next->next) {
    append(arena_, *values, eval(target->next));
  }
  if (failed()) return Flow::kOn;
  const Restored<Frame*> frame(frame_, scope);
  std::uint32_t i = 0;
  for (const Node* target = node.a; target != nullptr && !failed(); target = target->next->next) {
    assign(*target, values->data[i++]);
  }
  hide(node.hidden);
  return run_body(node.body);
}

Value Runtime::new_macro(const Node& node, Symbol name, const Node* parameters) {
  Macro* macro = arena_.make<Macro>();
  macro->node = &node;
  macro->parameters = parameters;
  macro->name = made_.name(name);
  macro->closure = frame_;
  for (Frame* frame = frame_; frame != nullptr; frame = frame->parent) frame->kept = true;
  Value value;
  value.kind = Kind::kMacro;
  value.macro = macro;
  return value;
}

Value Runtime::call_macro(const Macro& macro, const Arguments& given) {
  const auto takes = [&](MacroUses use) { return (macro.node->mode & use) != 0; };
  Frame* scope = arena_.make<Frame>();
  scope->parent = macro.closure;
  const Restored<Frame*> frame(frame_, scope);
  std::uint32_t position = 0;
  bool has_caller = false;
  for (const Node* parameter = macro.parameters; parameter != nullptr; parameter = parameter->next) {
    const std::string_view parameter_name = made_.name(parameter->symbol);
    const Value* named = given.named == nullptr ? nullptr : find(*given.named, parameter_name);
    if (parameter->symbol == kCallerName) has_caller = true;
    if (position < given.count) {
      if (named != nullptr && parameter->symbol != kCallerName && !takes(kUsesKwargs)) {
        return fail("The macro {} got the parameter {} twice.", macro.name, parameter_name);
      }
      set(parameter->symbol, given.positional[position]);
    } else if (named != nullptr) {
      set(parameter->symbol, *named);
    } else if (parameter->a != nullptr) {
      set(parameter->symbol, eval(parameter->a));
    } else {
      set(parameter->symbol, undefined(parameter_name));
    }
    ++position;
    if (failed()) return undefined();
  }
  const std::uint32_t parameters = position;
  Dict* rest = arena_.make<Dict>();
  if (given.named != nullptr) {
    for (std::uint32_t i = 0; i < given.named->size && charge(parameters / 4); ++i) {
      const Dict::Entry& entry = given.named->entries[i];
      const Node* parameter = macro.parameters;
      std::uint32_t at = 0;
      while (parameter != nullptr && made_.name(parameter->symbol) != entry.key.view()) {
        parameter = parameter->next;
        ++at;
      }
      if (parameter != nullptr && at >= given.count) continue;
      put(arena_, *rest, entry.key, entry.value);
    }
  }
  if (takes(kUsesCaller) && !has_caller) {
    Value caller = undefined("caller");
    Dict* others = arena_.make<Dict>();
    for (std::uint32_t i = 0; i < rest->size; ++i) {
      const Dict::Entry& entry = rest->entries[i];
      if (entry.key.view() == "caller") {
        caller = entry.value;
      } else {
        put(arena_, *others, entry.key, entry.value);
      }
    }
    rest = others;
    set(kCallerName, caller);
  }
  if (takes(kUsesKwargs)) {
    set(kKwargsName, dict(rest));
  } else if (rest->size > 0) {
    return fail("The macro {} takes no argument named {}.", macro.name, rest->entries[0].key.view());
  }
  if (takes(kUsesVarargs)) {
    Items* more = new_items();
    for (std::uint32_t i = parameters; i < given.count; ++i) append(arena_, *more, given.positional[i]);
    set(kVarargsName, items(Kind::kTuple, more));
  } else if (given.count > parameters) {
    return fail("The macro {} takes at most {} arguments.", macro.name, digits(parameters));
  }
  hide(macro.node->hidden);
  const Capture capture = begin_capture();
  run_body(macro.node->body);
  return end_capture(capture);
}

// --------------------------------------------------------------------------------------------------------- names

Value Runtime::name(const Node& node) {
  for (const Frame* frame = frame_; frame != nullptr; frame = frame->parent) {
    steps_ += (frame->size + 8) / 16;
    for (std::uint32_t i = frame->size; i-- > 0;) {
      if (frame->slots[i].symbol == node.symbol) return frame->slots[i].value;
    }
  }
  if (!top_[node.symbol].is(Kind::kMissing)) return top_[node.symbol];
  if (!given_[node.symbol].is(Kind::kMissing)) return given_[node.symbol];
  if (!node.value.is(Kind::kMissing)) return node.value;
  return undefined(made_.name(node.symbol));
}

void Runtime::set(Symbol symbol, const Value& value) {
  if (frame_ == nullptr) {
    top_[symbol] = value;
    return;
  }
  steps_ += frame_->size / 16;
  for (std::uint32_t i = 0; i < frame_->size; ++i) {
    if (frame_->slots[i].symbol == symbol) {
      frame_->slots[i].value = value;
      return;
    }
  }
  if (frame_->size == frame_->capacity) {
    frame_->capacity = frame_->capacity == 0 ? 4 : frame_->capacity * 2;
    auto* slots = arena_.array<Frame::Slot>(frame_->capacity);
    std::copy(frame_->slots, frame_->slots + frame_->size, slots);
    frame_->slots = slots;
  }
  frame_->slots[frame_->size++] = {symbol, value};
}

void Runtime::hide(const Node* names) {
  for (; names != nullptr; names = names->next) {
    if (names->symbol != kNoSymbol) set(names->symbol, undefined(made_.name(names->symbol)));
  }
}

void Runtime::assign(const Node& target, const Value& value) {
  if (target.op == Op::kName) {
    set(target.symbol, value);
    return;
  }
  at_ = target.at;
  if (target.op == Op::kSetAttribute) {
    const Value space = name(target);
    if (!space.is(Kind::kNamespace)) {
      fail("Attributes can be set on a namespace only.");
      return;
    }
    put(arena_, *space.dict, target.value, value);
    return;
  }
  const Items* parts = iterate(value);
  if (parts == nullptr) return;
  std::uint32_t i = 0;
  for (const Node* part = target.a; part != nullptr && charge(1); part = part->next) {
    if (i >= parts->size) {
      fail("There are too few values.");
      return;
    }
    assign(*part, parts->data[i++]);
  }
  if (i < parts->size && !failed()) fail("There are too many values.");
}

// -------------------------------------------------------------------------------------------------------- output

void Runtime::write(std::string_view text) {
  const std::size_t size = out_size_ + text.size();
  if (size > limits_.output_bytes) {
    fail("The rendered text is too large.");
    return;
  }
  charge(text.size() / 64);
  // Doubled, but not beyond the limit: the library would double whatever it is asked for.
  if (size > out_.size()) {
    std::string larger;
    larger.reserve(std::max(size, std::min(limits_.output_bytes, std::max<std::size_t>(4096, size * 2))));
    larger.assign(out_, 0, out_size_);
    larger.resize(larger.capacity());
    out_.swap(larger);
  }
  if (!text.empty()) std::memcpy(out_.data() + out_size_, text.data(), text.size());
  out_size_ = size;
}

void Runtime::write_mark() {
  std::string mark(kMark);
  mark += digits(static_cast<std::int64_t>(steps_));
  mark += kMark.substr(0, 2);
  mark += kPlaceholderEnd;
  write(mark);
}

void Runtime::write(const Value& value) {
  if (failed()) return;
  if (value.is(Kind::kText)) {
    opaque_ = opaque_ || value.opaque;
    write(value.view());
  } else if (!value.is(Kind::kUndefined)) {
    write(as_text(value));
  }
}

void Runtime::write_sum(const Node& node) {
  const bool opaque = std::exchange(opaque_, false);
  const int depth = depth_;
  Value whole;
  const bool written = write_parts(node, out_size_, whole);
  depth_ = depth;
  opaque_ = opaque_ || opaque;
  if (!written) write(whole);
}

bool Runtime::write_parts(const Node& node, std::size_t begin, Value& whole) {
  if (node.op != Op::kAdd) {
    whole = eval(&node);
  } else {
    if (!charge(1) || ++depth_ > kMaxDepth) {
      fail("This is nested too deeply, or calls itself without end.");
      return true;
    }
    const bool written = write_parts(*node.a, begin, whole);
    const Value more = eval(node.b);
    at_ = node.at;
    if (failed()) return true;
    if (written && more.is(Kind::kText) && !more.markup) {
      write(more);
      return true;
    }
    // Taken back: this is no mere text.
    if (written) whole = end_capture({begin, false});
    whole = add(whole, more);
    return false;
  }
  if (failed() || !whole.is(Kind::kText) || whole.markup) return failed();
  write(whole);
  return true;
}

Runtime::Capture Runtime::begin_capture() { return {out_size_, std::exchange(opaque_, false)}; }

Value Runtime::end_capture(const Capture& capture) {
  const Value value = new_text(std::string_view(out_).substr(capture.begin, out_size_ - capture.begin), opaque_);
  out_size_ = capture.begin;
  opaque_ = capture.opaque;
  return value;
}

// --------------------------------------------------------------------------------------------------- expressions

Value Runtime::eval(const Node* node) {
  if (node == nullptr) return none();
  // The two commonest without ado.
  ++steps_;
  if (node->op == Op::kConstant) return node->value;
  if (node->op == Op::kName) return name(*node);
  if (!charge(0)) return undefined();
  if (++depth_ > kMaxDepth) return fail("This is nested too deeply, or calls itself without end.");
  Value value = eval_node(*node);
  --depth_;
  return value;
}

Value Runtime::eval_node(const Node& node) {
  switch (node.op) {
    case Op::kAttribute: {
      const Value container = eval(node.a);
      at_ = node.at;
      return failed() ? container : attribute(container, node.value.view());
    }
    case Op::kItem: {
      const Value container = eval(node.a);
      if (node.b->op == Op::kSlice) {
        Value part = eval_slice(container, *node.b);
        part.markup = container.markup;
        return part;
      }
      const Value key = eval(node.b);
      at_ = node.at;
      Value found = failed() ? container : item(container, key);
      if (container.markup && found.is(Kind::kText)) found.markup = true;
      return found;
    }
    case Op::kAdd: {
      const Value a = eval(node.a);
      const Value b = eval(node.b);
      at_ = node.at;
      return failed() ? a : add(a, b);
    }
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kDivide:
    case Op::kFloorDivide:
    case Op::kModulo:
    case Op::kPower: {
      const Value a = eval(node.a);
      const Value b = eval(node.b);
      at_ = node.at;
      return failed() ? a : arithmetic(node.op, a, b);
    }
    case Op::kNegative:
    case Op::kPositive: {
      const Value a = eval(node.a);
      at_ = node.at;
      if (!a.is_number()) return failed() ? a : refuse("This needs a number, not a {}.", a);
      if (a.is(Kind::kReal)) return real(node.op == Op::kNegative ? -a.real : a.real);
      return node.op == Op::kNegative ? arithmetic(Op::kSubtract, integer(0), a) : integer(a.whole());
    }
    case Op::kNot: {
      const Value a = eval(node.a);
      return boolean(!truth(a));
    }
    case Op::kAnd:
    case Op::kOr: {
      const Value a = eval(node.a);
      return failed() || truth(a) == (node.op == Op::kOr) ? a : eval(node.b);
    }
    case Op::kCondition: {
      const bool holds = truth(eval(node.a));
      if (failed()) return undefined();
      if (holds) return eval(node.b);
      return node.c == nullptr ? undefined("the value of an if without else") : eval(node.c);
    }
    case Op::kCompare:
      return eval_compare(node);
    case Op::kConcatenate: {
      // Not as +: what |safe marked counts as any other text here.
      Value whole = as_text(eval(node.a));
      whole.markup = false;
      for (const Node* part = node.a->next; part != nullptr && !failed(); part = part->next) {
        Value more = as_text(eval(part));
        more.markup = false;
        whole = add(whole, more);
      }
      return whole;
    }
    case Op::kCall:
      return eval_call(node, nullptr);
    case Op::kFilter:
      return apply_filter(node, eval(node.a));
    case Op::kTest: {
      const Value subject = eval(node.a);
      Arguments arguments;
      if (!read_arguments(node.b, arguments, nullptr)) return undefined();
      at_ = node.at;
      if (node.symbol == kNoSymbol) return fail("There is no test named {}.", node.value.view());
      return boolean(call_test(*this, node.symbol, subject, arguments));
    }
    case Op::kList:
    case Op::kTuple: {
      Items* list = new_items();
      for (const Node* element = node.a; element != nullptr; element = element->next) {
        append(arena_, *list, element->op == Op::kSlice ? undefined() : eval(element));
        if (failed()) break;
      }
      return items(node.op == Op::kList ? Kind::kList : Kind::kTuple, list);
    }
    case Op::kDictionary: {
      Dict* entries = arena_.make<Dict>();
      for (const Node* key = node.a; key != nullptr && !failed(); key = key->next->next) {
        const Value name = eval(key);
        const Value value = eval(key->next);
        at_ = key->at;
        if (!is_key(name)) return refuse("A {} cannot be a key.", name);
        put(arena_, *entries, name, value);
      }
      return dict(entries);
    }
    default:
      return undefined();
  }
}

Value Runtime::eval_compare(const Node& node) {
  Value left = eval(node.a);
  bool holds = true;
  for (const Node* operand = node.b; operand != nullptr && holds && !failed(); operand = operand->next) {
    const Value right = eval(operand->a);
    at_ = operand->at;
    if (failed()) break;
    switch (static_cast<Comparison>(operand->mode)) {
      case Comparison::kEqual:
        holds = equals(left, right);
        break;
      case Comparison::kNotEqual:
        holds = !equals(left, right);
        break;
      case Comparison::kLess:
        holds = is_less(left, right);
        break;
      case Comparison::kGreater:
        holds = is_less(right, left);
        break;
      case Comparison::kLessOrEqual:
        holds = is_less(left, right) || equals(left, right);
        break;
      case Comparison::kGreaterOrEqual:
        holds = is_less(right, left) || equals(left, right);
        break;
      case Comparison::kIn:
        holds = contains(right, left);
        break;
      case Comparison::kNotIn:
        holds = !contains(right, left);
        break;
    }
    left = right;
  }
  return boolean(holds);
}

Value Runtime::eval_slice(const Value& value, const Node& slice) {
  const Value start = slice.a == nullptr ? none() : eval(slice.a);
  const Value stop = slice.b == nullptr ? none() : eval(slice.b);
  const Value step = slice.c == nullptr ? none() : eval(slice.c);
  at_ = slice.at;
  if (failed()) return value;
  const auto bound = [](const Value& v) { return v.is(Kind::kNone) || v.is_whole(); };
  const bool sliceable = value.is(Kind::kText) || value.is(Kind::kList) || value.is(Kind::kTuple) ||
                         value.is_range();
  if (!sliceable) return refuse("A {} cannot be cut into slices.", value);
  if (!bound(start) || !bound(stop) || !bound(step)) return fail("This needs a whole number.");
  const std::int64_t by = step.is(Kind::kNone) ? 1 : step.whole();
  if (by == 0) return fail("The step cannot be 0.");
  const bool is_text = value.is(Kind::kText);
  const std::string_view whole = is_text ? look_into(value) : std::string_view();
  if (failed()) return value;
  const auto size = static_cast<std::int64_t>(is_text ? count_code_points(whole) : value.items->size);
  const auto clamp = [&](const Value& v, std::int64_t otherwise) {
    if (v.is(Kind::kNone)) return otherwise;
    std::int64_t at = v.whole();
    if (at < 0) at = std::max(at + size, by < 0 ? std::int64_t{-1} : std::int64_t{0});
    return std::min(at, by < 0 ? size - 1 : size);
  };
  const std::int64_t first = clamp(start, by < 0 ? size - 1 : 0);
  const std::int64_t end = clamp(stop, by < 0 ? -1 : size);
  std::int64_t count = 0;
  if (by > 0 && first < end) count = (end - first - 1) / by + 1;
  if (by < 0 && first > end) count = (first - end - 1) / (by == INT64_MIN ? INT64_MAX : -by) + 1;
  if (!charge(static_cast<std::uint64_t>(count) / 16)) return value;
  if (!is_text) {
    Items* part = new_items(static_cast<std::uint32_t>(count));
    for (std::int64_t i = 0; i < count; ++i) append(arena_, *part, value.items->data[first + i * by]);
    if (value.is(Kind::kView)) return range_slice(*this, value, *part, {first, end, by});
    return items(value.kind, part);
  }
  if (by == 1) {
    const std::size_t begin = bytes_of(whole, static_cast<std::size_t>(first));
    return text(whole.substr(begin, bytes_of(whole.substr(begin), static_cast<std::size_t>(count))));
  }
  charge_text(whole.size());
  std::string out;
  std::size_t at = count == 0 ? 0 : bytes_of(whole, static_cast<std::size_t>(first));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t one = bytes_of(whole.substr(at), 1);
    out += whole.substr(at, one);
    if (by > 0) {
      at += by == 1 ? one : bytes_of(whole.substr(at), static_cast<std::size_t>(by));
    } else {
      for (std::int64_t back = by; back < 0 && at > 0; ++back) {
        at = previous(whole, at);
      }
    }
  }
  return new_text(out);
}

bool Runtime::read_arguments(const Node* first, Arguments& arguments, const Value* caller) {
  if (first == nullptr && caller == nullptr) return !failed();
  Items* positional = new_items();
  Dict* named = nullptr;
  const auto add_named = [&](const Value& key, const Value& value) {
    if (named == nullptr) named = arena_.make<Dict>();
    if (!key.is(Kind::kText) || !is_key(key) || find(*named, key) != nullptr) {
      fail("An argument has no text for a name, or is given twice.");
    } else {
      put(arena_, *named, key, value);
    }
  };
  for (const Node* argument = first; argument != nullptr && !failed(); argument = argument->next) {
    const Value value = eval(argument->a);
    at_ = argument->at;
    if (failed()) break;
    switch (static_cast<ArgumentKind>(argument->mode)) {
      case ArgumentKind::kPositional:
        append(arena_, *positional, value);
        break;
      case ArgumentKind::kNamed:
        add_named(argument->value, value);
        break;
      case ArgumentKind::kSpread: {
        const Items* more = iterate(value);
        for (std::uint32_t i = 0; more != nullptr && i < more->size && charge(1); ++i) append(arena_, *positional, more->data[i]);
        break;
      }
      case ArgumentKind::kSpreadNamed:
        if (!value.is(Kind::kDict)) {
          fail("This needs a dictionary.");
          break;
        }
        for (std::uint32_t i = 0; i < value.dict->size && !failed(); ++i) {
          add_named(value.dict->entries[i].key, value.dict->entries[i].value);
        }
        break;
    }
  }
  if (caller != nullptr && !failed()) add_named(text("caller"), *caller);
  arguments.positional = positional->data;
  arguments.count = positional->size;
  arguments.named = named;
  return !failed();
}

Value Runtime::apply_filter(const Node& node, const Value& subject) {
  Arguments arguments;
  if (!read_arguments(node.b, arguments, nullptr)) return undefined();
  at_ = node.at;
  if (node.symbol == kNoSymbol) return fail("There is no filter named {}.", node.value.view());
  return call_filter(*this, node.symbol, subject, arguments);
}

Value Runtime::eval_call(const Node& node, const Value* caller) {
  const Value callee = eval(node.a);
  Arguments arguments;
  if (!read_arguments(node.b, arguments, caller)) return undefined();
  at_ = node.at;
  return call(callee, arguments);
}

Value Runtime::call(const Value& callee, const Arguments& arguments) {
  switch (callee.kind) {
    case Kind::kMacro: {
      if (depth_ > kMaxDepth) return fail("This is nested too deeply, or calls itself without end.");
      const std::uint32_t at = at_;
      const Value value = call_macro(*callee.macro, arguments);
      if (!failed()) at_ = at;
      return value;
    }
    case Kind::kFunction:
      return call_function(*this, callee.size, arguments);
    case Kind::kMethod:
      return call_method(*this, callee.method->self, callee.method->name, arguments);
    case Kind::kLoop: {
      if ((callee.loop->node->mode & kRecursive) == 0) return fail("This loop is not marked recursive.");
      if (arguments.count != 1 || arguments.named != nullptr) return fail("A loop is called with one argument.");
      const Capture capture = begin_capture();
      loop_over(*callee.loop->node, arguments.positional[0], callee.loop->outside, callee.loop->depth + 1);
      return end_capture(capture);
    }
    case Kind::kCycler: {
      Items& cycler = *callee.items;
      return cycler.size == 0 ? fail("Arguments by place are needed.") : cycler.data[cycler.taken++ % cycler.size];
    }
    case Kind::kJoiner: {
      // Nothing the first time.
      Items& joiner = *callee.items;
      return joiner.taken++ == 0 ? text("") : joiner.data[0];
    }
    case Kind::kUndefined:
      return fail("{} is undefined and cannot be called.", callee.size == 0 ? "This" : callee.view());
    default:
      return refuse("A {} cannot be called.", callee);
  }
}

// ----------------------------------------------------------------------------------------------------- operations

Value Runtime::new_text(std::string_view from, bool opaque) {
  if (!arena_.grant(from.size())) return fail(kTooMuch);
  return text(arena_.copy(from), opaque);
}

Value Runtime::range(std::int64_t start, std::int64_t stop, std::int64_t step, Items& numbers) {
  std::string label = "range(" + digits(start) + ", " + digits(stop);
  if (step != 1) label += ", " + digits(step);
  label += ')';
  label += '\0';
  numbers.label = arena_.copy(label).data();
  const std::uint32_t size = numbers.size;
  for (const std::int64_t number : {start, stop, step}) append(arena_, numbers, integer(number));
  numbers.size = size;
  return items(Kind::kView, &numbers);
}

Items* Runtime::new_items(std::uint32_t capacity) {
  Items* list = arena_.make<Items>();
  if (capacity > 0 && arena_.grant(capacity * sizeof(Value))) {
    list->data = arena_.array<Value>(capacity);
    list->capacity = capacity;
  }
  return list;
}

Value Runtime::pair(const Value& a, const Value& b) {
  Items* both = new_items(2);
  append(arena_, *both, a);
  append(arena_, *both, b);
  return items(Kind::kTuple, both);
}

Value Runtime::tuple_of(const Arguments& given) {
  Items* list = new_items(given.count);
  for (std::uint32_t i = 0; i < given.count; ++i) append(arena_, *list, given.positional[i]);
  return items(Kind::kTuple, list);
}

const Value* Each::next() {
  return list_ != nullptr && at_ < list_->size && runtime_.charge(1) ? &list_->data[at_++] : nullptr;
}

Value Runtime::as_text(const Value& value) {
  if (value.is(Kind::kText)) return value;
  if (!closed(value)) return undefined();
  std::string out;
  const bool whole = append_str(out, value);
  charge_text(out.size());
  return whole ? new_text(out) : fail(out.size() > kMaxMadeBytes ? kTooMuch : "These values are nested too deeply.");
}

bool Runtime::equals(const Value& a, const Value& b) {
  Doubt doubt = new_doubt();
  const bool same = equal(a, b, &doubt);
  settle(doubt);
  return same;
}

bool Runtime::is_less(const Value& a, const Value& b) {
  Doubt doubt = new_doubt();
  const bool holds = less(a, b, doubt);
  settle(doubt);
  if (doubt.refused) {
    fail("A {} and a {} have no order.", type_name(a), type_name(b));
  }
  return holds;
}

Items* Runtime::iterate(const Value& value) {
  if (value.is_items()) {
    if (!charge(value.items->size / 16)) return nullptr;
    if (!value.is(Kind::kIterator)) return value.items;
    if (const LaterError* later = std::exchange(value.items->error, nullptr)) {
      error_ = make_error(later->code, later->message, later->field);
      return nullptr;
    }
    Items* rest = arena_.make<Items>();
    *rest = *value.items;
    rest->data += value.items->taken;
    rest->size -= value.items->taken;
    rest->capacity = rest->size;
    rest->taken = 0;
    value.items->taken = value.items->size;
    return rest;
  }
  if (value.is(Kind::kUndefined)) return new_items();
  if (value.is(Kind::kDict)) {
    if (!charge(value.dict->size / 16)) return nullptr;
    Items* keys = new_items(value.dict->size);
    for (std::uint32_t i = 0; i < value.dict->size; ++i) append(arena_, *keys, value.dict->entries[i].key);
    return keys;
  }
  if (value.is(Kind::kText)) {
    const std::string_view whole = look_into(value);
    if (failed() || !charge(whole.size())) return nullptr;
    Items* characters = new_items(static_cast<std::uint32_t>(count_code_points(whole)));
    for (std::size_t at = 0; at < whole.size() && !arena_.over();) {
      const std::size_t begin = at;
      next_code_point(whole, at);
      append(arena_, *characters, text(whole.substr(begin, at - begin)));
    }
    return characters;
  }
  refuse("A {} cannot be gone through.", value);
  return nullptr;
}

bool Runtime::contains(const Value& container, const Value& value) {
  if (container.is(Kind::kText)) {
    if (!value.is(Kind::kText)) {
      refuse("This needs a text, not a {}.", value);
      return false;
    }
    return search(look_into(container), look_into(value)) != std::string_view::npos;
  }
  if (container.is(Kind::kDict)) {
    if (!is_key(value)) {
      refuse("A {} cannot be a key.", value);
      return false;
    }
    return find(*container.dict, value) != nullptr;
  }
  const Items* list = iterate(container);
  for (std::uint32_t i = 0; list != nullptr && i < list->size && !failed(); ++i) {
    if (equals(list->data[i], value)) return true;
  }
  return false;
}

Value Runtime::attribute(const Value& container, std::string_view name) {
  switch (container.kind) {
    case Kind::kUndefined:
      if (name.substr(0, 2) == "__") return undefined(name);
      return fail("{} is undefined: it has no {}.", container.size == 0 ? "This" : container.view(), name);
    case Kind::kNamespace:
      if (const Value* value = find(*container.dict, name)) return *value;
      return undefined(name);
    case Kind::kLoop: {
      const Loop& loop = *container.loop;
      const std::int64_t at = loop.index;
      const std::int64_t size = loop.items->size;
      const std::int64_t numbers[] = {at, at + 1, size, size - at, size - at - 1, loop.depth + 1, loop.depth};
      const std::size_t known =
          word_position("index0 index length revindex revindex0 depth depth0 first last previtem nextitem", name);
      if (known < 7) return integer(numbers[known]);
      if (known < 9) return boolean(at == (known == 7 ? 0 : size - 1));
      if (known == 9) return at == 0 ? undefined("the item before the first") : loop.items->data[at - 1];
      if (known == 10) return at + 1 == size ? undefined("the item behind the last") : loop.items->data[at + 1];
      break;
    }
    case Kind::kMacro: {
      const Macro& macro = *container.macro;
      // In the order of MacroUses first.
      const std::size_t known = word_position("caller catch_varargs catch_kwargs name arguments", name);
      if (known < 3) return boolean((macro.node->mode >> known & 1) != 0);
      if (known == 3) return text(macro.name);
      if (known == 4) {
        Items* list = new_items();
        for (const Node* parameter = macro.parameters; parameter != nullptr; parameter = parameter->next) {
          append(arena_, *list, text(made_.name(parameter->symbol)));
        }
        return items(Kind::kTuple, list);
      }
      break;
    }
    case Kind::kBoolean:
    case Kind::kInteger:
    case Kind::kReal:
      if (name == "real") return container.is(Kind::kBoolean) ? integer(container.whole()) : container;
      if (name == "imag") return container.is(Kind::kReal) ? real(0) : integer(0);
      break;
    case Kind::kTuple:
      if (container.items->label == kGroup && name == "grouper") return container.items->data[0];
      if (container.items->label == kGroup && name == "list") return container.items->data[1];
      break;
    case Kind::kCycler:
      if (name == "current" && container.items->size > 0) {
        return container.items->data[container.items->taken % container.items->size];
      }
      break;
    default:
      break;
  }
  if (has_method(container, name)) {
    Method* method = arena_.make<Method>();
    method->self = container;
    method->name = name;
    Value value;
    value.kind = Kind::kMethod;
    value.method = method;
    return value;
  }
  if (container.is(Kind::kDict)) {
    if (const Value* value = find(*container.dict, name)) return *value;
  }
  return undefined(name);
}

Value Runtime::item(const Value& container, const Value& key) {
  if (container.is(Kind::kUndefined)) return attribute(container, key.is(Kind::kText) ? key.view() : "items");
  if (container.is(Kind::kDict) && is_key(key)) {
    if (const Value* value = find(*container.dict, key)) return *value;
  }
  const bool sequence = container.is(Kind::kList) || container.is(Kind::kTuple) || container.is(Kind::kText) ||
                        container.is_range();
  if (sequence && key.is_whole()) {
    std::int64_t at = key.whole();
    if (!container.is(Kind::kText)) {
      const auto size = static_cast<std::int64_t>(container.items->size);
      if (at < 0) at += size;
      return at >= 0 && at < size ? container.items->data[at] : undefined("that item");
    }
    const std::string_view whole = look_into(container);
    if (at < 0) at += static_cast<std::int64_t>(count_code_points(whole));
    const std::size_t begin = at < 0 || at >= static_cast<std::int64_t>(whole.size()) ? whole.size() : bytes_of(whole, static_cast<std::size_t>(at));
    if (begin >= whole.size()) return undefined("that character");
    return text(whole.substr(begin, bytes_of(whole.substr(begin), 1)));
  }
  if (key.is(Kind::kText) && !container.is(Kind::kDict)) return attribute(container, look_into(key));
  if (key.is(Kind::kText) && has_method(container, key.view())) return attribute(container, key.view());
  return undefined(key.is(Kind::kText) ? key.view() : "that item");
}

Value Runtime::add(const Value& a, const Value& b) {
  if (a.is(Kind::kText) && b.is(Kind::kText)) {
    if (a.markup != b.markup) {
      Value both = add(a.markup ? new_text(a.view(), a.opaque) : new_text(escaped(look_into(a))),
                       b.markup ? new_text(b.view(), b.opaque) : new_text(escaped(look_into(b))));
      both.markup = true;
      return both;
    }
    if (!arena_.grant(a.size + b.size)) return fail(kTooMuch);
    charge(b.size / 64);
    Value both = text(arena_.extend(a.view(), b.view()), a.opaque || b.opaque);
    both.markup = a.markup;
    return both;
  }
  if (a.is_number() && b.is_number()) {
    if (!a.is_whole() || !b.is_whole()) return real(a.number() + b.number());
    std::int64_t sum = 0;
    const bool overflows = __builtin_add_overflow(a.whole(), b.whole(), &sum);
    return whole_or_nothing(overflows, sum, *this);
  }
  if (a.kind == b.kind && (a.is(Kind::kList) || a.is(Kind::kTuple))) {
    if (!charge((a.items->size + b.items->size) / 16) ||
        !arena_.grant((std::size_t{a.items->size} + b.items->size) * sizeof(Value))) {
      return fail(kTooMuch);
    }
    Items* both = new_items(a.items->size + b.items->size);
    for (const Items* part : {a.items, b.items}) {
      for (std::uint32_t i = 0; i < part->size; ++i) append(arena_, *both, part->data[i]);
    }
    return items(a.kind, both);
  }
  if (a.is(Kind::kUndefined) || b.is(Kind::kUndefined)) return attribute(a.is(Kind::kUndefined) ? a : b, "+");
  return fail("A {} and a {} cannot be added.", type_name(a), type_name(b));
}

Value Runtime::arithmetic(Op op, const Value& a, const Value& b) {
  if (op == Op::kModulo && a.is(Kind::kText)) return format(a, b);
  if (op == Op::kMultiply && !(a.is_number() && b.is_number())) {
    const Value& sequence = b.is_whole() ? a : b;
    const Value& times = b.is_whole() ? b : a;
    const bool repeats = sequence.is(Kind::kText) || sequence.is(Kind::kList) || sequence.is(Kind::kTuple);
    if (repeats && times.is_whole()) {
      const std::int64_t count = std::max<std::int64_t>(0, times.whole());
      const std::size_t size = sequence.is(Kind::kText) ? sequence.size : sequence.items->size * sizeof(Value);
      if (count > 0 && size > kMaxRenderBytes / static_cast<std::uint64_t>(count)) return fail(kTooMuch);
      const std::size_t all = size == 0 ? 0 : size * static_cast<std::size_t>(count);
      if (!arena_.grant(all) || !charge(size == 0 ? 0 : static_cast<std::uint64_t>(count) / 4 + all / 64)) return fail(kTooMuch);
      if (sequence.is(Kind::kText)) {
        auto* place = static_cast<char*>(arena_.allocate(all));
        for (std::int64_t i = 0; size > 0 && i < count; ++i) std::memcpy(place + static_cast<std::size_t>(i) * size, sequence.text, size);
        return text({place, all}, sequence.opaque && count > 0);
      }
      Items* list = new_items(static_cast<std::uint32_t>(all / sizeof(Value)));
      for (std::int64_t i = 0; size > 0 && i < count; ++i) {
        for (std::uint32_t k = 0; k < sequence.items->size; ++k) append(arena_, *list, sequence.items->data[k]);
      }
      return items(sequence.kind, list);
    }
  }
  if (a.is(Kind::kUndefined) || b.is(Kind::kUndefined)) return attribute(a.is(Kind::kUndefined) ? a : b, "value");
  if (!a.is_number() || !b.is_number()) {
    return fail("Arithmetic needs numbers, not a {} and a {}.", type_name(a), type_name(b));
  }
  const bool whole = a.is_whole() && b.is_whole();
  if ((op == Op::kDivide || op == Op::kFloorDivide || op == Op::kModulo) && b.number() == 0) {
    return fail("Division by zero.");
  }
  if (whole && op != Op::kDivide) {
    const std::int64_t x = a.whole();
    const std::int64_t y = b.whole();
    std::int64_t result = 0;
    bool overflows = false;
    switch (op) {
      case Op::kSubtract:
        overflows = __builtin_sub_overflow(x, y, &result);
        break;
      case Op::kMultiply:
        overflows = __builtin_mul_overflow(x, y, &result);
        break;
      case Op::kFloorDivide:
      case Op::kModulo: {
        if (y == -1) {
          overflows = op == Op::kFloorDivide && __builtin_sub_overflow(std::int64_t{0}, x, &result);
          break;
        }
        const std::int64_t rest = x % y;
        const bool adjust = rest != 0 && (rest < 0) != (y < 0);
        result = op == Op::kModulo ? (adjust ? rest + y : rest) : x / y - (adjust ? 1 : 0);
        break;
      }
      default: {
        if (y < 0) return x == 0 ? fail("0 has no negative power.") : real(power(a.number(), b.number()));
        result = 1;
        std::int64_t base = x;
        for (std::int64_t power = y; power > 0 && !overflows;) {
          if ((power & 1) != 0) overflows = __builtin_mul_overflow(result, base, &result);
          power >>= 1;
          if (power > 0 && !overflows) {
            // A base that overflows here is multiplied into the result later.
            overflows = __builtin_mul_overflow(base, base, &base);
          }
        }
        break;
      }
    }
    return whole_or_nothing(overflows, result, *this);
  }
  const double x = a.number();
  const double y = b.number();
  switch (op) {
    case Op::kSubtract:
      return real(x - y);
    case Op::kMultiply:
      return real(x * y);
    case Op::kDivide:
      return real(x / y);
    case Op::kModulo:
      return real(floor_modulo(x, y));
    case Op::kFloorDivide: {
      // As CPython's float_divmod.
      const double quotient = (x - std::fmod(x, y)) / y;
      const double rest = std::fmod(x, y);
      const double adjusted = rest != 0 && (rest < 0) != (y < 0) ? quotient - 1 : quotient;
      if (adjusted == 0) return real(std::copysign(0.0, x / y));
      const double down = std::floor(adjusted);
      return real(adjusted - down > 0.5 ? down + 1 : down);
    }
    default: {
      if (x == 0 && y < 0) return fail("0 has no negative power.");
      const double result = power(x, y);
      if (std::isnan(result) && !std::isnan(x) && !std::isnan(y)) return fail("Complex numbers are not supported.");
      if (std::isinf(result) && std::isfinite(x) && std::isfinite(y)) return fail("This is too large.");
      return real(result);
    }
  }
}

Value Runtime::stripped(const Value& value, unsigned sides) {
  charge(value.size / 64);
  if (!value.opaque) return text(strip(value.view(), sides));
  // Up to a placeholder, whose text is stripped where it belongs.
  std::string out(strip(value.view(), sides));
  if ((sides & kLeft) != 0 && opens_placeholder(out, 0)) out[2] = static_cast<char>(out[2] | static_cast<char>(kLeft));
  if ((sides & kRight) != 0) {
    std::size_t open = out.size();
    const std::size_t end = kPlaceholder.size();
    if (open > end && out.compare(open - end, 2, kPlaceholder.substr(0, 2)) == 0 && out.back() == kPlaceholderEnd) {
      // Nothing but digits stand between.
      for (open -= end; open > 0 && !opens_placeholder(out, open);) --open;
      out[open + 2] = static_cast<char>(out[open + 2] | static_cast<char>(kRight));
    }
  }
  return new_text(out, true);
}

}  // namespace tierwise::prompt
