"""The Space with MODEL_ID set, on a real `transformers` model: a tiny one with random weights, made here.

What it says is noise; that it streams, keeps to the limits, follows the chat template and stops is what is tested.
Needs requirements-model.txt installed besides Gradio; without it the tests are skipped.
"""

import asyncio
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

SPACE = Path(__file__).resolve().parents[2] / "models" / "space"
sys.path.insert(0, str(SPACE))

try:
    import tokenizers
    import torch
    import transformers
except ImportError as missing:
    raise unittest.SkipTest(f"{missing.name} is not installed (models/space/requirements-model.txt)") from None

from answering import Answering, Outcome  # noqa: E402
from limits import InputError, Request, Turn  # noqa: E402
from model import ModelAnswerer  # noqa: E402
from settings import Settings  # noqa: E402

TEMPLATE = "{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}{% if add_generation_prompt %}assistant {% endif %}"
ROOM = 2048


def make_model(folder: str) -> None:
    words = ["[UNK]", "[EOS]", "user", "assistant", "system", *(f"word{number}" for number in range(200))]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", eos_token="[EOS]")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(7)
    config = transformers.GPT2Config(
        vocab_size=len(words), n_positions=ROOM, n_embd=32, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=None
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)


class Model(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        make_model(cls.folder.name)
        cls.answerer = ModelAnswerer(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_parts(self, request):
        outcome = Outcome()

        async def collect():
            answering = Answering(Settings(concurrency=1), self.answerer)
            return [part async for part in answering.parts(request, "test", outcome)]

        return asyncio.run(collect()), outcome

    def test_streams_and_keeps_to_the_length(self):
        parts, outcome = self.run_parts(Request("word1 word2", max_new_tokens=40))
        self.assertGreater(len(parts), 5)
        self.assertEqual(outcome.tokens, 40)
        self.assertEqual(outcome.finish_reason, "length")

    def test_temperature_zero_repeats_itself(self):
        request = Request("word1 word2", max_new_tokens=20, temperature=0)
        self.assertEqual(self.run_parts(request)[0], self.run_parts(request)[0])

    def test_chat_template(self):
        history = (Turn("user", "word3"), Turn("assistant", "word4"))
        inputs = self.answerer._inputs(Request("word1", "word2", history))
        text = self.answerer._tokenizer.decode(inputs["input_ids"][0])
        self.assertEqual(text, "system word2 user word3 assistant word4 user word1 assistant")

    def test_too_long_for_the_model(self):
        with self.assertRaisesRegex(InputError, "the model holds 2,048"):
            self.run_parts(Request("word1 " * 2000, max_new_tokens=100))

    def test_closing_stops_the_thread(self):
        before = threading.active_count()

        async def take_two():
            outcome = Outcome()
            answering = Answering(Settings(concurrency=1), self.answerer)
            parts = answering.parts(Request("word1", max_new_tokens=1900), "test", outcome)
            await anext(parts)
            await anext(parts)
            started = time.monotonic()
            await parts.aclose()
            return outcome, time.monotonic() - started, answering.running

        outcome, seconds, running = asyncio.run(take_two())
        self.assertLess(outcome.tokens, 200)
        self.assertLess(seconds, 1)
        self.assertEqual(running, 0)
        self.assertLessEqual(threading.active_count(), before)

    def test_cancelling_the_task_stops_the_thread(self):
        async def cancelled():
            outcome = Outcome()
            answering = Answering(Settings(concurrency=1), self.answerer)

            async def read():
                async for _ in answering.parts(Request("word1", max_new_tokens=1900), "test", outcome):
                    pass

            task = asyncio.create_task(read())
            while outcome.tokens < 3:
                await asyncio.sleep(0.005)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            return outcome.tokens, answering.running

        tokens, running = asyncio.run(cancelled())
        self.assertLess(tokens, 400)
        self.assertEqual(running, 0)


if __name__ == "__main__":
    unittest.main()
