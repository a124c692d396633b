"""The Space of models/space: what it finds, what it refuses, and how it answers over real HTTP.

Needs Gradio only: `node scripts/test-space.mjs` makes the environment and runs this. The servers are the Space's app in
threads of this process, on free loopback ports; the client side is http.client, so that nothing is hidden.
"""

import http.client
import json
import logging
import socket
import sys
import threading
import time
import unittest
from dataclasses import replace
from pathlib import Path

SPACE = Path(__file__).resolve().parents[2] / "models" / "space"
sys.path.insert(0, str(SPACE))

import uvicorn  # noqa: E402

import app as space  # noqa: E402
import retrieval  # noqa: E402
from limits import InputError, Request, Turn, checked  # noqa: E402
from passages import compose, tokens_in  # noqa: E402
from settings import Settings, SettingsError, settings_from_env  # noqa: E402

KEY = "a-key-for-the-tests"
SECRET_PROMPT = "zanzibar-prompt-that-must-not-be-logged"

# (folder, question, heading of the section that must come first)
QUESTIONS = [
    ("base", "What is Tierwise?", "What is Tierwise?"),
    ("base", "tell me what tierwize is", "What is Tierwise?"),
    ("base", "Hello, what is Tierwise?", "What is Tierwise?"),
    ("base", "How does it decide which tier answers?", "How does Tierwise decide which tier answers?"),
    ("base", "how are requests routed to a tier", "How does Tierwise decide which tier answers?"),
    ("base", "Does it work offline?", "Does it work offline?"),
    ("base", "what if I lose my internet connection", "Does it work offline?"),
    ("base", "Is my token safe?", "Is my token safe?"),
    ("base", "could somebody leak my API key", "Is my token safe?"),
    ("base", "who can read what I type", "Who sees my prompts?"),
    ("base", "is my data private", "Who sees my prompts?"),
    ("base", "how much does it cost?", "What does it cost?"),
    ("base", "thanks, and what does it cost?", "What does it cost?"),
    ("base", "can I use it in next.js", "How do I use it with React?"),
    ("base", "how do I install it", "How do I install and start it?"),
    ("base", "my space is aslep", "What happens when a Space is asleep?"),
    ("base", "cold start is slow", "What happens when a Space is asleep?"),
    ("base", "CORS error failed to fetch", "What do I do when nothing works?"),
    ("base", "what happens on a 429 rate limit", "What happens when a request fails?"),
    ("base", "can another user see my cached answers", "Can one user see another user's cached answers?"),
    ("base", "how do I clear the cache", "How do I clear or delete cached answers?"),
    ("base", "does it support openai?", "Can it fall back to OpenAI or another provider?"),
    ("base", "does it match paraphrased questions", "Does it match similar questions?"),
    ("base", "how do I make my own space with MODEL_ID", "How do I set up my own Space?"),
    ("base", "hi", "Hello"),
    ("base", "Good morning!", "Hello"),
    ("base", "thank you very much", "Thank you"),
    ("base", "What can you do?", "What can you do?"),
    ("base", "are you an AI model?", "Who are you?"),
    ("company", "What is your refund policy?", "What is the refund policy?"),
    ("company", "customer wants money back after two months", "What is the refund policy?"),
    ("company", "when can I call you on Saturday", "When is support open?"),
    ("company", "price of the Team plan", "What do the plans cost?"),
    ("company", "what does Brightwell Pay do", "What products do we offer?"),
    ("company", "how many vacation days do I have", "How much holiday do I get?"),
    ("company", "first day at work", "What happens in my first week?"),
    ("company", "onboarding a new customer", "How is a new customer onboarded?"),
    ("company", "can I work from Spain", "Can I work from home?"),
    ("company", "hello", "Hello"),
    ("abstraction", "why are customers leaving", "Why do customers leave?"),
    ("abstraction", "how do I reduce churn", "How can churn be reduced?"),
    ("abstraction", "should I offer freemium", "Free trial or free plan?"),
    ("abstraction", "how many pricing tiers should I have", "How many plans should there be?"),
    ("abstraction", "what makes onboarding good", "What does good onboarding look like?"),
    ("abstraction", "which metrics matter", "Which numbers should a small business watch?"),
    ("abstraction", "how to validate a startup idea", "How does one test an idea cheaply?"),
    ("abstraction", "a customer complains about an outage", "How should mistakes be handled?"),
]

UNANSWERABLE = [
    ("base", "What is the capital of France?"),
    ("base", "How do I bake bread?"),
    ("base", "Write a poem about the sea"),
    ("base", "Who won the world cup?"),
    ("base", "asdf qwer"),
    ("base", "???"),
    ("company", "what is quantum physics"),
    ("company", "who is the CEO?"),
    ("abstraction", "how do I fix my bicycle"),
]

# (folder, earlier question, follow-up, heading)
FOLLOW_UPS = [
    ("base", "Is my token safe?", "Why?", "Is my token safe?"),
    ("base", "What is a Hugging Face Space?", "And how do I make one?", "How do I set up my own Space?"),
    ("company", "What is the refund policy?", "and after that?", "What is the refund policy?"),
    ("abstraction", "Why do customers leave?", "How can that be reduced?", "How can churn be reduced?"),
]

REFUSED = [
    ({"prompt": ""}, 400, "empty"),
    ({"prompt": " \n"}, 400, "empty"),
    ({"prompt": 7}, 400, "text, not a number"),
    ({"prompt": "x" * 16_001}, 413, "16,001 characters"),
    ({"prompt": "a", "history": [{"role": "user", "content": "x" * 16_000}]}, 413, "history together"),
    ({"prompt": "a", "max_new_tokens": 0}, 400, "from 1 to 1024"),
    ({"prompt": "a", "max_new_tokens": 1025}, 400, "from 1 to 1024"),
    ({"prompt": "a", "max_new_tokens": 1.5}, 400, "whole number"),
    ({"prompt": "a", "max_new_tokens": "9"}, 400, "number, not text"),
    ({"prompt": "a", "max_new_tokens": True}, 400, "true or false"),
    ({"prompt": "a", "temperature": -0.1}, 400, "from 0 to 2"),
    ({"prompt": "a", "temperature": 2.1}, 400, "from 0 to 2"),
    ({"prompt": "a", "temperature": float("nan")}, 400, "ordinary number"),
    ({"prompt": "a", "max_new_tokens": 10**400}, 400, "ordinary number"),
    ({"prompt": "a", "system": []}, 400, "text, not a list"),
    ({"prompt": "a", "history": 3}, 400, "list of messages"),
    ({"prompt": "a", "history": [{"role": "robot", "content": "x"}]}, 400, "message 1"),
    ({"prompt": "a", "history": "[{"}, 400, "cannot be read as JSON"),
    ({"prompt": "a", "history": "no role here"}, 400, "lines such as"),
    ({"prompt": "a", "history": [["q", "a"]] * 101}, 413, "202 messages"),
]


class LogLines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record):
        self.lines.append(record.getMessage())


class Served:
    """The app on a free port, in a thread."""

    def __init__(self, settings: Settings):
        config = uvicorn.Config(space.create_app(settings), log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self):
        self._server.should_exit = True
        self._thread.join(10)

    def call(self, method, path, body=None, headers=None):
        """Status, headers and body, as text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            raw = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, path, raw, {"Content-Type": "application/json", **(headers or {})})
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read().decode()
        finally:
            connection.close()

    def post(self, path, body, headers=None):
        status, _, text = self.call("POST", path, body, headers)
        return status, json.loads(text)

    def health(self):
        return json.loads(self.call("GET", "/health")[2])

    def opened(self, method, path, body=None, headers=None):
        """A connection whose reply has begun."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
        return connection, connection.getresponse()

    def join(self, data, session, headers=None):
        """The queue wants a value for every input: what is not given is as `/info` says."""
        data = [*data, *("", "", None, 512, 0.7)[len(data) :]]
        return self.post(
            "/gradio_api/queue/join",
            {"data": data, "event_data": None, "fn_index": self.fn_index(), "trigger_id": None, "session_hash": session},
            headers,
        )

    def fn_index(self):
        config = json.loads(self.call("GET", "/config")[2])
        return next(one["id"] for one in config["dependencies"] if one["api_name"] == "generate")

    def messages(self, session):
        _, _, text = self.call("GET", f"/gradio_api/queue/data?session_hash={session}")
        return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]


def events(text):
    return [json.loads(block[5:]) for block in text.split("\n\n") if block.startswith("data:")]


def eventually(check, seconds=3.0):
    """True as soon as `check` is, false when it never was in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.02)
    return False


class Retrieval(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folders = ("base", "company", "abstraction")
        cls.known = {name: retrieval.Knowledge.from_folder(SPACE / "knowledge" / name) for name in folders}

    def found(self, folder, question, earlier=()):
        return [each for each in self.known[folder].search(question, earlier) if each.coverage >= retrieval.COVERAGE]

    def test_questions_find_their_section(self):
        for folder, question, heading in QUESTIONS:
            with self.subTest(folder=folder, question=question):
                found = self.found(folder, question)
                self.assertTrue(found, "nothing found")
                self.assertEqual(found[0].section.heading, heading)

    def test_every_section_is_found_by_its_own_heading(self):
        for folder, knowledge in self.known.items():
            for section in knowledge.sections:
                with self.subTest(folder=folder, heading=section.heading):
                    self.assertEqual(self.found(folder, section.heading)[0].section, section)

    def test_unanswerable_questions_find_nothing_and_say_what_is_known(self):
        for folder, question in UNANSWERABLE:
            with self.subTest(question=question):
                answer = compose(self.known[folder], Request(question))
                self.assertIn("I found nothing about that", answer)
                self.assertIn(f"- {self.known[folder].sections[0].title}:", answer)

    def test_follow_ups_use_the_history(self):
        for folder, earlier, question, heading in FOLLOW_UPS:
            with self.subTest(question=question):
                self.assertEqual(self.found(folder, question, (earlier,))[0].section.heading, heading)

    def test_answers_quote_the_file_and_cite_it(self):
        for folder, question, heading in QUESTIONS:
            with self.subTest(question=question):
                answer = compose(self.known[folder], Request(question))
                section = next(one for one in self.known[folder].sections if one.heading == heading)
                self.assertIn(f"[1] {section.file}, section “{heading}”", answer)
                self.assertIn("no language model wrote it", answer)
                quoted = answer.split("Source")[0].replace("> ", "").split(" [1]")[0].split("\n\n")[0].strip()
                self.assertIn(quoted.split("\n")[0], section.text)

    def test_short_answers_keep_their_source(self):
        for most in (60, 90, 150, 300, 1024):
            with self.subTest(most=most):
                answer = compose(self.known["base"], Request("What is Tierwise?", max_new_tokens=most))
                self.assertLessEqual(tokens_in(answer), most)
                self.assertIn("01-tierwise.md", answer)

    def test_parsing(self):
        text = "intro\n# Title\n\n## One\n<!-- asked: a b; c -->\nText.\n\n```\n## not a heading\n```\n## Empty\n## Two ##\nMore."
        sections = retrieval.parse("my-file.md", text)
        self.assertEqual([one.heading for one in sections], ["my file", "One", "Two"])
        self.assertEqual(sections[1].asked, ("a b", "c"))
        self.assertNotIn("asked", sections[1].text)
        self.assertIn("## not a heading", sections[1].text)

    def test_a_long_prompt_is_searched_quickly(self):
        started = time.monotonic()
        compose(self.known["base"], Request("token cache " * 1300 + " unknownword" * 100))
        self.assertLess(time.monotonic() - started, 1)


class Limits(unittest.TestCase):
    def test_refused(self):
        for given, status, words in REFUSED:
            with self.subTest(given=str(given)[:60]):
                with self.assertRaises(InputError) as caught:
                    checked(Settings(), **given)
                self.assertEqual(caught.exception.status, status)
                self.assertIn(words, str(caught.exception))
                self.assertTrue(str(caught.exception).endswith("."))

    def test_history_in_every_form(self):
        turns = (Turn("user", "q"), Turn("assistant", "a"))
        messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
        for history in (messages, [["q", "a"]], json.dumps(messages), "user: q\nassistant: a", "User: q\nASSISTANT: a"):
            with self.subTest(history=history):
                self.assertEqual(checked(Settings(), "x", history=history).history, turns)
        for history in (None, "", []):
            self.assertEqual(checked(Settings(), "x", history=history).history, ())

    def test_lone_surrogates_become_encodable(self):
        checked(Settings(), "a\ud800b").prompt.encode("utf-8")

    def test_settings(self):
        self.assertEqual(settings_from_env({}).knowledge.name, "base")
        self.assertEqual(settings_from_env({"KNOWLEDGE_DIR": "knowledge/company"}).knowledge.name, "company")
        self.assertEqual(settings_from_env({}).host, "127.0.0.1")
        self.assertEqual(settings_from_env({"SPACE_ID": "u/s"}).host, "0.0.0.0")
        self.assertEqual(settings_from_env({"MODEL_ID": "a/b"}).concurrency, 1)
        for env, name in (({"MAX_NEW_TOKENS": "many"}, "MAX_NEW_TOKENS"), ({"PORT": "99999"}, "PORT"), ({"KNOWLEDGE_DIR": "nowhere"}, "KNOWLEDGE_DIR")):
            with self.assertRaisesRegex(SettingsError, name):
                settings_from_env(env)


class OverHttp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.log = LogLines()
        logging.getLogger("space").addHandler(cls.log)
        logging.getLogger("space").setLevel(logging.INFO)
        fast = Settings(word_delay_ms=0)
        cls.open = Served(fast)
        cls.keyed = Served(replace(fast, api_key=KEY))
        cls.slow = Served(replace(fast, word_delay_ms=150, concurrency=1, queue_size=1))

    @classmethod
    def tearDownClass(cls):
        for served in (cls.open, cls.keyed, cls.slow):
            served.stop()

    def setUp(self):
        self.assertTrue(eventually(lambda: self.slow.health()["running"] == 0), "a test before left work running")

    def test_plain_shapes(self):
        asked = "What is Tierwise?"
        bodies = [
            {"inputs": asked},
            {"inputs": asked, "parameters": {"max_new_tokens": 300, "temperature": 0.1, "top_p": 0.5}},
            {"prompt": asked, "params": {"max_length": 300, "conversation_history": "user: Hi\nassistant: Hello"}},
            {"inputs": asked, "parameters": None},
        ]
        for path in ("/api/generate", "/v1/generate"):
            for body in bodies:
                with self.subTest(path=path, body=body):
                    status, reply = self.open.post(path, body)
                    self.assertEqual(status, 200)
                    self.assertTrue(reply["generated_text"].startswith("> Tierwise is an LLM gateway"))
                    self.assertIn("01-tierwise.md", reply["generated_text"])
                    self.assertTrue(reply["model_version"].startswith("retrieval-base-"))
                    self.assertIsInstance(reply["generation_time"], float)
                    self.assertEqual(reply["finish_reason"], "stop")

    def test_plain_length(self):
        _, reply = self.open.post("/api/generate", {"inputs": "What is Tierwise?", "parameters": {"max_new_tokens": 5}})
        self.assertEqual(reply["finish_reason"], "length")
        self.assertLessEqual(tokens_in(reply["generated_text"]), 5)

    def test_plain_stream_equals_the_whole(self):
        body = {"inputs": "Is my token safe? Größe 日本 😀"}
        whole = self.open.post("/api/generate", body)[1]
        status, headers, text = self.open.call("POST", "/api/generate", {**body, "stream": True}, {"Origin": "https://a.test"})
        self.assertEqual(status, 200)
        self.assertTrue(headers["content-type"].startswith("text/event-stream"))
        self.assertEqual(headers["access-control-allow-origin"], "*")
        frames = events(text)
        self.assertGreater(len(frames), 20)
        self.assertEqual("".join(frame["token"]["text"] for frame in frames), whole["generated_text"])
        self.assertEqual(frames[-1]["generated_text"], whole["generated_text"])
        self.assertEqual(frames[-1]["finish_reason"], "stop")
        self.assertTrue(all(frame["generated_text"] is None for frame in frames[:-1]))

    def test_plain_stream_really_streams(self):
        connection, reply = self.slow.opened("POST", "/api/generate", {"inputs": "hello", "stream": True})
        times = []
        while (line := reply.readline()) and len(times) < 4:
            if line.startswith(b"data:"):
                times.append(time.monotonic())
        connection.close()
        self.assertGreater(times[3] - times[0], 0.25)

    def test_plain_errors(self):
        rows = [
            (b"{", 400, "must be JSON"),
            (b"\xff\xfe", 400, "must be JSON"),
            (b"[" * 100_000, 400, "must be JSON"),
            (b"[1]", 400, "JSON object"),
            (b"", 400, "must be JSON"),
            ({}, 400, "needs the field inputs"),
            ({"inputs": ["a"]}, 400, "text, not a list"),
            ({"inputs": "a", "parameters": []}, 400, "parameters must be an object"),
            ({"inputs": "a", "parameters": {"temperature": 9}}, 400, "temperature"),
            ({"inputs": "a", "parameters": {"max_new_tokens": 5000}, "stream": True}, 400, "max_new_tokens"),
            ({"inputs": "x" * 20_000}, 413, "Shorten"),
            (b'{"inputs":"' + b"x" * 2_000_000 + b'"}', 413, "bytes"),
        ]
        for body, status, words in rows:
            with self.subTest(body=str(body)[:50]):
                got, headers, text = self.open.call("POST", "/api/generate", body, {"Origin": "https://a.test"})
                self.assertEqual(got, status)
                self.assertIn(words, json.loads(text)["error"])
                self.assertEqual(headers["access-control-allow-origin"], "*")
        self.assertEqual(self.open.call("GET", "/api/generate")[0], 405)

    def test_cors_preflight(self):
        for served in (self.open, self.keyed):
            for path, method in (("/api/generate", "POST"), ("/v1/generate", "POST"), ("/health", "GET")):
                asked = {
                    "Origin": "https://app.example",
                    "Access-Control-Request-Method": method,
                    "Access-Control-Request-Headers": "authorization,content-type",
                }
                status, headers, _ = served.call("OPTIONS", path, headers=asked)
                with self.subTest(path=path):
                    self.assertEqual(status, 200)
                    self.assertEqual(headers["access-control-allow-origin"], "*")
                    self.assertIn("authorization", headers["access-control-allow-headers"].lower())
                    self.assertIn("content-type", headers["access-control-allow-headers"].lower())
                    self.assertIn(method, headers["access-control-allow-methods"])
                    self.assertNotIn("access-control-allow-credentials", headers)

    def test_key_on_the_plain_routes(self):
        for header in (None, "Bearer wrong", "Bearer", KEY, f"Basic {KEY}", "Bearer Größe".encode()):
            with self.subTest(header=header):
                headers = {"Origin": "https://a.test", **({"Authorization": header} if header else {})}
                status, got, text = self.keyed.call("POST", "/v1/generate", {"inputs": "hello"}, headers)
                self.assertEqual(status, 401)
                self.assertIn("API key", json.loads(text)["error"])
                self.assertEqual(got["access-control-allow-origin"], "*")
        self.assertEqual(self.keyed.post("/v1/generate", {"inputs": "hello"}, {"Authorization": f"Bearer {KEY}"})[0], 200)
        self.assertEqual(self.keyed.call("GET", "/health")[0], 200)

    def test_key_on_gradio(self):
        self.keyed.join(["hello"], "nokey")
        refused = self.keyed.messages("nokey")[-2]
        self.assertFalse(refused["success"])
        self.assertIn("API key", refused["output"]["error"])
        self.keyed.join(["hello"], "withkey", {"Authorization": f"Bearer {KEY}"})
        self.assertTrue(self.keyed.messages("withkey")[-2]["success"])

    def test_no_way_round_the_key(self):
        config = json.loads(self.keyed.call("GET", "/config")[2])
        secret = "Tierwise is an LLM gateway"
        chat = [{"role": "user", "content": [{"type": "text", "text": "What is Tierwise?"}]}]
        by_length = {1: [0], 2: ["What is Tierwise?", chat], 5: [chat, "", 50, 0.7, ""]}
        for dependency in config["dependencies"]:
            if not dependency["backend_fn"]:
                continue
            data = by_length[len(dependency["inputs"])]
            if dependency["api_name"] == "generate":
                data = ["What is Tierwise?", "", None, 50, 0.7]
            session = f"round{dependency['id']}"
            body = {"data": data, "fn_index": dependency["id"], "session_hash": session}
            forged = {"request": {"headers": {"authorization": f"Bearer {KEY}"}}}
            self.keyed.post("/gradio_api/queue/join", {**body, **forged})
            with self.subTest(function=dependency["api_name"]):
                self.assertNotIn(secret, self.keyed.call("GET", f"/gradio_api/queue/data?session_hash={session}")[2])
        for path in ("/gradio_api/api/generate", "/gradio_api/run/generate", "/api/%67enerate", "/api/generate?key=x"):
            with self.subTest(path=path):
                body = {"data": ["What is Tierwise?", "", None, 50, 0.7], "inputs": "What is Tierwise?"}
                self.assertNotIn(secret, self.keyed.call("POST", path, body)[2])

    def test_nothing_is_read_from_or_left_on_the_disk(self):
        for path in ("app.py", "settings.py", "knowledge/base/01-tierwise.md", "../../package.json", "/etc/passwd"):
            with self.subTest(path=path):
                self.assertEqual(self.open.call("GET", f"/gradio_api/file={path}")[0], 403)
        body = '--X\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + "x" * 100_000 + "\r\n--X--\r\n"
        status, _, text = self.open.call(
            "POST", "/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=X"}
        )
        self.assertNotEqual(status, 200, text)

    def test_gradio_info(self):
        info = json.loads(self.open.call("GET", "/gradio_api/info")[2])["named_endpoints"]
        self.assertEqual(list(info), ["/generate"])
        names = [one["parameter_name"] for one in info["/generate"]["parameters"]]
        self.assertEqual(names, ["prompt", "system", "history", "max_new_tokens", "temperature"])

    def test_gradio_streams_through_the_queue(self):
        history = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
        self.assertEqual(self.open.join(["What is Tierwise?", "", history, 300, 0.2], "s1")[0], 200)
        messages = self.open.messages("s1")
        kinds = [one["msg"] for one in messages]
        self.assertEqual(kinds[-2:], ["process_completed", "close_stream"])
        self.assertGreater(kinds.count("process_generating"), 20)
        text = ""
        for one in messages:
            if one["msg"] == "process_generating" and one["output"]["is_generating"]:
                data = one["output"]["data"][0]
                if isinstance(data, str):
                    text = data
                else:
                    for action, path, value in data:
                        self.assertEqual((action, path), ("append", []))
                        text += value
        self.assertEqual(messages[-2]["output"]["data"][0], text)
        self.assertIn("01-tierwise.md", text)

    def test_gradio_call_route(self):
        _, event = self.open.post("/gradio_api/call/v2/generate", {"prompt": "Is my token safe?"})
        _, _, text = self.open.call("GET", f"/gradio_api/call/generate/{event['event_id']}")
        last = text.strip().split("\n\n")[-1]
        self.assertTrue(last.startswith("event: complete"))
        self.assertIn("04-privacy.md", json.loads(last.split("data: ")[1])[0])

    def test_gradio_refuses_in_words(self):
        for number, (data, words) in enumerate(
            [(["", "", None, 10, 0.5], "empty"), (["a", "", None, 9999, 0.5], "max_new_tokens"), (["a", "", None, 9, 3], "temperature")]
        ):
            with self.subTest(words=words):
                self.open.join(data, f"bad{number}")
                failed = self.open.messages(f"bad{number}")[-2]
                self.assertFalse(failed["success"])
                self.assertIn(words, failed["output"]["error"])

    def test_closing_a_plain_stream_stops_the_work(self):
        connection, reply = self.slow.opened("POST", "/api/generate", {"inputs": "What is Tierwise?", "stream": True})
        reply.readline()
        self.assertEqual(self.slow.health()["running"], 1)
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        self.assertTrue(eventually(lambda: self.slow.health()["running"] == 0))
        self.assert_last_outcome("plain/api/generate", "cancelled")

    def test_leaving_a_plain_call_stops_the_work(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.slow.port)
        connection.request("POST", "/v1/generate", json.dumps({"inputs": "What is Tierwise?"}))
        self.assertTrue(eventually(lambda: self.slow.health()["running"] == 1))
        connection.close()
        self.assertTrue(eventually(lambda: self.slow.health()["running"] == 0))
        self.assert_last_outcome("plain/v1/generate", "cancelled")

    def test_gradio_cancel_stops_the_work(self):
        _, event = self.slow.join(["What is Tierwise?"], "cancel")
        connection, reply = self.slow.opened("GET", "/gradio_api/queue/data?session_hash=cancel")
        self.read_until(reply, b"process_generating")
        self.assertEqual(self.slow.health()["running"], 1)
        body = {"event_id": event["event_id"], "session_hash": "cancel", "fn_index": self.slow.fn_index()}
        self.assertEqual(self.slow.post("/gradio_api/cancel", body)[0], 200)
        self.assertTrue(eventually(lambda: self.slow.health()["running"] == 0))
        connection.close()
        self.assert_last_outcome("gradio/generate", "cancelled")

    def test_leaving_gradio_stops_the_work(self):
        self.slow.join(["What is Tierwise?"], "leave")
        connection, reply = self.slow.opened("GET", "/gradio_api/queue/data?session_hash=leave")
        self.read_until(reply, b"process_generating")
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        self.assertTrue(eventually(lambda: self.slow.health()["running"] == 0))
        self.assert_last_outcome("gradio/generate", "cancelled")

    def test_a_full_queue_is_refused_in_words(self):
        held = [self.slow.opened("POST", "/api/generate", {"inputs": "What is Tierwise?", "stream": True})]
        waiting = http.client.HTTPConnection("127.0.0.1", self.slow.port)
        waiting.request("POST", "/api/generate", json.dumps({"inputs": "What is Tierwise?"}))
        self.assertTrue(eventually(lambda: self.slow.health()["waiting"] == 1))
        for stream in (False, True):
            status, headers, text = self.slow.call("POST", "/api/generate", {"inputs": "hello", "stream": stream})
            self.assertEqual(status, 503)
            self.assertIn("busy", json.loads(text)["error"])
            self.assertEqual(headers["retry-after"], "5")
        waiting.close()
        self.assertTrue(eventually(lambda: self.slow.health()["waiting"] == 0), "who left still waits")
        waiting.request("POST", "/api/generate", json.dumps({"inputs": "hello", "stream": True}))
        self.assertTrue(eventually(lambda: self.slow.health()["waiting"] == 1))
        waiting.close()
        self.assertTrue(eventually(lambda: self.slow.health()["waiting"] == 0), "who left still waits")
        held[0][0].sock.shutdown(socket.SHUT_RDWR)
        held[0][0].close()

    def test_a_full_gradio_queue_is_refused_in_words(self):
        sessions = [self.slow.join(["What is Tierwise?"], f"full{number}") for number in range(4)]
        refused = [body for status, body in sessions if status == 503]
        self.assertTrue(refused)
        self.assertIn("Queue is full", refused[0]["detail"])
        for number, (status, body) in enumerate(sessions):
            if status == 200:
                cancel = {"event_id": body["event_id"], "session_hash": f"full{number}", "fn_index": self.slow.fn_index()}
                self.slow.post("/gradio_api/cancel", cancel)

    def test_the_log_has_one_line_for_each_request_and_no_text(self):
        self.log.lines.clear()
        headers = {"Authorization": "Bearer hf_secretsecretsecret"}
        self.open.post("/api/generate", {"inputs": SECRET_PROMPT, "parameters": {"system": SECRET_PROMPT}}, headers)
        self.open.post("/api/generate", {"inputs": SECRET_PROMPT, "parameters": {"temperature": 9}}, headers)
        self.open.join([SECRET_PROMPT], "logged", headers)
        self.open.messages("logged")
        self.assertEqual(len(self.log.lines), 3)
        self.assertRegex(self.log.lines[0], r"^plain/api/generate prompt_chars=\d+ history=0 .* ms=\d+ outcome=stop$")
        self.assertRegex(self.log.lines[1], r"refused status=400$")
        self.assertRegex(self.log.lines[2], r"^gradio/generate .* outcome=stop$")
        self.assertFalse([line for line in self.log.lines if SECRET_PROMPT in line or "hf_" in line])

    def test_the_page_loads(self):
        status, headers, text = self.open.call("GET", "/")
        self.assertEqual(status, 200)
        self.assertTrue(headers["content-type"].startswith("text/html"))
        self.assertIn("Ask about Tierwise", text)

    def read_until(self, reply, mark):
        while mark not in (line := reply.readline()):
            self.assertTrue(line, f"the stream ended before {mark}")

    def assert_last_outcome(self, route, outcome):
        lines = [line for line in self.log.lines if line.startswith(route)]
        self.assertTrue(lines and lines[-1].endswith(f"outcome={outcome}"), lines[-1:])


if __name__ == "__main__":
    unittest.main()
