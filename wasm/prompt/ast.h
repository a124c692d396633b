// A parsed template: nodes in an arena, linked to their children and siblings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "prompt/arena.h"
#include "prompt/value.h"

namespace tierwise::prompt {

// A name of the template, by its number.
using Symbol = std::uint32_t;
inline constexpr Symbol kNoSymbol = UINT32_MAX;
// Names the engine itself gives meaning to; they come first.
enum KnownSymbol : Symbol { kLoopName, kCallerName, kVarargsName, kKwargsName, kKnownSymbols };

enum class Op : std::uint8_t {
  // Expressions.
  kConstant,   // value
  kName,       // symbol; value: the global function of that name, or missing
  kList,       // a: first element
  kTuple,      // a: first element
  kDictionary, // a: key, value, key, value ...
  kNot,        // a
  kNegative,   // a
  kPositive,   // a
  kAdd,        // a, b
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kConcatenate,  // a: first part
  kCompare,      // a; b: first kOperand
  kOperand,      // mode: Comparison; a
  kAnd,          // a, b
  kOr,           // a, b
  kCondition,    // a: test, b, c: or null
  kAttribute,    // a, value: the name
  kItem,         // a, b
  kSlice,        // a, b, c: or null each
  kCall,         // a, b: first kArgument
  kArgument,     // mode: ArgumentKind; a; value: the name
  kFilter,       // a: or null (what a block wrote); b: first kArgument; symbol: which, or kNoSymbol; value: its name
  kTest,         // the same
  // Statements.
  kData,          // value
  kOutput,        // a
  kIf,            // a: test, b: body, c: the body of else, or with mode kElif one more kIf
  kFor,           // a: target, b: iterable, c: filter or null, body, other
  kSet,           // a: target, b
  kSetBlock,      // a: target, b: kFilter or null, body
  kSetAttribute,  // as a target: symbol, value: the attribute's name
  kMacro,         // symbol; a: first kParameter; body; mode: MacroUses
  kParameter,     // symbol; a: default or null
  kCallBlock,     // a: kCall; b: first kParameter; body; mode
  kFilterBlock,   // b: kFilter; body
  kWith,          // a: target, value, target, value ...; body
  kScope,         // body
  kBreak,
  kContinue,
};

enum class Comparison : std::uint8_t { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kIn, kNotIn };
enum class ArgumentKind : std::uint8_t { kPositional, kNamed, kSpread, kSpreadNamed };
// What a macro asks for without declaring it.
enum MacroUses : std::uint8_t { kUsesCaller = 1, kUsesVarargs = 2, kUsesKwargs = 4 };
enum IfMode : std::uint8_t { kElif = 1 };
enum ForMode : std::uint8_t { kRecursive = 1 };

struct Node {
  Op op = Op::kConstant;
  std::uint8_t mode = 0;
  // Offset into the source.
  std::uint32_t at = 0;
  Symbol symbol = kNoSymbol;
  Node* a = nullptr;
  Node* b = nullptr;
  Node* c = nullptr;
  Node* body = nullptr;
  Node* other = nullptr;
  // Names that the scope of this node sets before it reads them: to the scopes within they are undefined until then,
  // not the variables of those names.
  Node* hidden = nullptr;
  Node* next = nullptr;
  Value value;
};

struct Template {
  explicit Template(std::string_view text);

  std::string source;
  Arena arena;
  // By symbol: the name. The values are the parser's.
  Dict names;

  std::string_view name(Symbol symbol) const { return names.entries[symbol].key.view(); }
  Node* hidden = nullptr;
  Node* body = nullptr;
};

}  // namespace tierwise::prompt
