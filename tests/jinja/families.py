"""Our own chat templates (models/templates.json) against the models' templates, both rendered by real Jinja2.

    python families.py            compares; writes nothing
    python families.py --write    writes families.golden.json anew: what an engine must make of our templates
    python families.py --against COMMAND    also renders ours by an engine (engine_process.py); may stand there again

Every family that has a template in `shared/fixtures/chat-templates` beside the project (or in --templates FOLDER) is
compared with it, text for text, on every conversation below. Where ours is meant to differ, PEERS says how and
why: each changes what the model's template gives into what ours is to give (None: the two are not
comparable there), and must change something in some conversation.
The last line is `N passed, N failed`.
"""
import argparse
import json
import platform
import sys
from pathlib import Path

import jinja2

from engine_process import answers
from environment import NOW, render

HERE = Path(__file__).resolve().parent
FILE = HERE / 'families.golden.json'
FIXTURES = HERE.parents[2] / 'shared' / 'fixtures' / 'chat-templates'
FAMILIES = json.loads((HERE.parents[1] / 'models' / 'templates.json').read_text(encoding='utf-8'))['families']


def said(role, content, **more):
    return {'role': role, 'content': content, **more}


def tool(name, properties):
    parameters = {'type': 'object', 'properties': properties, 'required': list(properties)}
    return {'type': 'function', 'function': {'name': name, 'description': f'Gives the {name} of a place.', 'parameters': parameters}}


def call(name, number, **arguments):
    return {'id': f'call{number:05}', 'type': 'function', 'function': {'name': name, 'arguments': arguments}}


def result(content, number):
    return said('tool', content, tool_call_id=f'call{number:05}')


TOOLS = [
    tool('weather', {'place': {'type': 'string', 'description': 'A city: Zürich, 東京'}, 'days': {'type': 'integer'}}),
    tool('time', {'place': {'type': 'string'}}),
]
SYSTEM = said('system', 'Answer in one sentence.')
TURNS = [
    said('user', 'What is a glacier?'),
    said('assistant', 'A river of ice.'),
    said('user', 'And a fjord?'),
]
SPACES = [said('user', '  two blanks before\n\n'), said('assistant', '\ttabs and a line end\n'), said('user', ' a  b ')]
UNICODE = [
    said('user', 'e\u0301 é 👩‍👩‍👧 𝔘 東京 עברית हिन्दी'),
    said('assistant', 'Grüße – “naïve” 🇨🇭 {{ braces }} {% raw %}'),
    said('user', '\u3000full width\u00a0\u2028'),
]
LAST = said('assistant', 'A drowned valley.')
ONE_CALL = [
    said('user', 'Weather in Paris?'),
    said('assistant', None, tool_calls=[call('weather', 1, place='Paris', days=2)]),
    result('22 °C', 1),
]
TWO_CALLS = [
    said('user', 'Weather and time in 東京?'),
    said('assistant', None, tool_calls=[call('weather', 1, place='東京', days=1), call('time', 2, place='東京')]),
    result('"rain" & <wind>', 1),
    result('09:30', 2),
]
DONE = said('assistant', 'It rains there.')

TEXTS = {
    'one question': TURNS[:1],
    'system and question': [SYSTEM, TURNS[0]],
    'several turns': TURNS,
    'system and several turns': [SYSTEM, *TURNS],
    'the same question twice': [SYSTEM, TURNS[0], TURNS[1], TURNS[0]],
    'a complete conversation': [*TURNS, LAST],
    'a complete conversation with a system message': [SYSTEM, *TURNS, LAST],
    'white space': SPACES,
    'white space with a system message': [said('system', '  mind the\n gap  \n'), *SPACES],
    'unicode': UNICODE,
    'unicode with a system message': [said('system', 'Réponds en français 🙂'), *UNICODE],
    'an empty message': [said('user', ''), said('assistant', ''), said('user', 'Still there?')],
    'an empty system message': [said('system', ''), *TURNS],
    'a thought': [TURNS[0], said('assistant', '<think>\nIce?\n</think>\n\nA river of ice.'), TURNS[2]],
}
WITH_TOOLS = {
    'tools': [TURNS[0]],
    'tools and a system message': [SYSTEM, *TURNS],
    'a call and its result': [SYSTEM, *ONE_CALL],
    'a call, its result and the reply': [*ONE_CALL, DONE],
    'a call with words before it': [ONE_CALL[0], {**ONE_CALL[1], 'content': 'Let me see.'}, ONE_CALL[2], DONE, TURNS[2]],
    'two calls and their results': TWO_CALLS,
    'two calls, their results and more': [SYSTEM, *TWO_CALLS, DONE, TURNS[0]],
}


def conversations(family):
    """name -> variables: every text with and without the generation prompt, and tools where the family has them."""
    tables = [(TEXTS, {})]
    if family['tools'] == 'own':
        tables.append((WITH_TOOLS, {'tools': TOOLS}))
    made = {}
    for table, more in tables:
        for name, messages in table.items():
            for prompt in (True, False):
                title = name if prompt else f'{name}, no generation prompt'
                if family['system'] == 'folded':
                    messages = folded(messages)
                made[title] = {'messages': messages, 'add_generation_prompt': prompt, **more}
    return made


def folded(messages):
    """The system text before the first user message, as the core does it for models without a system role."""
    if messages[0]['role'] != 'system':
        return messages
    system, first, *rest = messages
    content = '\n\n'.join(part for part in (system['content'], first['content']) if part)
    return [{**first, 'content': content}, *rest]


def with_tokens(family, variables):
    return {**variables, 'bos_token': family['bos'], 'eos_token': family['eos']}


def roles(variables):
    return [message['role'] for message in variables['messages']]


def has_system(variables):
    return roles(variables)[0] == 'system'


def has_tools(variables):
    return 'tools' in variables


def without(*passages):
    def change(text, variables):
        for passage in passages:
            text = text.replace(passage, '', 1)
        return text

    return change


def swapped(old, new):
    return lambda text, variables: text.replace(old, new)


def not_compared(text, variables):
    return None


def always(variables):
    return True


QWEN = 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.'
EMPTY_LLAMA = '<|start_header_id|>system<|end_header_id|>\n\n<|eot_id|>'
CALLS_END = '<｜tool▁calls▁end｜><｜end▁of▁sentence｜>'


def after_preambles(text, variables):
    """Command R+'s system turn without the preambles around the system message, and without the closing instruction."""
    end = '<|END_OF_TURN_TOKEN|>'
    head, system = '<BOS_TOKEN>', ''
    if has_system(variables):
        content = variables['messages'][0]['content'].strip()
        system = f'<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{content}{end}'
    turns = text[text.index(end) + len(end) :]
    start = turns.rindex("<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Write 'Action:'")
    return head + system + turns[:start] + turns[turns.index(end, start) + len(end) :]


def with_system_in_last_question(text, variables):
    """Mistral's template puts the system message into the last message, and only if that is the user's."""
    at = text.rindex('[INST]') + len('[INST]')
    return text[:at] + variables['messages'][0]['content'] + '\n\n' + text[at:]


LLAMA_DATE = {'date_string': '26 Jul 2024'}
LLAMA_DIFFERENCES = [
    (
        lambda v: not has_system(v) and not has_tools(v),
        without(EMPTY_LLAMA),
        'Ours writes no empty system message.',
    ),
    (
        lambda v: any(len(m.get('tool_calls', [])) > 1 for m in v['messages']),
        not_compared,
        'Theirs refuses several calls in one message; ours writes one message for each.',
    ),
]
# Family, the model's template, variables ours gets, variables theirs gets, and where they differ: (when, change, why).
PEERS = [
    (
        'chatml',
        'Qwen-Qwen2.5-7B-Instruct.jinja',
        {},
        {},
        [
            (
                lambda v: not has_system(v) and not has_tools(v),
                without(f'<|im_start|>system\n{QWEN}<|im_end|>\n'),
                'No template of ours adds a system text.',
            ),
            (
                lambda v: not has_system(v) and has_tools(v),
                without(f'{QWEN}\n\n'),
                'No template of ours adds a system text; the tools are declared all the same.',
            ),
        ],
    ),
    ('llama-3', 'meta-llama-Llama-3.1-8B-Instruct.jinja', LLAMA_DATE, {}, LLAMA_DIFFERENCES[1:]),
    ('llama-3', 'meta-llama-Llama-3.2-3B-Instruct.jinja', LLAMA_DATE, LLAMA_DATE, LLAMA_DIFFERENCES[1:]),
    ('llama-3', 'meta-llama-Llama-3.3-70B-Instruct.jinja', LLAMA_DATE, {}, LLAMA_DIFFERENCES[1:]),
    (
        'llama-3',
        'meta-llama-Llama-3.1-8B-Instruct.jinja',
        {},
        LLAMA_DATE,
        [
            (
                always,
                without('Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n'),
                'Without date_string ours writes no dates, as Llama 3 did.',
            ),
            *LLAMA_DIFFERENCES,
        ],
    ),
    (
        'mistral',
        'mistralai-Mistral-Nemo-Instruct-2407.jinja',
        {},
        {},
        [
            (
                lambda v: has_system(v) and roles(v)[-1] != 'user',
                with_system_in_last_question,
                'Theirs loses the system message when the user has not the last word; ours keeps it.',
            ),
            (
                lambda v: v['messages'][0] == said('system', ''),
                swapped('[INST]\n\n', '[INST]'),
                'Ours writes nothing of an empty system message.',
            ),
        ],
    ),
    ('gemma', 'google-gemma-2-2b-it.jinja', {}, {}, []),
    ('phi-3', 'microsoft-Phi-3.5-mini-instruct.jinja', {}, {}, []),
    *(
        (
            'deepseek',
            f'deepseek-ai-DeepSeek-R1-Distill-{model}.jinja',
            {'enable_thinking': True, 'tools': None},
            {},
            [
                (
                    lambda v: any(m.get('tool_calls') and m['content'] for m in v['messages']),
                    not_compared,
                    'Theirs loses the calls of a message that has words too.',
                ),
                (
                    lambda v: sum(len(m.get('tool_calls', [])) for m in v['messages']) == 1,
                    lambda text, variables: text.replace('<｜tool▁call▁end｜>', '<｜tool▁call▁end｜>' + CALLS_END, 1),
                    'Theirs ends a list of calls only after the second; ours always.',
                ),
            ],
        )
        for model in ('Llama-8B', 'Qwen-32B')
    ),
    (
        'command-r',
        'CohereForAI-c4ai-command-r-plus-tool_use.jinja',
        {},
        {'tools': []},
        [(always, after_preambles, 'Theirs writes preambles and instructions for tools around every conversation.')],
    ),
]


def for_deepseek(variables):
    """Its template joins the arguments of calls as text."""
    messages = json.loads(json.dumps(variables['messages']))
    for message in messages:
        for one in message.get('tool_calls', []):
            one['function']['arguments'] = json.dumps(one['function']['arguments'], ensure_ascii=False)
    return {**variables, 'messages': messages}


def without_nones(variables):
    """What is not there, for templates that would print None; DeepSeek's asks for None."""
    messages = [{k: v for k, v in m.items() if v is not None} for m in variables['messages']]
    return {**variables, 'messages': messages}


def compare(templates):
    wrong, passed, apart = [], 0, 0
    for name, fixture, ours_more, theirs_more, differences in PEERS:
        if fixture not in templates:
            print(f'{fixture} is not there: {name} is not compared with it.')
            continue
        family, used = FAMILIES[name], [False] * len(differences)
        for title, variables in conversations(family).items():
            variables = with_tokens(family, variables)
            ours = render(family['template'], {**variables, **ours_more})
            theirs_given = for_deepseek(variables) if name == 'deepseek' else without_nones(variables)
            theirs = render(templates[fixture], {**theirs_given, **theirs_more})
            expected = theirs.get('output')
            for i, (when, change, _) in enumerate(differences):
                if not when(variables) or (expected is None and change is not not_compared):
                    continue
                changed = change(expected, variables)
                used[i] = used[i] or (ours.get('output') if changed is None else changed) != expected
                expected = changed
                if changed is None:
                    break
            else:
                if expected is None or ours != {'output': expected}:
                    wrong.append(f'{name} against {fixture}, {title}:\n  ours   {ours}\n  theirs {theirs if expected is None else expected!r}')
                else:
                    passed += 1
                continue
            apart += 1
        wrong += [f'{name} against {fixture}: not needed: {why}' for (_, _, why), needed in zip(differences, used) if not needed]
    return passed, apart, wrong


def goldens():
    """Of every family: what real Jinja2 makes of its template. Conversations are kept once for each way to fold them."""
    made = {'python': platform.python_version(), 'jinja2': jinja2.__version__, 'now': NOW, 'conversations': {}, 'families': {}}
    for name, family in FAMILIES.items():
        outputs = {}
        for title, variables in conversations(family).items():
            kept = title + (', system folded' if folds(family, title) else '')
            made['conversations'][kept] = variables
            answer = render(family['template'], with_tokens(family, variables))
            outputs[kept] = answer['output']
        made['families'][name] = outputs
    return made


def folds(family, title):
    return family['system'] == 'folded' and conversations({**family, 'system': 'own'})[title] != conversations(family)[title]


def compare_engine(command):
    """What the engine makes of our templates that real Jinja2 does not."""
    asked = [
        (f'{name}, {title}', {'template': family['template'], 'variables': with_tokens(family, variables), 'now': NOW})
        for name, family in FAMILIES.items()
        for title, variables in conversations(family).items()
    ]
    wrong = []
    for (title, case), answer in zip(asked, answers(command, [case for _, case in asked])):
        expected = render(case['template'], case['variables'])
        if answer != expected:
            wrong.append(f'{command}, {title}:\n  expected {expected}\n  got      {answer}')
    return len(asked) - len(wrong), wrong


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--write', action='store_true', help='write families.golden.json anew')
    options.add_argument('--templates', type=Path, default=FIXTURES, help='folder of *.jinja files')
    options.add_argument('--against', action='append', default=[], metavar='COMMAND', help='an engine to compare as well')
    options.add_argument('--show', type=int, default=10, help='how many mismatches to print')
    chosen = options.parse_args()

    made = goldens()
    if chosen.write:
        FILE.write_text(json.dumps(made, ensure_ascii=False, indent=1) + '\n', encoding='utf-8')
        print(f'Wrote {FILE.name}: {sum(map(len, made["families"].values()))} prompts of {len(FAMILIES)} families.')
    kept = json.loads(FILE.read_text(encoding='utf-8'))
    wrong = []
    for part in ('conversations', 'families'):
        if kept[part] != made[part]:
            wrong.append(f'{FILE.name}: its {part} are not what Jinja2 {jinja2.__version__} and models/templates.json give')
    passed = 2 - len(wrong)

    templates = {file.name: file.read_bytes().decode() for file in sorted(chosen.templates.glob('*.jinja'))}
    if templates:
        equal, apart, unequal = compare(templates)
        passed += equal
        wrong += unequal
        print(f'{equal} prompts equal those of the models\' templates; {apart} are not comparable, as PEERS says.')
    else:
        print(f'Skipped: there are no chat templates at {chosen.templates}.')
    for command in chosen.against:
        equal, unequal = compare_engine(command)
        print(f'{command}: {equal} of our prompts are as Jinja2 makes them.')
        passed += equal
        wrong += unequal
    for line in wrong[: chosen.show]:
        print(line)
    print(f'{passed} passed, {len(wrong)} failed')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
