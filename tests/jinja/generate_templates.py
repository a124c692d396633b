"""Random templates with the variables to render them with.

`Maker(random).case()` gives a tree (`Node`) and a context. Expressions come from the tables below: each line is one way
to write a value of that type; `<int>` stands for any expression of that type. A leading number is a weight. Types keep
most cases from failing; now and then another type is put in its place, and now and then the text is damaged, so that
errors are compared too.

Not generated, and why (what is excluded after rendering stands in differential.py):
"""
import json
import re

UNSUPPORTED = {
    'escape, e, forceescape, striptags, urlize, xmlattr, autoescape blocks': 'they make HTML; prompts are not HTML',
    'random, lipsum': 'their results are not determined',
    'pprint': 'debugging; depends on the width of Python objects',
    'include, import, extends, block, trans, do, debug': 'need other templates or extensions chat templates do not have',
    'sameas of numbers, strings and containers': 'identity of equal objects is an accident of CPython',
    r'\N{name} in strings': 'needs the names of all Unicode characters',
    'str.format, str.translate, str.encode, attributes of functions': 'no real template uses them',
    'sets': 'no template can make one',
    'letters with irregular case (unless --exotic-case)': 'full case mapping is a table larger than the engine',
}

TABLES = {
    'int': """
        3 <int> + <int>
        3 <int> - <int>
        2 <int> * <small>
        <int> // <pos>
        <int> % <pos>
        <int> // -<pos>
        <int> % -<pos>
        <int> // <int>
        <int> % <int>
        -<int>
        +<int>
        <small> ** <small>
        -<pos> ** <small>
        2 <int> if <bool> else <int>
        <int> or <int>
        <int> and <int>
        (<int>)
        2 <str>|length
        <list>|count
        <dict>|length
        <ints>|sum
        <ints>|sum(start=<int>)
        <rows>|sum(attribute='id')
        <rows>|sum('id', <small>)
        <ints>|max
        <ints>|min
        <ints>|first
        <ints>|last
        <int>|abs
        <int>|int
        <float>|int
        <str>|int
        <str>|int(<small>)
        '<digits>'|int
        '<hex>'|int(base=16)
        '<hex>'|int(0, 16)
        '<bits>'|int(base=2)
        <bool>|int
        <str>.count(<str>)
        <str>.find(<str>)
        <str>.index(<char>)
        <ints>.index(<int>)
        <ints>.count(<int>)
        2 <ints>[<idx>]
        2 <row>.id
        <row>['id']
        <row>.get('id', <int>)
        <row>|attr('id')
        <str>|wordcount
        <undef>|default(<int>)
        <undef>|d(<int>, true)
        <int>|default(<int>)
        <rows>|map(attribute='id')|first
        <rows>[<idx>].id
        <tree>[0].id
        {'a': <int>, 'b': <int>}.a
        {'a': <int>, 'b': <int>}['b']
        (<int>, <int>)[<zeroone>]
        [<int>, <int>][-1]
        namespace(v=<int>).v
        dict(v=<int>).v
        range(<small>, 9)|sum
    """,
    'float': """
        2 <float> + <float>
        <float> - <int>
        <float> * <int>
        3 <int> / <pos>
        <int> / <int>
        <float> / <float>
        <float> // <float>
        <float> % <float>
        <float> // <pos>
        <float> % -<pos>
        <float> ** <small>
        <pos> ** -<small>
        <pos> ** 0.5
        -<float>
        <float> if <bool> else <float>
        <int>|float
        <str>|float
        '<digits>.<digits>'|float
        '1e<small>'|float
        <str>|float(<float>)
        2 <float>|round
        2 <float>|round(<small>)
        <float>|round(<small>, 'floor')
        <float>|round(method='ceil')
        <float>|round(precision=1, method='common')
        <int>|round(-1)
        <float>|abs
        [<float>, <float>]|sum
        [<float>, <int>]|max
        [<float>, <int>]|min
        <row>.value
        <rows>|map(attribute='value', default=0)|sum
    """,
    'str': """
        4 <str> ~ <any>
        3 <str> + <str>
        <int> ~ <float>
        <str> * <small>
        <small> * <str>
        '%s' % <str>
        '%d-%s' % (<int>, <str>)
        '%5d|%-5s|%05d' % (<int>, <char>, <int>)
        '%.2f %e %g' % (<float>, <float>, <float>)
        '%x %X %o %+d %%' % (<pos>, <pos>, <pos>, <int>)
        '%r' % (<str>,)
        '%(a)s' % {'a': <any>}
        2 <str> if <bool> else <str>
        <str> if <bool>
        <str> or <str>
        <str> and <str>
        (<str>)
        2 <str>[<idx>]
        4 <str>[<slice>]
        2 <str>|upper
        <str>|lower
        2 <str>|title
        2 <str>|capitalize
        3 <str>|trim
        <str>|trim(<char>)
        <str>|trim(chars='ab \\n')
        2 <str>|replace(<char>, <str>)
        <str>|replace(<char>, <str>, <small>)
        <str>|replace('', '-')
        <str>|center(<width>)
        <str>|indent
        <str>|indent(<small>)
        <str>|indent(2, true)
        <str>|indent(width=3, first=true, blank=true)
        <str>|indent('> ', blank=<bool>)
        <str>|truncate(<width>)
        <str>|truncate(<pos>, true, '…')
        <str>|truncate(<width>, false, '', 0)
        <str>|truncate(length=9, killwords=<bool>, end='..', leeway=<small>)
        <str>|wordwrap(<width>)
        <str>|wordwrap(<pos>, false)
        <str>|wordwrap(<width>, wrapstring='/')
        <any>|string
        2 <strs>|join
        2 <strs>|join(<char>)
        <ints>|join(', ')
        <rows>|join(', ', attribute='name')
        <rows>|map(attribute='name')|join('+')
        4 <data>|tojson
        <data>|tojson(indent=<small>)
        <data>|tojson(indent=2, sort_keys=true)
        <data>|tojson(ensure_ascii=true)
        <data>|tojson(separators=(',', ':'))
        <data>|tojson(separators=[' ,', ' : '], indent=1)
        <str>|tojson
        <undef>|default(<str>)
        <str>|default('x', true)
        <strs>|first
        <strs>|last
        <str>|first
        <str>|last
        <str>|reverse
        <str>|list|join('-')
        '%s is %s'|format(<str>, <any>)
        '%(a)s!'|format(a=<any>)
        '%.1f'|format(<float>)
        '%03d'|format(<int>)
        '%5s|%-6s|'|format(<str>, <str>)
        <str>|urlencode
        {'a': <str>, 'b': <int>}|urlencode
        <pos>|filesizeformat
        <bignum>|filesizeformat(<bool>)
        <str>|sort|join
        <str>|unique|join
        <str>|min
        <strs>|max
        <str>|safe
        <str>|string|length|string
        2 <str>.upper()
        <str>.lower()
        <str>.title()
        <str>.capitalize()
        3 <str>.strip()
        <str>.strip(<char>)
        <str>.lstrip()
        <str>.rstrip()
        <str>.lstrip(<str>)
        <str>.rstrip('\\n ')
        2 <str>.replace(<char>, <str>)
        <str>.replace(<char>, <str>, 1)
        2 <str>.split(<char>)[0]
        <str>.split(<char>)[-1]
        <str>.split()[0]
        <str>.join(<strs>)
        <char>.join(<str>)
        2 <strs>[<idx>]
        2 <row>.name
        <row>['name']
        <row>.get('name')
        <row>.get('nothing', <str>)
        <rows>[0]['name']
        <dict>.keys()|join(',')
        <dict>|join(',')
        <row>.tags[0]
        <row>|attr('name')
        {<str>: <str>}|string
        <call>
        <str>.removeprefix(<char>)
        <str>.removesuffix(<char>)
        strftime_now('<date>')
    """,
    'char': """
        <char> ~ <char>
        <str>[0]
        <str>|first
    """,
    'bool': """
        3 <int> == <int>
        2 <int> < <int>
        <int> <= <int>
        <int> > <int>
        <int> >= <int>
        <int> != <int>
        <int> == <float>
        <float> < <int>
        2 <str> == <str>
        <str> != <str>
        <str> < <str>
        <strs> == <strs>
        <ints> < <ints>
        <dict> == <dict>
        <any> == <any>
        <any> != <any>
        <small> < <int> < <pos>
        <int> <= <int> != <int>
        <small> < <small> in <ints>
        2 <char> in <str>
        <char> not in <str>
        2 <str> in <strs>
        <int> in <ints>
        <int> not in <ints>
        'name' in <row>
        'nothing' not in <dict>
        <any> in <list>
        3 <bool> and <bool>
        3 <bool> or <bool>
        3 not <bool>
        not <any>
        <bool> if <bool> else <bool>
        2 <any> is defined
        <undef> is defined
        <undef> is undefined
        <any> is not none
        <any> is none
        <any> is string
        <any> is not string
        <any> is number
        <any> is integer
        <any> is float
        <any> is boolean
        <any> is mapping
        <any> is sequence
        <any> is iterable
        <any> is callable
        <any> is true
        <any> is false
        <bool> is true
        <bool> is not false
        <int> is odd
        <int> is even
        <int> is divisibleby(<pos>)
        <int> is divisibleby <pos>
        <int> is eq(<int>)
        <int> is eq <int>
        <int> is equalto <int>
        <int> is ne(<int>)
        <int> is lt(<int>)
        <int> is le <int>
        <int> is gt(<int>)
        <int> is ge(<int>)
        <int> is lessthan(<int>)
        <int> is greaterthan(<int>)
        <str> is lower
        <str> is upper
        <str> is escaped
        <int> is in(<ints>)
        <str> is not in <strs>
        'upper' is filter
        'nothing' is filter
        'odd' is test
        <bool> is sameas(true)
        <none> is sameas none
        not <int> is odd
        <row>.nothing is defined
        <row>.name is defined
        <row>.name is defined and <row>.name
        <row>['nothing'] is not defined
        <str>.startswith(<char>)
        <str>.endswith(<char>)
        <str>.isdigit()
        <str>.isalpha()
        <str>.isspace()
        <str>.isupper()
        <str>.islower()
        (<bool>)
        <str>.startswith(('a', <char>))
    """,
    'ints': """
        2 [<int>, <int>, <int>]
        [<int>]
        (<int>, <int>)
        2 <ints> + <ints>
        <ints> * <small>
        2 range(<pos>)|list
        range(<small>, <pos>)|list
        range(<pos>, -<small>, -1)|list
        range(0, 10, <pos>)|list
        3 <ints>[<slice>]
        2 <ints>|sort
        <ints>|sort(reverse=true)
        <ints>|sort(<bool>)
        <ints>|reverse|list
        <ints>|unique|list
        <ints>|list
        <ints>|map('abs')|list
        <strs>|map('length')|list
        <strs>|map('int', default=<int>)|list
        <rows>|map(attribute='id')|list
        <ints>|select('odd')|list
        <ints>|select|list
        <ints>|reject('gt', <int>)|list
        <ints>|select('>=', <int>)|list
        <ints>|reject('!=', <int>)|list
        <ints>|select('<', <int>)|list
        <ints>|reject|list
        <ints>|select('divisibleby', <pos>)|list
        <ints>|select('in', <ints>)|list
        <ints> if <bool> else <ints>
        <dict>.values()|map('int', 0)|list
    """,
    'strs': """
        2 [<str>, <str>]
        [<str>, <str>, <str>]
        (<str>,)
        <strs> + <strs>
        3 <strs>[<slice>]
        2 <str>.split(<char>)
        <str>.split()
        <str>.split(none, 1)
        <str>.split(<char>, <small>)
        <str>.splitlines()
        <str>.rsplit(<char>, 1)
        2 <strs>|sort
        <strs>|sort(reverse=true)
        <strs>|sort(case_sensitive=true)
        <strs>|sort(false, true)
        <strs>|reverse|list
        <strs>|unique|list
        <strs>|unique(true)|list
        <strs>|map('upper')|list
        <strs>|map('trim')|list
        <strs>|map('replace', <char>, '_')|list
        <strs>|map('default', 'none')|list
        <strs>|select('string')|list
        <strs>|select('ne', <str>)|list
        <strs>|reject('equalto', <str>)|list
        <strs>|select('in', <strs>)|list
        <strs>|list
        <rows>|map(attribute='name')|list
        <rows>|map(attribute='name', default='?')|list
        <str>|list
        <dict>.keys()|list
        <dict>|list
        <dict>|sort
        <row>.tags
        <strs> if <bool> else <strs>
        <strs> or <strs>
    """,
    'rows': """
        2 <rows>[<slice>]
        [<row>, <row>]
        <rows> + <rows>
        <rows>|selectattr('id')|list
        <rows>|selectattr('id', 'gt', <int>)|list
        <rows>|selectattr('name', 'equalto', <str>)|list
        <rows>|selectattr('id', '==', <int>)|list
        <rows>|rejectattr('id', '<=', <int>)|list
        <rows>|selectattr('id', '>', <int>)|list
        <rows>|rejectattr('value', 'defined')|list
        <rows>|rejectattr('id', 'odd')|list
        <rows>|selectattr('meta.level', 'defined')|list
        <rows>|sort(attribute='id')
        <rows>|sort(attribute='name', reverse=true)
        <rows>|sort(attribute='name,id')
        <rows>|sort(attribute='meta.level')
        <rows>|unique(attribute='name')|list
        <rows>|reverse|list
        <rows>|list
    """,
    'list': """
        2 [<any>, <any>]
        [<any>, <any>, <any>]
        []
        ()
        (<any>, <any>)
        3 <ints>
        3 <strs>
        2 <rows>
        <list> + <list>
        2 <list>[<slice>]
        <list>|list
        <ints>|batch(<pos>)|list
        <strs>|batch(<pos>, '-')|list
        <ints>|slice(<pos>)|list
        <strs>|slice(<pos>, 'x')|list
        <dict>.items()|list
        <dict>|items|list
        2 <dict>|dictsort
        {'b': <int>, 'A': <int>, 'c': <int>}|dictsort
        {'b': <int>, 'A': <int>}|dictsort(true)
        {'b': <int>, 'A': <int>}|dictsort(by='value', reverse=true)
        2 <rows>|groupby('name')
        <rows>|groupby('id')|list
        <rows>|groupby('nothing', default='none')
        <rows>|groupby(attribute='name', case_sensitive=true)
        <rows>|groupby('name')|map(attribute='grouper')|list
        <rows>|groupby('name')|map('last')|map('length')|list
        <dict>.values()|list
        <rows>|map(attribute='nothing')|map('default', 'd')|list
        <rows>|map(attribute='tags.0')|list
        <str>|slice(2)|list
        <list>|map('string')|list
        <list>|select('number')|list
        <list>|reject('none')|list
        <list>|select('defined')|list
        <list>|reverse|list
    """,
    'dict': """
        {<key>: <any>, <key>: <any>}
        {<key>: <int>}
        {}
        {<key>: <data>, <key>: [<data>], <int>: <str>}
        dict(a=<int>, b=<str>)
        dict({'a': <int>}, c=<any>)
        2 <row>
        <row>.meta
        dict([('a', <int>), ('b', <any>)])
        <dict> or <dict>
        <rows>|groupby('name')|map('first')|list|length and <dict>
    """,
    'row': """
        3 <rows>[0]
        <rows>[<idx>]
        2 <rows>|first
        <rows>|last
        <row> if <bool> else <row>
        {'id': <int>, 'name': <str>, 'tags': <strs>, 'value': <float>, 'meta': {}}
        <rows>|max(attribute='id')
        <rows>|min(attribute='name')
    """,
    'data': """
        2 <int>
        <float>
        3 <str>
        <bool>
        none
        2 <ints>
        2 <strs>
        2 <rows>
        3 <dict>
        [<data>, <data>]
        (<data>, <data>)
        {<key>: <data>, <key>: <data>}
        <undef>
    """,
    'any': """
        4 <int>
        2 <float>
        5 <str>
        2 <bool>
        <none>
        2 <list>
        <ints>
        <strs>
        2 <dict>
        <row>
        <undef>
    """,
    'undef': """
        <row>.nothing
        <dict>['nothing']
        <list>[99]
        <undef>|default(<undef>)
        <str>.nothing
        <int>.nothing
    """,
    # What Python makes a generator of: always true, has no length, is empty after its first use.
    'lazy': """
        <ints>|map('abs')
        <strs>|map('upper')
        <ints>|select('odd')
        <rows>|selectattr('id')
        <ints>|batch(2)
        <ints>|reverse
        <strs>|unique
        <dict>.items()
        <dict>.keys()
        <dict>.values()
        <dict>|items
        range(<pos>)
    """,
    'weird': """
        <lazy>|length
        <lazy>|tojson
        'y' if <lazy> else 'n'
        <lazy>|first
        <lazy>|last
        <lazy>|join(',')
        <lazy>|list
        <lazy>|sum
        <lazy>|sort
        <lazy> is iterable
        <lazy> is sequence
        <lazy> is mapping
        <int> in <lazy>
        <ints>.append(<int>)
        <ints>.pop()
        <dict>.update({})
        <dict>.pop('a')
        <dict>.items
        <int>.real
        <str>.__class__
        <any>|nothing
        <any> is nothing
        nothing(<any>)
        <any>(<any>)
        <str>|upper(<any>)
        <undef> + <any>
        <undef>.x
        <undef>.x.y
        <undef>|length
        <undef>|list
        <undef>|join
        <undef>|upper
        <undef>|tojson
        <undef> ~ <any>
        <undef> == <undef>
        <undef> in <list>
        <any> in <undef>
        [<undef>]
        <undef>[0]
        <undef>|int
        <undef>|first
        -<undef>
        <undef> < <int>
        not <undef>
        <none> + <any>
        <none>.x
        <none>|length
        <none>|default(<any>)
        <none>|default(<any>, true)
        <none>|string
        <none>|int
        <none>|list
        <bool> + <bool>
        <bool> * <str>
        <int> + <str>
        <str> - <str>
        <list> - <list>
        <dict> + <dict>
        <int> < <str>
        <list> < <dict>
        <int>[0]
        <float>[1:]
        <dict>[0:1]
        <str>['a']
        <list>['a']
        <list>[<float>]
        <str>[<bool>]
        <list>|sort
        <list>|sum
        <list>|max
        <list>|unique|list
        <any>|length
        <any>|first
        <any>|last
        <any>|list
        <any>|abs
        <any>|round
        <any>|upper
        <any>|trim
        <any>|title
        <any>|replace('a', 1)
        <any>|join('-')
        <any>|dictsort
        <any>|items|list
        <any>|int
        <any>|float
        <any>|center(9)
        <any>|wordcount
        <any>|capitalize
        <any>|reverse
        <any>|tojson
        <any>|indent
        <any>|batch(2)|list
        <any>|map('upper')|list
        <any>|default('x', true)
        <any>|string
        <any>|bool
        <data>|safe + <str>
        <str>|safe + <str>
        <str>|safe ~ <str>
        <str>|safe|upper
        (<str>|safe)[<slice>]
        <str>|safe|replace('a', '<')
        [<str>|safe]|join('<')
        range(<int>)|list|length
        range(<pos>)[<idx>]
        range(<pos>)[<slice>]|list
        {<list>: 1}
        {1: 'a', 1.0: 'b', true: 'c'}
        {<any>: <any>}
        <dict>|string
        <list>|string
        <float>|string
        <bignum> + <int>
        <bignum> * 2
        <bignum> / 3
        <bignum> // 7
        <bignum> % 1000
        <bignum>|float
        <bignum>|string
        <float> * <bignum>
        <float> == <bignum>
        1e<small> * <int>
        1.5e-<small>
        1e<big>
        <float>|int
        <str>|int(<any>)
        cycler(<int>, <int>).next()
        joiner(', ')()
        namespace(<dict>).a
        dict(<any>)
        raise_exception(<str>)
        (<any>, <any>) + (<any>,)
        <list>|attr('x')
        <row>|attr('name')|upper
        <any> if <bool> else
        1 if <bool>
        <any> is divisibleby(<any>)
        <any> is lower
        <any> is in <any>
        <any> < <any>
        <any> + <any>
        <any> * <small>
        <any> // <any>
        <any> % <any>
    """,
}

CHARS = ['a', 'b', 'e', ' ', ',', '-', 'o', '\n', '.', 'é', 'x', '<', '/', '日', '🙂', '  ', 'll', 'A']
PIECES = [
    'hello', 'world', 'Foo', 'BAR', 'a', 'b', 'aXb', 'the quick brown fox', 'x-y', 'snake_case', 'don\'t', '"q"', '\\',
    '', ' ', '  lead', 'trail  ', '\n', 'two\nlines', 'a\n\n b', '\t', '\r\n', '<b>&amp;</b>', 'é', 'naïve', 'ÄÖÜ', '日本語',
    '🙂', '👩‍👩‍👧', '𝔘𝔫', 'e\u0301', 'שלום', 'مرحبا', 'я люблю', 'Ωmega', '\u00a0', '\u3000', '%', '{{', '}}', '{% x %}', '#}',
    '1', '42', ' 7 ', '-3', '3.5', '1e3', 'None', 'true', 'a,b,c', 'x=1&y=2', '/path/to', 'hello world hello', '0x1f',
    '[1, 2]', '</think>', '<|im_end|>', '-', '--', 'supercalifragilistic', '\u2028', '\x0b', '(par) [br] {cu}', '1_000',
]
EXOTIC = ['ß', 'İ', 'ΑΣ', 'ǆ', '𐐨𐐀', 'ŉ', 'ﬁ', '٣', '²', 'ǅ', 'ẞ', 'ŸÿĲ', 'Ⅷ', 'ა', 'Ა']
KEYS = ['a', 'b', 'name', 'id', 'k', 'Z', 'é', 'two words', '', '1', 'items', 'value']
ROLES = ['system', 'user', 'assistant', 'tool']
DATES = ['%Y-%m-%d', '%d %b %Y', '%H:%M:%S', '%A, %B %d', '%j %y %p %I', '%%']
TEXTS = [
    'a', ' ', '\n', '\n\n', 'text', ' text ', '\n  ', '  ', '\t', 'line\n', '\nline\n  ', 'é🙂', '{ ', '}', '<|im_start|>', '%',
    '# x', '- ', '\n    ', ',', ': ', '}}', '%}', '"', '\r\n', 'x {  y', '\n \n',
]
UNDEFINED = ['missing', 'ghost']


class Node:
    """A piece of template text: `sort` is 'e' (expression), 's' (statement) or 'p' (a part of one)."""

    __slots__ = ('level', 'parts', 'sort')

    def __init__(self, sort, parts, level=0):
        self.sort, self.parts, self.level = sort, parts, level

    def text(self):
        return ''.join(part if isinstance(part, str) else part.text() for part in self.parts)


def level_of(production):
    """How tightly it binds: 1 a name, literal, call or subscript; 2 a filter; 3 an operator or test."""
    depth, quote, level = 0, None, 1
    for at, char in enumerate(production):
        if quote:
            quote = None if char == quote else quote
        elif char in '\'"':
            quote = char
        elif char in '([{':
            depth += 1
        elif char in ')]}':
            depth -= 1
        elif depth == 0 and (char == ' ' or (char in '-+' and at == 0)):
            return 3
        elif depth == 0 and char == '|':
            level = 2
    return level


def read(table):
    lines = []
    for line in table.strip().split('\n'):
        weight, production = re.fullmatch(r'\s*(?:(\d) )?(.*)', line).groups()
        pieces = re.split(r'<([a-z]+)>', production)
        lines.append((int(weight or 1), pieces, level_of(production)))
    return [weight for weight, _, _ in lines], lines


GRAMMAR = {name: read(table) for name, table in TABLES.items()}
CONTEXT = {
    'int': ['i', 'n', 'k'], 'float': ['f', 'g'], 'str': ['s', 't', 'u'], 'bool': ['flag', 'off'], 'ints': ['nums', 'more'],
    'strs': ['words', 'lines'], 'rows': ['rows', 'messages'], 'row': ['row'], 'dict': ['d', 'cfg'], 'list': ['mixed', 'nothing_here'],
    'tree': ['tree'],
}
PRODUCED = ('int', 'str', 'bool', 'list', 'float', 'dict', 'ints', 'strs')


class Maker:
    def __init__(self, random, exotic=False):
        self.random = random
        self.pieces = PIECES + EXOTIC if exotic else PIECES
        self.scope = {name: list(names) for name, names in CONTEXT.items()}
        self.macros = []
        self.in_loop = 0
        self.chaos = random.choice([0, 0, 0, 0.01, 0.03, 0.1])
        self.lax = random.choice([0, 0, 0.02, 0.2])
        self.fuel = random.choice([6, 12, 25, 60])
        self.fresh = 0

    def case(self):
        r = self.random
        tree = Node('p', [self.output()] if r.random() < 0.45 else self.body(r.choice([1, 2, 3, 4]), 3))
        return tree, self.context()

    # Expressions.

    def expression(self, name, depth):
        r = self.random
        if self.chaos and r.random() < self.chaos:
            name = r.choice(['weird', 'any', 'lazy', 'undef', 'list', 'str'])
        if name not in GRAMMAR:
            return self.leaf(name)
        self.fuel -= 1
        if name in ('any', 'data', 'weird', 'list', 'lazy', 'undef') and depth > 0 and self.fuel > 0:
            return self.produce(name, depth)
        if depth <= 0 or self.fuel <= 0 or r.random() < 0.3:
            return self.leaf(name)
        return self.produce(name, depth)

    def produce(self, name, depth):
        weights, lines = GRAMMAR[name]
        _, pieces, level = self.random.choices(lines, weights)[0]
        parts = []
        for at, piece in enumerate(pieces):
            if at % 2 == 0:
                parts.append(piece)
                continue
            before, after = pieces[at - 1], pieces[at + 1]
            if name in ('any', 'data', 'list') and len(pieces) == 3 and not before and not after:
                return self.expression(piece, depth)
            child = self.expression(piece, depth - 1)
            parts.append(self.wrapped(child, before, after))
        return Node('e', parts, level)

    def wrapped(self, child, before, after):
        """In brackets where it would bind otherwise; now and then without, so that precedence is compared."""
        strict = after[:1] in ('.', '[', '(') and (before == '' or before[-1:] == ' ')
        argument = before[-1:] in ('(', ',', '=', '[', '{') and after[:1] in (')', ',', ']', '}')
        needs = child.level >= 2 if strict else child.level >= 3 and not argument
        if before[-2:] in (', ', ': ', '= ') and after[:1] in (')', ',', ']', '}', ':'):
            needs = False
        if not needs or self.random.random() < self.lax:
            return child
        return Node('e', ['(', child, ')'], 1)

    def leaf(self, name):
        r = self.random
        if name == 'any' or name == 'data':
            name = r.choice(['int', 'float', 'str', 'bool', 'none', 'list', 'dict'])
        names = self.scope.get(name)
        if names and r.random() < (0.9 if name in ('rows', 'row', 'tree') else 0.6):
            return Node('e', [r.choice(names)], 1)
        text = getattr(self, f'leaf_{name}')()
        return Node('e', [text], 3 if text.startswith('-') else 1)

    def leaf_int(self):
        r = self.random
        if self.in_loop and r.random() < 0.3:
            return r.choice(['loop.index', 'loop.index0', 'loop.revindex', 'loop.revindex0', 'loop.length', 'loop.depth', 'loop.depth0'])
        return str(r.choice([0, 1, 2, 3, 5, 7, 10, 12, 42, 100, -1, -2, -7, '1_000', '0x1F', '0b101', '0o17', 2**31, 999999]))

    def leaf_float(self):
        return self.random.choice(
            ['0.5', '1.5', '2.5', '3.14159', '1.0', '0.1', '0.2', '100.0', '1e3', '2.5E-2', '-0.5', '-2.5', '1e16', '1e-5', '123456.789',
             '0.0', '1e22', '2.675', '1_0.25', '1e15', '0.0001', '7.0', '-0.0']
        )  # fmt: skip

    def leaf_str(self):
        r = self.random
        text = ''.join(r.choice(self.pieces) for _ in range(r.choice([0, 1, 1, 1, 2, 3])))
        literal = self.literal(text)
        return f"{literal} {self.literal(r.choice(self.pieces))}" if r.random() < 0.02 else literal

    def leaf_char(self):
        return self.literal(self.random.choice(CHARS))

    def literal(self, text):
        r = self.random
        quote = r.choice(['"', "'"])
        out = []
        for char in text:
            code = ord(char)
            if char == quote or char == '\\':
                out.append('\\' + char)
            elif char == '\n' and r.random() < 0.8:
                out.append('\\n')
            elif r.random() < 0.01:
                out.append(f'\\x{code:02x}' if code < 256 else f'\\u{code:04x}' if code < 65536 else f'\\U{code:08x}')
            elif r.random() < 0.005 and code < 128:
                out.append(f'\\{code:03o}')
            else:
                out.append(char)
        if r.random() < 0.02:
            out.append(r.choice(['\\t', '\\q', '\\a', '\\0', '\\r', '\\/', '\\\n']))
        return quote + ''.join(out) + quote

    def leaf_bool(self):
        r = self.random
        if self.in_loop and r.random() < 0.3:
            return r.choice(['loop.first', 'loop.last', 'loop.changed(i)', 'loop.previtem is defined', 'loop.nextitem is defined'])
        return r.choice(['true', 'false', 'True', 'False'])

    def leaf_none(self):
        return self.random.choice(['none', 'None', 'nil'])

    def leaf_list(self):
        return self.random.choice(['[]', '[1, 2, 3]', "['a', 'b']", "('x', 1)", '[none, true]', '()', '(1,)', '[[1], [2, 3]]', "[1, 'a', 2.5]"])

    def leaf_ints(self):
        return self.random.choice(['[1, 2, 3]', '[3, 1, 2]', '[5]', '[0, -1, 7, 7]', '(4, 2)', '[10, 9, 10, 8, 1]'])

    def leaf_strs(self):
        return self.random.choice(["['a', 'b', 'c']", "['b', 'A', 'a', 'B']", "['x']", "('é', 'z', 'E')", "['foo', 'bar', 'foo', '🙂']"])

    def leaf_rows(self):
        return "[{'id': 1, 'name': 'x', 'tags': ['t']}, {'id': 2, 'name': 'y', 'tags': []}]"

    def leaf_row(self):
        return "{'id': 3, 'name': 'Zed', 'tags': ['p', 'q'], 'meta': {'level': 2}}"

    def leaf_tree(self):
        return 'tree'

    def leaf_dict(self):
        return self.random.choice(['{}', "{'a': 1}", "{'b': 2, 'a': 1}", "{'k': [1, {'x': none}]}", "{1: 'one', 'two': 2}", "{'a': 'x',}"])

    def leaf_undef(self):
        return self.random.choice(UNDEFINED)

    def leaf_lazy(self):
        return self.random.choice(['range(3)', "nums|map('abs')", 'd.items()'])

    def leaf_weird(self):
        return self.random.choice(['range', 'loop', 'self', 'namespace', 'varargs', 'caller', 'cycler', 'none', '1', "''"])

    def leaf_call(self):
        r = self.random
        if not self.macros:
            return self.leaf_str()
        name, count = r.choice(self.macros)
        given = [r.choice(['1', "'x'", 's', 'n', 'nums', 'none']) for _ in range(r.choice([0, 1, count, count, count + 1]))]
        named = [r.choice(['a=2', "b='y'", "c=[1]", 'zz=3'])] if r.random() < 0.25 else []
        return f'{name}({", ".join(given + named)})'

    def leaf_small(self):
        return str(self.random.randint(0, 4))

    def leaf_zeroone(self):
        return str(self.random.randint(0, 1))

    def leaf_pos(self):
        return str(self.random.randint(1, 9))

    def leaf_big(self):
        return str(self.random.choice([15, 16, 17, 20, 100, 308]))

    def leaf_width(self):
        return str(self.random.choice([3, 5, 8, 12, 20, 40]))

    def leaf_idx(self):
        return self.random.choice(['0', '0', '0', '-1', '-1', '1', '2', '-2', '5', 'i'])

    def leaf_digits(self):
        return str(self.random.choice([0, 5, 12, 345, 99999]))

    def leaf_hex(self):
        return self.random.choice(['ff', '0x1F', 'DEAD', '-7f', ' a '])

    def leaf_bits(self):
        return self.random.choice(['101', '0b11', '0', '12'])

    def leaf_bignum(self):
        return str(self.random.choice([2**31, 2**32 + 1, 10**12, 2**53, 2**53 - 1, 2**62, 123456789]))

    def leaf_date(self):
        return self.random.choice(DATES)

    def leaf_key(self):
        return self.literal(self.random.choice(KEYS))

    def leaf_slice(self):
        r = self.random
        ends = ['', '', '0', '1', '2', '-1', '-2', '3', '9', '-9', 'n', 'none']
        step = r.choice(['', '', '', ':', ':-1', ':2', ':-2', ':1', ':none', ':3'])
        return r.choice(['::-1', '1:', ':-1', '-2:', f'{r.choice(ends)}:{r.choice(ends)}{step}', f'{r.choice(ends)}:{r.choice(ends)}{step}'])

    # Statements.

    def body(self, count, depth):
        made = []
        for _ in range(count):
            if self.random.random() < 0.45:
                made.append(Node('s', [self.random.choice(TEXTS)]))
            made.append(self.statement(depth))
        if self.random.random() < 0.4:
            made.append(Node('s', [self.random.choice(TEXTS)]))
        return made

    def inner(self, depth, count=None):
        return self.body(self.random.choice([1, 1, 2]) if count is None else count, depth - 1)

    def tag(self, *parts):
        r = self.random
        open_, close = r.choice(['{% '] * 6 + ['{%- '] * 3 + ['{%+ ', '{%']), r.choice([' %}'] * 6 + [' -%}'] * 3 + [' +%}', '%}'])
        return Node('p', [open_, *parts, close])

    def some(self, name='any', depth=None):
        return self.expression(name, self.random.choice([1, 2, 2, 3]) if depth is None else depth)

    def output(self):
        r = self.random
        name = r.choices(['any', 'str', 'int', 'float', 'bool', 'list', 'dict', 'weird', 'lazy'], [8, 8, 4, 3, 4, 3, 2, 2, 0.1])[0]
        open_, close = r.choice(['{{ '] * 6 + ['{{- '] * 2 + ['{{', '{{+ ']), r.choice([' }}'] * 6 + [' -}}'] * 2 + ['}}'])
        return Node('s', [open_, self.expression(name, r.choice([1, 2, 2, 3, 4])), close])

    def statement(self, depth):
        r = self.random
        if depth <= 0 or self.fuel <= 0:
            return self.output()
        kinds = {
            self.output: 9, self.make_if: 5, self.make_for: 6, self.make_set: 6, self.make_block_set: 1.5, self.make_namespace: 2,
            self.make_macro: 2.5, self.make_call: 1.2, self.make_filter: 1.2, self.make_raw: 0.7, self.make_comment: 1.2,
            self.make_with: 1.2, self.make_generation: 1, self.make_recursive: 0.8, self.make_leave: 2.5 if self.in_loop else 0.03,
            self.make_chat: 0.6,
        }  # fmt: skip
        kind = r.choices(list(kinds), list(kinds.values()))[0]
        return kind() if kind == self.output else kind(depth)

    def make_if(self, depth):
        r = self.random
        parts = [self.tag('if ', self.some('bool' if r.random() < 0.8 else 'any')), *self.inner(depth)]
        for _ in range(r.choice([0, 0, 0, 1, 2])):
            parts += [self.tag('elif ', self.some('bool')), *self.inner(depth)]
        if r.random() < 0.5:
            parts += [self.tag('else'), *self.inner(depth)]
        return Node('s', [*parts, self.tag('endif')])

    def make_for(self, depth):
        r = self.random
        self.fresh += 1
        kind = r.choice(['int', 'int', 'str', 'str', 'row', 'row', 'pair', 'any', 'triple', 'group', 'char'])
        source = {'int': 'ints', 'str': 'strs', 'row': 'rows', 'pair': 'dict', 'any': 'list', 'char': 'str', 'group': 'rows'}.get(kind)
        name = f'v{self.fresh}'
        added = {'int': ['int'], 'str': ['str'], 'row': ['row'], 'char': ['str'], 'any': []}.get(kind, [])
        if kind == 'pair':
            head = [f'{name}, w{self.fresh} in ', self.wrapped(self.some('dict'), '', '.'), r.choice(['.items()', '|items', '|dictsort'])]
            names = [(name, 'str')]
        elif kind == 'group':
            head = [f'{name}, w{self.fresh} in ', self.wrapped(self.some('rows'), '', '|'), "|groupby('name')"]
            names = [(name, 'str'), (f'w{self.fresh}', 'rows')]
        elif kind == 'triple':
            head = [r.choice([f'{name}, (w{self.fresh}, z) in [(1, (2, 3)), (4, (5, 6))]', f'({name}, w{self.fresh}) in [[1, 2], (3, 4)]',
                              f'{name}, w{self.fresh} in [[1, 2], [3]]' if r.random() < 0.2 else f'{name}, w{self.fresh} in [[1, 2]]'])]
            names = [(name, 'int'), (f'w{self.fresh}', 'int')]
        else:
            head = [f'{name} in ', self.some('undef' if r.random() < 0.03 else 'lazy' if r.random() < 0.1 else source)]
            names = [(name, t) for t in added]
        for each, kind_ in names:
            self.scope.setdefault(kind_, []).append(each)
        if r.random() < 0.25:
            test = self.some('bool', 1)
            head += [' if ', test if test.level < 3 or 'if' not in test.text() else Node('e', ['(', test, ')'], 1)]
        if r.random() < 0.02:
            head.append(' recursive')
        self.in_loop += 1
        body = self.inner(depth, r.choice([1, 2, 2, 3]))
        if r.random() < 0.35:
            body.append(Node('s', [r.choice([
                '{{ loop.index }}', "{{ ', ' if not loop.last }}", '{% if not loop.last %},{% endif %}', '{{ loop.cycle(\'o\', \'e\') }}',
                '{{ loop.previtem }}', '{{ loop.nextitem }}', f'{{{{ loop.changed({name}) }}}}', '{{ loop.revindex }}/{{ loop.length }}',
                '{{ loop.first }}{{ loop.last }}', '{{ loop.depth }}{{ loop.depth0 }}', f'{{{{ {name} }}}}', '{{ loop }}', f'{{{{ w{self.fresh} }}}}',
                '{{ loop.previtem is defined }}', '{{ loop.nothing }}', '{{ loop.index0 ~ loop.revindex0 }}',
            ])]))  # fmt: skip
        self.in_loop -= 1
        for each, kind_ in names:
            self.scope[kind_].remove(each)
        parts = [self.tag('for ', *head), *body]
        if r.random() < 0.2:
            parts += [self.tag('else'), *self.inner(depth, 1)]
        parts.append(self.tag('endfor'))
        if r.random() < 0.05:
            parts.append(Node('s', [f'{{{{ {name} }}}}']))
        return Node('s', parts)

    def make_set(self, depth):
        r = self.random
        kind = r.choice(PRODUCED)
        name = r.choice([*CONTEXT[kind], f'{kind}_a', f'{kind}_b'])
        value = self.some(kind, depth)
        if name not in self.scope[kind]:
            self.scope[kind].append(name)
        if r.random() < 0.1:
            other = r.choice(CONTEXT['int'])
            return Node('s', [self.tag(f'set {name}, {other} = ', self.wrapped(value, '', ' '), ', ', self.some('int', 0))])
        return Node('s', [self.tag(f'set {name}{r.choice([" = ", "="])}', value)])

    def make_block_set(self, depth):
        name = self.random.choice(['s', 't', 'str_a'])
        filters = self.random.choice(['', '', '', ' | upper', '|trim', ' | replace("a", "b") | trim', ' | indent(2)', ' | length'])
        made = Node('s', [self.tag(f'set {name}{filters}'), *self.inner(depth), self.tag('endset')])
        if name not in self.scope['str']:
            self.scope['str'].append(name)
        return made

    def make_namespace(self, depth):
        r = self.random
        parts = [self.tag('set ns = namespace(', r.choice(["c=0, t=''", "{'c': 1}, t='x'", 'c=n, t=s']), ')')]
        step = r.choice([
            [self.tag('set ns.c = ns.c + ', self.some('int', 1))], [self.tag('set ns.t = ns.t ~ ', self.some('any', 1))],
            [self.tag('set ns.t'), *self.inner(depth, 1), self.tag('endset')], [self.tag('set ns.new = ', self.some('any', 1))],
        ])  # fmt: skip
        if r.random() < 0.7:
            parts += [self.tag('for q in ', self.some('ints', 1)), *step, self.tag('endfor')]
        else:
            parts += step
        parts.append(Node('s', [r.choice(['{{ ns.c }}', '{{ ns.t }}', '{{ ns.c ~ ns.t }}', '{{ ns.new }}', "{{ ns['c'] }}", '{{ ns.nothing is defined }}'])]))
        return Node('s', parts)

    def make_macro(self, depth):
        r = self.random
        self.fresh += 1
        name = f'm{self.fresh}'
        params = r.choice(['', 'a', 'a, b', 'a, b=2', "a=1, b='x'", 'a, b=a', 'a, b=[], c=none', 'a=n'])
        outer, self.in_loop = self.in_loop, 0
        inner = self.inner(depth)
        self.in_loop = outer
        extra = r.choice([
            '{{ a }}', '{{ a }}/{{ b }}', '{{ varargs }}', '{{ kwargs }}', '{{ varargs|length }}{{ kwargs|length }}', '', '{{ b is defined }}',
            '{{ caller is defined }}', f'{{{{ {name}.name }}}}', f'{{{{ {name}.arguments }}}}', '{{ a|default("none") }}', '{{ c }}',
            "{{ caller() if caller }}", '{{ a is undefined }}',
        ])  # fmt: skip
        parts = [self.tag(f'macro {name}({params})'), *inner, Node('s', [extra]), self.tag('endmacro')]
        self.macros.append((name, params.count(',') + (params != '')))
        parts.append(Node('s', ['{{ ', Node('e', [self.leaf_call()], 1), r.choice(['', '', '|upper', '|trim|length', " ~ 'x'"]), ' }}']))
        return Node('s', parts)

    def make_call(self, depth):
        r = self.random
        self.fresh += 1
        name = f'm{self.fresh}'
        how, takes = r.choice([('caller()', ''), ('caller(1)', '(x)'), ("caller('p', 2)", '(x, y)'), ('caller(1)', '(x, y=3)'), ('caller(y=1)', '(x=0, y=0)'), ('caller()', '(x)')])
        outer, self.in_loop = self.in_loop, 0
        body = self.inner(depth, 1)
        self.in_loop = outer
        return Node('s', [
            self.tag(f'macro {name}(a=1)'), Node('s', ['[{{ a }}']), Node('s', [f'{{{{ {how} }}}}]']), self.tag('endmacro'),
            self.tag(f'call{takes} {name}({r.choice(["", "2", "a=3", "s"])})'), *body, Node('s', ['{{ x }}{{ y }}'] if takes else ['']), self.tag('endcall'),
        ])  # fmt: skip

    def make_filter(self, depth):
        name = self.random.choice(['upper', 'trim', "replace('a', 'b')", 'indent(2)', 'lower', 'title', 'trim|upper', 'length', 'wordcount', 'indent(2, true)|trim'])
        return Node('s', [self.tag(f'filter {name}'), *self.inner(depth), self.tag('endfilter')])

    def make_raw(self, depth):
        del depth
        return Node('s', [self.tag('raw'), self.random.choice(['{{ x }}', ' {% if %} ', '\n{# c #}\n', '}}', '', '  {{ "%}" }}\n']), self.tag('endraw')])

    def make_comment(self, depth):
        del depth
        r = self.random
        return Node('s', [r.choice(['{#', '{#-', '{#+', '{# ']), r.choice(['', ' c ', ' {{ x }} ', '\n multi\n', ' %} ']), r.choice(['#}', '-#}', ' #}', '+#}'])])

    def make_with(self, depth):
        r = self.random
        pairs = r.choice([['i=', 'int'], ['s = ', 'str'], ['n=', 'int', ', k=n'], ['t=', 'str', ', u=t'], ['new=', 'any'], None])
        if pairs is None:
            return Node('s', [self.tag('with'), *self.inner(depth), self.tag('endwith')])
        return Node('s', [self.tag('with ', pairs[0], self.some(pairs[1], 1), *pairs[2:]), *self.inner(depth), Node('s', [r.choice(['', '{{ new }}', '{{ k }}', '{{ u }}'])]), self.tag('endwith')])

    def make_generation(self, depth):
        return Node('s', [self.tag('generation'), *self.inner(depth), self.tag('endgeneration')])

    def make_recursive(self, depth):
        outer, self.in_loop = self.in_loop, 1
        extra = self.inner(depth, 1)
        self.in_loop = outer
        return Node('s', [
            self.tag('for node in tree recursive'), Node('s', [self.random.choice(['{{ node.name }}', '{{ loop.depth }}', '{{ loop.index }}.{{ loop.length }}', '{{ loop.last }}'])]),
            *extra, Node('s', ['{% if node.children %}', Node('s', [self.random.choice(['({{ loop(node.children) }})', '{{- loop(node.children)|upper -}}', '\n  {{ loop(node.children)|indent(2) }}'])]), '{% endif %}']),
            self.tag('endfor'),
        ])  # fmt: skip

    def make_leave(self, depth):
        del depth
        word = self.random.choice(['break', 'continue'])
        if self.random.random() < 0.1:
            return Node('s', [self.tag(word)])
        return Node('s', [self.tag('if ', self.some('bool', 1)), self.tag(word), self.tag('endif')])

    def make_chat(self, depth):
        """What chat templates are made of."""
        loop = [
            self.tag("if message['role'] == ", self.random.choice(["'user'", "'assistant'", "'system' and loop.first"])),
            Node('s', ["{{ '<|' + message['role'] + '|>\\n' + message['content']", self.random.choice(['', '|trim', ".split('</think>')[-1]", '[1:]', '.strip()']), " + '<|end|>\\n' }}"]),
            self.tag('else'), Node('s', ["{{- '[' ~ message.role ~ '] ' ~ message.content }}"]), *self.inner(depth, 1), self.tag('endif'),
        ]  # fmt: skip
        source = self.random.choice(['messages', 'messages[1:]', "messages|selectattr('role', 'equalto', 'user')", "messages|rejectattr('role', 'in', ['system'])", 'messages[::-1]'])
        self.in_loop += 1
        parts = [self.tag(f'for message in {source}'), *loop, self.tag('endfor'), Node('s', ["{% if flag %}{{ '<|assistant|>\\n' }}{% endif %}"])]
        self.in_loop -= 1
        return Node('s', parts)

    # Variables.

    def context(self):
        r = self.random

        def string():
            return ''.join(r.choice(self.pieces) for _ in range(r.choice([0, 1, 1, 2, 3])))

        def number():
            return r.choice([0, 1, 2, 3, 4, 7, 10, -1, -5, 25, 1000])

        def decimal():
            return r.choice([0.5, 1.0, 2.5, -1.25, 3.14159, 1e10, 0.1, 99.95, 1e-7, 1e17, 0.0])

        def record(n):
            made = {'id': n, 'name': r.choice(['Ann', 'bob', 'Cy', 'ann', 'Zoë', '']), 'value': r.choice([number(), decimal()])}
            if r.random() < 0.15:
                del made['value']
            return {**made, 'tags': [string() for _ in range(r.choice([0, 1, 2]))] or ['t'], 'meta': {'level': r.randint(0, 3)} if r.random() < 0.8 else {}}

        def message():
            return {'role': r.choice(ROLES), 'content': string(), 'id': number(), 'name': string(), 'tags': [string()], 'meta': {}}

        def value(depth=2):
            kinds = [number, decimal, string, lambda: None, lambda: r.random() < 0.5]
            if depth > 0:
                kinds += [lambda: [value(depth - 1) for _ in range(r.randint(0, 3))], lambda: {r.choice(KEYS): value(depth - 1) for _ in range(r.randint(0, 3))}]
            return r.choice(kinds)()

        def node(depth):
            return {'id': number(), 'name': r.choice(['r', 's', 'é']), 'children': [node(depth - 1) for _ in range(r.randint(0, 2))] if depth > 0 else []}

        return {
            'i': r.randint(0, 2), 'n': number(), 'k': number(), 'f': decimal(), 'g': decimal(), 's': string(), 't': string(), 'u': string(),
            'flag': True, 'off': False, 'nil': None, 'nums': [number() for _ in range(r.choice([0, 1, 3, 3, 5]))] or [1],
            'more': [number() for _ in range(3)], 'words': [r.choice(self.pieces) for _ in range(r.choice([1, 2, 4]))], 'lines': [string() for _ in range(3)],
            'rows': [record(n) for n in range(1, r.choice([2, 3, 4]))], 'messages': [message() for _ in range(r.randint(1, 4))],
            'row': record(7), 'd': {r.choice(KEYS): value(1) for _ in range(r.randint(0, 4))}, 'cfg': {'a': value(), 'b': value()},
            'mixed': [value(1) for _ in range(r.randint(0, 4))], 'nothing_here': [], 'tree': [node(2) for _ in range(2)],
        }  # fmt: skip


def damaged(text, random):
    """The text with one small thing wrong."""
    at = random.randrange(len(text) + 1)
    how = random.choice(['cut', 'drop', 'add', 'twice', 'swap'])
    if how == 'cut':
        return text[:at]
    if how == 'drop':
        return text[:at] + text[at + random.randint(1, 4):]
    if how == 'add':
        return text[:at] + random.choice(['{{', '}}', '{%', '%}', '{#', '#}', '(', ')', '[', ']', "'", '"', '|', '.', ',', '-', ' if ', ' is ', '=', '~', '!', '$', '\\', ':', '*', '1', 'not ']) + text[at:]
    if how == 'twice':
        return text[:at] + text[max(0, at - 6):]
    return text[:at] + text[at + 1:at + 2] + text[at:at + 1] + text[at + 2:]


if __name__ == '__main__':
    print(__doc__)
    print(json.dumps(UNSUPPORTED, indent=2, ensure_ascii=False))
