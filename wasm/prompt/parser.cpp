#include "prompt/parser.h"

#include <utility>

#include "base/text.h"
#include "base/words.h"
#include "prompt/builtins.h"
#include "prompt/lexer.h"

namespace tierwise::prompt {
namespace {

constexpr std::size_t kMaxTreeBytes = 24 << 20;

constexpr std::string_view kConstants = "none None false False true True";

class Parser {
 public:
  explicit Parser(Template& made) : made_(made) {}

  OwnedError run() {
    if ((error_ = lex(made_.source, made_.arena, tokens_)) != nullptr) return std::move(error_);
    for (std::size_t i = 0; i < kKnownSymbols; ++i) symbol(word_at("loop caller varargs kwargs", i));
    {
      const Scope scope(*this, made_.hidden);
      made_.body = parse_body({});
    }
    if (const Node* node = unknown_) {
      while (node->other != nullptr) node = node->other;
      const std::string_view kind = node->op == Op::kFilter ? "filter" : "test";
      fail_at(node->at, fill("There is no {} named {}.", {kind, node->value.view()}));
    }
    return std::move(error_);
  }

 private:
  // Between blanks.
  using Words = std::string_view;

  // Counts how deep things are nested.
  class Depth {
   public:
    explicit Depth(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxParseDepth) parser_.fail("This is nested too deeply.");
    }
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Parser& parser_;
  };

  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  void advance() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool failed() const { return error_ != nullptr; }
  void fail(std::string_view message) { fail_at(current().at, message); }
  void fail_at(std::size_t at, std::string_view message) {
    if (error_ == nullptr) error_ = template_error(made_.source, at, message);
    // Everything after stops at once.
    at_ = tokens_.size() - 1;
  }
  std::string described() const {
    switch (current().type) {
      case TokenType::kEnd:
        return "the end of the template";
      case TokenType::kBlockEnd:
        return "%}";
      case TokenType::kVariableEnd:
        return "}}";
      case TokenType::kNumber:
        return "a number";
      case TokenType::kText:
        return "a text";
      default:
        return std::string(current().text);
    }
  }
  void expected(std::string_view what) { fail(fill("Expected {}, found {}.", {what, described()})); }
  bool skip(char op) {
    if (!current().is(op)) return false;
    advance();
    return true;
  }
  bool skip_name(std::string_view name) {
    if (!current().names(name)) return false;
    advance();
    return true;
  }
  void expect(char op) {
    if (!skip(op)) expected({&op, 1});
  }
  void expect(TokenType type, std::string_view what) {
    if (current().type == type) {
      advance();
    } else {
      expected(what);
    }
  }
  std::string_view expect_name() {
    const std::string_view name = current().text;
    if (current().type != TokenType::kName) expected("a name");
    advance();
    return failed() ? std::string_view() : name;
  }
  bool at_any(Words words) const {
    return current().type == TokenType::kName && has_word(words, current().text);
  }

  Node* make(Op op, std::size_t at) {
    Node* node = made_.arena.make<Node>();
    node->op = op;
    node->at = static_cast<std::uint32_t>(at);
    if (made_.arena.over()) fail(kTooLarge);
    return node;
  }
  Node* make(Op op) { return make(op, current().at); }
  Node* make(Op op, std::size_t at, Node* a, Node* b = nullptr, Node* c = nullptr) {
    Node* node = make(op, at);
    node->a = a;
    node->b = b;
    node->c = c;
    return node;
  }
  Node* constant(const Value& value, std::size_t at) {
    Node* node = make(Op::kConstant, at);
    node->value = value;
    return node;
  }
  Symbol symbol(std::string_view name) {
    if (const Value* known = find(made_.names, name)) return known->size;
    Value number = integer(0);
    number.size = made_.names.size;
    put(made_.arena, made_.names, text(name), number);
    return number.size;
  }
  // Links siblings in their order.
  struct Chain {
    Node* first = nullptr;
    Node* last = nullptr;
    void add(Node* node) {
      (last == nullptr ? first : last->next) = node;
      // What is added may be a chain itself.
      for (last = node; last->next != nullptr;) last = last->next;
    }
  };

  // -------------------------------------------------------------------------------------------------- statements

  // Until one of `ends` follows "{%"; that word is the current token then.
  Node* parse_body(Words ends) {
    const Depth depth(*this);
    Chain body;
    while (!failed()) {
      const Token& token = current();
      if (token.type == TokenType::kData) {
        Node* data = make(Op::kData);
        data->value = text(token.text);
        body.add(data);
        advance();
      } else if (token.type == TokenType::kVariableBegin) {
        advance();
        const std::size_t at = current().at;
        body.add(make(Op::kOutput, at, parse_tuple(true)));
        expect(TokenType::kVariableEnd, "}}");
      } else if (token.type == TokenType::kBlockBegin) {
        advance();
        if (at_any(ends)) return body.first;
        body.add(parse_statement());
        expect(TokenType::kBlockEnd, "%}");
      } else {
        if (!ends.empty()) expected(fill("{% {} %}", {ends.substr(ends.rfind(' ') + 1)}));
        break;
      }
    }
    return body.first;
  }
  // The rest of a tag, and all to one of `ends`.
  Node* parse_block(Words ends) {
    expect(TokenType::kBlockEnd, "%}");
    return parse_body(ends);
  }
  // What a condition may never let run: unknown filters and tests in it are refused only when they are reached.
  class Branch {
   public:
    explicit Branch(Parser& parser, bool conditional = true) : parser_(parser), before_(parser.conditional_) {
      parser.conditional_ = conditional;
    }
    ~Branch() { parser_.conditional_ = before_; }
    Branch(const Branch&) = delete;
    Branch& operator=(const Branch&) = delete;

   private:
    Parser& parser_;
    bool before_;
  };
  // The names that were spoken of in a scope, in those around it too. One that is set before it is read is hidden (see
  // Node) for the scopes within.
  class Scope {
   public:
    Scope(Parser& parser, Node*& hidden)
        : branch_(parser, false),
          parser_(parser),
          outside_(parser.scope_),
          begin_(parser.known_.size),
          hidden_(hidden) {
      parser.scope_ = this;
    }
    ~Scope() {
      hidden_ = names_.first;
      // What the whole of a scope speaks of is no longer hidden in those within it.
      while (Node* name = inner_) {
        inner_ = name->other;
        if (parser_.known_at(name->symbol) > begin_) {
          name->symbol = kNoSymbol;
        } else {
          pass_on(name);
        }
      }
      for (Node* name = hidden_; name != nullptr; name = name->next) pass_on(name);
      parser_.scope_ = outside_;
      Items& known = parser_.known_;
      while (known.size > begin_) parser_.known_at(known.data[--known.size].size) = 0;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class Parser;
    void pass_on(Node* name) {
      if (outside_ != nullptr) name->other = std::exchange(outside_->inner_, name);
    }

    Branch branch_;
    Parser& parser_;
    Scope* outside_;
    std::uint32_t begin_;
    Node*& hidden_;
    Chain names_;
    // Hidden in the scopes within, linked by `other`.
    Node* inner_ = nullptr;
  };
  // One more than its place in known_, or 0.
  std::int64_t& known_at(Symbol name) { return made_.names.entries[name].value.integer; }
  // True the first time.
  bool note(Symbol name) {
    if (name == kNoSymbol || known_at(name) > 0) return false;
    Value known;
    known.size = name;
    append(made_.arena, known_, known);
    known_at(name) = known_.size;
    return true;
  }
  void note_set(const Node* target) {
    if (target->op == Op::kTuple) {
      for (const Node* part = target->a; part != nullptr; part = part->next) note_set(part);
    }
    if (target->op != Op::kName && target->op != Op::kMacro) return;
    if (!note(target->symbol) || conditional_) return;
    Node* hidden = make(Op::kName, target->at);
    hidden->symbol = target->symbol;
    scope_->names_.add(hidden);
  }
  class Loops {
   public:
    Loops(Parser& parser, int loops) : parser_(parser), before_(parser.loops_) { parser.loops_ = loops; }
    ~Loops() { parser_.loops_ = before_; }
    Loops(const Loops&) = delete;
    Loops& operator=(const Loops&) = delete;

   private:
    Parser& parser_;
    int before_;
  };

  Node* parse_statement() {
    const Token token = current();
    if (token.type != TokenType::kName) {
      expected("a tag's name");
      return make(Op::kScope);
    }
    advance();
    switch (word_position("if for set macro call filter with generation break continue", token.text)) {
      case 0: return parse_if(token.at);
      case 1: return parse_for(token.at);
      case 2: return parse_set(token.at);
      case 3: return parse_macro(token.at);
      case 4: return parse_call_block(token.at);
      case 5: {
        Node* node = make(Op::kFilterBlock, token.at);
        node->b = parse_filter_chain(nullptr, true);
        return parse_inner(node, "endfilter");
      }
      case 6: return parse_with(token.at);
      case 7: {
        // Transformers makes a call block of it.
        Node* node = make(Op::kScope, token.at);
        const Scope scope(*this, node->hidden);
        parse_macro_body(node, "endgeneration");
        return node;
      }
      case 8:
      case 9:
        if (loops_ == 0) fail_at(token.at, fill("{} stands outside of a loop.", {token.text}));
        return make(token.text[0] == 'b' ? Op::kBreak : Op::kContinue, token.at);
      default:
        break;
    }
    fail_at(token.at, fill("The tag {} is not known or not supported here.", {token.text}));
    return make(Op::kScope);
  }

  // The body of a block with a scope of its own.
  Node* parse_inner(Node* node, Words end) {
    const Scope scope(*this, node->hidden);
    node->body = parse_block(end);
    advance();
    return node;
  }

  Node* parse_if(std::size_t at) {
    Node* first = make(Op::kIf, at);
    const Branch branch(*this);
    for (Node* node = first;;) {
      node->a = parse_tuple(false);
      node->b = parse_block("elif else endif");
      const std::size_t word = current().at;
      if (skip_name("elif")) {
        node->mode = kElif;
        node->c = make(Op::kIf, word);
        node = node->c;
        continue;
      }
      if (skip_name("else")) node->c = parse_block("endif");
      advance();
      return first;
    }
  }

  Node* parse_for(std::size_t at) {
    Node* node = make(Op::kFor, at);
    node->a = parse_target(false);
    if (!skip_name("in")) expected("in");
    node->b = parse_tuple(false, "recursive");
    {
      const Scope scope(*this, node->hidden);
      if (skip_name("if")) node->c = parse_expression();
      if (skip_name("recursive")) node->mode |= kRecursive;
      const Loops loops(*this, loops_ + 1);
      node->body = parse_block("else endfor");
    }
    if (skip_name("else")) {
      Node* hidden = nullptr;
      const Scope scope(*this, hidden);
      node->other = parse_block("endfor");
    }
    advance();
    return node;
  }

  Node* parse_set(std::size_t at) {
    Node* target = parse_target(true);
    if (skip('=')) {
      Node* value = parse_tuple(true);
      note_set(target);
      return make(Op::kSet, at, target, value);
    }
    note_set(target);
    Node* node = make(Op::kSetBlock, at, target);
    if (current().is('|')) node->b = parse_filter_chain(nullptr, false);
    return parse_inner(node, "endset");
  }

  Node* parse_with(std::size_t at) {
    Node* node = make(Op::kWith, at);
    Chain pairs;
    while (!failed() && current().type != TokenType::kBlockEnd) {
      if (pairs.first != nullptr) expect(',');
      pairs.add(parse_target(false));
      expect('=');
      pairs.add(parse_expression());
    }
    node->a = pairs.first;
    return parse_inner(node, "endwith");
  }

  Node* parse_parameters() {
    Chain parameters;
    bool defaults = false;
    expect('(');
    while (!failed() && !current().is(')')) {
      if (parameters.first != nullptr) expect(',');
      Node* parameter = make(Op::kParameter);
      parameter->symbol = symbol(assignable(expect_name()));
      if (skip('=')) {
        parameter->a = parse_expression();
        defaults = true;
      } else if (defaults) {
        fail("This parameter needs a default, as the one before.");
      }
      parameters.add(parameter);
    }
    expect(')');
    return parameters.first;
  }

  // The body of a macro or call block, and what of `caller`, `varargs`, `kwargs` it speaks of.
  void parse_macro_body(Node* node, std::string_view end) {
    const Loops loops(*this, 0);
    const std::uint8_t outside = std::exchange(uses_, std::uint8_t{0});
    node->body = parse_block(end);
    advance();
    node->mode = uses_;
    uses_ |= outside;
  }
  Node* parse_macro(std::size_t at) {
    Node* node = make(Op::kMacro, at);
    node->symbol = symbol(assignable(expect_name()));
    note_set(node);
    const Scope scope(*this, node->hidden);
    node->a = parse_parameters();
    parse_macro_body(node, "endmacro");
    return node;
  }
  Node* parse_call_block(std::size_t at) {
    Node* node = make(Op::kCallBlock, at);
    if (current().is('(')) node->b = parse_parameters();
    const std::size_t call = current().at;
    node->a = parse_expression();
    if (!failed() && node->a->op != Op::kCall) fail_at(call, "A call block needs a call: {% call name() %}.");
    const Scope scope(*this, node->hidden);
    parse_macro_body(node, "endcall");
    return node;
  }

  // ----------------------------------------------------------------------------------------------------- targets

  std::string_view assignable(std::string_view name) {
    if (has_word(kConstants, name)) fail_at(tokens_[at_ - 1].at, fill("{} cannot be assigned to.", {name}));
    return name;
  }
  Node* parse_target_part(bool attributes) {
    if (skip('(')) {
      Node* inner = parse_target(attributes, ')');
      expect(')');
      return inner;
    }
    Node* node = make(Op::kName);
    const std::string_view name = assignable(expect_name());
    node->symbol = symbol(name);
    if (attributes && skip('.')) {
      node->op = Op::kSetAttribute;
      node->value = text(expect_name());
    }
    return node;
  }
  // One name, or several between commas.
  Node* parse_target(bool attributes, char close = '=') {
    const Depth depth(*this);
    const std::size_t at = current().at;
    Chain parts;
    bool several = false;
    while (!failed()) {
      if (parts.first != nullptr && (current().names("in") || current().is('=') || current().is(close))) break;
      parts.add(parse_target_part(attributes));
      if (!skip(',')) break;
      several = true;
    }
    return several ? make(Op::kTuple, at, parts.first) : parts.first != nullptr ? parts.first : make(Op::kName);
  }

  // ------------------------------------------------------------------------------------------------- expressions

  bool at_tuple_end(std::string_view word) const {
    const TokenType type = current().type;
    return type == TokenType::kVariableEnd || type == TokenType::kBlockEnd || current().is(')') ||
           (!word.empty() && current().names(word));
  }
  // An expression, or several between commas as a tuple.
  Node* parse_tuple(bool conditions, std::string_view end = {}, bool brackets = false) {
    const Depth depth(*this);
    const std::size_t at = current().at;
    Chain elements;
    bool several = false;
    while (!failed()) {
      if (at_tuple_end(end)) break;
      elements.add(conditions ? parse_expression() : parse_or());
      if (!skip(',')) break;
      several = true;
    }
    if (!several && elements.first != nullptr) return elements.first;
    if (!several && !brackets) expected("an expression");
    return make(Op::kTuple, at, elements.first);
  }

  Node* parse_expression() {
    const Depth depth(*this);
    const std::size_t at = current().at;
    Node* const before = unknown_;
    Node* node = parse_or();
    while (!failed() && skip_name("if")) {
      // What a condition may keep from running is not refused before it runs.
      unknown_ = before;
      const Branch branch(*this);
      Node* test = parse_or();
      Node* other = skip_name("else") ? parse_expression() : nullptr;
      node = make(Op::kCondition, at, test, node, other);
    }
    return node;
  }

  // From `or`, which binds least, to the product; what stands between them in Jinja has a function of its own.
  enum Level : std::uint8_t { kLevelOr, kLevelAnd, kLevelSum, kLevelProduct, kLevelPower };
  Node* parse_operand(Level level) {
    switch (level) {
      case kLevelOr: return parse_binary(kLevelAnd);
      case kLevelAnd: return parse_not();
      case kLevelSum: return parse_concatenation();
      case kLevelProduct: return parse_binary(kLevelPower);
      default: return parse_unary(true);
    }
  }
  Node* parse_binary(Level level) {
    static constexpr struct {
      char op;
      Level level;
      Op meaning;
    } kOperators[] = {{'+', kLevelSum, Op::kAdd},
                      {'-', kLevelSum, Op::kSubtract},
                      {'*', kLevelProduct, Op::kMultiply},
                      {'/', kLevelProduct, Op::kDivide},
                      {kDoubleSlash, kLevelProduct, Op::kFloorDivide},
                      {'%', kLevelProduct, Op::kModulo},
                      {kDoubleStar, kLevelPower, Op::kPower}};
    Node* node = parse_operand(level);
    while (!failed()) {
      const std::size_t at = current().at;
      Op op = Op::kConstant;
      if (level <= kLevelAnd) {
        if (current().names(level == kLevelOr ? "or" : "and")) op = level == kLevelOr ? Op::kOr : Op::kAnd;
      } else {
        for (const auto& known : kOperators) {
          if (known.level == level && current().is(known.op)) op = known.meaning;
        }
      }
      if (op == Op::kConstant) break;
      advance();
      node = make(op, at, node, parse_operand(level));
    }
    return node;
  }
  Node* parse_or() {
    const Depth depth(*this);
    return parse_binary(kLevelOr);
  }
  Node* parse_not() {
    const Depth depth(*this);
    const std::size_t at = current().at;
    if (skip_name("not")) return make(Op::kNot, at, parse_not());
    return parse_compare();
  }
  Node* parse_compare() {
    Node* node = parse_binary(kLevelSum);
    Chain operands;
    while (!failed()) {
      // In the order of Comparison.
      static constexpr char kComparisons[] = {kEqualSigns, kUnequal, '<', kAtMost, '>', kAtLeast};
      const std::size_t at = current().at;
      std::size_t comparison = 0;
      while (comparison < sizeof kComparisons && !current().is(kComparisons[comparison])) ++comparison;
      if (comparison == sizeof kComparisons) {
        const bool negated = current().names("not") && look().names("in");
        if (negated) {
          ++comparison;
          advance();
        } else if (!current().names("in")) {
          break;
        }
      }
      advance();
      Node* operand = make(Op::kOperand, at, parse_binary(kLevelSum));
      operand->mode = static_cast<std::uint8_t>(comparison);
      operands.add(operand);
    }
    return operands.first == nullptr ? node : make(Op::kCompare, node->at, node, operands.first);
  }
  Node* parse_concatenation() {
    const std::size_t at = current().at;
    Node* node = parse_binary(kLevelProduct);
    if (!current().is('~')) return node;
    Chain parts;
    parts.add(node);
    while (skip('~')) parts.add(parse_binary(kLevelProduct));
    return make(Op::kConcatenate, at, parts.first);
  }
  Node* parse_unary(bool filters) {
    const Depth depth(*this);
    const std::size_t at = current().at;
    Node* node = nullptr;
    if (skip('-')) {
      node = make(Op::kNegative, at, parse_unary(false));
    } else if (skip('+')) {
      node = make(Op::kPositive, at, parse_unary(false));
    } else {
      node = parse_primary();
    }
    node = parse_postfix(node);
    return filters ? parse_filters(node) : node;
  }

  Node* parse_primary() {
    const Token token = current();
    const std::size_t at = token.at;
    if (token.type == TokenType::kName) {
      advance();
      if (const std::size_t known = word_position(kConstants, token.text); known != kNoWord) {
        return constant(known < 2 ? none() : boolean(known >= 4), at);
      }
      Node* node = make(Op::kName, at);
      node->symbol = symbol(token.text);
      note(node->symbol);
      node->value = global_function(token.text);
      // The bits of MacroUses in the order of the symbols.
      if (node->symbol - kCallerName < 3) uses_ = static_cast<std::uint8_t>(uses_ | 1U << (node->symbol - kCallerName));
      return node;
    }
    if (token.type == TokenType::kText) {
      advance();
      std::string_view whole = token.text;
      while (current().type == TokenType::kText) {
        whole = made_.arena.extend(whole, current().text);
        if (made_.arena.over()) fail(kTooLarge);
        advance();
      }
      return constant(text(whole), at);
    }
    if (token.type == TokenType::kNumber) {
      advance();
      return constant(token.number, at);
    }
    if (skip('(')) {
      Node* node = parse_tuple(true, {}, true);
      expect(')');
      return node;
    }
    if (skip('[')) return make(Op::kList, at, parse_elements(']', false));
    if (skip('{')) return make(Op::kDictionary, at, parse_elements('}', true));
    expected("an expression");
    return make(Op::kConstant);
  }
  Node* parse_elements(char close, bool pairs) {
    Chain elements;
    while (!failed() && !current().is(close)) {
      if (elements.first != nullptr) expect(',');
      if (current().is(close)) break;
      elements.add(parse_expression());
      if (!pairs) continue;
      expect(':');
      elements.add(parse_expression());
    }
    expect(close);
    return elements.first;
  }

  Node* parse_postfix(Node* node) {
    while (!failed()) {
      const std::size_t at = current().at;
      if (skip('.')) {
        if (current().type == TokenType::kNumber && current().number.is(Kind::kInteger)) {
          node = make(Op::kItem, at, node, constant(current().number, at));
          advance();
        } else {
          node = make(Op::kAttribute, at, node);
          node->value = text(expect_name());
        }
      } else if (skip('[')) {
        node = make(Op::kItem, at, node, parse_subscripts());
      } else if (current().is('(')) {
        node = make(Op::kCall, at, node, parse_arguments());
      } else {
        break;
      }
    }
    return node;
  }
  Node* parse_subscripts() {
    const std::size_t at = current().at;
    Chain subscripts;
    while (!failed() && !current().is(']')) {
      if (subscripts.first != nullptr) expect(',');
      subscripts.add(parse_subscript());
    }
    expect(']');
    if (subscripts.first != nullptr && subscripts.first->next == nullptr) return subscripts.first;
    return make(Op::kTuple, at, subscripts.first);
  }
  Node* parse_subscript() {
    const std::size_t at = current().at;
    const auto at_end = [&] { return current().is(':') || current().is(']') || current().is(','); };
    Node* start = nullptr;
    if (!current().is(':')) {
      start = parse_expression();
      if (!current().is(':')) return start;
    }
    advance();
    Node* stop = at_end() ? nullptr : parse_expression();
    Node* step = nullptr;
    if (skip(':') && !at_end()) step = parse_expression();
    return make(Op::kSlice, at, start, stop, step);
  }

  Node* parse_arguments() {
    Chain arguments;
    // In this order only: positional, named, one *, one **.
    int stage = 0;
    const std::size_t open = current().at;
    expect('(');
    while (!failed() && !current().is(')')) {
      if (arguments.first != nullptr) {
        expect(',');
        if (current().is(')')) break;
      }
      Node* argument = make(Op::kArgument);
      ArgumentKind kind = ArgumentKind::kPositional;
      int least = 0;
      if (skip('*')) {
        kind = ArgumentKind::kSpread;
        least = 2;
      } else if (skip(kDoubleStar)) {
        kind = ArgumentKind::kSpreadNamed;
        least = 3;
      } else if (current().type == TokenType::kName && look().is('=')) {
        kind = ArgumentKind::kNamed;
        argument->value = text(current().text);
        advance();
        advance();
        least = 1;
      }
      const bool allowed = least == 0   ? stage == 0
                           : least == 1 ? stage <= 2
                           : least == 2 ? stage <= 1
                                        : stage <= 2;
      if (!allowed) fail_at(open, "Arguments cannot stand in this order.");
      if (least > stage) stage = least;
      argument->mode = static_cast<std::uint8_t>(kind);
      argument->a = parse_expression();
      arguments.add(argument);
    }
    expect(')');
    return arguments.first;
  }

  Node* parse_filters(Node* node) {
    while (!failed()) {
      if (current().is('|')) {
        node = parse_filter_chain(node, false);
      } else if (current().names("is")) {
        node = parse_test(node);
      } else if (current().is('(')) {
        const std::size_t at = current().at;
        node = make(Op::kCall, at, node, parse_arguments());
      } else {
        break;
      }
    }
    return node;
  }
  std::string_view dotted_name() {
    std::string_view name = expect_name();
    while (skip('.')) {
      const std::string_view more = expect_name();
      name = made_.arena.extend(name, ".");
      name = made_.arena.extend(name, more);
      if (made_.arena.over()) fail(kTooLarge);
    }
    return name;
  }
  Node* named(Op op, std::size_t at, Node* node, std::string_view name) {
    Node* made = make(op, at, node);
    made->value = text(name);
    made->symbol = op == Op::kFilter ? filter_named(name) : test_named(name);
    if (made->symbol == kNoSymbol && !conditional_) {
      made->other = std::exchange(unknown_, made);
    }
    return made;
  }
  Node* parse_filter_chain(Node* node, bool starts) {
    while (!failed() && (starts || current().is('|'))) {
      if (!starts) advance();
      starts = false;
      const std::size_t at = current().at;
      node = named(Op::kFilter, at, node, dotted_name());
      if (current().is('(')) node->b = parse_arguments();
    }
    return node;
  }
  Node* parse_test(Node* node) {
    const std::size_t at = current().at;
    advance();
    const bool negated = skip_name("not");
    Node* test = named(Op::kTest, at, node, dotted_name());
    const TokenType type = current().type;
    if (current().is('(')) {
      test->b = parse_arguments();
    } else if ((type == TokenType::kName || type == TokenType::kText || type == TokenType::kNumber ||
                current().is('[') || current().is('{')) &&
               !at_any("else or and")) {
      if (current().names("is")) fail("Tests cannot be chained with is.");
      Node* argument = make(Op::kArgument);
      argument->a = parse_postfix(parse_primary());
      test->b = argument;
    }
    return negated ? make(Op::kNot, at, test) : test;
  }

  Template& made_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;
  bool conditional_ = false;
  Scope* scope_ = nullptr;
  Items known_;
  std::uint8_t uses_ = 0;
  // The last of the filters and tests nobody knows, which are refused unless a condition stands before them; linked by
  // `other`.
  Node* unknown_ = nullptr;
  OwnedError error_;
};

}  // namespace

Template::Template(std::string_view text) : source(normal_lines(text)), arena(kMaxTreeBytes) {}

Result<std::unique_ptr<const Template>> parse(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) {
    return make_error("too-large", "The template is larger than 1 MiB.", "template");
  }
  auto made = std::make_unique<Template>(valid_utf8(source) ? std::string(source) : to_valid_utf8(source));
  if (auto error = Parser(*made).run()) return error;
  return std::unique_ptr<const Template>(std::move(made));
}

}  // namespace tierwise::prompt
