"""Writes the transformer of all-MiniLM-L6-v2 as an ONNX graph with 8-bit weights: `python transformer.py MODEL_FOLDER OUT.onnx`.

MODEL_FOLDER holds `model.safetensors` and `config.json` of sentence-transformers/all-MiniLM-L6-v2. The graph is written
node for node from BERT's definition (Devlin et al. 2018), without PyTorch, so that the same input gives the same bytes.

Inputs: `ids`, int32 [batch, tokens], and `lengths`, int32 [batch]: so many of each row count, the others are padding. Output:
`vectors`, float32 [batch, tokens, 384], of which the pooling takes the mean. Token types are all 0; their vector is added
to the positions' beforehand.

Weights: matrices symmetric int8 with a scale per output channel, activations quantised as they come (MatMulInteger);
query, key and value are one matrix. Embeddings symmetric int8 with a scale per row. All else float32.
With `--float` the matrices and embeddings stay float32: what the 8-bit model is measured against.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

OPSET = 17
EPSILON = 1e-12  # config.json, layer_norm_eps


def read_safetensors(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + size + begin : 8 + size + end], "<f4").reshape(entry["shape"])
    return tensors


def eight_bits(array, axis):
    """Whole numbers of -127 to 127 and the scale of each row or column: of 21 scales the one with the least squared error."""
    most = np.abs(array).max(axis=axis, keepdims=True) / 127
    best = None
    for share in np.linspace(1, 0.8, 21, dtype=np.float32):
        scale = (most * share).astype(np.float32)
        whole = np.clip(np.rint(array / scale), -127, 127)
        error = np.square(whole * scale - array).sum(axis=axis, keepdims=True)
        if best is None:
            best = [whole, scale, error]
        else:
            best = [np.where(error < best[2], new, old) for new, old in zip((whole, scale, error), best)]
    return best[0].astype(np.int8), best[1].astype(np.float32)


class Graph:
    """Nodes and weights in the order they are added; each method gives the name of what it computes."""

    def __init__(self, quantised):
        self.quantised = quantised
        self.nodes = []
        self.weights = []
        self.known = set()

    def constant(self, name, array):
        if name not in self.known:
            self.known.add(name)
            self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, inputs, name, outputs=1, **attributes):
        names = [name] if outputs == 1 else [f"{name}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"{op}.{name}", **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x, weight, bias, name, quantised_x):
        """x * weight + bias; `weight` is [in, out]. `quantised_x` are the 8-bit x, its scale and zero point."""
        bias = self.constant(f"{name}.bias", bias)
        if not self.quantised:
            product = self.node("MatMul", [x, self.constant(f"{name}.weight", weight)], f"{name}.product")
            return self.node("Add", [product, bias], name)
        whole, scale = eight_bits(weight, 0)
        values, x_scale, zero = quantised_x
        zeros = self.constant(f"{name}.zero", np.zeros(weight.shape[1], np.int8))
        weights = self.constant(f"{name}.weight", whole)
        product = self.node("MatMulInteger", [values, weights, zero, zeros], f"{name}.integers")
        real = self.node("Cast", [product], f"{name}.real", to=TensorProto.FLOAT)
        scales = self.node("Mul", [x_scale, self.constant(f"{name}.scale", scale[0])], f"{name}.scales")
        scaled = self.node("Mul", [real, scales], f"{name}.scaled")
        return self.node("Add", [scaled, bias], name)

    def bits_of(self, x):
        return self.node("DynamicQuantizeLinear", [x], f"{x}.bits", outputs=3) if self.quantised else None

    def layer_norm(self, x, weight, bias, name):
        inputs = [x, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.node("LayerNormalization", inputs, name, axis=-1, epsilon=EPSILON)


def build(folder, quantised):
    config = json.loads((folder / "config.json").read_text())
    tensors = read_safetensors(folder / "model.safetensors")
    layers, heads, width = (config[key] for key in ("num_hidden_layers", "num_attention_heads", "hidden_size"))
    each = width // heads
    g = Graph(quantised)

    words = tensors["embeddings.word_embeddings.weight"]
    if quantised:
        whole, scale = eight_bits(words, 1)
        rows = g.node("Gather", [g.constant("words.weight", whole), "ids"], "words.rows")
        scales = g.node("Gather", [g.constant("words.scale", scale), "ids"], "words.scales")
        embedded = g.node("Mul", [g.node("Cast", [rows], "words.real", to=TensorProto.FLOAT), scales], "words")
    else:
        embedded = g.node("Gather", [g.constant("words.weight", words), "ids"], "words")
    positions = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    shape = g.node("Shape", ["ids"], "shape")
    count = g.node("Slice", [shape, g.constant("one", np.array([1])), g.constant("two", np.array([2]))], "count")
    table = g.constant("positions.weight", positions.astype(np.float32))
    placed = g.node("Slice", [table, g.constant("zero", np.array([0])), count, g.constant("axis", np.array([0]))], "positions")
    x = g.node("Add", [embedded, placed], "embedded")
    norm = "embeddings.LayerNorm"
    x = g.layer_norm(x, tensors[f"{norm}.weight"], tensors[f"{norm}.bias"], "embeddings")

    # 0 where a token counts, a large negative number where it is padding.
    tokens = g.node("Cast", [g.node("Squeeze", [count], "count.only")], "tokens", to=TensorProto.INT32)
    places = g.node("Range", [g.constant("from", np.int32(0)), tokens, g.constant("by", np.int32(1))], "places")
    ends = g.node("Unsqueeze", ["lengths", g.constant("axes", np.array([1, 2, 3]))], "ends")
    padding = g.node("Not", [g.node("Less", [places, ends], "counts")], "padding")
    mask = g.node("Mul", [g.node("Cast", [padding], "padding.real", to=TensorProto.FLOAT), g.constant("far", np.float32(-1e9))], "mask")

    split = g.constant("split", np.array([0, 0, heads, each]))
    join = g.constant("join", np.array([0, 0, width]))
    for i in range(layers):
        layer, name = f"encoder.layer.{i}", f"layer{i}"

        def part(which):
            return tensors[f"{layer}.{which}.weight"].T, tensors[f"{layer}.{which}.bias"]

        query, key, value = (part(f"attention.self.{which}") for which in ("query", "key", "value"))
        # The scores are divided by the root of the head's width: a power of two would be exact, so this is near enough.
        root = np.float32(1 / np.sqrt(each))
        weights = np.concatenate([query[0] * root, key[0], value[0]], axis=1)
        biases = np.concatenate([query[1] * root, key[1], value[1]])
        all_three = g.linear(x, weights, biases, f"{name}.qkv", g.bits_of(x))
        sizes = g.constant("sizes", np.array([width, width, width]))
        names = g.node("Split", [all_three, sizes], f"{name}.each", outputs=3, axis=-1)
        heads_of = [g.node("Reshape", [part_name, split], f"{part_name}.heads") for part_name in names]
        query, value = (g.node("Transpose", [heads_of[j]], f"{name}.turned{j}", perm=[0, 2, 1, 3]) for j in (0, 2))
        key = g.node("Transpose", [heads_of[1]], f"{name}.turned1", perm=[0, 2, 3, 1])
        scores = g.node("MatMul", [query, key], f"{name}.scores")
        masked = g.node("Add", [scores, mask], f"{name}.masked")
        shares = g.node("Softmax", [masked], f"{name}.shares", axis=-1)
        mixed = g.node("MatMul", [shares, value], f"{name}.mixed")
        mixed = g.node("Transpose", [mixed], f"{name}.back", perm=[0, 2, 1, 3])
        mixed = g.node("Reshape", [mixed, join], f"{name}.joined")
        said = g.linear(mixed, *part("attention.output.dense"), f"{name}.said", g.bits_of(mixed))
        x = g.node("Add", [said, x], f"{name}.attended")
        x = g.layer_norm(x, *(tensors[f"{layer}.attention.output.LayerNorm.{of}"] for of in ("weight", "bias")), f"{name}.first")
        wide = g.linear(x, *part("intermediate.dense"), f"{name}.wide", g.bits_of(x))
        # Gelu, exact: ONNX Runtime knows these five nodes as one.
        root2 = g.constant("root2", np.float32(np.sqrt(2)))
        erf = g.node("Erf", [g.node("Div", [wide, root2], f"{name}.divided")], f"{name}.erf")
        more = g.node("Add", [erf, g.constant("unit", np.float32(1))], f"{name}.more")
        times = g.node("Mul", [wide, more], f"{name}.times")
        gelu = g.node("Mul", [times, g.constant("half", np.float32(0.5))], f"{name}.gelu")
        narrow = g.linear(gelu, *part("output.dense"), f"{name}.narrow", g.bits_of(gelu))
        x = g.node("Add", [narrow, x], f"{name}.fed")
        name = "vectors" if i == layers - 1 else f"{name}.out"
        x = g.layer_norm(x, *(tensors[f"{layer}.output.LayerNorm.{of}"] for of in ("weight", "bias")), name)

    wanted = [
        helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "tokens"]),
        helper.make_tensor_value_info("lengths", TensorProto.INT32, ["batch"]),
    ]
    given = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", "tokens", width])]
    graph = helper.make_graph(g.nodes, "all-MiniLM-L6-v2", wanted, given, g.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="tierwise")
    model.ir_version = 8
    checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--float"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    Path(arguments[1]).write_bytes(build(Path(arguments[0]), "--float" not in sys.argv))


main()
