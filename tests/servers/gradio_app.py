"""One Gradio test server that behaves the same on 4.44, 5.50 and 6.31.

    python gradio_app.py PORT

Apps, each mounted at a path of its own on 127.0.0.1:PORT:
  /suite      every kind of endpoint; real error texts are hidden, as a launched Space hides them
  /chat       a ChatInterface with additional inputs      /interface  an Interface with labelled inputs
  /locked     an app behind Gradio's own login
GET /ran answers {key: steps} for the jobs that log what really ran; GET /waiting how many jobs wait in the queue of
/suite; GET /version the Gradio version.
The queue of /suite holds two waiting jobs and runs one job of `slow` and `hold` at a time.
"""

import asyncio
import collections
import sys
import tempfile
import time
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI

MAJOR = int(gr.__version__.split(".")[0])
WAITING_JOBS = 2
ran: collections.Counter = collections.Counter()
folder = Path(tempfile.mkdtemp(prefix="gradio-app-"))
(folder / "answer é.txt").write_text("a file", encoding="utf-8")
(folder / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>', encoding="utf-8")

UNICODE = "Grüße, 日本語, 👩‍👩‍👧‍👦 and 😀 in\r\nlines\nwith \"quotes\" and \\ slashes"
ZERO_GPU = {
    "quota": ("ZeroGPU quota exceeded", "You have exceeded your free ZeroGPU quota (60s requested vs. 56s left). "
              "Try again in 23:14:07. Authenticate with a Hugging Face token for more quota - see the docs."),
    "queue": ("ZeroGPU queue timeout", "No GPU was available after 60s. Retry later"),
}


def words(text):
    shown = ""
    for word in text.split(" "):
        shown = f"{shown} {word}" if shown else word
        yield shown


def echo(prompt):
    for shown in words(f"You said: {prompt}"):
        yield shown
        time.sleep(0.01)


def rewrite(prompt):
    yield "Draft"
    yield "Draft of an answer"
    yield f"Answer to {prompt}"
    yield f"Answer to {prompt}, done"


def unicode_text(prompt):
    for end in range(1, len(UNICODE) + 1, 3):
        yield UNICODE[:end]
    yield UNICODE


def thousand(prompt):
    shown = ""
    for number in range(1000):
        shown += f"w{number} "
        yield shown


def slow(key, steps=60):
    for step in range(int(steps)):
        ran[key] += 1
        yield f"step {step}"
        time.sleep(0.1)
    ran[f"{key} finished"] += 1


async def hold(key, seconds=6):
    """Not a generator: nothing is sent until it ends."""
    ran[key] += 1
    await asyncio.sleep(float(seconds))
    ran[f"{key} finished"] += 1
    return f"held {key}"


def progress(prompt, report=gr.Progress()):
    for step in range(4):
        report((step, 4), desc="denoise", unit="steps")
        time.sleep(0.2)
    return f"{prompt} in 4 steps"


def log_lines(prompt):
    gr.Info("first the model is loaded")
    gr.Warning("this may take a while")
    time.sleep(0.05)
    return prompt


def titled(title, message):
    return gr.Error(message, title=title) if MAJOR >= 5 else gr.Error(message)


def fail(kind):
    if kind == "late":
        yield "The first"
        yield "The first half"
        time.sleep(0.1)
        raise gr.Error("Ran out of memory")
    if kind == "error":
        raise gr.Error("Nope: \"bad\" input, it's 'wrong'\nsecond line")
    if kind == "silent":
        raise gr.Error()
    if kind in ZERO_GPU:
        raise titled(*ZERO_GPU[kind])
    raise ValueError(f"plain exception {kind}")


def validate(prompt):
    return gr.validate("good" in prompt, "The prompt must contain the word good.")


def same(prompt):
    return prompt


def count(prompt, calls):
    calls = (calls or 0) + 1
    return f"{prompt} #{calls}", calls


def converse(message, history, system_prompt, max_new_tokens, temperature, top_p):
    """Answers with what it was given, as a chat of the version's own format."""
    turns = [] if history is None else list(history)
    seen = f"{len(turns)} earlier; system={system_prompt}; max={max_new_tokens}; t={temperature}; p={top_p}; {message}"
    for shown in words(seen):
        yield turns + [{"role": "user", "content": message}, {"role": "assistant", "content": shown}]


def converse_pairs(message, history):
    pairs = [list(pair) for pair in (history or [])]
    seen = "|".join(f"{user}>{bot}" for user, bot in pairs)
    for shown in words(f"heard {seen} then {message}"):
        yield pairs + [[message, shown]]


def generate(prompt, system, history, max_new_tokens, temperature):
    seen = {"prompt": prompt, "system": system, "history": history, "max": max_new_tokens, "temperature": temperature}
    return {"generated_text": f"{prompt}!", "seen": seen}


def vector(prompt):
    return [len(prompt), prompt.count("a"), 0.5]


def labels(prompt):
    return {"good": 0.9, "bad": 0.1}


def picture(prompt):
    return f"Made {prompt}", str(folder / "dot.svg"), [str(folder / "answer é.txt")]


def partly(prompt):
    """Outputs that are not all given each time."""
    yield gr.update(value="one"), "first"
    yield gr.update(), "second"
    yield gr.update(value="one two"), "third"


def many(text, tone, length, words_at_most, formal, seed, stop):
    return f"{text}|{tone}|{length}|{words_at_most}|{formal}|{seed}|{stop}"


def multimodal(message):
    return f"{message['text']} with {len(message['files'])} files"


def chatbot(**options):
    return gr.Chatbot(**options) if MAJOR >= 6 else gr.Chatbot(type="messages", **options)


def suite():
    with gr.Blocks() as demo:
        box = gr.Textbox(label="Prompt")
        out = gr.Textbox(label="Answer")

        def endpoint(fn, inputs=(box,), outputs=(out,), name=None, **options):
            gr.Button(name or fn.__name__).click(
                fn, list(inputs), list(outputs), api_name=name or fn.__name__, **options
            )

        for fn in (echo, rewrite, thousand, fail, progress, log_lines):
            endpoint(fn)
        endpoint(unicode_text, name="unicode")
        endpoint(slow, (box, gr.Number(value=60, label="Steps")), concurrency_limit=1, concurrency_id="one")
        endpoint(hold, (box, gr.Number(value=6, label="Seconds")), concurrency_limit=1, concurrency_id="one")
        endpoint(same, name="unqueued", queue=False)
        if hasattr(gr, "validate"):
            endpoint(same, name="validated", validator=validate)
        calls = gr.State(0)
        endpoint(count, (box, calls), (out, calls))
        chat = chatbot(label="Chat")
        endpoint(
            converse,
            (
                box,
                chat,
                gr.Textbox(value="Be brief.", label="System prompt"),
                gr.Slider(1, 64, value=32, step=1, label="Max new tokens"),
                gr.Slider(0.1, 2, value=0.7, step=0.1, label="Temperature"),
                gr.Slider(0, 1, value=0.95, label="Top p"),
            ),
            (chat,),
        )
        if MAJOR < 6:
            pairs = gr.Chatbot(label="Pairs", type="tuples")
            endpoint(converse_pairs, (box, pairs), (pairs,))
        endpoint(
            generate,
            (box, gr.Textbox(label="System"), gr.JSON(label="History"), gr.Number(value=8), gr.Number(value=1)),
            (gr.JSON(),),
        )
        endpoint(vector, outputs=(gr.JSON(),))
        endpoint(labels, outputs=(gr.Label(),))
        endpoint(same, outputs=(gr.Markdown(),), name="markdown")
        endpoint(len, outputs=(gr.Number(),), name="length")
        endpoint(picture, outputs=(out, gr.Image(type="filepath"), gr.File(file_count="multiple")))
        endpoint(partly, outputs=(out, gr.Textbox(label="Stage")))
        endpoint(
            many,
            (
                gr.Textbox(label="Text"),
                gr.Dropdown(["plain", "warm"], value="warm", label="Tone"),
                gr.Radio(["short", "long"], value="long", label="Length"),
                gr.Slider(10, 200, value=50, step=10, label="Words at most"),
                gr.Checkbox(value=True, label="Formal"),
                gr.Number(value=7, label="Seed"),
                gr.Textbox(value="END", label="Stop"),
            ),
        )
        endpoint(multimodal, (gr.MultimodalTextbox(label="Message"),))
    return demo.queue(max_size=WAITING_JOBS, default_concurrency_limit=4)


def answer(message, history, system_message, max_tokens, temperature):
    for shown in words(f"{len(history)} earlier; {system_message}; {max_tokens}; {temperature}; {message}"):
        yield shown


def chat_interface():
    options = {} if MAJOR >= 6 else {"type": "messages"}
    return gr.ChatInterface(
        answer,
        additional_inputs=[
            gr.Textbox("You are friendly.", label="System message"),
            gr.Slider(1, 2048, value=512, step=1, label="Max new tokens"),
            gr.Slider(0.1, 4.0, value=0.7, step=0.1, label="Temperature"),
        ],
        **options,
    )


def interface():
    def complete(text, creativity, limit):
        return f"{text}|{creativity}|{limit}"

    return gr.Interface(
        complete,
        [
            gr.Textbox(label="Your question"),
            gr.Slider(0, 1, value=0.5, label="Temperature"),
            gr.Slider(1, 100, value=20, step=1, label="Maximum length"),
        ],
        gr.Textbox(label="Completion"),
    )


app = FastAPI()
suite_demo = suite()


@app.get("/ran")
def what_ran():
    return dict(ran)


@app.get("/waiting")
def waiting():
    return len(suite_demo._queue)


@app.get("/version")
def version():
    return gr.__version__


def mount(demo, path, **options):
    gr.mount_gradio_app(app, demo, path=path, allowed_paths=[str(folder)], **options)


mount(suite_demo, "/suite", show_error=False)
mount(chat_interface(), "/chat")
mount(interface(), "/interface")
mount(interface(), "/locked", auth=("someone", "secret"))

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
