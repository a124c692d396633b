"""Compares an engine with real Jinja2 on random expressions and templates.

    python differential.py --against COMMAND [--against COMMAND] [--cases 20000] [--seed 1] [--shrink]
    python differential.py --against COMMAND --seed 1 --only 1234 --shrink       one case again, made small
    python differential.py --cases 20000                                         only what Jinja2 makes of them

Both sides agree when both outputs are equal, or both fail. Every failure is printed as JSON (--show of them for each
kind); --shrink reduces one of each kind to the smallest template that still differs. The share of cases Jinja2 renders
is printed and must be at least 60 %. The last line is `N passed, N failed`; excluded cases count as neither.
"""
import argparse
import collections
import json
import random
import re
import sys
import time
import warnings

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine_process import answers
from environment import NOW, build, render
from generate_templates import Maker, Node, damaged

# What is rendered but not compared, and why. The first two are looked for only where the two sides differ (the first
# also wherever `*` may make something giant).
EXCLUDED = {
    'integers beyond 64 bits': 'the engine computes with 64 bits; Python without end',
    'not the same twice': 'Jinja2 itself gives another output the second time',
    'inner objects': "the output shows an object of CPython's or Jinja2's own, such as <Macro 'm'>, <TemplateReference None> or <function ... at 0x7f...>",
    'no part of chat templates': 'what Jinja2 makes of a slice of a constant that has none, depending on where it stands; complex numbers, sets made of dictionary views, the template itself as `self`, `loop` as a list',
    'slices of what has none': 'Jinja2 finds nothing in a constant where it refuses the same value of a variable: `1[:]`, `{{}[:]}`',
    'giant results': 'a text of more than a million characters; the engine has a bound of its own',
}
LARGEST = 1_000_000
INNER_OBJECT = re.compile(
    r'0x[0-9a-f]{8,}|<(class|function|built-in|bound|generator|macro|loopcontext|namespace|jinja2\.)', re.IGNORECASE
)

FOREIGN = re.compile(r'\bself\b|\bloop\s*\||\{\{-?\s*namespace\s*-?\}\}|\.(keys|items)\(\)\s*[-&|^]')
COMPLEX = re.compile(r'\([-+.e\d]+j\)|\d[-+][.\d]+(e[-+]\d+)?j\)')


class OutOfScope(BaseException):
    """Its first argument is a key of EXCLUDED. No Exception: Jinja2 goes on without those while it compiles."""


class Watched(ImmutableSandboxedEnvironment):
    """Tells when a result is too large for any engine but Python."""

    intercepted_binops = frozenset(['+', '-', '*', '**', '//', '%', '/'])
    intercepted_unops = frozenset(['-', '+'])

    def call_binop(self, context, operator, left, right):
        if operator == '*':
            for text, times in ((left, right), (right, left)):
                if isinstance(text, (str, list, tuple)) and isinstance(times, int) and len(text) * times > LARGEST:
                    raise OutOfScope('giant results')
        if operator == '**' and all(isinstance(side, int) for side in (left, right)) and abs(right) > 64 and abs(left) > 1:
            raise OutOfScope('integers beyond 64 bits')
        if operator == '%':
            no_inner(right)
        return checked(super().call_binop(context, operator, left, right))

    def getitem(self, obj, argument):
        if isinstance(argument, slice) and not isinstance(obj, (str, list, tuple, range)):
            raise OutOfScope('slices of what has none')
        return super().getitem(obj, argument)

    def call_unop(self, context, operator, argument):
        return checked(super().call_unop(context, operator, argument))


def checked(value):
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OutOfScope('integers beyond 64 bits')
    return value


def no_inner(*values):
    for value in values:
        if not isinstance(value, str) and INNER_OBJECT.search(str(value)):
            raise OutOfScope('inner objects')
    return values[0]


def watched_filter(function, of_text=False):
    def wrapped(*args, **more):
        if of_text:
            no_inner(*(value for value in args if not isinstance(value, (Watched, jinja2.nodes.EvalContext))))
        return checked(function(*args, **more))

    if hasattr(function, 'jinja_pass_arg'):  # What Jinja2 hands it first: the environment or the context.
        wrapped.jinja_pass_arg = function.jinja_pass_arg
    return wrapped


def watched():
    made = build(NOW, Watched)
    for name in ('abs', 'int', 'sum', 'round'):
        made.filters[name] = watched_filter(made.filters[name])
    for name in ('capitalize', 'center', 'format', 'lower', 'replace', 'string', 'title', 'trim', 'upper', 'urlencode', 'wordcount'):
        made.filters[name] = watched_filter(made.filters[name], of_text=True)
    made.finalize = no_inner
    return made


WATCHED = watched()


def out_of_scope(template, variables):
    """The reason not to compare, or None."""
    try:
        WATCHED.from_string(template).render(**variables)
    except OutOfScope as reason:
        return reason.args[0]
    except Exception:
        return None
    return None


class Case:
    __slots__ = ('excluded', 'expected', 'index', 'template', 'tree', 'variables')

    def __init__(self, index, tree, template, variables):
        self.index, self.tree, self.template, self.variables = index, tree, template, variables
        self.excluded = out_of_scope(template, variables) if '*' in template else None
        self.expected = {'error': self.excluded} if self.excluded else render(template, variables)
        if FOREIGN.search(template) or COMPLEX.search(self.expected.get('output', '')):
            self.excluded = 'no part of chat templates'
        if INNER_OBJECT.search(self.expected.get('output', '')):
            self.excluded = 'inner objects'

    def question(self):
        return {'template': self.template, 'variables': self.variables, 'now': NOW}


def make(seed, index, exotic):
    """The same case for the same seed and index, whatever else is generated."""
    source = random.Random(f'{seed}/{index}')
    tree, variables = Maker(source, exotic).case()
    if source.random() < 0.04:
        tree = Node('p', [damaged(tree.text(), source)])
    return Case(index, tree, tree.text(), variables)


def agree(expected, got):
    return 'crash' not in got and expected.get('output') == got.get('output')


def excluded_after_all(case):
    reason = out_of_scope(case.template, case.variables)
    if reason is None and render(case.template, case.variables).get('output') != case.expected.get('output'):
        reason = 'not the same twice'
    return reason


def kind_of(expected, got):
    if 'crash' in got:
        return 'crash: ' + plain(got['crash'])
    if 'error' in got:
        error = got['error']
        return 'refused: ' + plain(error.get('message', '') if isinstance(error, dict) else error)
    if 'error' in expected:
        return 'rendered although Jinja2 says: ' + plain(expected['error'])
    return 'other output'


def plain(message):
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+", '…', str(message))[:90]


FEATURE = re.compile(r"\|\s*([a-z]+)|\.([a-z]+)\(|\bis (?:not )?([a-z]+)|\{%[-+]?\s*([a-z]+)|(\*\*|//|[-+*/%~])|(\[[^\]]*:)|\b(loop\.[a-z0-9]+)")


def features(template):
    """The filters, methods, tests, statements and operators a template names."""
    found = {next(name for name in match if name) for match in FEATURE.findall(template)}
    return ' '.join(sorted('slice' if name.startswith('[') else name for name in found if not name.startswith('end')))


# Making a failing case small.


def copies(node):
    """Trees with one thing less, each with what is left in its place."""
    for at, part in enumerate(node.parts):
        if isinstance(part, str):
            continue
        for less in replacements(part):
            yield Node(node.sort, [*node.parts[:at], less, *node.parts[at + 1:]], node.level)
        for smaller in copies(part):
            yield Node(node.sort, [*node.parts[:at], smaller, *node.parts[at + 1:]], node.level)


def replacements(part):
    if part.sort == 's':
        yield Node('s', [''])
        body = [child for child in part.parts if not isinstance(child, str) and child.sort == 's']
        if body:
            yield Node('p', body)
    if part.sort == 'e' and len(part.text()) > 3:
        for child in nearest(part):
            yield child
        for literal in ('1', "'a'", '[]', 's'):
            yield Node('e', [literal], 1)


def nearest(node):
    for part in node.parts:
        if isinstance(part, str):
            continue
        if part.sort == 'e':
            yield part
        else:
            yield from nearest(part)


def shorter_text(template):
    """For what the tree cannot take apart: leave out runs of characters."""
    for size in (40, 20, 10, 5, 2, 1):
        for at in range(0, len(template), max(1, size // 2)):
            yield template[:at] + template[at + size:]


def shrink(case, command, kind, rounds=60):
    """The smallest case found that differs in the same kind of way."""
    best = case
    by_text = False
    for _ in range(rounds):
        if by_text:
            candidates = [Node('p', [text]) for text in dict.fromkeys(shorter_text(best.template)) if text]
        else:
            candidates = list({tree.text(): tree for tree in copies(best.tree)}.values())
        used = {name: value for name, value in best.variables.items() if re.search(rf'\b{name}\b', best.template)}
        candidates = sorted((tree for tree in candidates if len(tree.text()) < len(best.template)), key=lambda tree: len(tree.text()))[:400]
        tried = [Case(best.index, tree, tree.text(), used) for tree in candidates]
        tried = [each for each in tried if not each.excluded]
        found = None
        for each, got in zip(tried, answers(command, [each.question() for each in tried], limit=10)):
            if not agree(each.expected, got) and kind_of(each.expected, got) == kind and excluded_after_all(each) is None:
                found = each
                break
        if found is not None:
            best = found
        elif by_text:
            break
        else:
            by_text = True
    best.variables = {name: value for name, value in best.variables.items() if re.search(rf'\b{name}\b', best.template)}
    return best


def described(case, got):
    return json.dumps(
        {'case': case.index, 'template': case.template, 'variables': case.variables, 'expected': case.expected, 'got': got},
        ensure_ascii=False,
    )


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--against', metavar='COMMAND', action='append', help='the engine; may be given several times')
    options.add_argument('--cases', type=int, default=20000)
    options.add_argument('--seed', default='1')
    options.add_argument('--only', type=int, help='only the case of this index')
    options.add_argument('--shrink', action='store_true', help='reduce one failure of each kind')
    options.add_argument('--show', type=int, default=2, help='failures printed for each kind')
    options.add_argument('--kinds', type=int, default=30, help='kinds printed')
    options.add_argument('--exotic-case', action='store_true', help='also letters with irregular upper and lower case')
    chosen = options.parse_args()

    warnings.simplefilter('ignore', SyntaxWarning)  # Of Jinja2's compiled code, such as `1[0]`.
    began = time.monotonic()
    indices = range(chosen.cases) if chosen.only is None else [chosen.only]
    made = [make(chosen.seed, index, chosen.exotic_case) for index in indices]
    excluded = collections.Counter(case.excluded for case in made if case.excluded)
    compared = [case for case in made if not case.excluded]
    rendered = sum('output' in case.expected for case in compared)
    share = rendered / max(1, len(compared))
    sizes = sorted(len(case.template) for case in made)
    print(
        f'{len(made)} cases of seed {chosen.seed} ({len({case.template for case in made})} distinct) in {time.monotonic() - began:.0f} s; '
        f'Jinja2 renders {share:.1%}; characters: median {sizes[len(sizes) // 2]}, longest {sizes[-1]}',
        flush=True,
    )
    if chosen.against is None:
        if chosen.only is not None:
            print(described(made[0], None))
        return 0

    passed = failed = 0
    for command in chosen.against:
        right, wrong = compare(command, compared, excluded.copy())
        report(wrong, command, chosen)
        passed += right
        failed += sum(len(those) for those in wrong.values())
    if chosen.only is None and chosen.cases >= 1000 and share < 0.6:
        print(f'Too few cases render: {share:.1%}.')
        failed += 1
    print(f'{passed} passed, {failed} failed')
    return 0 if failed == 0 and passed > 0 else 1


def compare(command, cases, excluded):
    """How many agree, and by kind the (case, answer) that do not."""
    began = time.monotonic()
    got = answers(command, [case.question() for case in cases])
    wrong = collections.defaultdict(list)
    passed = 0
    for case, answer in zip(cases, got):
        if agree(case.expected, answer):
            passed += 1
            continue
        reason = excluded_after_all(case)
        if reason is None and 'cut into slices' in answer.get('error', {}).get('message', ''):
            # Where an output is one constant expression, Jinja2 works it out beforehand and finds nothing there.
            reason = 'no part of chat templates'
        if reason is not None:
            excluded[reason] += 1
        else:
            wrong[kind_of(case.expected, answer)].append((case, answer))
    print(f'{command}: answered in {time.monotonic() - began:.1f} s; {passed} agree')
    for reason, count in sorted(excluded.items()):
        print(f'  {count} excluded · {reason}: {EXCLUDED[reason]}')
    return passed, wrong


def report(wrong, command, chosen):
    for kind, those in sorted(wrong.items(), key=lambda item: -len(item[1]))[:chosen.kinds]:
        those.sort(key=lambda pair: len(pair[0].template))
        print(f'\n{len(those)} × {kind}')
        # Outputs that differ have nothing in common but that; several are made small and sorted by what they use.
        shown = those[:12] if kind == 'other output' and chosen.shrink else those[:chosen.show]
        seen = set()
        for case, answer in shown:
            if chosen.shrink:
                case = shrink(case, command, kind)
                answer = answers(command, [case.question()])[0]
                uses = features(case.template)
                if uses in seen:
                    continue
                seen.add(uses)
                print(f'  uses: {uses}')
            print('  ' + described(case, answer))


if __name__ == '__main__':
    sys.exit(main())
