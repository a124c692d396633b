"""What real Jinja2 makes of real chat templates, and whether an engine makes the same of them.

    python goldens.py                     writes goldens.json anew
    python goldens.py --check             is what live Jinja2 gives still what goldens.json says?
    python goldens.py --against COMMAND   does the engine give what goldens.json says? (may be given several times)

The templates are read from `shared/fixtures/chat-templates` beside the project, or --templates FOLDER; without them the
run is skipped and says so. A result is the output itself when it is short, else its SHA-256 (of its UTF-8) and its
length in code points; or the error, whose words the engine need not repeat. The last line is `N passed, N failed`.
"""
import argparse
import hashlib
import json
import platform
import sys
from pathlib import Path

import jinja2

from conversations import CONVERSATIONS
from engine_process import answers
from environment import NOW, render

HERE = Path(__file__).resolve().parent
FILE = HERE / 'goldens.json'
TEMPLATES = HERE.parents[2] / 'shared' / 'fixtures' / 'chat-templates'
SHORT = 280  # code points


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--check', action='store_true', help='compare goldens.json with live Jinja2')
    options.add_argument('--against', metavar='COMMAND', action='append', help='compare an engine with goldens.json')
    options.add_argument('--templates', type=Path, default=TEMPLATES, help='folder of *.jinja files')
    options.add_argument('--show', type=int, default=10, help='how many mismatches to print')
    chosen = options.parse_args()

    templates = {file.name: file.read_bytes().decode() for file in sorted(chosen.templates.glob('*.jinja'))}
    if not templates:
        print(f'Skipped: there are no chat templates at {chosen.templates}.')
        print('0 passed, 0 failed')
        return 0
    if chosen.against is not None:
        return compare_engines(templates, chosen.against, chosen.show)
    made = goldens(templates)
    if chosen.check:
        return compare_files(made, chosen.show)
    write(made)
    results = [result for template in made['templates'].values() for result in template['results'].values()]
    refused = sum(isinstance(result, dict) and 'error' in result for result in results)
    print(f'Wrote {FILE.name}: {len(results)} results, {refused} of them errors, {FILE.stat().st_size} bytes.')
    return 0


def goldens(templates):
    return {
        'python': platform.python_version(),
        'jinja2': jinja2.__version__,
        'now': NOW,
        'templates': {
            name: {
                'sha256': sha256(source),
                'results': {title: digest(render(source, variables)) for title, variables in CONVERSATIONS.items()},
            }
            for name, source in templates.items()
        },
    }


def digest(answer):
    if 'error' in answer:
        return {'error': answer['error']}
    output = answer['output']
    return output if len(output) <= SHORT else {'sha256': sha256(output), 'length': len(output)}


def write(made):
    """One line for each result, so that a change shows as what it is."""
    lines = []
    for name, template in made['templates'].items():
        results = ',\n'.join(f'      {text(title)}: {text(result)}' for title, result in template['results'].items())
        lines.append(f'    {text(name)}: {{\n      "sha256": {text(template["sha256"])},\n      "results": {{\n{results}\n      }}\n    }}')
    head = ''.join(f'  {text(key)}: {text(made[key])},\n' for key in ('python', 'jinja2', 'now'))
    FILE.write_text(f'{{\n{head}  "templates": {{\n' + ',\n'.join(lines) + '\n  }\n}\n', encoding='utf-8')


def compare_files(made, show):
    """The words of an error may differ between versions of Python; that it is one may not."""
    kept = json.loads(FILE.read_text(encoding='utf-8'))
    passed, wrong = 0, []
    for name, template in made['templates'].items():
        old = kept['templates'].get(name, {'sha256': None, 'results': {}})
        if old['sha256'] != template['sha256']:
            wrong.append(f'{name}: the template is not the one goldens.json was made of')
        for title, result in template['results'].items():
            if without_words(old['results'].get(title)) == without_words(result):
                passed += 1
            else:
                wrong.append(f'{name} / {title}: expected {text(old["results"].get(title))}, Jinja2 gives {text(result)}')
    for line in wrong[:show]:
        print(line)
    print(f'goldens.json: made by Python {kept["python"]}, Jinja2 {kept["jinja2"]}; checked with Python {made["python"]}, Jinja2 {made["jinja2"]}')
    return tell(passed, len(wrong))


def compare_engines(templates, commands, show):
    kept = json.loads(FILE.read_text(encoding='utf-8'))
    asked = [
        (name, title)
        for name, template in kept['templates'].items()
        if name in templates and sha256(templates[name]) == template['sha256']
        for title in template['results']
        if title in CONVERSATIONS
    ]
    count = sum(len(template['results']) for template in kept['templates'].values())
    if len(asked) < count:
        print(f'{count - len(asked)} of {count} results belong to templates or conversations that are not here.')
    cases = [
        {'template': templates[name], 'variables': CONVERSATIONS[title], 'now': kept['now']} for name, title in asked
    ]
    passed = 0
    for command in commands:
        right, shown = 0, 0
        for (name, title), case, answer in zip(asked, cases, answers(command, cases)):
            expected = kept['templates'][name]['results'][title]
            if 'crash' not in answer and without_words(digest(answer)) == without_words(expected):
                right += 1
                continue
            if shown < show:
                shown += 1
                print(f'{name} / {title}: {difference(render(case["template"], case["variables"], kept["now"]), answer)}')
        print(f'{command}: {right} of {count} agree')
        passed += right
    return tell(passed, count * len(commands) - passed)


def difference(expected, got):
    """The first place where two answers differ, with what stands around it."""
    if 'output' not in expected or 'output' not in got:
        return f'\n  expected {text(expected)[:600]}\n  got      {text(got)[:600]}'
    a, b = expected['output'], got['output']
    at = next((i for i in range(min(len(a), len(b))) if a[i] != b[i]), min(len(a), len(b)))
    start = max(0, at - 60)
    return (
        f'first difference at code point {at} of {len(a)} (got {len(b)})\n'
        f'  expected …{text(a[start:at + 60])}\n  got      …{text(b[start:at + 60])}'
    )


def without_words(result):
    return 'error' if isinstance(result, dict) and 'error' in result else result


def tell(passed, failed):
    print(f'{passed} passed, {failed} failed')
    return 0 if failed == 0 and passed > 0 else 1


def sha256(content):
    return hashlib.sha256(content.encode('utf-8', 'surrogatepass')).hexdigest()


def text(value):
    return json.dumps(value, ensure_ascii=False)


if __name__ == '__main__':
    sys.exit(main())
