// Templates that are made to break the engine: each ends soon, in little memory, with an error that says where and why
// or with what Jinja2 gives.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/text.h"
#include "prompt/lexer.h"
#include "prompt/render.h"

#if defined(__SANITIZE_ADDRESS__)
// Of sanitizer/allocator_interface.h, which GCC does not bring.
extern "C" {
std::size_t __sanitizer_get_current_allocated_bytes();
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t), void (*)(const volatile void*));
}
#endif

namespace tierwise::prompt {
namespace {

constexpr std::size_t kMostMemory = 64 << 20;
// Far more than any takes (a second and a half, under the sanitizers), far less than a hang.
constexpr double kMostSeconds = 10;

// What is allocated at most while it lives. In WebAssembly the growth of the memory, which never shrinks; in a build
// without sanitizers nothing is known.
class Peak {
 public:
#if defined(__SANITIZE_ADDRESS__)
  Peak() : before_(__sanitizer_get_current_allocated_bytes()) {
    most_ = before_;
    static const int kInstalled = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t) {
          const std::size_t now = __sanitizer_get_current_allocated_bytes();
          if (now > most_) most_ = now;
        },
        [](const volatile void*) {});
    EXPECT_GT(kInstalled, 0);
  }
  std::size_t bytes() const { return most_ - before_; }

 private:
  static inline std::size_t most_ = 0;
  std::size_t before_;
#elif defined(__wasm__)
  std::size_t bytes() const { return (__builtin_wasm_memory_size(0) - before_) * 65536; }

 private:
  std::size_t before_ = __builtin_wasm_memory_size(0);
#else
  std::size_t bytes() const { return 0; }
#endif
};

struct Outcome {
  std::string output;
  // "line:column: message".
  std::string error;
  std::string code;
};

Outcome rendered(std::string_view source, const json& variables = json::object(), const RenderLimits& limits = {},
                 bool placeholders = false) {
  const auto began = std::chrono::steady_clock::now();
  const Peak peak;
  Outcome outcome;
  {
    Renderer renderer;
    const auto number = renderer.add(source);
    RenderRequest request;
    request.limits = limits;
    request.placeholders = placeholders;
    auto output = number ? renderer.render(number.value(), variables, request) : Result<std::string>(std::string());
    if (number && output) {
      outcome.output = std::move(output).value();
    } else {
      const Error& error = number ? output.error() : number.error();
      outcome.error = error.field + ": " + error.message;
      outcome.code = error.code;
      EXPECT_FALSE(error.message.empty());
      EXPECT_LE(error.message.size(), kMaxMessageBytes + 4);
    }
    EXPECT_LE(peak.bytes(), kMostMemory) << source.substr(0, 200);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  EXPECT_LT(took.count(), kMostSeconds) << source.substr(0, 200);
  return outcome;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

struct Case {
  std::string source;
  // The output, or with "!" before it a part of the error.
  std::string_view expected;
};

void check(std::string_view source, std::string_view expected, const json& variables = json::object(),
           const RenderLimits& limits = {}) {
  const Outcome outcome = rendered(source, variables, limits);
  if (expected.substr(0, 1) == "!") {
    EXPECT_NE(outcome.error.find(expected.substr(1)), std::string::npos)
        << source.substr(0, 200) << "\n" << outcome.error << "\n" << outcome.output.substr(0, 200);
  } else {
    EXPECT_EQ(outcome.output, expected) << source.substr(0, 200) << "\n" << outcome.error;
  }
}

// A twentieth of what is usual: time goes with the steps.
const RenderLimits kFewSteps = {250'000, 16 << 20};

constexpr std::string_view kSteps = "!too many steps";
constexpr std::string_view kMemory = "!too much memory";
constexpr std::string_view kDeep = "!nested too deeply";

TEST(JinjaLimits, LoopsEnd) {
  const Case kCases[] = {
      {"{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "!too m"},
      {"{% set r = range(100000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}", kSteps},
      {"{% set r = range(100000) %}{% for a in r if false %}{% endfor %}{% for a in r %}{% for b in r if c %}{% endfor %}{% endfor %}", kSteps},
      {"{% set r = range(99999) %}{% for a in r %}{{ r|sum }}{% endfor %}", kSteps},
      {"{% set r = range(99999) %}{% for a in r %}{{ -1 in r }}{% endfor %}", kSteps},
      {"{% set r = range(99999) %}{% for a in r %}{{ r.index(99998) }}{% endfor %}", kSteps},
      {"{% set r = range(99999)|list %}{% for a in r %}{{ r == r[:] }}{% endfor %}", "!too m"},
      {"{% set r = range(99999)|list %}{% for a in r %}{{ r|sort|first }}{% endfor %}", "!too m"},
      {"{% set r = range(99999)|list %}{% for a in r %}{{ r|unique|first }}{% endfor %}", "!too m"},
      {"{% set r = range(99999)|list %}{% for a in r %}{{ r|groupby(0)|first }}{% endfor %}", "!"},
      {"{% set r = range(99999)|list %}{% for a in r %}{{ r|max }}{% endfor %}", kSteps},
      {"{% set r = range(99999)|list %}{% for a in r %}{{ r|select('eq', 1)|list|length }}{% endfor %}", kSteps},
      {"{% set r = range(9999)|list %}{% for a in r %}{{ r|tojson|length }}{% endfor %}", "!too m"},
      {"{% set r = range(9999)|list %}{% for a in r %}{% if (r|string) == '' %}{% endif %}{% endfor %}", "!too m"},
      {"{% set d = dict(a=1) %}{% for a in range(99999) %}{% for k, v in d.items() %}{% endfor %}{% endfor %}", "!too m"},
      {"{% for a in range(99999) %}{{ '%.99f' % 5e-324 }}{% endfor %}", kSteps},
      {"{% for a in range(99999) %}{{ 5e-324|round(400) }}{% endfor %}", kSteps},
      {"{% for a in range(100000) %}" + repeated("{{ b }}", 20'000) + "{% endfor %}", kSteps},
      {"{% for a in range(100000) %}{% if " + repeated("a <= ", 20'000) + "a %}{% endif %}{% endfor %}", kSteps},
  };
  for (const auto& [source, expected] : kCases) check(source, expected, json::object(), kFewSteps);
}

TEST(JinjaLimits, TextsInLoopsAreCharged) {
  const std::string setting = "{% set t = 'a' * 1000 * 1000 %}{% set u = 'é' * 1000 * 500 %}{% set r = range(99999) %}{% for i in r %}";
  for (const std::string_view body :
       {"{{ t|upper == 'a' }}", "{{ u|upper|length }}", "{{ t.islower() }}", "{{ 'b' in t }}", "{{ t.find('ab') }}", "{{ t.rfind('b') }}",
        "{{ t.count('aa') }}", "{{ t.replace('b', 'c')|length }}", "{{ t.split('b')|length }}", "{{ t|reverse|first }}", "{{ t[::-1][0] }}",
        "{{ t[-1] }}", "{{ u[499999] }}", "{{ t|length }}", "{{ t|wordcount }}", "{{ t|title|length }}", "{{ t|urlencode|length }}",
        "{{ t.strip('ba')|length }}", "{{ t|trim('b')|length }}", "{{ {t: 1}[t] }}", "{{ t is upper }}", "{{ t|truncate|length }}",
        "{{ t|indent|length }}", "{{ t|int }}", "{{ t|float }}", "{{ t|tojson|length }}", "{{ [t]|string|length }}", "{{ t|escape }}"}) {
    const Outcome outcome = rendered(setting + std::string(body) + "{% endfor %}", json::object(), kFewSteps);
    EXPECT_FALSE(outcome.error.empty()) << body;
    EXPECT_EQ(outcome.output, "") << body;
  }
}

TEST(JinjaLimits, SearchesThatTakeTheProductOfBothSizesEnd) {
  const std::string setting = "{% set t = 'a' * 2000000 %}{% set n = 'a' * 1000000 ~ 'b' %}";
  for (const std::string_view body : {"{{ n in t }}", "{{ t.find(n) }}", "{{ t.rfind(n) }}", "{{ t.count(n) }}", "{{ t.replace(n, '') }}",
                                      "{{ t.split(n) }}", "{{ t.rsplit(n) }}", "{{ t.partition(n) }}", "{{ t.rpartition(n) }}", "{{ t.strip(t) }}"}) {
    check(setting + std::string(body), kSteps);
  }
}

TEST(JinjaLimits, RecursionEnds) {
  const Case kCases[] = {
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", kDeep},
      {"{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}", kDeep},
      {"{% macro m() %}" + repeated("{% if true %}", 400) + "{{ m() }}" + repeated("{% endif %}", 400) + "{% endmacro %}{{ m() }}", kDeep},
      {"{% macro m() %}{{ caller }}{% call m() %}{% endcall %}{% endmacro %}{% call m() %}{% endcall %}", kDeep},
      {"{% macro m(a=m()) %}{% endmacro %}{{ m() }}", kDeep},
      {"{% macro m() %}{% set x %}{{ m() }}{% endset %}{% endmacro %}{{ m() }}", kDeep},
      {"{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", kDeep},
      {"{% for x in [1] recursive %}{% for y in [1] recursive %}{{ loop([1]) }}{% endfor %}{% endfor %}", kDeep},
      {"{% macro m(n) %}{{ m(n - 1) if n }}{% endmacro %}{{ m(200) }}done", "done"},
      {"{% macro m(n) %}{{ m(n - 1) ~ m(n - 1) if n }}{% endmacro %}{{ m(60) }}", "!too m"},
      {"{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}", kDeep},
      {"{% set ns = namespace() %}{% set ns.a = ns %}{% set ns.b = [ns, ns] %}{{ ns }}", "!"},
      {"{% set ns = namespace() %}{% set ns.a = [ns, 1] %}{{ ns.a == [ns, 1] }}", "True"},
      {"{% set ns = namespace() %}{% set ns.l = [] %}{% for i in range(400) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson }}", kDeep},
  };
  for (const auto& [source, expected] : kCases) check(source, expected);
}

TEST(JinjaLimits, DeepAndLongSyntax) {
  constexpr std::size_t kMany = 100'000;
  const Case kCases[] = {
      {"{{ " + repeated("(", kMany) + "1" + repeated(")", kMany) + " }}", kDeep},
      {"{{ " + repeated("[", kMany) + repeated("]", kMany) + " }}", kDeep},
      {"{{ " + repeated("{1:", kMany / 2) + "1" + repeated("}", kMany / 2) + " }}", kDeep},
      {"{{ a" + repeated("[a", kMany / 2) + repeated("]", kMany / 2) + " }}", kDeep},
      {"{{ " + repeated("(", kMany), "!1:1: This expression has no end"},
      {"{{ " + repeated("not ", kMany) + "1 }}", kDeep},
      {"{{ " + repeated("-", kMany) + "1 }}", kDeep},
      {"{{ " + repeated("1 if 1 else ", kMany / 4) + "1 }}", kDeep},
      {"{{ 1" + repeated("+1", kMany) + " }}", kDeep},
      {"{{ 1" + repeated("*1", kMany) + " }}", kDeep},
      {"{{ 1" + repeated("**1", kMany) + " }}", kDeep},
      {"{{ 1" + repeated(" and 1", kMany) + " }}", kDeep},
      {"{{ a" + repeated("|d", kMany) + " }}", kDeep},
      {"{{ a" + repeated(".a", kMany) + " }}", kDeep},
      {"{{ a" + repeated("()", 60'000) + " }}", kDeep},
      {"{{ 1" + repeated(" < 1", kMany) + " }}", "False"},
      {"{{ ''" + repeated("~''", kMany) + " }}", ""},
      {"{{ ''" + repeated(" ''", kMany) + " }}", ""},
      {"{% filter upper" + repeated("|upper", kMany) + " %}a{% endfilter %}", "A"},
      {"{{ a|" + repeated("b.", kMany) + "b }}", "!There is no filter named b.b.b"},
      {repeated("{% if 1 %}", kMany / 2), kDeep},
      {repeated("{% for a in b %}", kMany / 3), kDeep},
      {repeated("{% macro a() %}", kMany / 4), kDeep},
      {repeated("{% set a %}", kMany / 4), kDeep},
      {"{% if 0 %}" + repeated("{% elif 0 %}", 60'000) + "{% else %}x{% endif %}", "x"},
      {"{% if 0 %}" + repeated("{% elif 0 %}", kMany * 8 / 10) + "{% else %}x{% endif %}", "!The template is too large."},
      {"{% set " + repeated("(", kMany) + "a", "!no end"},
      {"{% for " + repeated("(", 1000) + "a" + repeated(")", 1000) + " in b %}{% endfor %}", kDeep},
      {"{{ " + std::string(kMany, 'a') + " }}", "!too large"},
      {repeated("{", kMany * 2), "!1:1: "},
      {repeated("{{", kMany), "!1:1: "},
      {repeated("{#", kMany), "!1:1: "},
      {"{% raw %}" + repeated("{%", kMany), "!1:1: "},
      {repeated("{{'", kMany), "!"},
      {std::string(kMaxTemplateBytes + 1, 'x'), "!larger than 1 MiB"},
  };
  for (const auto& [source, expected] : kCases) check(source, expected);
  const std::string plain(kMaxTemplateBytes, 'x');
  EXPECT_EQ(rendered(plain).output, plain);
}

TEST(JinjaLimits, ManyNamesAreNoSquare) {
  std::string names;
  std::string sets;
  std::string loops;
  for (int i = 0; i < 40'000; ++i) {
    const std::string name = "n" + std::to_string(i);
    names += "{{" + name + "}}";
    if (i < 20'000) sets += "{%set " + name + "=1%}";
    if (i < 10'000) loops += "{%for a in [1]%}{%set " + name + "=1%}{%endfor%}";
  }
  check(names, "");
  check("{% for i in [1, 2] %}" + sets + "{% endfor %}", "!too m", json::object(), {1'000'000, 1000});
  check(loops, "");
}

TEST(JinjaLimits, GiantTexts) {
  const Case kCases[] = {
      {"{{ 'a' * 10**9 }}", kMemory},
      {"{{ 'a' * 10**18 }}", kMemory},
      {"{{ ('a' * 0) * 10**18 }}", ""},
      {"{{ [1] * 10**9 }}", kMemory},
      {"{{ [] * 10**18 }}", "[]"},
      {"{{ ('a' * 10**7)|length }}", "!too large"},
      {"{{ 'a'.center(10**9) }}", kMemory},
      {"{{ 'a'|center(10**9) }}", kMemory},
      {"{{ 'a'.ljust(10**9) }}{{ 'a'.rjust(10**9) }}", kMemory},
      {"{{ '1'.zfill(10**9) }}", kMemory},
      {"{{ 'a'.ljust(10**6, '😀')|length }}", "1000000"},
      {"{{ '%1000000000d' % 1 }}", "!too large"},
      {"{{ '%*d' % (10**9, 1) }}", "!too large"},
      {"{{ '%.1000000000f' % 1 }}", "!too large"},
      {"{{ ('%100000d' * 1000) % ((1,) * 1000) }}", kMemory},
      {"{{ ('a' * 10**6).replace('a', 'b' * 10**6) }}", kMemory},
      {"{{ ('a' * 10**6)|replace('', 'b' * 1000) }}", kMemory},
      {"{{ ('b' * 10**6).join(['a'] * 10**5) }}", kMemory},
      {"{{ (['a'] * 10**5)|join('b' * 10**6) }}", kMemory},
      {"{{ ('a\n' * 10**6)|indent(100000) }}", kMemory},
      {"{{ ('a\n' * 10**6)|indent('b' * 10**6) }}", kMemory},
      {"{{ 'a'|indent(10**9) }}", "!too large"},
      {"{{ ('a ' * 10**6)|wordwrap(1, wrapstring='b' * 10**6) }}", kMemory},
      {"{{ ('a' * 10**6)|wordwrap(1)|length }}", "1999999"},
      {"{{ ('a-' * 10**5)|wordwrap(10)|length }}", "219999"},
      {"{{ ('é' * 10**6)|urlencode|length }}", "!too large"},
      {"{{ ('é' * 10**7)|urlencode }}", "!"},
      {"{{ ('ΐ' * 10**6)|upper|length }}", "!too large"},
      {"{{ ('\x01' * 10**6)|tojson|length }}", "!too large"},
      {"{{ [1]|tojson(indent=10**9)|length }}", "1005"},
      {"{{ [1]|tojson(indent='a' * 10**6) }}", "!too large"},
      {"{{ ([1] * 10**5)|tojson(separators=('a' * 10**6, ''))|length }}", kMemory},
      {"{{ [['a' * 10**6] * 1000] }}", kMemory},
      {"{{ [['a' * 10**6] * 1000]|tojson }}", kMemory},
      {"{{ (['a' * 10**6] * 1000)|string }}", kMemory},
      {"{% for i in range(99999) %}{{ 'a' * 10**6 }}{% endfor %}", "!too"},
      {"{% set ns = namespace(t='a') %}{% for i in range(99) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}", kMemory},
      {"{% set ns = namespace(t='a') %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}", kMemory},
      {"{% set ns = namespace(t=[1]) %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}", kMemory},
      {"{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% else %}{{ 'a' * 1000 }}{% endif %}{% endmacro %}{{ m(20) }}", "!too"},
      {"{{ range(10**6) }}", "!too large"},
      {"{{ range(-(2**62), 2**62) }}", "!too large"},
      {"{{ [1]|slice(10**18)|list }}", kSteps},
      {"{{ [1]|batch(10**18, 0)|list }}", kSteps},
      {"{{ [1]|batch(4 * 10**6, 0)|list }}", kMemory},
      {"{{ ('a' * 3 * 10**6).split('a')|length }}", kMemory},
      {"{{ ('a\n' * 10**6).splitlines()|length }}", "!too m"},
      {"{{ ('a ' * 10**6).split()|length }}", "!too m"},
      {"{{ ('a' * 3 * 10**6)|list|length }}", kMemory},
      {"{% for c in 'a' * 3 * 10**6 %}{% endfor %}", kMemory},
      {"{{ strftime_now('%c' * 10**6) }}", "!too large"},
      {"{{ raise_exception('a' * 10**6) }}", "!aaa"},
      {"{{ {}['a' * 10**6].x }}", "!aaa"},
      {"{{ m(*range(99999)) }}{% macro m() %}{% endmacro %}", "!"},
      {"{% macro m() %}{{ varargs|length }}{% endmacro %}{{ m(*range(99999)) }}", "99999"},
      {"{% for i in range(99999) %}{% set x = [1]|map('abs', 1) %}{% endfor %}", "!too many arguments"},
      {"{% for i in range(9999) %}{% set x = [1]|map('abs', 1) %}{% endfor %}done", "done"},
  };
  for (const auto& [source, expected] : kCases) check(source, expected);
}

TEST(JinjaLimits, OutputIsBounded) {
  check("{{ 'a' * 101 }}", "!too large", json::object(), {1000, 100});
  check("{{ 'a' * 100 }}", repeated("a", 100), json::object(), {1000, 100});
  check("{% for i in range(11) %}a{% endfor %}", "!too many steps", json::object(), {20, 100});
}

// Lists that hold themselves many times over: small in memory, endless to go through.
TEST(JinjaLimits, ListsThatDoubleAreNotGoneThroughForEver) {
  const std::string made = "{% set ns = namespace(a=(1,), b=(1,), j={}) %}{% for i in range(100) %}{% set ns.a = (ns.a, ns.a) %}"
                           "{% set ns.b = (ns.b, ns.b) %}{% set ns.j = [ns.j, ns.j] %}{% endfor %}";
  const Case kCases[] = {
      {"{{ ns.a }}", "!"},
      {"{{ ns.a == ns.b }}", kSteps},
      {"{{ ns.a < ns.b }}", kSteps},
      {"{{ ns.a in [ns.b] }}", kSteps},
      {"{{ [ns.a, ns.b]|sort }}", kSteps},
      {"{{ [ns.a, ns.b]|max }}", kSteps},
      {"{{ [ns.a, ns.b]|unique|list }}", "!cannot be a key"},
      {"{{ [ns.a, ns.b]|groupby(0)|length }}", kSteps},
      {"{{ {ns.a: 1} }}", "!cannot be a key"},
      {"{{ {}.get(ns.a) }}", "!cannot be a key"},
      {"{{ {}[ns.a] }}", ""},
      {"{{ dict([(ns.a, 1)]) }}", "!needs pairs"},
      {"{{ ns.j|tojson }}", "!"},
      {"{{ '%s' % [ns.j] }}", "!"},
      {"{{ ns }}", "!"},
      {"{% for x in [1, 2] %}{{ loop.changed(ns.a) }}{% set ns.a = ns.b %}{% endfor %}", "!"},
      {"{{ ns.a == ns.a }}{{ ns.a|length }}", "True2"},
  };
  for (const auto& [source, expected] : kCases) check(made + source, expected);
}

TEST(JinjaLimits, ListsOfManyLevels) {
  const std::string made = "{% set ns = namespace(a=[], b=[], t=()) %}{% for i in range(30000) %}{% set ns.a = [ns.a] %}"
                           "{% set ns.b = [ns.b] %}{% set ns.t = (ns.t,) %}{% endfor %}";
  const Case kCases[] = {
      {"{{ ns.a }}", kDeep},          {"{{ ns.a|tojson }}", kDeep},      {"{{ ns.a == ns.b }}", kDeep},
      {"{{ ns.a < ns.b }}", kDeep},   {"{{ [ns.a, ns.b]|sort }}", kDeep}, {"{{ ns.b in [ns.a] }}", kDeep},
      {"{{ {ns.t: 1} }}", "!cannot be a key"}, {"{{ '%s' % ns.a }}", kDeep}, {"{{ ns.a|length }}", "1"},
      {"{{ ns.a|string }}", kDeep},   {"{{ ns.a is sameas ns.a }}", "True"}, {"{{ ns.a ~ '' }}", kDeep},
  };
  for (const auto& [source, expected] : kCases) check(made + source, expected);
}

TEST(JinjaLimits, LargeContents) {
  json variables = {{"big", std::string(1 << 20, 'a')}, {"wide", repeated("日", 300'000)}, {"list", json::array()}};
  for (int i = 0; i < 100'000; ++i) variables["list"].push_back(i % 1000);
  const Case kCases[] = {
      {"{{ (big ~ big)|length }}{{ wide|length }}", "2097152300000"},
      {"{{ big|trim|length }}{{ big.strip()|length }}{{ big[:5] }}{{ wide[-2:] }}{{ wide[299999] }}", "10485761048576aaaaa日日日"},
      {"{{ 'b' in big }}{{ big|upper|length }}{{ big|tojson|length }}", "False10485761048578"},
      {"{{ list|length }}{{ list|unique|list|length }}{{ list|sort|last }}{{ list|sum }}", "100000100099949950000"},
      {"{{ list|groupby(attribute=none)|length if false }}{{ list|join(',')|length }}", "388999"},
      {"{% for x in list %}{% if x == 999 and loop.last %}end{% endif %}{% endfor %}", "end"},
      {"{% set ns = namespace(t='') %}{% for x in list %}{% set ns.t = ns.t ~ x %}{% endfor %}{{ ns.t|length }}", "289000"},
      {"{% set ns = namespace(t='') %}{% for i in range(99) %}{% set ns.t = ns.t ~ ('b' ~ i) ~ wide[:9999] %}{% endfor %}{{ ns.t|length }}", "!"},
      {"{% set x %}{{ big }}{{ big }}{% endset %}{{ x|length }}", "2097152"},
  };
  for (const auto& [source, expected] : kCases) check(source, expected, variables);
  EXPECT_EQ(rendered("{{ big }}{{ big }}", variables).output.size(), std::size_t{2} << 20);
  EXPECT_EQ(rendered("{% for i in range(15) %}{{ big }}{% endfor %}", variables).output.size(), std::size_t{15} << 20);
  EXPECT_NE(rendered("{% for i in range(17) %}{{ big }}{% endfor %}", variables).error, "");
}

// Keys whose hashes were made alike end the rendering; ordinary ones, of whatever pattern, do not.
TEST(JinjaLimits, KeysOfOneHash) {
  const auto hash = [](std::string_view key) {
    std::uint32_t all = 2166136261U;
    for (const char c : key) all = (all ^ static_cast<std::uint8_t>(c)) * 16777619U;
    return all ^ all >> 15;
  };
  json alike = json::object();
  json sound = json::object();
  for (std::uint32_t i = 0; alike.size() < 2000; ++i) {
    const std::string key = "k" + std::to_string(i);
    if ((hash(key) & 0xFFF) == 0xABC) alike[key] = i;
    if (i < 2000) sound[key] = i;
  }
  check("{{ v|length }}", "!need more memory", {{"v", alike}});
  check("{{ v|length }}{{ v.k7 }}{{ v.none is defined }}", "20007False", {{"v", sound}});
  for (const double step : {1.0, 4096.0, 65536.0, 1000003.0, 281474976710656.0, 0.1}) {
    json numbers = json::array();
    for (int i = 0; i < 20'000; ++i) numbers.push_back(i * step);
    check("{{ v|unique|list|length }}", "20000", {{"v", numbers}});
  }
}

TEST(JinjaLimits, OddBytes) {
  EXPECT_EQ(rendered(std::string_view("a\0{{ 'b\0' }}", 12)).output, std::string_view("a\0b\0", 4));
  EXPECT_EQ(rendered("a\xff{{ 'b\xc3' }}").output, "a\xEF\xBF\xBD" "b\xEF\xBF\xBD");
  EXPECT_EQ(rendered("{{ x }}", {{"x", std::string("a\0b", 3)}}).output, std::string_view("a\0b", 3));
  EXPECT_EQ(rendered("{{ '%c' % 55296 }}{{ '\\ud800' }}").output, "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(rendered("{{ \x01 }}").error, "1:4: The character \x01 means nothing here.");
  EXPECT_EQ(rendered("").output, "");
  EXPECT_EQ(rendered("{{ missing }}{{ none }}{{ a.b }}", {{"a", json::object()}}).output, "None");
}

TEST(JinjaLimits, NumbersAtTheirEnds) {
  const Case kCases[] = {
      {"{{ -(-9223372036854775807 - 1) }}", "!64 bits"},
      {"{{ (-9223372036854775807 - 1) // -1 }}", "!64 bits"},
      {"{{ (-9223372036854775807 - 1) % -1 }}", "0"},
      {"{{ (-9223372036854775807 - 1)|abs }}", "!64 bits"},
      {"{{ 9223372036854775807|round(-19) }}", "!64 bits"},
      {"{{ 1e300|int }}", "!64 bits"},
      {"{{ -1e300|filesizeformat }}", "!too large"},
      {"{{ 'abc'|truncate(9223372036854775807, leeway=9223372036854775807) }}", "abc"},
      {"{{ range(10)[1::9223372036854775807] }}{{ range(0, 10, 2)[1::9223372036854775807] }}", "!64 bits"},
      {"{{ range(10)[1::9223372036854775807] }}{{ range(10)[2:9:3] }}", "range(1, 10, 9223372036854775807)range(2, 9, 3)"},
      {"{{ [1, 2][1::9223372036854775807] }}{{ 'ab'[::-9223372036854775807 - 1] }}", "[2]b"},
      {"{{ 'abc'[-9223372036854775807 - 1:9223372036854775807] }}", "abc"},
      {"{{ 'abc'.find('c', -9223372036854775807 - 1, 9223372036854775807) }}", "2"},
      {"{{ range(9223372036854775806, 9223372036854775807)|list }}", "[9223372036854775806]"},
      {"{{ [1]|batch(9223372036854775807)|list }}", "[[1]]"},
      {"{{ 1e308 * 10 }}{{ -1e308 * 10 }}{{ 1e308 * 10 - 1e308 * 10 }}", "inf-infnan"},
      {"{{ 2 ** 0.5 ** 1000 }}{{ 0 ** 0 }}", "3.273390607896366e+1501"},
  };
  for (const auto& [source, expected] : kCases) check(source, expected);
}

}  // namespace
}  // namespace tierwise::prompt
