"""Asks an engine to render many cases through one process.

The engine reads JSON lines `{"template", "variables", "now"}` on its input and writes one line each: `{"output"}` or
`{"error": {...}}`. An engine that ends, or writes nothing for `limit` seconds, owes an answer for the first case it has
not answered: that case gets `{"crash": what happened}` and a new process takes the rest.
"""
import json
import shlex
import subprocess
import tempfile
import threading


def answers(command, cases, limit=60):
    """One answer for each case, in order."""
    given = []
    # After a death, cases are asked one by one until the one at fault is found.
    careful = 0
    while len(given) < len(cases):
        rest = cases[len(given):]
        if careful > 0:
            rest = rest[:1]
        got, why = _ask(command, rest, limit)
        given += got
        if len(got) == len(rest):
            careful = max(0, careful - 1)
        elif len(rest) == 1:
            given.append({'crash': why})
            careful = 0
        else:
            careful = 200
    return given


def _ask(command, cases, limit):
    with tempfile.TemporaryFile() as complaints:
        engine = subprocess.Popen(
            shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )
        late = threading.Event()

        def stop():
            late.set()
            engine.kill()

        def write():
            try:
                for case in cases:
                    engine.stdin.write(json.dumps(case, ensure_ascii=True).encode() + b'\n')
                engine.stdin.close()
            except (BrokenPipeError, OSError):
                pass

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        got = []
        bad = None
        while len(got) < len(cases):
            watch = threading.Timer(limit, stop)
            watch.start()
            line = engine.stdout.readline()
            watch.cancel()
            if not line.endswith(b'\n'):
                break
            try:
                answer = json.loads(line)
            except ValueError as error:
                bad = f'answered what is not JSON ({error}): {line[:200]!r}'
                break
            if not isinstance(answer, dict) or not ('output' in answer) ^ ('error' in answer):
                bad = f'answered neither output nor error: {line[:200]!r}'
                break
            got.append(answer)
        if len(got) < len(cases):
            if bad is not None:
                engine.kill()
            try:
                engine.wait(10)
            except subprocess.TimeoutExpired:
                engine.kill()
            engine.wait()
            complaints.seek(0)
            tail = complaints.read()[-1500:].decode(errors='replace')
            why = bad or (f'wrote nothing for {limit} s' if late.is_set() else f'ended with code {engine.returncode}')
            engine.stdout.close()
            return got, f'{why}. {tail}'.strip()
        engine.stdout.close()
        writer.join(5)
        engine.wait(10)
        return got, ''
