/** Type test, compiled and never run: the embeddings' entries. Lines marked as errors must be errors. */
import { createClient } from 'tierwise';
import { type PromptComparison, type Tokens, comparePrompts as compareByLight, light, tokenize } from 'tierwise/light';
import {
  type Embedder,
  type MiniLmOptions,
  type ModelProgress,
  comparePrompts,
  cosine,
  embed,
  minilm,
} from 'tierwise/minilm';
import { spaceEmbedder } from 'tierwise/space-embedder';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(): T | undefined => undefined;

const options: MiniLmOptions = {
  modelUrl: '/models/',
  threads: 2,
  onProgress: ({ file, loaded, total }: ModelProgress) => `${file} ${loaded / total}`,
};
const embedders: Embedder[] = [
  light(),
  minilm(options),
  spaceEmbedder({ url: 'owner/name', protocol: 'tei', dimensions: 384 }),
];
createClient({ spaces: { base: { url: 'owner/name' } }, embedder: embedders[0]! });

const vectors = embed(['a', 'b'], { model: 'light', modelUrl: '/models/', signal: new AbortController().signal });
holds<Same<typeof vectors, Promise<Float32Array[]>>>();
export const tokens: Promise<Tokens> = tokenize('text', { maxTokens: 256 });
export const similar = async (): Promise<number> => cosine((await vectors)[0]!, (await vectors)[1]!);

const told = comparePrompts('a', 'b', { policy: 'balanced', least: 0.9, model: 'light', modelUrl: '/models/' });
holds<Same<typeof told, Promise<PromptComparison>>>();
export const places = async (): Promise<string[]> =>
  (await told).alignment.map(([from, to, , , relation]) => `${relation} ${'a'.slice(from, to)}`);
void compareByLight('a', 'b').then(({ same, rule, reason }) => (same ? '' : `${rule ?? ''} ${reason ?? ''}`));

// @ts-expect-error it would always say no
void comparePrompts('a', 'b', { policy: 'off' });
// @ts-expect-error the transformer is in another entry
void compareByLight('a', 'b', { model: 'minilm' });
// @ts-expect-error there is no such model
void embed(['a'], { model: 'large' });
// @ts-expect-error texts are a list
void light().embed('a');
// @ts-expect-error a server does not say how long its vectors are
void spaceEmbedder({ url: 'owner/name' });
