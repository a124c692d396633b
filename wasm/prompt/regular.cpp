#include "prompt/regular.h"

#include <algorithm>

#include "base/words.h"
#include "prompt/builtins.h"
#include "prompt/runtime.h"

namespace tierwise::prompt {
namespace {

constexpr int kMostDepth = 200;
// Of members, and of names.
constexpr std::size_t kMostNames = 64;
constexpr std::string_view kRemembering = "namespace cycler joiner";
// They give no iterator, which could be gone through only once.
constexpr std::string_view kPlainFilters = "default d trim tojson length count lower upper string";

// The last loop that nothing but conditions stand around: messages come behind tools and documents.
void find_loop(const Node* body, int depth, const Node*& loop) {
  for (const Node* node = body; node != nullptr && depth < kMostDepth; node = node->next) {
    if (node->op == Op::kIf) {
      find_loop(node->b, depth + 1, loop);
      find_loop(node->c, depth + 1, loop);
    } else if (node->op == Op::kFor) {
      loop = node;
    }
  }
}

class Analysis {
 public:
  Analysis(const Template& made, const Node& loop) : made_(made), loop_(loop), named_(made.names.size) {}

  Regular run() {
    Regular found;
    if (loop_.a->op != Op::kName || loop_.b->op != Op::kName || loop_.a->symbol == list()) return found;
    look(made_.body);
    if (!is_regular_ || members_.empty() || (remembers_ && reads_set_)) return found;
    found.loop = &loop_;
    found.list = made_.name(list());
    found.members = members_;
    found.places = places_;
    for (Symbol symbol = 0; symbol < named_.size(); ++symbol) {
      if ((named_[symbol] & kNamed) != 0) found.names.push_back(made_.name(symbol));
    }
    if (found.names.size() > kMostNames) found.loop = nullptr;
    return found;
  }

 private:
  enum Mark : std::uint8_t { kNamed = 1, kSetOutside = 2, kNamedInside = 4 };

  Symbol list() const { return loop_.b->symbol; }
  // In the body, and in no loop within it.
  bool at_loop() const { return inside_ && loops_ == 0; }
  bool is_name(const Node* node, Symbol symbol) const { return node->op == Op::kName && node->symbol == symbol; }
  static bool is_number(const Node* node, std::int64_t number) {
    return node->op == Op::kConstant && node->value.is(Kind::kInteger) && node->value.integer == number;
  }

  // A node with those behind it.
  void look(const Node* node) {
    if (++depth_ > kMostDepth) is_regular_ = false;
    for (; node != nullptr && is_regular_; node = node->next) look_at(*node);
    --depth_;
  }
  void look_within(const Node& node) {
    for (const Node* child : {node.a, node.b, node.c, node.body, node.other}) look(child);
  }

  void look_at(const Node& node) {
    switch (node.op) {
      case Op::kData:
      case Op::kConstant:
        // Marks are the runtime's.
        if (node.value.is(Kind::kText) && node.value.view().find(kMark) != std::string_view::npos) is_regular_ = false;
        return;
      case Op::kMacro:
      case Op::kCallBlock:
      case Op::kFilterBlock:
      case Op::kSetBlock:
      case Op::kSetAttribute:
        is_regular_ = false;
        return;
      case Op::kBreak:
      case Op::kContinue:
        if (at_loop()) is_regular_ = false;
        return;
      case Op::kName:
        look_at_name(node.symbol);
        return;
      case Op::kFilter:
        if (setting_ && !has_word(kPlainFilters, node.value.view())) remembers_ = true;
        break;
      case Op::kCall:
        if (setting_) remembers_ = true;
        break;
      case Op::kAttribute:
      case Op::kItem:
        if (look_at_member(node)) return;
        break;
      case Op::kCompare:
      case Op::kModulo:
        if (at_loop() && asks_place(node)) return;
        break;
      case Op::kSet:
        look_at_set(node);
        return;
      case Op::kFor:
        look_at_loop(node);
        return;
      default:
        break;
    }
    look_within(node);
  }

  void look_at_name(Symbol symbol) {
    const bool is_bound = symbol == kLoopName ? at_loop() : inside_ && symbol == loop_.a->symbol;
    if (is_bound || symbol == list() || has_word(kRemembering, made_.name(symbol))) is_regular_ = false;
    named_[symbol] = static_cast<std::uint8_t>(named_[symbol] | kNamed | (inside_ ? kNamedInside : 0));
    if ((named_[symbol] & kSetOutside) != 0 && inside_) reads_set_ = true;
  }

  void look_at_set(const Node& node) {
    const bool outside = !inside_;
    if (outside) mark_set(*node.a);
    look(node.a);
    setting_ = outside;
    look(node.b);
    setting_ = false;
  }
  void mark_set(const Node& target) {
    if (target.op == Op::kTuple) {
      for (const Node* part = target.a; part != nullptr; part = part->next) mark_set(*part);
    } else if (target.op == Op::kName) {
      named_[target.symbol] = static_cast<std::uint8_t>(named_[target.symbol] | kSetOutside);
      if ((named_[target.symbol] & kNamedInside) != 0) reads_set_ = true;
    }
  }

  void look_at_loop(const Node& node) {
    const bool is_it = &node == &loop_;
    if ((node.mode & kRecursive) != 0 || (is_it && (node.c != nullptr || node.other != nullptr))) is_regular_ = false;
    if (is_it) {
      inside_ = true;
      look(node.body);
      inside_ = false;
      return;
    }
    look(node.a);
    look(node.b);
    // `loop` is that outside of it still.
    look(node.c);
    look(node.other);
    ++loops_;
    look(node.body);
    --loops_;
  }

  // A member of a message, or loop.first and loop.last.
  bool look_at_member(const Node& node) {
    const Node* key = node.op == Op::kItem ? node.b : nullptr;
    const bool is_named = key == nullptr || (key->op == Op::kConstant && key->value.is(Kind::kText));
    if (!is_named) return false;
    const std::string_view name = key == nullptr ? node.value.view() : key->value.view();
    const Node& of = *node.a;
    if (at_loop() && is_name(&of, kLoopName)) {
      const std::size_t place = word_position("first last", name);
      if (place == kNoWord) return false;
      places_ |= place == 0 ? Regular::kFirst : Regular::kLast;
      return true;
    }
    if (of.op == Op::kItem && is_name(of.a, list())) {
      const bool is_last = of.b->op == Op::kNegative && is_number(of.b->a, 1);
      if (!is_last && !is_number(of.b, 0)) return false;
      places_ |= is_last ? Regular::kReadsLast | Regular::kLast : Regular::kReadsFirst | Regular::kFirst;
    } else if (!inside_ || !is_name(&of, loop_.a->symbol)) {
      return false;
    }
    Value message;
    message.kind = Kind::kDict;
    if (has_method(message, name)) is_regular_ = false;
    if (std::find(members_.begin(), members_.end(), name) == members_.end()) members_.push_back(name);
    if (members_.size() > kMostNames) is_regular_ = false;
    return true;
  }

  // loop.index0 == 0, loop.index > 1, loop.index % 2 and the like.
  bool asks_place(const Node& node) {
    const Node* of = node.a;
    if (of->op != Op::kAttribute || !is_name(of->a, kLoopName)) return false;
    const std::size_t base = word_position("index0 index", of->value.view());
    if (base == kNoWord) return false;
    if (node.op == Op::kModulo) {
      if (!is_number(node.b, 2)) return false;
      places_ |= Regular::kOdd;
      return true;
    }
    const auto comparison = static_cast<Comparison>(node.b->mode);
    const bool asks_first = comparison == Comparison::kEqual || comparison == Comparison::kNotEqual ||
                            comparison == Comparison::kGreater;
    if (!asks_first || node.b->next != nullptr || !is_number(node.b->a, static_cast<std::int64_t>(base))) return false;
    places_ |= Regular::kFirst;
    return true;
  }

  const Template& made_;
  const Node& loop_;
  // By symbol.
  std::vector<std::uint8_t> named_;
  std::vector<std::string_view> members_;
  unsigned places_ = 0;
  int depth_ = 0;
  // Loops around, within the loop or beside it.
  int loops_ = 0;
  bool inside_ = false;
  // In what a name outside of the loop is set to.
  bool setting_ = false;
  // Something that is set outside may change as it is read.
  bool remembers_ = false;
  bool reads_set_ = false;
  bool is_regular_ = true;
};

}  // namespace

Regular regular_form(const Template& made) {
  const Node* loop = nullptr;
  find_loop(made.body, 0, loop);
  return loop == nullptr ? Regular() : Analysis(made, *loop).run();
}

}  // namespace tierwise::prompt
