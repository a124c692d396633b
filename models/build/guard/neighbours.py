"""Pairs nobody wrote: prompts beside those most like them among the others', which ask something else.

What a cache meets most are questions about the same things, not near misses: the judge must know both.
"""

import numpy as np

LEAST, MOST = 0.35, 0.75  # cosine by which they are chosen; MiniLM's, above which they may ask the same after all


def neighbours(rows, vectors):
    """(file, prompt, prompt), each once. rows: (file, label, kind, prompt, prompt)."""
    texts = [text for row in rows for text in row[3:5]]
    owner = np.repeat(np.arange(len(rows)), 2)
    spaces = [np.stack([vectors[text][i] for text in texts]).astype(np.float32) for i in (3, 2)]
    chosen = {}
    for i, text in enumerate(texts):
        for space in spaces:
            cosines = space @ space[i]
            cosines[owner == owner[i]] = -1
            j = int(np.argmax(cosines))
            if cosines[j] >= LEAST and float(spaces[1][i] @ spaces[1][j]) < MOST and text != texts[j]:
                chosen.setdefault(tuple(sorted((text, texts[j]))), rows[owner[i]][0])
    return [(file, *pair) for pair, file in chosen.items()]
