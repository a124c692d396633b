/**
 * The package's ONNX model with the inputs and the output that models of the Hub have, for transformers.js: three nodes
 * before it make `ids` and `lengths` of `input_ids` and `attention_mask`, one behind it names its vectors. The protocol
 * buffer is taken apart only as far as the graph's own fields. Numbers of fields and of types are those of onnx.proto,
 * IR version 8.
 */
const text = (string) => Buffer.from(string);

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}
/** A length-delimited field, or a whole number. */
function field(number, value) {
  if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)]);
  return Buffer.concat([varint(number * 8 + 2), varint(value.length), value]);
}
const message = (...fields) => Buffer.concat(fields);

/** [number, whole field] of each; only what ONNX uses: varint, fixed 64, bytes, fixed 32. */
function* fieldsOf(bytes) {
  for (let at = 0; at < bytes.length;) {
    const from = at;
    const read = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    const tag = read();
    let inner;
    switch (tag % 8) {
      case 0:
        read();
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = read();
        inner = bytes.subarray(at, at + length);
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error('This is no ONNX model.');
    }
    yield [Math.floor(tag / 8), bytes.subarray(from, at), inner];
  }
}

const int = (name, value) => field(5, message(field(1, text(name)), field(3, value), field(20, 2)));
function node(operator, inputs, output, ...attributes) {
  return field(
    1,
    message(
      ...inputs.map((name) => field(1, text(name))),
      field(2, text(output)),
      field(4, text(operator)),
      ...attributes,
    ),
  );
}
function tensor(number, name, type, dimensions) {
  const shape = message(
    ...dimensions.map((size) => field(1, typeof size === 'string' ? field(2, text(size)) : field(1, size))),
  );
  return field(number, message(field(1, text(name)), field(2, field(1, message(field(1, type), field(2, shape))))));
}

export function asHubModel(model) {
  const parts = [];
  for (const [number, whole, inner] of fieldsOf(model)) {
    if (number !== 7) {
      parts.push(whole);
      continue;
    }
    const kept = [];
    for (const [of, part] of fieldsOf(inner)) if (of !== 11 && of !== 12) kept.push(part);
    const axes = field(5, message(field(1, 1), field(2, 7), field(7, varint(1)), field(8, text('hub_axes'))));
    const [int32, int64, float] = [6, 7, 1];
    parts.push(
      field(
        7,
        message(
          node('Cast', ['input_ids'], 'ids', int('to', int32)),
          node('Cast', ['attention_mask'], 'hub_mask', int('to', int32)),
          node('ReduceSum', ['hub_mask', 'hub_axes'], 'lengths', int('keepdims', 0)),
          ...kept,
          node('Identity', ['vectors'], 'last_hidden_state'),
          axes,
          tensor(11, 'input_ids', int64, ['batch', 'tokens']),
          tensor(11, 'attention_mask', int64, ['batch', 'tokens']),
          tensor(12, 'last_hidden_state', float, ['batch', 'tokens', 384]),
        ),
      ),
    );
  }
  return Buffer.concat(parts);
}
