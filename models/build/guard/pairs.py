"""Writes pairs of prompts that ask the same and that do not: `python pairs.py OUT.tsv [SEED]`.

Lines: label, kind, fold, prompt, prompt. A fold holds whole patterns, frames and words: what is learned on four folds is
tried on sentences of the fifth, none of whose patterns or words it has seen.
"""

import random
import re
import sys
import zlib
from pathlib import Path

from wordnet import PARTS, WordNet

FOLDER = Path(__file__).parent
FOLDS = 5

HOW = ["How do I {}?", "How can I {}?", "how to {}", "What is the best way to {}?", "Can you tell me how to {}?", "What should I do to {}?",
       "I want to {}. How do I do that?", "Please explain how to {}.", "What are the steps to {}?", "Give me instructions to {}",
       "How would you {}?", "How should I {}?", "Is there a good way to {}?", "I'm trying to {}. What do I do?", "Show me how to {}",
       "What do I need to do to {}?", "Any tips on how to {}?", "How does one {}?", "What's the easiest way to {}?", "I need help to {}.",
       "how do i {}", "Could you walk me through how to {}?", "Do you know how I can {}?", "In what way can I {}?"]
NOT_HOW = ["Why do I {}?", "When should I {}?", "Should I {}?", "Where can I {}?", "What happens if I {}?", "How often should I {}?", "Can I {}?",
           "Do I have to {}?", "How long does it take to {}?", "Is it safe to {}?", "Who can {} for me?", "What do I need to {}?",
           "How much does it cost to {}?", "How do I avoid having to {}?", "Why should I not {}?", "What are the risks if I {}?",
           "Who should {}?", "How did people {} a hundred years ago?", "Is it worth it to {}?", "What tools do I need to {}?", "How hard is it to {}?",
           "Write a story about trying to {}", "Which mistakes should I avoid when I {}?", "What are the benefits if I {}?"]
WHAT = ["What is {}?", "What's {}?", "Tell me {}", "Can you tell me {}?", "I'd like to know {}", "Give me {}", "what is {}", "Do you know {}?",
        "What are {}?", "Explain {}", "Could you tell me about {}?", "Please describe {}.", "I am interested in {}", "Quick question: what is {}?"]
NOT_WHAT = ["Who determines {}?", "Why is {} important?", "How has {} changed?", "How do I find out {}?", "What influences {}?", "How is {} measured?",
            "Write a poem about {}", "Is {} true?", "When was {} decided?", "Argue against {}", "Where is {} taught?", "What is the opposite of {}?",
            "Who wrote about {}?", "What was {} in the past?", "What will {} be next year?", "Translate {} into German"]
WHY = ["Why {}?", "What is the reason that {}?", "Can you explain why {}?", "What makes it so that {}?", "Explain why {}", "Do you know why {}?",
       "I'd like to know why {}", "How come {}?", "What's the reason {}?", "For what reason is it that {}?"]
NOT_WHY = ["Is it true that {}?", "When {}, what should I do?", "Since when {}?", "What can I do if {}?", "Why is it bad that {}?", "How do I prove that {}?",
           "Write a story in which {}", "Who says that {}?", "How often is it that {}?", "Where is it that {}?"]
TASK = ["{}", "Please {}", "Can you {}?", "Could you please {}?", "I need you to {}", "I would like you to {}", "{}, please", "Hey, {}", "{}. Thanks!",
        "Would you {}?", "Help me {}", "Your task is to {}"]
ASKED = ["{}?", "{}?", "Hi! {}?", "Quick question: {}?", "{}", "Please tell me: {}?", "Hello, {}?"]
MORE = {
    "de": {"H": (["Wie kann ich {}?", "Wie kann man {}?", "Kannst du mir sagen, wie ich {} kann?", "Was muss ich tun, um {} zu können?", "Erkläre mir, wie man {} kann."],
                 ["Warum soll ich {}?", "Wann darf ich {}?", "Muss ich {}?", "Wo kann ich {}?", "Wie oft soll ich {}?", "Wie lange dauert es, bis ich {} kann?"]),
           "N": (["Was ist {}?", "Was sind {}?", "Kannst du mir {} nennen?", "Nenne mir {}", "Ich möchte {} wissen.", "Sag mir bitte {}"],
                 ["Wer bestimmt {}?", "Warum ist {} wichtig?", "Wie wird {} gemessen?", "Was war früher {}?"]),
           "T": (["{}", "{} bitte", "Bitte: {}", "Hallo! {}"], ["{} nicht", "Warum soll ich das tun: {}"]), "Q": (["{}?", "Hallo, {}?", "Sag mir bitte: {}?", "{}"], [])},
    "fr": {"H": (["Comment {} ?", "Comment puis-je {} ?", "Comment faire pour {} ?", "Peux-tu me dire comment {} ?", "Quelle est la meilleure façon de {} ?"],
                 ["Pourquoi {} ?", "Quand dois-je {} ?", "Où puis-je {} ?", "Faut-il {} ?", "Combien coûte-t-il de {} ?"]),
           "N": (["Quel est {} ?", "Quelle est {} ?", "Quels sont {} ?", "Peux-tu me donner {} ?", "Donne-moi {}", "Dis-moi {}"],
                 ["Qui décide {} ?", "Pourquoi {} change ?", "Comment mesurer {} ?"]),
           "T": (["{}", "{}, s'il te plaît", "{} stp", "Bonjour, {}"], ["N'oublie pas : {}", "Pourquoi : {}"]), "Q": (["{} ?", "Bonjour, {} ?", "{}"], [])},
    "es": {"H": (["¿Cómo {}?", "¿Cómo puedo {}?", "¿Cómo se puede {}?", "¿Puedes decirme cómo {}?", "¿Cuál es la mejor manera de {}?"],
                 ["¿Por qué {}?", "¿Cuándo debo {}?", "¿Dónde puedo {}?", "¿Hay que {}?", "¿Cuánto cuesta {}?"]),
           "N": (["¿Cuál es {}?", "¿Cuáles son {}?", "Dime {}", "¿Puedes decirme {}?", "Quiero saber {}"],
                 ["¿Quién decide {}?", "¿Por qué cambia {}?", "¿Cómo se mide {}?"]),
           "T": (["{}", "{}, por favor", "Por favor: {}", "Hola, {}"], ["¿Por qué? {}", "No: {}"]), "Q": (["¿{}?", "Hola, ¿{}?", "{}"], [])},
}
ENGLISH = {"H": (HOW, NOT_HOW), "N": (WHAT, NOT_WHAT), "Y": (WHY, NOT_WHY), "T": (TASK, ["How do I {}?", "Why should I {}?", "Do not {}", "Explain how to {}", "Show me an example where people {}"]), "Q": (ASKED, [])}

ADJECTIVES = "small cheap new electric foreign local old famous digital wooden modern traditional safe young wild natural portable private green soft".split()
TAILS = ["in Japan", "for my mother", "at school", "before Friday", "without help", "with a friend", "in the 1980s", "on a train", "under stress",
         "for the first time", "in one day", "after work", "on Linux", "using only my phone", "if I am left-handed", "because of the weather", "as a team", "from scratch"]
NOUN_CARRIERS = ["What is the price of a {}?", "How do I choose a {}?", "Where can I find a good {}?", "Tell me something about the {}", "Write a short text about a {}",
                 "How does a {} work?", "What do I need to know about my {}?", "Is a {} useful?", "Who invented the {}?", "Why is the {} so important?", "Draw a {} for me",
                 "My {} is broken, what can I do?", "What is the history of the {}?", "Which {} is the best?"]
VERB_CARRIERS = ["How do I {} it?", "Why do people {}?", "Is it hard to {}?", "When should I {}?", "How can I {} my garden?", "Can you {} this for me?", "What happens when we {} the data?",
                 "Tips to {} at home", "Should a beginner {} alone?", "How long does it take to {} a book?"]
ADJECTIVE_CARRIERS = ["What is a {} answer?", "Give me some {} ideas", "Why are some people so {}?", "How do I write a {} letter?", "Is it {} to ask?", "Which city is the most {}?",
                      "Describe a {} room", "Is my plan {}?"]


def fold_of(text):
    return zlib.crc32(text.encode()) % FOLDS


class Pattern:
    """A line of the pattern files, taken apart: texts, [same] and {other} choices."""

    def __init__(self, language, kind, text):
        self.language, self.kind = language, kind
        self.parts = [(piece[:1], piece[1:-1].split("|")) if piece[:1] in "[{" else ("", [piece]) for piece in re.findall(r"\[[^\]]*\]|\{[^}]*\}|[^\[{]+", text)]
        self.fold = fold_of(text)
        self.frames = ENGLISH[kind] if language == "en" else MORE[language][kind]

    def choose(self, random_):
        return [random_.randrange(len(options)) for _, options in self.parts]

    def others(self, choice, random_, mark, count=1):
        """The choice with `count` of the slots of this mark changed; None when there are none to change."""
        slots = [i for i, (kind, options) in enumerate(self.parts) if kind == mark and len(options) > 1]
        if not slots:
            return None
        changed = list(choice)
        for i in random_.sample(slots, min(count, len(slots))):
            changed[i] = random_.choice([k for k in range(len(self.parts[i][1])) if k != choice[i]])
        return changed

    def text(self, choice):
        return " ".join("".join(options[k] for (_, options), k in zip(self.parts, choice)).split())

    def put(self, frame, choice):
        text = self.text(choice)
        if frame.startswith("{}"):
            out = frame.format(text[0].upper() + text[1:])
        else:
            out = frame.format(text[0].lower() + text[1:] if self.kind in "TQ" else text)
        return out


def frames_of(frames, fold):
    """Of each list a fold keeps a fifth to itself."""
    return [frame for frame in frames if fold_of(frame) == fold] or frames[:2], [frame for frame in frames if fold_of(frame) != fold] or frames


def slip(word, random_):
    at = random_.randrange(1, len(word) - 1)
    what = random_.randrange(4)
    if what == 0:
        return word[:at] + word[at + 1 :]
    if what == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if what == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + random_.choice("aeiorstn") + word[at + 1 :]


def roughened(text, random_):
    """The same, written otherwise: case, punctuation, contractions, a typo."""
    what = random_.randrange(8)
    if what == 0:
        return text.lower()
    if what == 1:
        return text.rstrip("?.!")
    if what == 2:
        for long, short in (("What is", "What's"), ("do not", "don't"), ("I am", "I'm"), ("I would", "I'd"), ("cannot", "can't")):
            if long in text:
                return text.replace(long, short, 1)
            if short in text:
                return text.replace(short, long, 1)
    if what == 3:
        words = text.split(" ")
        long = [i for i, word in enumerate(words) if len(word) >= 7 and word.isalpha()]
        if long:
            i = random_.choice(long)
            words[i] = slip(words[i], random_)
            return " ".join(words)
    return text


def of_patterns(patterns, random_, each):
    for pattern in patterns:
        same, other = pattern.frames
        for _ in range(each):
            own, rest = frames_of(same, pattern.fold)
            frames = own if random_.random() < 0.3 else same
            choice = pattern.choose(random_)
            first = pattern.put(random_.choice(frames), choice)
            roll = random_.random()
            if roll < 0.42:
                changed = choice
                if random_.random() < 0.75:
                    changed = pattern.others(choice, random_, "[", random_.choice([1, 1, 2])) or choice
                second = pattern.put(random_.choice(frames), changed)
                if random_.random() < 0.4:
                    second = roughened(second, random_)
                yield "same", "reworded" if pattern.language == "en" else pattern.language, pattern.fold, first, second
                continue
            kind = "slot"
            if roll < 0.86 or not other:
                changed = pattern.others(choice, random_, "{", random_.choice([1, 1, 1, 2]))
                if changed is None:
                    continue
                if random_.random() < 0.45:
                    changed = pattern.others(changed, random_, "[") or changed
                frame = random_.choice(frames)
                if random_.random() < 0.55:
                    first = pattern.put(frame, choice)
                second = pattern.put(frame, changed)
            elif roll < 0.93:
                kind = "question"
                second = pattern.put(random_.choice(other), choice)
            elif pattern.language == "en":
                kind = "constraint"
                end = re.search(r"[?.!]*$", first).start()
                second = first[:end] + " " + random_.choice(TAILS) + first[end:]
            else:
                continue
            if random_.random() < 0.15:
                second = roughened(second, random_)
            yield "different", kind if pattern.language == "en" else pattern.language, pattern.fold, first, second


def with_adjective(patterns, random_, count):
    for _ in range(count):
        pattern = random_.choice(patterns)
        choice = pattern.choose(random_)
        first = pattern.put(random_.choice(pattern.frames[0]), choice)
        articles = [m.end() for m in re.finditer(r"\b(a|the|my) ", first)]
        if not articles:
            continue
        at = random_.choice(articles)
        adjective = random_.choice(ADJECTIVES)
        if random_.random() < 0.3:
            # Two of them, one on each side.
            other = random_.choice([word for word in ADJECTIVES if word != adjective])
            yield "different", "constraint", fold_of(adjective), first[:at] + adjective + " " + first[at:], first[:at] + other + " " + first[at:]
        else:
            yield "different", "constraint", fold_of(adjective), first, first[:at] + adjective + " " + first[at:]


SMALL = [["in", "for", "from", "with", "on", "under", "about", "after", "before", "without", "against", "by"], ["a", "my", "every", "another", "some", "no", "any", "your", "this", "both"],
         ["I", "they", "she", "you", "we", "people"], ["can", "should", "must", "may", "will", "would"], ["how", "why", "when", "where"], ["my", "his", "your", "their", "our"]]
ADDED = ["only", "first", "again", "still", "almost", "sometimes", "not", "always", "mostly", "another", "even", "twice", "together", "instead", "later", "now", "yesterday", "alone", "at most", "enough"]


def with_small_words(patterns, random_, count):
    """Small words that change what is asked: prepositions, pronouns, adverbs; and two words in each other's place."""
    for _ in range(count):
        pattern = random_.choice(patterns)
        first = pattern.put(random_.choice(pattern.frames[0]), pattern.choose(random_))
        words = first.split(" ")
        what = random_.randrange(5)
        if what < 2:
            places = [(i, group) for i, word in enumerate(words) for group in SMALL if word in group]
            if not places:
                continue
            i, group = random_.choice(places)
            words[i] = random_.choice([word for word in group if word != words[i]])
        elif what < 4:
            long = [i for i, word in enumerate(words) if len(word) >= 4 and word.isalpha() and word.islower() and word not in ("what", "when", "where", "should", "would", "could", "tell", "know", "with", "that")]
            if len(long) < 2:
                continue
            i, k = random_.sample(long, 2)
            if any(word in ("and", "or") for word in words[min(i, k) : max(i, k)]) or abs(i - k) == 1:
                continue
            words[i], words[k] = words[k], words[i]
        else:
            words.insert(random_.randrange(max(1, len(words) - 4), len(words)), random_.choice(ADDED))
        yield "different", "small", pattern.fold, first, " ".join(words)


def of_contexts(random_, each):
    for line in (FOLDER / "contexts.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        facts, requests = line.split(" || ")
        facts = Pattern("en", "Q", facts)
        requests = [Pattern("en", "Q", request) for request in requests.split(" / ")]
        for _ in range(each):
            choice = facts.choose(random_)
            request = random_.choice(requests)
            asked = request.choose(random_)
            first = facts.text(choice) + " " + request.text(asked)
            if random_.random() < 0.4:
                reworded = request.others(asked, random_, "[")
                start = random_.choice(["", "", "Hello! ", "Please help me. "])
                if reworded or start:
                    yield "same", "context", facts.fold, first, start + facts.text(choice) + " " + request.text(reworded or asked)
            elif random_.random() < 0.6:
                changed = facts.others(choice, random_, "{")
                reworded = request.others(asked, random_, "[") if random_.random() < 0.5 else None
                if changed:
                    yield "different", "context", facts.fold, first, facts.text(changed) + " " + request.text(reworded or asked)
            elif len(requests) > 1:
                other = random_.choice([r for r in requests if r is not request])
                yield "different", "context", facts.fold, first, facts.text(choice) + " " + other.text(other.choose(random_))


def of_words(random_, count):
    """Words of WordNet in sentences around them: synonyms, and words that are near but not the same."""
    net = WordNet()
    carriers = {"noun": NOUN_CARRIERS, "verb": VERB_CARRIERS, "adj": ADJECTIVE_CARRIERS}
    for part, frames in carriers.items():
        fit = {word for word in net.counted if word in net.senses[part] and word.isalpha() and len(word) > 2 and net.common(word)}
        synonyms, near = [], []
        for word in sorted(fit):
            first = net.senses[part][word][0]
            for other in net.words[part][first]:
                if other != word and other in fit and net.senses[part][other][0] == first:
                    synonyms.append((word, other))
            for symbol, other_part, to, source, _ in net.links[part].get(first, []):
                if other_part != part:
                    continue
                if symbol in "@~" or symbol == "!":
                    # Another kind of the same; the more general; the opposite.
                    siblings = [to] if symbol == "!" else [offset for s, p, offset, _, _ in net.links[part].get(to, []) if s == "~" and p == part and offset != first]
                    for offset in siblings[:12]:
                        for other in net.words[part][offset]:
                            if other in fit and other != word and net.senses[part][other][0] == offset and other not in net.words[part][first]:
                                near.append((word, other))
        for label, pairs, share in (("same", synonyms, 0.4), ("different", near, 0.6)):
            for word, other in random_.sample(pairs, min(len(pairs), int(count * share))):
                frame = random_.choice(frames)
                yield label, "word", fold_of(min(word, other)), frame.format(word), frame.format(other)


def main():
    random_ = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    patterns = []
    for name in ("patterns-en.txt", "patterns-more.txt"):
        for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                language = "en" if name == "patterns-en.txt" else line[:2]
                kind, text = (line if language == "en" and name == "patterns-en.txt" else line[3:]).split(" ", 1)
                patterns.append(Pattern(language, kind, text))
    english = [pattern for pattern in patterns if pattern.language == "en"]
    rows = [*of_patterns(english, random_, 230), *of_patterns([p for p in patterns if p.language != "en"], random_, 90),
            *with_adjective(english, random_, 3000), *with_small_words(english, random_, 9000), *of_contexts(random_, 220), *of_words(random_, 4000)]
    seen = set()
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for label, kind, fold, a, b in rows:
            if a == b or (a, b) in seen:
                continue
            seen.add((a, b))
            out.write(f"{label}\t{kind}\t{fold}\t{a}\t{b}\n")
    print(len(seen), "pairs")


main()
