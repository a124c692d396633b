// Every filter, test, function and method of the template engine.
//
// What is expected was taken from Jinja2 3.1.6 (tests/jinja/environment.py) with the variables below.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "jinja_cases.h"

namespace tierwise::prompt {
namespace {

TEST(JinjaBuiltins, FiltersGiveWhatJinja2Gives) {
  const Case kCases[] = {
      {R"j({{ m|abs }} {{ -2.5|abs }})j",
       R"j(7 2.5)j"},
      {R"j({{ d|attr('items')() }}|{{ d|attr('b') }})j",
       R"j(dict_items([('b', 1), ('a', [1, 2]), ('c', {'x': 'y'})])|)j"},
      {R"j({{ [1, 2, 3]|batch(2)|list }} {{ [1, 2, 3]|batch(2, 'x')|list }})j",
       R"j([[1, 2], [3]] [[1, 2], [3, 'x']])j"},
      {R"j({{ 'hELLO wORLD'|capitalize }})j",
       R"j(Hello world)j"},
      {R"j([{{ 'ab'|center(7) }}])j",
       R"j([   ab  ])j"},
      {R"j({{ l|count }} {{ s|length }} {{ u|length }} {{ d|length }})j",
       R"j(3 13 5 3)j"},
      {R"j({{ missing|default('x') }} {{ e|d('x', true) }} {{ e|default('x') }}|)j",
       R"j(x x |)j"},
      {R"j({{ d|dictsort(by='key') }} {{ {'b': 2, 'a': 3}|dictsort(by='value', reverse=true) }})j",
       R"j([('a', [1, 2]), ('b', 1), ('c', {'x': 'y'})] [('a', 3), ('b', 2)])j"},
      {R"j({{ 0|filesizeformat }} {{ 1|filesizeformat }} {{ 1500|filesizeformat }} {{ 1500000|filesizeformat(true) }} {{ 1e30|filesizeformat }})j",
       R"j(0 Bytes 1 Byte 1.5 kB 1.4 MiB 1000000.0 YB)j"},
      {R"j({{ l|first }} {{ e|first }}|{{ l|last }})j",
       R"j(3 |2)j"},
      {R"j({{ '1.5'|float }} {{ 'x'|float(9) }} {{ n|float }})j",
       R"j(1.5 9 7.0)j"},
      {R"j({{ '%s-%d'|format(s, n) }} {{ '%(a)s'|format(a=1) }})j",
       R"j(Hello, Wörld!-7 1)j"},
      {R"j({% for g in rows|groupby('k') %}{{ g.grouper }}{{ g.list|length }}{{ g[0] }}{% endfor %})j",
       R"j(a1ab2b)j"},
      {R"j({{ rows|groupby('q', default='z')|length }})j",
       R"j(1)j"},
      {"{{ lines|indent }}|{{ lines|indent(2, true, true) }}|{{ 'a\nb'|indent('> ') }}",
       "one\n    two\n\n    four|  one\n  two\n  \n  four|a\n> b"},
      {R"j({{ '42'|int }} {{ 'x'|int }} {{ '0x1f'|int(0, 16) }} {{ '1.9'|int }} {{ r|int }} {{ ' 7 '|int }})j",
       R"j(42 0 31 1 2 7)j"},
      {R"j({{ d|items|list }})j",
       R"j([('b', 1), ('a', [1, 2]), ('c', {'x': 'y'})])j"},
      {R"j({{ l|join }} {{ l|join(', ') }} {{ rows|join('-', attribute='k') }})j",
       R"j(312 3, 1, 2 b-a-b)j"},
      {R"j({{ s|list }} {{ d|list }})j",
       R"j(['H', 'e', 'l', 'l', 'o', ',', ' ', 'W', 'ö', 'r', 'l', 'd', '!'] ['b', 'a', 'c'])j"},
      {R"j({{ s|lower }} {{ s|upper }} {{ 'straße'|upper }} {{ 'ΑΣ'|lower }})j",
       R"j(hello, wörld! HELLO, WÖRLD! STRASSE ας)j"},
      {R"j({{ rows|map(attribute='v')|list }} {{ rows|map(attribute='q', default=0)|list }} {{ w|map('upper')|list }} {{ w|map('replace', 'a', 'x')|join }})j",
       R"j([2, 1, 3] [0, 0, 0] ['B', 'A', 'A'] bAx)j"},
      {R"j({{ l|max }} {{ l|min }} {{ rows|max(attribute='v') }} {{ w|min }} {{ w|min(true) }} {{ []|max }}|)j",
       R"j(3 1 {'k': 'b', 'v': 3} A A |)j"},
      {R"j({{ l|reject('odd')|list }} {{ rows|rejectattr('v', 'gt', 1)|list }} {{ [0, 1]|reject|list }})j",
       R"j([2] [{'k': 'a', 'v': 1}] [0])j"},
      {R"j({{ s|replace('l', 'L') }} {{ s|replace('l', 'L', 1) }} {{ 'ab'|replace('', '-') }})j",
       R"j(HeLLo, WörLd! HeLlo, Wörld! -a-b-)j"},
      {R"j({{ s|reverse }} {{ l|reverse|list }})j",
       R"j(!dlröW ,olleH [2, 1, 3])j"},
      {R"j({{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 2.1|round(0, 'ceil') }} {{ 2.9|round(method='floor') }} {{ 1234|round(-2) }} {{ n|round }})j",
       R"j(2.0 4.0 2.67 3.0 2.0 1200 7)j"},
      {R"j({{ ('<b>'|safe) ~ '<' }} {{ ('<b>'|safe) + '<' }})j",
       R"j(<b>< <b>&lt;)j"},
      {R"j({{ l|select('odd')|list }} {{ rows|selectattr('k', 'equalto', 'b')|map(attribute='v')|list }} {{ [0, 1, '', 'a']|select|list }})j",
       R"j([3, 1] [2, 3] [1, 'a'])j"},
      {R"j({{ range(7)|slice(3)|list }} {{ range(4)|slice(3, 'x')|list }})j",
       R"j([[0, 1, 2], [3, 4], [5, 6]] [[0, 1], [2, 'x'], [3, 'x']])j"},
      {R"j({{ l|sort }} {{ w|sort }} {{ w|sort(case_sensitive=true) }} {{ rows|sort(attribute='k,v')|map(attribute='v')|list }} {{ l|sort(reverse=true) }})j",
       R"j([1, 2, 3] ['A', 'a', 'b'] ['A', 'a', 'b'] [1, 2, 3] [3, 2, 1])j"},
      {R"j({{ n|string + '!' }})j",
       R"j(7!)j"},
      {R"j({{ l|sum }} {{ rows|sum(attribute='v') }} {{ l|sum(start=10) }})j",
       R"j(6 6 16)j"},
      {R"j({{ "it's a (small) wörld-wide tEST"|title }})j",
       R"j(It's A (Small) Wörld-Wide Test)j"},
      {R"j({{ d|tojson }} {{ s|tojson }} {{ s|tojson(ensure_ascii=true) }} {{ u|tojson(ensure_ascii=true) }} {{ d|tojson(indent=2) }} {{ d|tojson(sort_keys=true) }} {{ [1.0, none, true, '<"\n']|tojson }} {{ d|tojson(separators=(',', ':')) }})j",
       "{\"b\": 1, \"a\": [1, 2], \"c\": {\"x\": \"y\"}} \"Hello, Wörld!\" \"Hello, W\\u00f6rld!\" \"\\u65e5\\u672c\\u8a9e\\ud83d\\ude00\\u00e9\" {\n  \"b\": 1,\n  \"a\": [\n    1,\n    2\n  ],\n  \"c\": {\n    \"x\": \"y\"\n  }\n} {\"a\": [1, 2], \"b\": 1, \"c\": {\"x\": \"y\"}} [1.0, null, true, \"<\\\"\\n\"] {\"b\":1,\"a\":[1,2],\"c\":{\"x\":\"y\"}}"},
      {R"j([{{ '  a '|trim }}] {{ 'xxaxx'|trim('x') }})j",
       R"j([a] a)j"},
      {R"j({{ 'one two three four'|truncate(9) }} {{ 'one two three four'|truncate(9, true) }} {{ 'abc def'|truncate(5, true, '..', 0) }} {{ s|truncate(13) }})j",
       R"j(one... one tw... abc.. Hello, Wörld!)j"},
      {R"j({{ w|unique|list }} {{ w|unique(true)|list }} {{ rows|unique(attribute='k')|map(attribute='v')|list }})j",
       R"j(['b', 'A'] ['b', 'A', 'a'] [2, 1])j"},
      {R"j({{ 'a b/ü?&'|urlencode }} {{ {'a b': 1, 'c': 'd&'}|urlencode }})j",
       R"j(a%20b/%C3%BC%3F%26 a+b=1&c=d%26)j"},
      {R"j({{ 'one, two-three  four'|wordcount }})j",
       R"j(4)j"},
      {R"j({{ 'the quick brown-fox jumped'|wordwrap(9) }}|{{ 'abcdefghij'|wordwrap(4) }}|{{ 'abcdefghij k'|wordwrap(4, false) }}|{{ 'a b c'|wordwrap(3, wrapstring='/') }})j",
       "the quick\nbrown-fox\njumped|abcd\nefgh\nij|abcdefghij\nk|a b/c"},
  };
  check(kCases);
}

TEST(JinjaBuiltins, TestsGiveWhatJinja2Gives) {
  const Case kCases[] = {
      {R"j({{ true is boolean }} {{ 1 is boolean }})j",
       R"j(True False)j"},
      {R"j({{ range is callable }} {{ n is callable }})j",
       R"j(True False)j"},
      {R"j({{ n is defined }} {{ missing is defined }} {{ missing is undefined }})j",
       R"j(True False True)j"},
      {R"j({{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }})j",
       R"j(True False)j"},
      {R"j({{ n is eq 7 }} {{ n is equalto 7 }} {{ [7, 8]|select('==', 7)|list }} {{ n is ne 7 }} {{ [7, 8]|select('!=', 7)|list }} {{ [7, 8]|select('>=', 8)|list }} {{ [7, 8]|select('<', 8)|list }})j",
       R"j(True True [7] False [8] [8] [7])j"},
      {R"j({{ e is escaped }} {{ (e|safe) is escaped }})j",
       R"j(False True)j"},
      {R"j({{ n is even }} {{ n is odd }})j",
       R"j(False True)j"},
      {R"j({{ false is false }} {{ 0 is false }} {{ true is true }} {{ 1 is true }})j",
       R"j(True False True False)j"},
      {R"j({{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ 'nope' is test }})j",
       R"j(True False True False)j"},
      {R"j({{ r is float }} {{ n is float }} {{ n is integer }} {{ true is integer }} {{ n is number }} {{ r is number }} {{ s is number }})j",
       R"j(True False True False True True False)j"},
      {R"j({{ n is ge 7 }} {{ n is gt 7 }} {{ n is greaterthan 6 }} {{ n is le 7 }} {{ n is lt 7 }} {{ n is lessthan 8 }})j",
       R"j(True False True True False True)j"},
      {R"j({{ 1 is in l }} {{ 9 is in l }})j",
       R"j(True False)j"},
      {R"j({{ l is iterable }} {{ n is iterable }} {{ s is iterable }})j",
       R"j(True False True)j"},
      {R"j({{ 'abc' is lower }} {{ 'Abc' is lower }} {{ 'ABC' is upper }} {{ '1' is upper }})j",
       R"j(True False True False)j"},
      {R"j({{ d is mapping }} {{ l is mapping }})j",
       R"j(True False)j"},
      {R"j({{ none is none }} {{ e is none }})j",
       R"j(True False)j"},
      {R"j({{ none is sameas none }} {{ 1 is sameas 1.0 }} {{ true is sameas 1 }})j",
       R"j(True False False)j"},
      {R"j({{ l is sequence }} {{ n is sequence }} {{ s is string }} {{ n is string }})j",
       R"j(True False True False)j"},
      {R"j({{ n is not odd }} {{ missing is not defined }})j",
       R"j(False True)j"},
  };
  check(kCases);
}

TEST(JinjaBuiltins, FunctionsGiveWhatJinja2Gives) {
  const Case kCases[] = {
      {R"j({{ range(3) }} {{ range(1, 4)|list }} {{ range(9, 0, -3)|list }} {{ range(0)|list }})j",
       R"j(range(0, 3) [1, 2, 3] [9, 6, 3] [])j"},
      {R"j({{ dict(a=1, b=2) }} {{ dict({'x': 1}, y=2) }} {{ dict([('a', 1)]) }})j",
       R"j({'a': 1, 'b': 2} {'x': 1, 'y': 2} {'a': 1})j"},
      {R"j({% set ns = namespace(a=1, b='x') %}{{ ns.a }}{{ ns.b }}{{ ns.c }}{% set ns.c = 3 %}{{ ns.c }})j",
       R"j(1x3)j"},
      {R"j({% set c = cycler('a', 'b', 'c') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }})j",
       R"j(abcNonea)j"},
      {R"j({% set j = joiner() %}{{ j() }}a{{ j() }}b{{ j() }}c {% set j = joiner('|') %}{{ j() }}{{ j() }})j",
       R"j(a, b, c |)j"},
      {R"j({{ strftime_now('%Y-%m-%d %H:%M:%S %a %A %b %B %d %j %p %y %I %U %W %w %u %G-%V %e %%') }})j",
       R"j(2025-07-26 12:00:00 Sat Saturday Jul July 26 207 PM 25 12 29 29 6 6 2025-30 26 %)j"},
      {R"j({{ range(5).count(3) }} {{ range(5).index(3) }})j",
       R"j(1 3)j"},
  };
  check(kCases);
}

TEST(JinjaBuiltins, MethodsGiveWhatJinja2Gives) {
  const Case kCases[] = {
      {R"j({{ 'hELLO'.capitalize() }} {{ 'Straße'.casefold()|length }} {{ 'Ab'.swapcase() }} {{ "it's a tEST".title() }} {{ 'ab'.upper() }}{{ 'AB'.lower() }})j",
       R"j(Hello 7 aB It'S A Test ABab)j"},
      {R"j([{{ 'ab'.center(5) }}] [{{ 'ab'.center(5, '*') }}] [{{ 'ab'.ljust(4, '.') }}] [{{ 'ab'.rjust(4) }}] {{ '-5'.zfill(4) }})j",
       R"j([  ab ] [**ab*] [ab..] [  ab] -005)j"},
      {R"j({{ 'banana'.count('an') }} {{ 'banana'.count('a', 2) }} {{ 'banana'.find('n') }} {{ 'banana'.rfind('n') }} {{ 'banana'.find('x') }} {{ 'banana'.index('n') }} {{ 'banana'.rindex('n', 0, 4) }} {{ u.find('😀') }})j",
       R"j(2 2 2 4 -1 2 2 3)j"},
      {R"j({{ s.startswith('Hell') }} {{ s.startswith(('x', 'H')) }} {{ s.endswith('!') }} {{ s.startswith('ello', 1) }} {{ s.endswith('x') }})j",
       R"j(True True True True False)j"},
      {R"j({{ 'a1'.isalnum() }} {{ 'ab'.isalpha() }} {{ '12'.isdecimal() }} {{ '12'.isdigit() }} {{ '12'.isnumeric() }} {{ ' '.isspace() }} {{ 'ab'.islower() }} {{ 'AB'.isupper() }} {{ ''.isalpha() }})j",
       R"j(True True True True True True True True False)j"},
      {R"j({{ ', '.join(['a', 'b']) }} {{ '-'.join('abc') }})j",
       R"j(a, b a-b-c)j"},
      {R"j([{{ ' a '.strip() }}] [{{ ' a '.lstrip() }}] [{{ ' a '.rstrip() }}] {{ 'xyaxy'.strip('yx') }} {{ 'xax'.lstrip('x') }} {{ 'xax'.rstrip('x') }})j",
       R"j([a] [a ] [ a] a ax xa)j"},
      {R"j({{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('-') }} {{ 'abc'.rpartition('-') }})j",
       R"j(('a', '-', 'b-c') ('a-b', '-', 'c') ('abc', '', '') ('', '', 'abc'))j"},
      {R"j({{ 'unhappy'.removeprefix('un') }} {{ 'a.txt'.removesuffix('.txt') }} {{ 'a'.removeprefix('x') }})j",
       R"j(happy a a)j"},
      {R"j({{ 'aaa'.replace('a', 'b') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '-') }})j",
       R"j(bbb bba -a-b-)j"},
      {R"j({{ ' a  b c '.split() }} {{ 'a,b,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b c '.rsplit(none, 1) }} {{ ''.split() }} {{ ''.split(',') }})j",
       R"j(['a', 'b', 'c'] ['a', 'b', 'c'] ['a', 'b,c'] ['a,b', 'c'] [' a b', 'c'] [] [''])j"},
      {R"j({{ lines.splitlines() }} {{ lines.splitlines(true) }})j",
       R"j(['one', 'two', '', 'four'] ['one\n', 'two\r\n', '\n', 'four'])j"},
      {R"j({{ d.get('b') }} {{ d.get('q') }} {{ d.get('q', 5) }} {{ d.items()|list }} {{ d.keys()|list }} {{ d.values()|list }} {{ d.copy() == d }})j",
       R"j(1 None 5 [('b', 1), ('a', [1, 2]), ('c', {'x': 'y'})] ['b', 'a', 'c'] [1, [1, 2], {'x': 'y'}] True)j"},
      {R"j({{ l.count(1) }} {{ l.index(2) }} {{ l.copy() }} {{ (1, 2, 1).count(1) }} {{ (1, 2).index(2) }})j",
       R"j(1 2 [3, 1, 2] 2 1)j"},
  };
  check(kCases);
}

}  // namespace
}  // namespace tierwise::prompt
