// Jinja2's built-in tests (jinja2/tests.py): what stands behind `is`.

#include "base/text.h"
#include "base/words.h"
#include "prompt/arguments.h"
#include "prompt/builtins.h"
#include "prompt/code_points.h"
#include "prompt/runtime.h"

namespace tierwise::prompt {
namespace {

// In the order of kNames, which is that of ASCII.
enum Test : Symbol {
  kNe, kLt, kLe, kEq, kGt, kGe, kBooleanTest, kCallable, kDefinedTest, kDivisibleby, kEqName, kEqualto, kEscaped,
  kEven, kFalse, kFilterTest, kFloatTest, kGeName, kGreaterthan, kGtName, kInTest, kIntegerTest, kIterable, kLeName,
  kLessthan, kLower, kLtName, kMapping, kNeName, kNone, kNumber, kOdd, kSameas, kSequence, kString, kTestTest, kTrue,
  kUndefinedTest, kUpper
};
constexpr std::string_view kNames =
    "!= < <= == > >= boolean callable defined divisibleby eq equalto escaped even false filter float ge "
    "greaterthan gt in integer iterable le lessthan lower lt mapping ne none number odd sameas sequence "
    "string test true undefined upper";

bool same(Runtime& runtime, const Value& a, const Value& b) {
  if (a.kind != b.kind) return false;
  // Small numbers and texts are one object in Python.
  if (a.is_number() || a.is(Kind::kText) || a.is(Kind::kNone)) return runtime.equals(a, b);
  return a.items == b.items;
}

}  // namespace

Symbol test_named(std::string_view name) { return static_cast<Symbol>(word_position(kNames, name)); }

bool call_test(Runtime& runtime, Symbol symbol, const Value& subject, const Arguments& arguments) {
  if (runtime.failed()) return false;
  const auto test = static_cast<Test>(symbol);
  Value other;
  const char* parameter = "0";
  if (test <= kGe || test == kEqName || test == kEqualto || (test >= kGeName && test <= kGtName) ||
      (test >= kLeName && test <= kLtName && test != kLower) || test == kNeName || test == kSameas) {
    parameter = "1other";
  } else if (test == kDivisibleby) {
    parameter = "1num";
  } else if (test == kInTest) {
    parameter = "1seq";
  }
  if (!bind_arguments(runtime, arguments, parameter, &other)) return false;
  const auto text_of = [&] {
    const Value whole = runtime.as_text(subject);
    runtime.charge_text(whole.size);
    return runtime.look_into(whole);
  };
  switch (test) {
    case kEq: case kEqName: case kEqualto:
      return runtime.equals(subject, other);
    case kNe: case kNeName:
      return !runtime.equals(subject, other);
    case kLt: case kLtName: case kLessthan:
      return runtime.is_less(subject, other);
    case kGt: case kGtName: case kGreaterthan:
      return runtime.is_less(other, subject);
    case kLe: case kLeName:
      return runtime.is_less(subject, other) || runtime.equals(subject, other);
    case kGe: case kGeName:
      return runtime.is_less(other, subject) || runtime.equals(subject, other);
    case kBooleanTest:
      return subject.is(Kind::kBoolean);
    case kCallable:
      return (subject.kind >= Kind::kLoop && !subject.is(Kind::kCycler)) || subject.is(Kind::kUndefined);
    case kDefinedTest:
      return !subject.is(Kind::kUndefined);
    case kUndefinedTest:
      return subject.is(Kind::kUndefined);
    case kDivisibleby:
    case kEven:
    case kOdd: {
      const Value rest = runtime.modulo(subject, test == kDivisibleby ? other : integer(2));
      return !runtime.failed() && runtime.equals(rest, integer(test == kOdd ? 1 : 0));
    }
    case kEscaped:
      return subject.markup;
    case kFalse:
      return subject.is(Kind::kBoolean) && !subject.truth;
    case kTrue:
      return subject.is(Kind::kBoolean) && subject.truth;
    case kFilterTest:
    case kTestTest: {
      // Jinja2 looks them up in a dictionary.
      if (!runtime.is_key(subject)) return runtime.refuse("A {} cannot be a key.", subject), false;
      if (!subject.is(Kind::kText)) return false;
      const std::string_view name = runtime.look_into(subject);
      return (test == kFilterTest ? filter_named(name) : test_named(name)) != kNoSymbol;
    }
    case kFloatTest:
      return subject.is(Kind::kReal);
    case kInTest:
      return runtime.contains(other, subject);
    case kIntegerTest:
      return subject.is(Kind::kInteger);
    case kIterable:
      return subject.is_items() || subject.is(Kind::kText) || subject.is(Kind::kDict) || subject.is(Kind::kUndefined) ||
             subject.is(Kind::kLoop);
    case kLower:
      return has_case(text_of(), false);
    case kUpper:
      return has_case(text_of(), true);
    case kMapping:
      return subject.is(Kind::kDict);
    case kNone:
      return subject.is(Kind::kNone);
    case kNumber:
      return subject.is_number();
    case kSameas:
      return same(runtime, subject, other);
    case kSequence:
      return subject.is(Kind::kList) || subject.is(Kind::kTuple) || subject.is(Kind::kText) ||
             subject.is(Kind::kDict) || subject.is(Kind::kUndefined) || subject.is_range();
    case kString:
      return subject.is(Kind::kText);
  }
  return false;
}

}  // namespace tierwise::prompt
