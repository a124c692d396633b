"""The Jinja2 environment chat templates are written for, built as the `transformers` library builds it.

`environment(now)` gives an ImmutableSandboxedEnvironment with trim_blocks and lstrip_blocks, break and continue, the
`generation` block (renders its body), a `tojson` that escapes no HTML, `raise_exception` and `strftime_now`.
`now` is milliseconds since 1970; `strftime_now` formats it in UTC. `render` gives {"output"} or {"error"} as the engine
under test does; every exception Python raises while it compiles or renders is an error.
"""
import functools
import json
from datetime import datetime, timezone

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = 1753531200000  # 2025-07-26 12:00:00 UTC


class Generation(jinja2.ext.Extension):
    """`{% generation %}...{% endgeneration %}`: marks what the assistant wrote; the text stays as it is."""

    tags = {'generation'}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(['name:endgeneration'], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method('_body'), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def build(now, base=ImmutableSandboxedEnvironment):
    """A new environment; `base` may be a subclass that watches what templates do."""
    moment = datetime.fromtimestamp(now / 1000, timezone.utc).replace(tzinfo=None)
    made = base(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    made.filters['tojson'] = tojson
    made.globals['raise_exception'] = raise_exception
    made.globals['strftime_now'] = lambda format: moment.strftime(format)
    return made


@functools.cache
def environment(now=NOW):
    return build(now)


def render(template, variables, now=NOW, using=None):
    try:
        compiled = (using or environment(now)).from_string(template)
        return {'output': compiled.render(**variables)}
    except Exception as error:  # Whatever Python raises, the engine must refuse the template too.
        return {'error': f'{type(error).__name__}: {error}'}
